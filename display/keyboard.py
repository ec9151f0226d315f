"""Single keys from the terminal, also in a process whose standard input is not the terminal."""

import os
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager

TERMINAL = "/dev/tty"
NO_LETTERS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)
"""What arrows, function keys and Alt send (ECMA-48, 5.4): there are letters in it."""


class Keys:
    """What was typed since it was asked last."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = descriptor

    def typed(self) -> str:
        """Letters and the like. Never waits; empty where there is no terminal to read."""
        if self._descriptor is None:
            return ""
        try:
            return NO_LETTERS.sub("", os.read(self._descriptor, 64).decode("utf-8", "ignore"))
        except BlockingIOError:
            return ""
        except OSError:  # the terminal is gone
            self._descriptor = None
            return ""


@contextmanager
def keys() -> Generator[Keys]:
    """The terminal's keys, unbuffered and without echo; it is as before at the end.

    No keys where there is no terminal, where this process is in its background (reading would stop
    it), and on Windows. Ctrl-C and Ctrl-Z keep their meaning.
    """
    if sys.platform == "win32":
        yield Keys()
        return
    import termios
    import tty

    try:
        descriptor = os.open(TERMINAL, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        yield Keys()
        return
    try:
        if os.tcgetpgrp(descriptor) != os.getpgrp():
            yield Keys()
            return
        former = termios.tcgetattr(descriptor)
        tty.setcbreak(descriptor, termios.TCSANOW)
        try:
            yield Keys(descriptor)
        finally:
            termios.tcsetattr(descriptor, termios.TCSANOW, former)
    finally:
        os.close(descriptor)
