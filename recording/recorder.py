"""The recorder: every message of the chosen topics, as it came, into the session's files.

Only lossless sources are made to wait for the disk; of all others it takes what it can.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from config.settings import Settings
from messaging.clock import clock_name
from messaging.errors import UserError
from messaging.joining import node_of
from messaging.node import Node
from messaging.schema import Control
from messaging.topics import AUDIO, CREDIT, SPEECH, TOPICS, VIDEO, VIDEO_JPEG, Topic
from messaging.wire import Received
from recording.accounts import OUTLIVE, Accounts
from recording.layout import channel_name
from recording.session import ABOUT, Manifest, read_json, write_manifest
from recording.tape import Tape

NAME = "recorder"
LOOK_S = 0.05
NAP_S = 0.005

Mode = Literal["all", "no-video", "labels"]
_NEVER = frozenset((VIDEO.name, CREDIT.name))
_PICTURES = _NEVER | {VIDEO_JPEG.name}
LEFT_OUT: Mapping[Mode, frozenset[str]] = {
    "all": _NEVER,
    "no-video": _PICTURES,
    "labels": _PICTURES | {AUDIO.name},
}
"""Topics that a mode does not record. Pictures are recorded as JPEG, never raw; credit concerns the
run alone that it was given in."""
CREDITED = frozenset((VIDEO_JPEG.name, AUDIO.name, SPEECH.name))
"""Topics whose lossless sources wait for the recorder."""


def topics_of(mode: Mode) -> tuple[Topic[Any], ...]:
    return tuple(topic for topic in TOPICS if topic.name not in LEFT_OUT[mode])


def run(settings: Settings) -> None:
    """Record until asked to stop."""
    recording = settings.recording
    folder = recording.folder
    if folder is None:
        raise UserError("nowhere to record to; name a folder with --record")
    about = _about(folder)
    topics = topics_of(recording.mode)
    with node_of(
        settings,
        NAME,
        topics,
        credits_of=[topic for topic in topics if topic.name in CREDITED],
        keeps_all=True,
    ) as node:
        stamp = node.stamp()
        if stamp.bound_ns is None:
            raise UserError(
                "the hub's clock does not answer, so nobody knows whether it is this machine's; "
                "record where the hub runs"
            )
        if stamp.offset_ns:
            raise UserError(
                "this machine's clock is not the hub's; record on the one where the hub runs"
            )
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
    read = {node.name: {topic.name for topic in topics}}
    accounts.note(closing)
    manifest = Manifest(
        closing.stamp.pipeline_ns,
        written=_by_name(tape.written),
        unwritten=_by_name(tape.unwritten),
        rested=_by_name(recorder.rested),
        bytes=tape.bytes,
        heartbeats=accounts.last_beats,
        hops=tuple(map(asdict, accounts.hops(OUTLIVE, read))),
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
