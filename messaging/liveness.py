"""Shows a launcher that a process's loop turns: by a pipe, so that no hub or link can hide it."""

from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Literal

State = Literal["starting", "waiting", "running", "closing"]

launcher: Connection | None = None
"""The writing end, where a launcher gave one to this process."""


def show(state: State) -> None:
    """Never blocks: a launcher that does not read has enough to read, and hears no more."""
    if launcher is not None:
        with suppress(OSError):  # full, or the launcher is gone
            launcher.send_bytes(state.encode())
