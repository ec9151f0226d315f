"""The recorder: every message of the chosen topics, as it came, into the session's files.

The node's thread reads, and never waits for the disk: a thread of its own writes. What the disk
could not take in time is counted, and reported; only lossless sources are made to wait.
"""

import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from config.settings import Settings
from messaging.clock import clock_name
from messaging.errors import UserError
from messaging.node import Node
from messaging.schema import Control, Heartbeat
from messaging.topics import AUDIO, SPEECH, TOPICS, VIDEO, VIDEO_JPEG, Topic
from messaging.wire import Received
from recording.accounts import OUTLIVE, Accounts
from recording.part import PartWriter
from recording.session import ABOUT, MANIFEST, part_path, read_json, write_json

NAME = "recorder"
FLUSH_S = 0.5
"""What is on disk is at most this old."""
RETRY_S = 5.0
"""After the disk refused, a new part is tried so often."""
LOOK_S = 0.05
MESSAGE_OVERHEAD = 512
"""Bytes that a message in the queue takes besides its parts."""

Mode = Literal["all", "no-video", "labels"]
_PICTURES = frozenset((VIDEO.name, VIDEO_JPEG.name))
LEFT_OUT: Mapping[Mode, frozenset[str]] = {
    "all": frozenset((VIDEO.name,)),
    "no-video": _PICTURES,
    "labels": _PICTURES | {AUDIO.name},
}
"""Topics that a mode does not record. Pictures are recorded as JPEG, never raw."""


def topics_of(mode: Mode) -> tuple[Topic[Any], ...]:
    return tuple(topic for topic in TOPICS if topic.name not in LEFT_OUT[mode])


@dataclass(frozen=True, slots=True)
class _Item:
    received: Received[Any]
    arrived_ns: int

    @property
    def size(self) -> int:
        return len(self.received.header) + len(self.received.payload) + MESSAGE_OVERHEAD


class Tape:
    """The session's files, behind a bounded queue and a thread that writes.

    ``take`` and ``rest`` are the node's thread's; the rest is the writer's own.
    """

    def __init__(
        self,
        folder: Path,
        about: Mapping[str, str],
        *,
        queue_bytes: int,
        sync: bool,
        log: "Any",
    ) -> None:
        self._folder, self._about = folder, about
        self._queue_bytes, self._sync, self._log = queue_bytes, sync, log
        self._items: queue.SimpleQueue[_Item | Literal["rest", "end"]] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._part: PartWriter | None = None
        self._retry_s = 0.0
        self.unwritten: Counter[str] = Counter()
        """By topic: what the disk could not take."""
        self.written: Counter[str] = Counter()
        self.bytes = 0
        self._thread = threading.Thread(target=self._write_all, name="tape")

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

    def take(self, received: Received[Any], arrived_ns: int) -> bool:
        """``False`` where the queue is full: it is counted as not written."""
        item = _Item(received, arrived_ns)
        if not self.has_room(item.size):
            self._refuse(received.topic.name)
            return False
        with self._lock:
            self._waiting_bytes += item.size
        self._items.put(item)
        return True

    def has_room(self, size: int = 0) -> bool:
        return self._waiting_bytes + size <= self._queue_bytes

    def rest(self) -> None:
        """Close the part; the next message begins a new one."""
        self._items.put("rest")

    def _refuse(self, topic: str) -> None:
        if not self.unwritten:
            self._log.warning("the disk is too slow: some messages are not recorded")
        self.unwritten[topic] += 1

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
        topic = item.received.topic.name
        try:
            if self._part is None:
                self._part = self._open()
            if self._part is not None:
                self._part.write(item.received, item.arrived_ns)
                self.written[topic] += 1
                return
        except OSError as error:
            self._give_up(error)
        self.unwritten[topic] += 1

    def _open(self) -> PartWriter | None:
        """``None`` shortly after the disk refused."""
        if time.monotonic() < self._retry_s:
            return None
        number = len(list(self._folder.glob("part-*.mcap")))
        return PartWriter(part_path(self._folder, number), self._about)

    def _flush(self) -> None:
        if self._part is None:
            return
        try:
            self._part.flush(sync=self._sync)
        except OSError as error:
            self._give_up(error)

    def _finish(self) -> None:
        if self._part is None:
            return
        part, self._part = self._part, None
        try:
            part.finish()
            self.bytes += part.size
        except OSError as error:
            self._part = part
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """What was flushed stays; a new part is begun when the disk takes it."""
        part, self._part = self._part, None
        self._log.error(
            "%s: %s; recording goes on in a new part when there is room",
            self._folder,
            error.strerror or error,
        )
        self._retry_s = time.monotonic() + RETRY_S
        if part is not None:
            self.bytes += part.size
            try:
                lost = part.abandon()
            except OSError:
                return
            self.written.subtract(lost)
            self.unwritten.update(lost)


def run(settings: Settings) -> None:
    """Record until asked to stop."""
    recording, bus = settings.recording, settings.bus
    folder = recording.folder
    if folder is None:
        raise UserError("nowhere to record to; name a folder with --record")
    about = _about(folder)
    topics = topics_of(recording.mode)
    with Node(
        NAME,
        bus.address,
        topics,
        settings.log_level,
        bus.connect_timeout_s,
        credits_of=[topic for topic in (VIDEO_JPEG, SPEECH) if topic in topics],
        keeps_all=True,
    ) as node:
        tape = Tape(
            folder,
            about,
            queue_bytes=recording.queue_mb * 1_000_000,
            sync=recording.sync,
            log=node.log,
        )
        accounts = Accounts()
        with tape:
            _record(node, tape, accounts, topics)
        write_json(folder / MANIFEST, _manifest(tape, accounts, node.heartbeat("closing")))
        if lost := sum(tape.unwritten.values()):
            node.log.warning("%d messages were not recorded: the disk could not take them", lost)


def _record(node: Node, tape: Tape, accounts: Accounts, topics: Sequence[Topic[Any]]) -> None:
    is_recording = True
    credited = {topic.name for topic in (VIDEO_JPEG, SPEECH) if topic in topics}
    while node.alive():
        for received in node.receive(LOOK_S):
            message: Any = received.message
            if isinstance(message, Control) and message.action in ("record", "rest"):
                if is_recording and message.action == "rest":
                    tape.rest()
                is_recording = message.action == "record"
            accounts.hear(received)
            lossless = received.topic.name in credited and bool(getattr(message, "lossless", False))
            if is_recording:
                while lossless and not tape.has_room() and node.alive():
                    time.sleep(LOOK_S)
                tape.take(received, node.stamp(received.received_ns).pipeline_ns)
            if lossless:
                node.give_credit(received)
        node.text = "recording" if is_recording else "resting"


def _about(folder: Path) -> dict[str, str]:
    """For each file, so that it speaks for itself: ``session.json``, flat.

    Raises:
        UserError: the folder's session was recorded on another clock; stamps cannot be compared.
    """
    about = read_json(folder / ABOUT)
    if about.get("clock") != clock_name():
        raise UserError(
            f"{folder} holds a session of another machine, or from before this one was started "
            "anew; record into another folder"
        )
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in about.items()
    }


def _manifest(tape: Tape, accounts: Accounts, closing: Heartbeat) -> dict[str, Any]:
    """What the recorder knows at its end: its own count, and the ledger of all that it heard of."""
    accounts.note(closing)
    return {
        "ended_ns": closing.stamp.pipeline_ns,
        "written": dict(tape.written),
        "unwritten": dict(tape.unwritten),
        "bytes": tape.bytes,
        "recorder": asdict(closing),
        "hops": [asdict(hop) for hop in accounts.hops(OUTLIVE)],
        "rejected": accounts.rejected,
    }
