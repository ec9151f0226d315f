"""What a window manager does when somebody clicks a window's close button."""

import ctypes
from ctypes import byref, c_char_p, c_int, c_long, c_ulong, c_void_p

CLIENT_MESSAGE = 33


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
    """Send ``WM_DELETE_WINDOW`` to the window."""
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
