"""A disk that keeps a writer waiting, or refuses."""

import threading
from pathlib import Path
from typing import Any

from messaging.wire import Received
from recording.part import PartWriter

PATIENCE_S = 60.0


class Disk:
    """The edge that is faked: a disk that takes its time, for as long as the test says."""

    def __init__(self) -> None:
        self.is_quick = threading.Event()
        self.is_quick.set()
        self.error: Exception | None = None

    def writer(self, path: Path, about: dict[str, str]) -> PartWriter:
        disk = self

        class Slow(PartWriter):
            def write(self, received: Received[Any], arrived_ns: int) -> None:
                disk.is_quick.wait(PATIENCE_S)
                if disk.error is not None:
                    raise disk.error
                super().write(received, arrived_ns)

        return Slow(path, about)
