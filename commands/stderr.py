"""What a child writes to its standard error, line by line.

Its last words are shown at the end of a run, and no view that owns the terminal can swallow them.
"""

import os
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from commands.child import SPAWN

MOST_BYTES = 65_536
"""Read at once: as much as a pipe holds."""
DETAILS = (" ", "Current thread ", "Thread 0x", "Extension modules: ")
"""How lines begin that follow an error and are none: what ``faulthandler`` tells."""


class Stderr:
    """The launcher's end. On Windows a child keeps the launcher's own standard error."""

    def __init__(self) -> None:
        self._reader: Connection | None = None
        self.writer: Connection | None = None
        """The child's end."""
        self._rest = b""
        self.last = ""
        """The last line that is an error: of a traceback, its last."""
        if sys.platform != "win32":
            self._reader, self.writer = SPAWN.Pipe(duplex=False)
            os.set_blocking(self._reader.fileno(), False)

    def handed_over(self) -> None:
        """The child has its end: without this one, the stream ends with the child."""
        if self.writer is not None:
            self.writer.close()

    def lines(self) -> list[str]:
        """The whole lines since the last call, and the rest once the child has ended."""
        if self._reader is None:
            return []
        with suppress(BlockingIOError):
            while piece := os.read(self._reader.fileno(), MOST_BYTES):
                self._rest += piece
            self._reader.close()
            self._reader, self._rest = None, self._rest + b"\n"
        *whole, self._rest = self._rest.split(b"\n")
        lines = [line.decode(errors="replace") for line in whole if line.strip()]
        self.last = next((e for e in reversed(lines) if not e.startswith(DETAILS)), self.last)
        return lines
