"""What a run says to its user's terminal, which a view may own for a while."""

import logging
import os
import sys
from collections import deque
from contextlib import suppress
from typing import Any

from commands.stdio import tell, telling
from messaging.text import plain

LEAVE_VIEW = "\x1b[?1049l\x1b[?25h"
"""Back from the alternate screen, with a cursor."""
VIEWS_OUT = 1
"""Where a view is written: its process inherits this, whatever ``sys.stdout`` is here."""
DUMB = ("dumb", "unknown")
"""Terminals on which nothing can be drawn."""
MOST_HELD_BACK = 1000
"""Lines."""


def is_view_shown() -> bool:
    """Whether the terminal view draws; else it writes lines, and leaves the terminal to others."""
    return os.isatty(VIEWS_OUT) and os.environ.get("TERM", "").lower() not in DUMB


class Console:
    """Lines to stderr; held back while a view owns the terminal (``taken``). On a terminal that is
    free, a bar with the time left while a recording is played.
    """

    def __init__(self, *, taken: bool, shows_progress: bool = False) -> None:
        self._taken = taken
        self._bar = Bar() if shows_progress and not taken and sys.stderr.isatty() else None
        self._held_back: deque[str] = deque(maxlen=MOST_HELD_BACK)
        self._left_out = 0
        self._former = _terminal_settings() if taken else None

    def say(self, line: str) -> None:
        """Now, or when the terminal is free again."""
        if self._taken:
            self._left_out += len(self._held_back) == MOST_HELD_BACK
            self._held_back.append(line)
        elif self._bar is not None:
            self._bar.say(line)
        else:
            tell(line)

    def progress(self, share: float | None) -> None:
        """How much of a recording is played, as a node said; ``None``: it plays none."""
        if self._bar is not None and share is not None:
            self._bar.show(share)

    def free_screen(self) -> None:
        """The view has ended; where it was killed, the terminal is put back as it was."""
        if self._bar is not None:
            self._bar.close()
        if self._former is not None:
            _restore(self._former)
        self._taken = False
        if self._left_out:
            self.say(f"emofuse: {self._left_out} earlier lines are left out here")
        for line in self._held_back:
            self.say(line)
        self._held_back.clear()


class LogHandler(logging.Handler):
    """For what the launcher's own node logs: at once, also while there is no hub that would bring
    it back.
    """

    def __init__(self, console: Console, name: str) -> None:
        super().__init__()
        self._console, self._name = console, name

    def emit(self, record: logging.LogRecord) -> None:
        self._console.say(plain(f"{self._name}: {self.format(record)}"))


class Bar:
    """A progress bar on stderr, begun when there is something to show."""

    def __init__(self) -> None:
        self._progress: Any = None

    def show(self, share: float) -> None:
        with telling():
            if self._progress is None:
                self._progress = self._begin()
            self._progress.update(self._progress.task_ids[0], completed=share)

    def _begin(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        progress = Progress(
            TextColumn("playing"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(stderr=True),
            transient=True,
        )
        progress.add_task("", total=1.0)
        progress.start()
        return progress

    def say(self, line: str) -> None:
        if self._progress is None:
            tell(line)
            return
        with telling():
            self._progress.console.print(line, markup=False, highlight=False)

    def close(self) -> None:
        if self._progress is not None:
            with telling():
                self._progress.stop()
            self._progress = None


def is_in_background() -> bool:
    """Of the terminal at the standard output: setting it would stop this process (SIGTTOU)."""
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(VIEWS_OUT) != os.getpgrp()
    except OSError:  # it is none, or not this session's: nobody is stopped there
        return False


def _terminal_settings() -> list[Any] | None:
    if sys.platform == "win32":
        return None
    import termios

    try:
        return termios.tcgetattr(VIEWS_OUT)
    except (termios.error, OSError, ValueError):  # no terminal
        return None


def _restore(settings: list[Any]) -> None:
    if sys.platform == "win32":
        return
    import termios

    with suppress(termios.error, OSError):  # it is gone
        if not is_in_background():
            termios.tcsetattr(VIEWS_OUT, termios.TCSANOW, settings)
        os.write(VIEWS_OUT, LEAVE_VIEW.encode())
