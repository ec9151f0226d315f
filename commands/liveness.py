"""How a launcher sees whether the loops of its children turn."""

import os
import sys
import time
from collections.abc import Iterable
from multiprocessing.connection import wait

from commands.child import SPAWN


class Liveness:
    """The launcher's end of one child's pipe."""

    def __init__(self) -> None:
        self.reader, self.writer = SPAWN.Pipe(duplex=False)
        """The child has ``writer``."""
        if sys.platform != "win32":
            os.set_blocking(self.writer.fileno(), False)
        self.state = ""
        """As the child showed it last; empty until it did."""
        self._shown_s = time.monotonic()

    def handed_over(self) -> None:
        """The child has its end: without this one, the pipe ends with the child."""
        self.writer.close()

    def read(self) -> None:
        try:
            while self.reader.poll():
                self.state = self.reader.recv_bytes().decode()
                self.forgive()
        except EOFError:
            self.reader.close()

    def forgive(self) -> None:
        """Count silence from now on."""
        self._shown_s = time.monotonic()

    def silent_s(self) -> float:
        return time.monotonic() - self._shown_s


def look_at(children: Iterable[Liveness]) -> None:
    """Read what they have shown since the last look."""
    readers = {child.reader: child for child in children if not child.reader.closed}
    for reader in wait(list(readers), timeout=0):
        readers[reader].read()  # pyright: ignore[reportArgumentType]
