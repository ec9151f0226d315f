"""Where commands print: a terminal, a file, or a pipe whose reader may have enough."""

from typing import NoReturn

from rich.console import Console

from commands.stdio import end_in_peace

NO_EDGE = 10_000
"""Characters: a file or a pipe has no width that tables had to fit."""


class Output(Console):
    """Rich's console, but a broken pipe is no failure."""

    def __init__(self, *, wraps: bool = True) -> None:
        super().__init__(highlight=False, soft_wrap=not wraps)
        if not self.is_terminal:
            self.width = NO_EDGE

    def on_broken_pipe(self) -> NoReturn:
        end_in_peace()
