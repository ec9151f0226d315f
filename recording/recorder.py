"""The recorder: every message of the chosen topics, as it came, into the session's files.

The node's thread reads, and never waits for the disk: a thread of its own writes. What the disk
could not take in time is counted, and reported; only lossless sources are made to wait.
"""

import json
import logging
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
from messaging.schema import Control
from messaging.topics import AUDIO, SPEECH, TOPICS, VIDEO, VIDEO_JPEG, Topic
from messaging.wire import Received
from recording.accounts import OUTLIVE, Accounts
from recording.layout import channel_name
from recording.part import PartWriter
from recording.session import ABOUT, Manifest, next_part, read_json, write_manifest

NAME = "recorder"
FLUSH_S = 0.5
"""What is on disk is at most this old."""
RETRY_S = 5.0
"""After the disk refused, a new part is tried so often."""
LOOK_S = 0.05
NAP_S = 0.005
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


CREDITED = frozenset((VIDEO_JPEG.name, AUDIO.name, SPEECH.name))
"""Topics whose lossless sources wait for the recorder."""


def topics_of(mode: Mode) -> tuple[Topic[Any], ...]:
    return tuple(topic for topic in TOPICS if topic.name not in LEFT_OUT[mode])


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
    """The session's files, behind a bounded queue and a thread that writes.

    All calls are the node's thread's; what begins with an underscore below ``_write_all`` is the
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
        if time.monotonic() < self._retry_s:
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
        credits_of=[topic for topic in topics if topic.name in CREDITED],
        keeps_all=True,
    ) as node:
        tape = Tape(
            folder,
            about,
            queue_bytes=recording.queue_mb * 1_000_000,
            sync=recording.sync,
            log=node.log,
        )
        with tape:
            recorder = Recorder(node, tape)
            recorder.record()
        _leave_word(node, folder, recorder, topics)


class Recorder:
    """Hands what the node reads to the tape, while it is wished."""

    def __init__(self, node: Node, tape: Tape) -> None:
        self._node, self.tape = node, tape
        self._is_recording = True
        self.accounts = Accounts()
        self.rested: Counter[tuple[str, str]] = Counter()
        """By topic and sender: what came while recording rested."""

    def record(self) -> None:
        """Until the node is asked to stop."""
        node = self._node
        while node.alive():
            for received in node.receive(LOOK_S):
                self._take(received)
            text = "recording" if self._is_recording else "resting"
            if text != node.text:  # whoever is filmed is to see it at once
                node.text = text
                node.beat()

    def _take(self, received: Received[Any]) -> None:
        """Only a lossless source waits for the disk: it sends no more until it has credit."""
        node = self._node
        message: Any = received.message
        if isinstance(message, Control) and message.action in ("record", "rest"):
            self._obey(message.action == "record")
        self.accounts.hear(received)
        is_lossless: bool = received.topic.name in CREDITED and getattr(message, "lossless", False)
        if self._is_recording:
            while is_lossless and not self.tape.has_room_for(received) and node.alive():
                time.sleep(NAP_S)
            self.tape.take(received, node.stamp(received.received_ns).pipeline_ns)
        else:
            self.rested[received.topic.name, received.sender] += 1
        if is_lossless:
            node.give_credit(received)

    def _obey(self, is_recording: bool) -> None:
        if self._is_recording and not is_recording:
            self.tape.rest()
        self._is_recording = is_recording


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


def _leave_word(node: Node, folder: Path, recorder: Recorder, topics: Sequence[Topic[Any]]) -> None:
    """The manifest. Without it the session says that it is incomplete, and so it is."""
    tape, accounts = recorder.tape, recorder.accounts
    closing = node.heartbeat("closing")
    accounts.note(closing)
    manifest = Manifest(
        closing.stamp.pipeline_ns,
        written=_by_name(tape.written),
        unwritten=_by_name(tape.unwritten),
        rested=_by_name(recorder.rested),
        bytes=tape.bytes,
        heartbeats=accounts.last_beats,
        hops=tuple(map(asdict, accounts.hops(OUTLIVE, {NAME: {topic.name for topic in topics}}))),
        rejected=accounts.rejected,
    )
    try:
        write_manifest(folder, manifest)
    except OSError as error:
        node.log.warning("%s: the manifest cannot be written: %s", folder, error.strerror)
    if lost := sum(tape.unwritten.values()):
        node.log.warning("%d messages were not recorded: the disk could not take them", lost)


def _by_name(counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    return {channel_name(*stream): count for stream, count in sorted(counts.items()) if count}
