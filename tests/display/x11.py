"""Screens that nobody sees, what is on them, and somebody who presses keys and buttons."""

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from ctypes import byref, c_char_p, c_int, c_long, c_ulong, c_void_p
from pathlib import Path

import cv2
import numpy as np
import pytest

from display.scene import Picture

TOOLS = ("Xvfb", "openbox", "xdotool", "import")
WINDOW_MANAGERS_FILE = Path(__file__).with_name("openbox.xml")
CLIENT_MESSAGE = 33
needs_screen = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)),
    reason=f"needs {', '.join(TOOLS)} (xvfb openbox xdotool imagemagick)",
)


@contextmanager
def virtual_screen(*options: str | Path) -> Generator[str]:
    """An X server on a number that is free; its ``DISPLAY``.

    It would begin anew whenever its last client leaves, which a screenshot is before the window has
    come, and would forget a client that comes just then.
    """
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1400x900x24", "-noreset"]
    command += ["-r", "-nolisten", "tcp"]  # without repeats of a key that is held for long
    with subprocess.Popen(
        [*command, *options],
        pass_fds=(writer,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        os.close(writer)
        with os.fdopen(reader) as lines:
            yield f":{int(lines.readline())}"
        server.terminate()


@contextmanager
def window_manager(x_display: str) -> Generator[None]:
    """One that runs. Without any, a window is mapped so quickly that Qt 5 may miss it: its main
    thread takes the word from the connection while another one waits for it there, and on a busy
    machine one window in four stays black.
    """
    env = {**os.environ, "DISPLAY": x_display}
    with subprocess.Popen(
        ["openbox", "--sm-disable", "--config-file", WINDOW_MANAGERS_FILE],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as manager:
        while not xdotool(x_display, "get_desktop"):
            assert manager.poll() is None, "openbox has ended"
            time.sleep(0.05)
        yield
        manager.terminate()


def screenshot(x_display: str, folder: Path) -> Picture:
    """The pointer moves before: a window whose Qt missed that it was mapped hears of it then."""
    xdotool(x_display, "mousemove", "200", "200", "mousemove", "700", "450")
    file = folder / "screen.png"
    subprocess.run(["import", "-display", x_display, "-window", "root", file], check=True)
    return np.asarray(cv2.imread(str(file)), np.uint8)


def entry(cookie: bytes, number: str = "") -> bytes:
    """An entry of an authority file, for any host and for the display of that number, or any."""
    fields = (b"", number.encode(), b"MIT-MAGIC-COOKIE-1", cookie)
    any_host = b"\xff\xff"
    return any_host + b"".join(len(field).to_bytes(2, "big") + field for field in fields)


def xdotool(x_display: str, *words: str, **extra: str) -> str:
    command = ["xdotool", *words]
    env = {**os.environ, "DISPLAY": x_display, **extra}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False).stdout


class ClientMessage(ctypes.Structure):
    """``XClientMessageEvent`` of Xlib.h, padded to the size of ``XEvent``."""

    _fields_ = (
        ("type", c_int),
        ("serial", c_ulong),
        ("send_event", c_int),
        ("display", c_void_p),
        ("window", c_ulong),
        ("message_type", c_ulong),
        ("format", c_int),
        ("data", c_long * 5),
        ("padding", c_long * 12),
    )


def press_close_button(display: str, window: int) -> None:
    """Send ``WM_DELETE_WINDOW`` to the window, as a window manager does."""
    xlib = ctypes.CDLL("libX11.so.6")
    xlib.XOpenDisplay.restype = c_void_p
    xlib.XInternAtom.restype = c_ulong
    connection = c_void_p(xlib.XOpenDisplay(display.encode()))
    protocols, delete = (
        xlib.XInternAtom(connection, c_char_p(name), 0)
        for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    event = ClientMessage(
        type=CLIENT_MESSAGE, window=window, message_type=protocols, format=32, data=(delete,)
    )
    xlib.XSendEvent(connection, c_ulong(window), 0, c_long(0), byref(event))
    xlib.XSync(connection, 0)
    xlib.XCloseDisplay(connection)
