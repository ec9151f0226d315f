"""What a run says to its user's terminal, which a view may own for a while."""

import sys
from typing import Any

LEAVE_VIEW = "\x1b[?1049l\x1b[?25h"
"""Back from the alternate screen, with a cursor."""


class Console:
    """Lines to stderr; held back while a view owns the terminal (``taken``)."""

    def __init__(self, *, taken: bool) -> None:
        self._taken = taken
        self._held_back: list[str] = []
        self._former = _terminal_settings() if taken else None

    def say(self, line: str) -> None:
        """Now, or when the terminal is free again."""
        if self._taken:
            self._held_back.append(line)
        else:
            print(line, file=sys.stderr, flush=True)

    def free_screen(self) -> None:
        """The view has ended; where it was killed, the terminal is put back as it was."""
        if self._former is not None:
            _restore(self._former)
        self._taken = False
        for line in self._held_back:
            self.say(line)
        self._held_back.clear()


def _terminal_settings() -> list[Any] | None:
    if sys.platform == "win32":
        return None
    import termios

    try:
        return termios.tcgetattr(sys.stdout.fileno())
    except (termios.error, OSError, ValueError):  # no terminal
        return None


def _restore(settings: list[Any]) -> None:
    if sys.platform == "win32":
        return
    import termios

    try:
        termios.tcsetattr(sys.stdout.fileno(), termios.TCSANOW, settings)
    except (termios.error, OSError):  # it is gone
        return
    print(LEAVE_VIEW, end="", flush=True)
