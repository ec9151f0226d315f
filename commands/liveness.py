"""How a launcher sees whether the loops of its children turn."""

import os
import sys
import time

from commands.child import SPAWN


class Liveness:
    """The launcher's end of one child's pipe."""

    def __init__(self) -> None:
        self._reader, self.writer = SPAWN.Pipe(duplex=False)
        """The child has ``writer``."""
        if sys.platform != "win32":
            os.set_blocking(self.writer.fileno(), False)
        self.state = ""
        """As the child showed it last; empty until it did."""
        self._shown_s = time.monotonic()

    def handed_over(self) -> None:
        """The child has its end: without this one, the pipe ends with the child."""
        self.writer.close()

    def look(self) -> None:
        """Read what was shown since the last look."""
        try:
            while not self._reader.closed and self._reader.poll():
                self.state = self._reader.recv_bytes().decode()
                self.forgive()
        except (EOFError, OSError):  # Windows raises BrokenPipeError
            self._reader.close()

    def forgive(self) -> None:
        """Count silence from now on."""
        self._shown_s = time.monotonic()

    def silent_s(self) -> float:
        return time.monotonic() - self._shown_s
