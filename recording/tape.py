"""The session's files, behind a bounded queue and a thread that writes.

Who records never waits for the disk. What it could not take in time is counted, and reported.
"""

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from messaging.wire import Received
from recording.part import PartWriter
from recording.session import next_part

FLUSH_S = 0.5
"""What is on disk is at most this old."""
PART_S = 300.0
"""A part is closed after so long and the next one begun: the index of what it holds is kept in
memory until then, 2 kB for each flush.
"""
RETRY_S = 5.0
"""After the disk refused, a new part is tried so often."""
MESSAGE_OVERHEAD = 512
"""Bytes that a message in the queue takes besides its parts."""


@dataclass(frozen=True, slots=True)
class _Item:
    received: Received[Any]
    arrived_ns: int

    @property
    def stream(self) -> tuple[str, str]:
        return self.received.topic.name, self.received.sender

    @property
    def size(self) -> int:
        return len(self.received.header) + len(self.received.payload) + MESSAGE_OVERHEAD


class Tape:
    """All calls are the node's thread's; what begins with an underscore below ``_write_all`` is the
    writer's own.
    """

    def __init__(
        self,
        folder: Path,
        about: Mapping[str, str],
        *,
        queue_bytes: int,
        sync: bool,
        log: logging.Logger,
    ) -> None:
        self._folder, self._about = folder, about
        self._queue_bytes, self._sync, self._log = queue_bytes, sync, log
        self._items: queue.SimpleQueue[_Item | Literal["rest", "end"]] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._part: PartWriter | None = None
        self._begun_s = 0.0
        self._is_refused = False
        self._retry_s = 0.0
        self._failure: BaseException | None = None
        self.unwritten: Counter[tuple[str, str]] = Counter()
        """By topic and sender: what the disk could not take."""
        self.written: Counter[tuple[str, str]] = Counter()
        self.bytes = 0
        """Of all parts that are closed."""
        self._thread = threading.Thread(target=self._run, name="tape")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._items.put("end")
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def take(self, received: Received[Any], arrived_ns: int) -> bool:
        """``False`` where the queue is full: it is counted as not written.

        Raises:
            BaseException: whatever ended the writer.
        """
        if self._failure is not None:
            raise self._failure
        item = _Item(received, arrived_ns)
        with self._lock:
            if has_room := self._fits(item.size):
                self._waiting_bytes += item.size
            else:
                if not self.unwritten:
                    self._log.warning("the disk is too slow: some messages are not recorded")
                self.unwritten[item.stream] += 1
        if has_room:
            self._items.put(item)
        return has_room

    def has_room_for(self, received: Received[Any]) -> bool:
        """Whether ``take`` would take it; also where the writer has ended, and it would raise."""
        with self._lock:
            return self._failure is not None or self._fits(_Item(received, 0).size)

    def _fits(self, size: int) -> bool:
        """One message always does, or a large one would never."""
        return not self._waiting_bytes or self._waiting_bytes + size <= self._queue_bytes

    def rest(self) -> None:
        """Close the part; the next message begins a new one."""
        self._items.put("rest")

    def _run(self) -> None:
        try:
            self._write_all()
        except BaseException as error:  # goes on in the node's thread
            self._failure = error

    def _write_all(self) -> None:
        flushed_s = time.monotonic()
        while True:
            try:
                item = self._items.get(timeout=max(0.0, flushed_s + FLUSH_S - time.monotonic()))
            except queue.Empty:
                item = None
            if isinstance(item, _Item):
                self._write(item)
                with self._lock:
                    self._waiting_bytes -= item.size
            elif item is not None:
                self._finish()
                if item == "end":
                    return
            if time.monotonic() - flushed_s >= FLUSH_S:
                self._flush()
                flushed_s = time.monotonic()

    def _write(self, item: _Item) -> None:
        try:
            if self._part is None:
                self._part = self._open()
            if self._part is not None:
                self._part.write(item.received, item.arrived_ns)
                self.written[item.stream] += 1
                return
        except OSError as error:
            self._give_up(error)
        self._lose({item.stream: 1})

    def _lose(self, counts: Mapping[tuple[str, str], int]) -> None:
        with self._lock:
            for stream, count in counts.items():
                self.unwritten[stream] += count

    def _open(self) -> PartWriter | None:
        """``None`` shortly after the disk refused."""
        self._begun_s = time.monotonic()
        if self._begun_s < self._retry_s:
            return None
        return PartWriter(next_part(self._folder), self._about)

    def _flush(self) -> None:
        if self._part is None:
            return
        try:
            self._part.flush(sync=self._sync)
        except OSError as error:
            self._give_up(error)
            return
        if self._is_refused:
            self._is_refused = False
            self._log.warning("%s: recording goes on in %s", self._folder, self._part.path.name)
        if time.monotonic() - self._begun_s >= PART_S:
            self._finish()

    def _finish(self) -> None:
        if self._part is None:
            return
        try:
            self._part.finish()
        except OSError as error:
            self._give_up(error)
            return
        self.bytes += self._part.size
        self._part = None

    def _give_up(self, error: OSError) -> None:
        """What was flushed stays; a new part is begun when the disk takes it."""
        if not self._is_refused:
            self._log.error(
                "%s: %s; recording goes on in a new part when there is room",
                self._folder,
                error.strerror or error,
            )
        self._is_refused = True
        self._retry_s = time.monotonic() + RETRY_S
        part, self._part = self._part, None
        if part is not None:
            lost = part.abandon()
            self.bytes += part.size
            self.written.subtract(lost)
            self._lose(lost)
