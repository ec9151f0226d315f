"""What a node logs, on its way to the bus."""

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Literal

from messaging.clock import monotonic_ns

Level = Literal["debug", "info", "warning", "error"]

LEVELS: Mapping[int, Level] = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
}
MOST_RECORDS = 10_000
LONGEST = 32_000
"""Characters of a record."""


class Forwarder(logging.Handler):
    """Any thread may log; the node's own thread takes what waits here, and sends it."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[tuple[int, Level, str]] = deque(maxlen=MOST_RECORDS)

    def emit(self, record: logging.LogRecord) -> None:
        level = LEVELS.get(record.levelno, "error")
        # The names of files may hold what is no Unicode.
        text = self.format(record).encode(errors="backslashreplace").decode()
        self._waiting.append((monotonic_ns(), level, text[:LONGEST]))

    def take(self) -> Iterator[tuple[int, Level, str]]:
        """When it was logged (this host's clock), how bad it is, and the text."""
        while self._waiting:
            yield self._waiting.popleft()
