"""Where commands print: a terminal, a file, or a pipe whose reader may have enough."""

import sys

from rich.console import Console

from commands.stdio import end_in_peace, silence

NO_EDGE = 10_000
"""Characters: a file or a pipe has no width that tables had to fit."""


class Output(Console):
    """Rich's console, but a broken pipe is no failure: the command goes on in silence to its own
    exit code, or ends at once where it only ``follows`` others.
    """

    def __init__(self, *, wraps: bool = True, follows: bool = False) -> None:
        self._follows = follows
        super().__init__(highlight=False, soft_wrap=not wraps)
        if not self.is_terminal:
            self.width = NO_EDGE

    def on_broken_pipe(self) -> None:
        if self._follows:
            end_in_peace()
        silence(sys.stdout)
