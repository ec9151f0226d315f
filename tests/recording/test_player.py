"""What is played of a session, and that nobody is overrun."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest

from config.settings import BusSettings, FusionSettings, ReplaySettings, Settings
from fusion.align import Aligner
from messaging.bus import MOST_AHEAD
from messaging.node import Node
from messaging.schema import (
    AudioChunk,
    Control,
    FaceEmotions,
    Heartbeat,
    SpeechEvent,
    UtteranceEmotion,
    VideoFrame,
)
from messaging.topics import AUDIO, CONTROL, FACES, HEARTBEAT, SPEECH, VIDEO_JPEG, Topic
from messaging.wire import Received
from recording import player
from recording.player import AHEAD, Played, messages
from recording.session import Session
from tests.recording.messages import (
    MS,
    arrived,
    faces,
    make_session,
    marker,
    picture,
    sound,
    speech,
    stamp,
)

PATIENCE_S = 60.0


def played(
    session: Session, cameras: dict[str, tuple[str, ...]] | None = None, **settings: Any
) -> list[Played]:
    return list(messages(session, ReplaySettings(**settings), cameras or {}))


def of(said: list[Played], kind: type[Any]) -> list[Any]:
    return [each.message for each in said if isinstance(each.message, kind)]


def test_what_is_on_its_way_to_a_reader_fits_into_the_queues() -> None:
    """Also to a recorder, which reads pictures and sound."""
    assert AHEAD[VIDEO_JPEG.name] + AHEAD[AUDIO.name] <= MOST_AHEAD


@pytest.fixture
def cut_off(tmp_path: Path) -> Session:
    """Begins and ends in the middle of everything: pictures 7 to 9, sound from sample 512 on."""
    return make_session(
        tmp_path / "s",
        [
            *(picture(7, 0), sound(1, 10), speech("started", 20, utterance="m-20"), picture(8, 40)),
            *(faces(7, 45), sound(2, 50), picture(9, 80), faces(8, 85), speech("ended", 90)),
        ],
    )


def test_sources_that_were_recorded_from_their_middle_open_and_close(cut_off: Session) -> None:
    said = played(cut_off, {"microphone": ("camera",)})
    video = of(said, VideoFrame)
    assert [(v.event, v.index) for v in video] == [
        *(("opened", 7), ("picture", 7), ("picture", 8), ("picture", 9), ("closed", 10)),
    ]
    assert [v.stamp.captured_ns for v in video] == [-1, 0, 40 * MS, 80 * MS, 80 * MS + 1]
    audio = of(said, AudioChunk)
    assert [(a.event, a.first_sample) for a in audio] == [
        *(("opened", 512), ("sound", 512), ("sound", 1024), ("closed", 1536)),
    ]
    events = of(said, SpeechEvent)
    assert [e.event for e in events] == ["opened", "started", "ended", "closed"]
    assert events[0].cameras == ("camera",), "as the settings of the session said"
    assert of(said, FaceEmotions) == [], "they are found anew"


def test_from_faces_the_pictures_are_left_out(cut_off: Session) -> None:
    said = played(cut_off, start_from="faces")
    assert of(said, VideoFrame) == []
    assert [(f.event, f.index) for f in of(said, FaceEmotions)] == [
        *(("opened", 7), ("analysed", 7), ("analysed", 8), ("closed", 9)),
    ]


def test_what_a_source_said_itself_is_not_said_again(tmp_path: Path) -> None:
    mark: Callable[[str, float], Received[Any]] = lambda event, ms: arrived(  # noqa: E731
        VIDEO_JPEG, VideoFrame(stamp(ms), "camera", 0 if ms < 0 else 1, event), at_ms=ms + 2  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    opened = speech("opened", -1, cameras=("left",))
    recorded = [mark("opened", -1), opened, picture(0, 0), mark("closed", 40)]
    said = played(make_session(tmp_path / "s", recorded))
    assert [v.event for v in of(said, VideoFrame)] == ["opened", "picture", "closed"]
    assert of(said, SpeechEvent)[0].cameras == ("left",)


def test_all_is_lossless_and_nothing_has_a_latency(cut_off: Session) -> None:
    for start_from in ("capture", "faces"):
        for each in played(cut_off, start_from=start_from):
            assert each.message.lossless
            assert not getattr(each.message, "real_time", False)


def test_apart_from_that_messages_are_as_they_were_recorded(cut_off: Session) -> None:
    recorded = list(cut_off.records(VIDEO_JPEG))
    said = [each for each in played(cut_off) if isinstance(each.message, VideoFrame)][1:-1]
    assert [bytes(each.payload) for each in said] == [bytes(r.payload) for r in recorded]
    assert [replace(each.message, lossless=False, real_time=True) for each in said] == [
        r.message for r in recorded
    ]


def test_a_stretch_is_cut_out_and_its_sources_open_and_close(cut_off: Session) -> None:
    said = played(cut_off, start_s=0.03, end_s=0.06)
    assert [(v.event, v.index) for v in of(said, VideoFrame)] == [
        *(("opened", 8), ("picture", 8), ("closed", 9)),
    ]
    assert [a.event for a in of(said, AudioChunk)] == ["opened", "sound", "closed"]
    assert of(said, SpeechEvent) == []
    assert all(30 * MS <= each.due_ns <= 60 * MS for each in said)


def test_a_stretch_knows_the_cameras_that_were_named_before_it(tmp_path: Path) -> None:
    recorded = [speech("opened", -1, cameras=("left",)), speech("analysed_until", 500)]
    said = played(make_session(tmp_path / "s", recorded), start_s=0.3)
    assert [(e.event, e.cameras) for e in of(said, SpeechEvent)] == [
        *(("opened", ("left",)), ("analysed_until", ()), ("closed", ())),
    ]


@pytest.mark.parametrize(
    ("recorded_from", "start_s", "missing"), [(0, 0, 0), (12, 0, 12), (0, 0.5, 13)]
)
def test_an_utterance_that_began_before_lacks_the_pictures_of_then(
    recorded_from: int, start_s: float, missing: int, tmp_path: Path
) -> None:
    """Before the replay's start, or before the session's."""
    recorded = [faces(n, n * 40) for n in range(recorded_from, 30)]
    recorded.append(speech("started", 300, utterance="m-300"))
    recorded.append(speech("ended", 1000, utterance="m-300", onset=stamp(300)))
    recorded.sort(key=lambda each: each.received_ns)
    session = make_session(tmp_path / "s", recorded)
    aligner = Aligner(FusionSettings())
    results: list[UtteranceEmotion] = []
    for message in (m.message for m in played(session, start_s=start_s, start_from="faces")):
        if isinstance(message, FaceEmotions):
            results += aligner.faces(message)
        else:
            results += aligner.speech(message, 0)
    [result] = [each for each in results if each.final]
    assert result.missing == missing
    assert result.settled


def test_parts_are_played_one_after_the_other(tmp_path: Path) -> None:
    recorded = [picture(n, n * 40) for n in range(30)]
    session = make_session(tmp_path / "s", recorded[:10], recorded[10:12], recorded[20:])
    indexes = [v.index for v in of(played(session), VideoFrame) if v.event == "picture"]
    assert indexes == [*range(12), *range(20, 30)]
    dues = [each.due_ns for each in played(session)]
    assert dues == sorted(dues)


@dataclass
class Reader:
    """Reads what is played as a slow node would, and gives credit when it has done."""

    node: Node
    topics: tuple[Topic[Any], ...]
    slow_s: float = 0.0
    received: list[Received[Any]] = field(default_factory=list[Received[Any]])
    player: Heartbeat | None = None

    def read(self, timeout_s: float = 0.05) -> None:
        self.node.alive()
        for received in self.node.receive(timeout_s):
            if received.topic is HEARTBEAT:
                self.player = received.message if received.sender == "player" else self.player
                continue
            time.sleep(self.slow_s)
            self.received.append(received)
            self.node.give_credit(received)

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline
            self.read()

    @property
    def is_over(self) -> bool:
        """The player has ended, and all that it sent is here: pictures come after its last word."""
        return self.player is not None and self.player.state == "closing" and self.has_all

    @property
    def has_all(self) -> bool:
        """All that the player says it has sent."""
        if self.player is None:
            return False
        names = {topic.name for topic in self.topics}
        sent = (c.messages for c in self.player.counts if not c.sender and c.topic in names)
        return sum(sent) == len(self.received)


@contextmanager
def playing(
    address: str, session: Session, *topics: Topic[Any], slow_s: float = 0.0, **replay: Any
) -> Generator[Reader]:
    options: dict[str, Any] = {"wait_for": ("inference",), **replay}
    settings = Settings(
        bus=BusSettings(address=address),
        replay=ReplaySettings(session=session.path, **options),
    )
    with Node(
        "inference", address, (*topics, HEARTBEAT), credits_of=topics, connect_timeout_s=PATIENCE_S
    ) as node:
        thread = threading.Thread(target=player.run, args=(settings,))
        thread.start()
        reader = Reader(node, topics, slow_s)
        try:
            yield reader
        finally:
            while thread.is_alive():
                node.publish(CONTROL, Control(node.stamp(), "stop", node.name))
                reader.read()


def sparse(folder: Path) -> Session:
    """Five pictures a second, and much sound between them."""
    made = [picture(n, n * 200) for n in range(30)] + [sound(n, n * 32) for n in range(180)]
    return make_session(folder, sorted(made, key=lambda r: r.received_ns))


def test_at_full_speed_a_slow_reader_misses_nothing(tmp_path: Path, address: str) -> None:
    session = sparse(tmp_path / "s")
    with playing(address, session, VIDEO_JPEG, speed="max", slow_s=0.02) as reader:
        reader.until(lambda: reader.is_over)
    assert [r.seq for r in reader.received] == list(range(32)), "none lost, each in its place"
    assert sum(r.dropped for r in reader.received) == 0


def test_sound_that_nobody_reads_is_not_sent_but_its_source_opens_and_closes(
    tmp_path: Path, address: str
) -> None:
    session = sparse(tmp_path / "s")
    with playing(address, session, VIDEO_JPEG, speed="max") as reader:
        reader.until(lambda: reader.is_over)
    assert reader.player is not None
    sent = {c.topic: c.messages for c in reader.player.counts if not c.sender}
    assert sent["audio"] == 2
    assert sent["video_jpeg"] == len(reader.received) == 32


def test_the_player_is_never_further_ahead_than_it_may(tmp_path: Path, address: str) -> None:
    """A reader that does not come on holds it up where it is."""
    session = sparse(tmp_path / "s")
    with playing(address, session, VIDEO_JPEG, AUDIO, speed="max") as reader:
        node, held = reader.node, list[Received[Any]]()
        while not held:
            node.alive()
            held = said(node, 0.05)
        time.sleep(1)  # no heartbeat either: it would tell what has arrived
        while more := said(node, 0.2):
            held += more
        counts = {t.name: sum(r.topic is t for r in held) for t in (VIDEO_JPEG, AUDIO)}
        assert all(0 < counts[name] <= AHEAD[name] for name in counts), counts
        reader.received = held
        for received in held:
            node.give_credit(received)
        reader.until(lambda: reader.is_over)
    assert len(reader.received) == 32 + 182


def said(node: Node, timeout_s: float) -> list[Received[Any]]:
    return [r for r in node.receive(timeout_s) if r.topic is not HEARTBEAT]


@pytest.mark.parametrize("speed", [40.0, "max"])
def test_each_source_keeps_its_order(
    tmp_path: Path, address: str, speed: float | Literal["max"]
) -> None:
    topics = (VIDEO_JPEG, AUDIO)
    with playing(address, sparse(tmp_path / "s"), *topics, speed=speed) as reader:
        reader.until(lambda: reader.is_over)
    for topic, count in zip(topics, (32, 182), strict=True):
        stamps = [r.message.stamp.captured_ns for r in reader.received if r.topic is topic]
        assert len(stamps) == count
        assert stamps == sorted(stamps)


def test_it_begins_paused_goes_on_and_is_held_again(tmp_path: Path, address: str) -> None:
    session = sparse(tmp_path / "s")
    with playing(address, session, VIDEO_JPEG, speed="max", slow_s=0.01, paused=True) as reader:

        def tell(action: Literal["pause", "resume"]) -> None:
            reader.node.publish(CONTROL, Control(reader.node.stamp(), action, "inference"))

        def is_paused() -> bool:
            return reader.player is not None and reader.player.text == "paused"

        reader.until(is_paused)
        assert reader.received == []
        tell("resume")
        reader.until(lambda: len(reader.received) > 3)
        tell("pause")
        reader.until(lambda: is_paused() and reader.has_all)
        there = len(reader.received)
        assert there < 32
        for _ in range(5):
            reader.read()
        assert len(reader.received) == there
        tell("resume")
        reader.until(lambda: reader.is_over)
    assert len(reader.received) == 32


def test_who_holds_it_while_it_waits_for_others_is_heard(tmp_path: Path, address: str) -> None:
    with playing(address, sparse(tmp_path / "s"), VIDEO_JPEG, wait_for=("late",)) as reader:

        def text() -> str:
            return "" if reader.player is None else reader.player.text

        reader.until(lambda: text() == "waiting for late")
        reader.node.publish(CONTROL, Control(reader.node.stamp(), "pause", "inference"))
        with Node("late", address) as late:
            late.alive()
            reader.until(lambda: text() == "paused")
            assert reader.received == []


def test_in_a_loop_it_begins_again_and_nothing_is_lost(tmp_path: Path, address: str) -> None:
    with playing(address, sparse(tmp_path / "s"), VIDEO_JPEG, speed="max", loop=True) as reader:
        reader.until(lambda: len(reader.received) > 200)
    assert [r.seq for r in reader.received[:200]] == list(range(200))
    opened = [n for n, r in enumerate(reader.received) if r.message.event == "opened"]
    assert opened[:6] == [n * 32 for n in range(6)]


def test_markers_and_speech_are_played_too(tmp_path: Path, address: str) -> None:
    recorded = [speech("opened", 0), marker("stimulus", ms=5), speech("closed", 10)]
    session = make_session(tmp_path / "s", recorded)
    with playing(address, session, SPEECH, FACES, speed="max", start_from="faces") as reader:
        reader.until(lambda: reader.is_over)
    assert [r.message.event for r in reader.received] == ["opened", "closed"]
