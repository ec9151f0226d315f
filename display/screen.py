"""Whether there is a screen to open a window on. Light: nothing heavy is imported."""

import os
import re
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from messaging.errors import UserError
from messaging.system_packages import how_to_install, missing_packages

WINDOW_LIBRARIES = ("libX11.so.6", "libXext.so.6", "libSM.so.6", "libICE.so.6")
"""Without one of these OpenCV's window ends the whole process with a core dump."""

X11_FOLDER = "/tmp/.X11-unix"
X11_PORT = 6000
TIMEOUT_S = 1.0
COOKIE = b"MIT-MAGIC-COOKIE-1"
SETUP = struct.Struct("<cxHHHHxx")
"""A client's first bytes: byte order, protocol 11.0, lengths of authorisation name and data."""
ACCEPTED = b"\x01"
"""A server's first byte, if it lets the client in."""


def screen_available() -> bool:
    """On Linux: whether the X server that ``DISPLAY`` names lets this user in.

    A variable alone proves nothing (a remote shell keeps it, another user's does not count), and
    OpenCV ends the whole process when its window system is not there. Its Linux wheel speaks X11
    only; a Wayland desktop answers through Xwayland, and then sets ``DISPLAY`` too.
    """
    if not sys.platform.startswith("linux"):
        return True
    display = re.fullmatch(r"(.*):(\d+)(?:\.\d+)?", os.environ.get("DISPLAY", ""))
    if display is None:
        return False
    host, number = display[1], int(display[2])
    # The server is asked with every cookie for that number: which host a cookie is for is written
    # in more ways than are worth telling apart.
    cookies = {b"", *_cookies(_authority(), str(number).encode())}
    return any(
        _lets_in(family, address, cookie)
        for family, address in _addresses(host, number)
        for cookie in sorted(cookies, key=len, reverse=True)
    )


def window_lack() -> str:
    """What the machine lacks for a window on its screen; empty where nothing is missing."""
    missing = missing_packages(WINDOW_LIBRARIES)
    return f"no window can be opened: {how_to_install(missing)}" if missing else ""


def require_screen() -> None:
    """Raises:
    UserError: there is none for a window, or no window can be opened; says why.
    """
    if not screen_available():
        shown = os.environ.get("DISPLAY")
        reason = f"no X server at DISPLAY={shown} lets us in" if shown else "DISPLAY is not set"
        raise UserError(f"there is no screen for a window: {reason}; choose --display terminal")
    if lack := window_lack():
        raise UserError(f"{lack}, or choose --display terminal")


def _addresses(host: str, number: int) -> Iterator[tuple[int, object]]:
    if host in ("", "unix"):
        name = f"{X11_FOLDER}/X{number}"
        yield socket.AF_UNIX, name
        yield socket.AF_UNIX, f"\0{name}"
        return
    try:
        found = socket.getaddrinfo(host.strip("[]"), X11_PORT + number, type=socket.SOCK_STREAM)
    except (OSError, OverflowError):
        return
    for family, _, _, _, address in found:
        yield family, address


def _authority() -> bytes:
    """The file with the user's cookies; empty where there is none."""
    try:
        file = os.environ.get("XAUTHORITY") or Path.home() / ".Xauthority"
        return Path(file).read_bytes()
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return b""


def _cookies(authority: bytes, number: bytes) -> Iterator[bytes]:
    """Those for a display of that number. An entry is a family (two bytes) and four fields, each
    after its length: address, number, name of the protocol, data; lengths are big-endian.
    """
    at = 0
    while at + 2 < len(authority):
        at += 2
        fields: list[bytes] = []
        for _ in range(4):
            length = int.from_bytes(authority[at : at + 2], "big")
            fields.append(authority[at + 2 : at + 2 + length])
            at += 2 + length
        _, display, protocol, data = fields
        if display in (b"", number) and protocol == COOKIE:
            yield data


def _lets_in(family: int, address: object, cookie: bytes) -> bool:
    """Whether the server there accepts a client with that cookie; with none if it is empty."""
    name = COOKIE if cookie else b""
    hello = SETUP.pack(b"l", 11, 0, len(name), len(cookie)) + _padded(name) + _padded(cookie)
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(TIMEOUT_S)
        try:
            probe.connect(address)  # pyright: ignore[reportArgumentType]
            probe.sendall(hello)
            return probe.recv(1) == ACCEPTED
        except (OSError, OverflowError):
            return False


def _padded(data: bytes) -> bytes:
    """To a multiple of four bytes."""
    return data + bytes(-len(data) % 4)
