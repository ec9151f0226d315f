"""What the recorder takes, where it waits, and what it counts."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from config.settings import BusSettings, RecordingSettings, Settings
from messaging import clock_client, clock_service
from messaging.errors import UserError
from messaging.node import Node
from messaging.schema import AudioChunk, Control, VideoFrame
from messaging.topics import (
    AUDIO,
    CLOCK,
    CONTROL,
    CREDIT,
    FACES,
    MARKERS,
    SPEECH,
    VIDEO,
    VIDEO_JPEG,
    Topic,
)
from messaging.wire import Received
from recording import recorder
from recording.recorder import Mode, topics_of
from recording.session import create_session, open_session
from tests.recording.messages import ABOUT, HEIGHT, WIDTH, faces, jpeg, marker, speech, stamp
from tests.recording.slow_disk import Disk

PATIENCE_S = 60.0


@pytest.mark.parametrize(
    ("mode", "left_out"),
    [
        ("all", {VIDEO, CREDIT}),
        ("no-video", {VIDEO, CREDIT, VIDEO_JPEG}),
        ("labels", {VIDEO, CREDIT, VIDEO_JPEG, AUDIO}),
    ],
)
def test_a_mode_leaves_out(mode: Mode, left_out: set[Topic[Any]]) -> None:
    topics = topics_of(mode)
    assert not left_out & set(topics)
    assert {FACES, SPEECH, MARKERS, CONTROL, CLOCK} <= set(topics)
    assert len(topics) + len(left_out) == 12


class Source:
    """A camera and a microphone beside a recorder that runs."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def say(self, received: Received[Any]) -> None:
        self.node.publish(received.topic, received.message, bytes(received.payload))

    def picture(self, number: int, size: int = 0, *, lossless: bool = False) -> None:
        frame = VideoFrame(
            stamp(number * 40), "camera", number, width=WIDTH, height=HEIGHT, lossless=lossless
        )
        for topic, payload in ((VIDEO, bytes(WIDTH * HEIGHT * 3)), (VIDEO_JPEG, jpeg())):
            self.node.publish(topic, frame, bytes(size) if size else payload)

    def tell(self, action: Literal["record", "rest"]) -> None:
        self.node.publish(CONTROL, Control(self.node.stamp(), action, self.node.name))

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline
            self.node.alive()
            self.node.receive(0.02)

    def is_read(self, topics: tuple[Topic[Any], ...]) -> bool:
        """Whether the recorder has seen all pictures and sound, which travel behind requests."""
        peer = self.node.peers()["recorder"]
        seen = {c.topic: c.messages + c.lost for c in peer.counts if c.sender == self.node.name}
        sent = {c.topic: c.messages for c in self.node.heartbeat("running").counts if not c.sender}
        bulk = (topic.name for topic in topics if topic.proxy == "bulk")
        return all(seen.get(name, 0) == sent.get(name, 0) for name in bulk)

    def recorder_says(self, text: str) -> bool:
        peer = self.node.peers().get("recorder")
        return peer is not None and peer.state == "running" and peer.text == text


@contextmanager
def recording(
    address: str, folder: Path, mode: Mode = "all", queue_mb: int = 64
) -> "Generator[Source]":
    settings = Settings(
        bus=BusSettings(address=address, connect_timeout_s=PATIENCE_S),
        recording=RecordingSettings(folder=folder, mode=mode, queue_mb=queue_mb),
    )
    thread = threading.Thread(target=recorder.run, args=(settings,))
    with Node("media", address, keeps_all=True) as node:
        thread.start()
        source = Source(node)
        try:
            source.until(lambda: source.recorder_says("recording"))
            yield source
            source.until(lambda: source.is_read(topics_of(mode)))
        finally:
            while thread.is_alive():
                node.publish(CONTROL, Control(node.stamp(), "stop", node.name))
                node.alive()
                node.receive(0.05)


def say_everything(source: Source) -> None:
    for number in range(5):
        source.picture(number)
        source.say(faces(number, number * 40))
    chunk = AudioChunk(stamp(0), "microphone", 0, samples=512)
    source.node.publish(AUDIO, chunk, b"\x07\x03" * 512)
    source.say(speech("opened", 0))
    source.say(marker("stimulus"))


@pytest.mark.parametrize("mode", ["all", "no-video", "labels"])
def test_what_a_mode_leaves_out_never_touches_the_disk(
    address: str, folder: Path, mode: Mode
) -> None:
    with recording(address, folder, mode) as source:
        say_everything(source)
    records = list(open_session(folder).records())
    topics = {r.topic.name for r in records}
    assert {"faces", "speech", "markers", "heartbeat", "control"} <= topics
    assert ("video_jpeg" in topics) == (mode == "all")
    assert ("audio" in topics) == (mode != "labels")
    assert "video" not in topics, "raw pictures are never recorded"
    on_disk = b"".join(bytes(r.payload) for r in records)
    assert (b"\xff\xd8\xff" in on_disk) == (mode == "all")
    assert (b"\x07\x03" * 512 in on_disk) == (mode != "labels")


def test_a_rest_is_kept_out_and_accounted_for(address: str, folder: Path) -> None:
    with recording(address, folder) as source:
        for round_, action in enumerate(("rest", "record", None)):
            for number in range(10):
                source.say(marker(f"{round_}", number))
            if action:
                source.tell(action)
                source.until(lambda: source.recorder_says(f"{action}ing"))  # noqa: B023
    session = open_session(folder)
    texts = [r.message.text for r in session.records(MARKERS)]
    assert texts == ["0"] * 10 + ["2"] * 10
    assert session.faults() == []
    assert len(session.parts) == 2
    assert session.manifest is not None
    assert session.manifest.rested["markers/media"] == 10
    assert session.manifest.written["markers/media"] == 20
    assert session.manifest.unwritten == {}
    (hop,) = (h for h in session.manifest.hops if h["topic"] == "markers")
    assert (hop["produced"], hop["processed"], hop["lost"]) == (30, 30, 0)


def test_a_live_camera_is_never_held_up_and_what_it_lost_is_in_the_manifest(
    address: str, folder: Path, disk: Disk
) -> None:
    with recording(address, folder, queue_mb=1) as source:
        disk.is_quick.clear()
        for number in range(100):
            source.picture(number, size=50_000)
            source.until(lambda: True)
            time.sleep(0.002)
        source.until(lambda: source.is_read(topics_of("all")))
        disk.is_quick.set()
    session = open_session(folder)
    assert session.manifest is not None
    kept = len(list(session.records(VIDEO_JPEG)))
    stream = "video_jpeg/media"
    assert kept == session.manifest.written[stream] < 40
    (hop,) = (h for h in session.manifest.hops if h["topic"] == "video_jpeg")
    assert kept + session.manifest.unwritten[stream] == hop["processed"]
    assert hop["processed"] + hop["lost"] == 100


def test_a_lossless_source_waits_for_the_disk(address: str, folder: Path, disk: Disk) -> None:
    with recording(address, folder, queue_mb=1) as source:
        disk.is_quick.clear()
        sent = 0

        def send_all() -> None:
            nonlocal sent
            for number in range(100):
                if not source.node.wait_for_credit(VIDEO_JPEG, 4):
                    return
                source.picture(number, size=50_000, lossless=True)
                sent += 1

        thread = threading.Thread(target=send_all)
        thread.start()
        time.sleep(1.0)
        held = sent
        disk.is_quick.set()
        thread.join()
    session = open_session(folder)
    assert held < 40, "it was held up"
    assert sent == 100 == len(list(session.records(VIDEO_JPEG)))
    assert session.manifest is not None
    assert session.manifest.unwritten == {}


def test_a_session_of_another_clock_is_not_continued(address: str, tmp_path: Path) -> None:
    create_session(tmp_path / "other", {**ABOUT, "clock": "elsewhere"})
    settings = Settings(
        bus=BusSettings(address=address), recording=RecordingSettings(folder=tmp_path / "other")
    )
    with pytest.raises(Exception, match=r"holds a session of another machine.*another folder"):
        recorder.run(settings)
    assert not list((tmp_path / "other").glob("*.mcap"))


def test_where_the_hubs_clock_does_not_answer_nothing_is_recorded(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be another machine's, and stamps would be of two clocks."""

    def nonsense(_: object) -> bytes:
        return b"\xc1"

    monkeypatch.setattr(clock_service, "pack", nonsense)
    monkeypatch.setattr(clock_client, "FIRST_ANSWER_S", 0.1)
    settings = Settings(
        bus=BusSettings(address=address), recording=RecordingSettings(folder=folder)
    )
    with pytest.raises(UserError, match="the hub's clock does not answer"):
        recorder.run(settings)
    assert not list(folder.glob("*.mcap"))
