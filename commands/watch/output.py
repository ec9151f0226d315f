"""Where commands print: a terminal, a file, or a pipe whose reader may have enough."""

from typing import NoReturn

from rich.console import Console

from commands.stdio import end_in_peace


class Output(Console):
    """Rich's console, but a broken pipe is no failure."""

    def __init__(self, *, wraps: bool = True) -> None:
        super().__init__(highlight=False, soft_wrap=not wraps)

    def on_broken_pipe(self) -> NoReturn:
        end_in_peace()
