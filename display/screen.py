"""Whether there is a screen to open a window on. Light: nothing heavy is imported."""

import os
import re
import socket
import sys

X11_FOLDER = "/tmp/.X11-unix"
X11_PORT = 6000
TIMEOUT_S = 1.0


def screen_available() -> bool:
    """On Linux: whether the X server that ``DISPLAY`` names takes a connection.

    A variable alone proves nothing (a remote shell keeps it), and OpenCV ends the whole process
    when its window system is not there. Its Linux wheel speaks X11 only; a Wayland desktop
    answers through Xwayland, and then sets ``DISPLAY`` too.
    """
    if not sys.platform.startswith("linux"):
        return True
    display = re.fullmatch(r"(.*):(\d+)(?:\.\d+)?", os.environ.get("DISPLAY", ""))
    if display is None:
        return False
    host, number = display[1], int(display[2])
    if host in ("", "unix"):
        name = f"{X11_FOLDER}/X{number}"
        return _answers(socket.AF_UNIX, name) or _answers(socket.AF_UNIX, f"\0{name}")
    try:
        found = socket.getaddrinfo(host.strip("[]"), X11_PORT + number, type=socket.SOCK_STREAM)
    except (OSError, OverflowError):
        return False
    return any(_answers(family, address) for family, _, _, _, address in found)


def _answers(family: int, address: object) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(TIMEOUT_S)
        try:
            probe.connect(address)  # pyright: ignore[reportArgumentType]
        except (OSError, OverflowError):
            return False
    return True
