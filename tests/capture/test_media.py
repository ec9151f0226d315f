"""A file as camera and microphone: what is said, in which order, when, and without loss."""

import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import ValidationError

from capture import media
from capture.media import Heard, Seen, Source, messages, source_name
from capture.media_file import open_media
from capture.voice_activity import VoiceActivity
from config.settings import BusSettings, MediaSettings, Settings, VoiceActivitySettings
from messaging import clock_service, node
from messaging.bus import MOST_AHEAD
from messaging.clock import monotonic_ns
from messaging.errors import UserError
from messaging.node import Node
from messaging.pacing import START_LEAD_NS, Pace
from messaging.schema import AudioChunk, SpeechEvent, VideoFrame
from messaging.topics import AUDIO, LOG, SPEECH, VIDEO, VIDEO_JPEG, Topic
from messaging.wire import Received
from tests.capture.clips import make_clip

MS = 1_000_000
SOURCE = Source("clip", start_ns=5_000 * MS, lossless=True)


def always() -> bool:
    return True


def said(path: Path, alive: Callable[[], bool] = always) -> list[Seen | Heard]:
    return list(messages(open_media(path), VoiceActivity(VoiceActivitySettings()), SOURCE, alive))


def events(everything: list[Seen | Heard], kind: type[object]) -> list[str]:
    """Events of one type of message, repetitions left out."""
    named = (one.message.event for one in everything if isinstance(one.message, kind))
    return [event for event, _ in itertools.groupby(named)]


@pytest.fixture
def talking(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mkv", b_frames=2)


def test_every_source_opens_before_anything_is_said_and_closes_at_its_end(talking: Path) -> None:
    everything = said(talking)
    assert [one.message.event for one in everything[:3]] == ["opened"] * 3
    assert events(everything, VideoFrame) == ["opened", "picture", "closed"]
    assert events(everything, AudioChunk) == ["opened", "sound", "closed"]
    assert events(everything, SpeechEvent) == ["opened", "analysed_until", "closed"]


def test_what_is_on_its_way_to_a_reader_fits_into_the_queues() -> None:
    """Also to a recorder, which reads pictures and sound."""
    with pytest.raises(ValidationError, match="credit"):
        MediaSettings(credit=MOST_AHEAD - media.SOUND_AHEAD + 1)


def test_all_is_said_in_the_order_of_file_time(talking: Path) -> None:
    due = [one.due_ns for one in said(talking)]
    assert due == sorted(due)


def test_a_chunk_of_sound_is_due_when_its_last_sample_was_heard(talking: Path) -> None:
    chunks = [
        (one.due_ns, one.message)
        for one in said(talking)
        if isinstance(one.message, AudioChunk) and one.message.event == "sound"
    ]
    assert all(
        due == chunk.stamp.captured_ns + chunk.samples * 62_500 and due > chunk.stamp.captured_ns
        for due, chunk in chunks
    )
    numbers = [chunk.first_sample for _, chunk in chunks]
    assert numbers == list(range(0, 512 * len(numbers), 512))


def test_stamps_are_file_time_and_say_when_that_plays(talking: Path) -> None:
    frames = [one.message for one in said(talking) if isinstance(one.message, VideoFrame)]
    pictures = [frame for frame in frames if frame.event == "picture"]
    assert [frame.stamp.captured_ns for frame in pictures] == [i * 40 * MS for i in range(50)]
    assert {frame.stamp.clock for frame in frames} == {"media:clip"}
    assert {frame.stamp.offset_ns for frame in frames} == {5_000 * MS}
    assert {frame.stamp.bound_ns for frame in frames} == {0}
    assert [frame.index for frame in frames] == [0, *range(50), 50]
    instants = [frame.stamp.captured_ns for frame in frames]
    assert all(a < b for a, b in itertools.pairwise(instants))


def test_sound_that_is_off_its_own_times_says_by_how_much(tmp_path: Path) -> None:
    """Its blocks are moved by less than what is made up for."""
    clip = make_clip(tmp_path / "clip.mkv", audio="pcm_s16le", hole_s=(0.5, 0.515))
    heard = [one.message for one in said(clip) if isinstance(one.message, SpeechEvent)]
    bounds = [event.stamp.bound_ns for event in heard]
    assert bounds[0] == 0
    assert bounds[-1] == pytest.approx(15 * MS, abs=1 * MS)
    frames = [one.message for one in said(clip) if isinstance(one.message, VideoFrame)]
    assert {frame.stamp.bound_ns for frame in frames} == {0}


def test_every_message_says_that_nothing_may_be_lost(talking: Path) -> None:
    assert all(one.message.lossless for one in said(talking))


@pytest.mark.parametrize(("video", "cameras"), [("libx264", ("clip",)), (None, ())])
def test_the_voice_belongs_to_the_faces_of_its_own_file(
    video: str | None, cameras: tuple[str, ...], tmp_path: Path
) -> None:
    everything = said(make_clip(tmp_path / "clip.mkv", video))
    opened = next(one.message for one in everything if isinstance(one.message, SpeechEvent))
    assert opened.cameras == cameras


def test_a_file_without_sound_says_nothing_of_sound(tmp_path: Path) -> None:
    everything = said(make_clip(tmp_path / "clip.mkv", audio=None))
    assert {type(one.message) for one in everything} == {VideoFrame}


def test_sources_close_when_playing_is_stopped(talking: Path) -> None:
    answers = itertools.count()
    everything = said(talking, lambda: next(answers) < 20)
    assert events(everything, VideoFrame) == ["opened", "picture", "closed"]
    assert events(everything, SpeechEvent)[-1] == "closed"
    assert sum(isinstance(one, Seen) for one in everything) < 25


@pytest.mark.parametrize(
    ("asked", "file", "name"),
    [
        ("", "talk.mp4", "talk"),
        ("left", "talk.mp4", "left"),
        ("", "my talk (2).mp4", "my_talk__2_"),
        ("", "x" * 100 + ".mp4", "x" * 64),
    ],
)
def test_the_name_of_the_sources(asked: str, file: str, name: str) -> None:
    assert source_name(MediaSettings(name=asked), Path(file)) == name


class FakeClock:
    def __init__(self) -> None:
        self.ns = 7_000 * MS

    def now_ns(self) -> int:
        return self.ns

    def sleep(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)


@pytest.mark.parametrize(
    ("speed", "waits_ms"), [(1.0, [0, 40, 1000]), (2.0, [0, 20, 500]), (0.5, [0, 80, 2000])]
)
def test_file_time_plays_at_the_speed_that_is_asked_for(speed: float, waits_ms: list[int]) -> None:
    clock = FakeClock()
    pace = Pace(speed, clock.now_ns, clock.sleep)
    assert pace.start_ns == clock.ns + START_LEAD_NS
    for due_ms, wait_ms in zip([0, 40, 1000], waits_ms, strict=True):
        assert pace.wait(due_ms * MS, always)
        assert clock.ns - pace.start_ns == pytest.approx(wait_ms * MS, abs=2)
    assert pace.latest_ns <= 0


def test_a_late_moment_is_not_waited_for_and_delays_do_not_add_up() -> None:
    clock = FakeClock()
    pace = Pace(1.0, clock.now_ns, clock.sleep)
    clock.ns = pace.start_ns + 130 * MS
    pace.wait(100 * MS, always)
    assert clock.ns == pace.start_ns + 130 * MS
    assert pace.latest_ns == 30 * MS
    pace.wait(140 * MS, always)
    assert clock.ns == pace.start_ns + 140 * MS


def test_full_speed_waits_for_nothing_and_stopping_ends_every_wait() -> None:
    clock = FakeClock()
    assert Pace("max", clock.now_ns, clock.sleep).wait(10**12, always)
    assert not Pace(1.0, clock.now_ns, clock.sleep).wait(10**12, lambda: False)
    assert clock.ns == 7_000 * MS


def settings(
    path: Path | None, address: str, speed: float | Literal["max"], wait_for: tuple[str, ...] = ()
) -> Settings:
    return Settings(
        bus=BusSettings(address=address),
        media=MediaSettings(file=path, speed=speed, wait_for=wait_for, credit=2),
    )


def played(
    reader: Node,
    wanted: Settings,
    deal_with: Callable[[Received[Any]], None],
    sources: int = 3,
) -> list[Received[Any]]:
    """All that the node publishes while it plays the file, until so many streams have closed."""
    playing = threading.Thread(target=media.run, args=(wanted,))
    playing.start()
    got: list[Received[Any]] = []
    deadline = time.monotonic() + 20
    while sum(getattr(one.message, "event", "") == "closed" for one in got) < sources:
        assert time.monotonic() < deadline, f"only {len(got)} messages came"
        assert reader.alive()
        for one in reader.receive(0.05):
            got.append(one)
            deal_with(one)
    playing.join(10)
    assert not playing.is_alive()
    return got


@pytest.mark.parametrize("topic", [VIDEO, VIDEO_JPEG])
def test_a_slow_reader_loses_nothing_at_full_speed(
    topic: Topic[VideoFrame], talking: Path, address: str
) -> None:
    waiting: list[int] = []

    def deal_with(one: Received[Any]) -> None:
        if one.topic is topic:
            time.sleep(0.005)
            waiting.append(len(one.payload))
            reader.give_credit(one)

    with Node("inference", address, [topic, AUDIO, SPEECH]) as reader:
        wanted = settings(talking, address, "max", ("inference",))
        got = played(reader, wanted, deal_with)
    frames = [one.message for one in got if one.topic is topic]
    assert [frame.event for frame in frames] == ["opened", *["picture"] * 50, "closed"]
    assert {one.dropped for one in got} == {0}
    assert waiting[0] == waiting[-1] == 0
    assert (set(waiting[1:-1]) == {64 * 48 * 3}) == (topic is VIDEO)


def test_sound_is_sent_to_those_alone_who_read_it(talking: Path, address: str) -> None:
    def deal_with(one: Received[Any]) -> None:
        if one.topic is VIDEO:
            reader.give_credit(one)

    with Node("inference", address, [VIDEO, SPEECH]) as reader:
        played(reader, settings(talking, address, "max", ("inference",)), deal_with, sources=2)
        while reader.peers()["media"].state != "closing":
            reader.receive()
        counts = reader.peers()["media"].counts
    assert {c.topic: c.messages for c in counts if not c.sender}["audio"] == 2


def test_on_another_clock_than_the_hubs_a_file_plays_in_the_hubs_time(
    talking: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead_ns = 10**15
    monkeypatch.setattr(clock_service, "clock_name", lambda: "elsewhere/1")
    monkeypatch.setattr(clock_service, "monotonic_ns", lambda: monotonic_ns() + ahead_ns)
    began_ns = monotonic_ns() + ahead_ns
    with Node("reader", address, [VIDEO, AUDIO, SPEECH]) as reader:
        got = played(reader, settings(talking, address, 20.0), lambda _: None)
    stamps = [one.message.stamp for one in got]
    assert {stamp.clock for stamp in stamps} == {"media:clip"}
    (start_ns,) = {stamp.offset_ns for stamp in stamps}
    (bound_ns,) = {one.message.stamp.bound_ns for one in got if one.topic is VIDEO}
    assert began_ns < start_ns < monotonic_ns() + ahead_ns
    assert 0 < bound_ns < 1_000 * MS
    heard = [one.message.stamp.bound_ns for one in got if one.topic is not VIDEO]
    assert heard
    assert all(bound_ns <= each <= bound_ns + 20 * MS for each in heard)


def test_sound_alone_waits_for_those_who_read_speech(tmp_path: Path, address: str) -> None:
    clip = make_clip(tmp_path / "clip.wav", None, "pcm_s16le", sound_s=12)
    playing = threading.Thread(target=media.run, args=(settings(clip, address, "max"),))
    got: list[Received[Any]] = []
    deadline = time.monotonic() + 30
    with Node("fusion", address, [SPEECH]) as reader:
        playing.start()
        while not got or got[-1].message.event != "closed":
            assert time.monotonic() < deadline
            time.sleep(0.05)
            new = reader.receive(0.05)
            assert len(new) <= 2, "the credit is 2"
            for one in new:
                reader.give_credit(one)
            got += new
        playing.join(10)
    assert [one.seq for one in got] == list(range(len(got)))
    assert len(got) > 10


def test_nothing_is_sent_before_the_nodes_that_are_waited_for_run(
    talking: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "LONG_WAIT_NS", 300 * MS)
    deadline = time.monotonic() + 30
    with Node("watcher", address, [VIDEO]) as watcher, Node("logger", address, [LOG]) as logger:
        wanted = settings(talking, address, 10.0, ("inference",))
        playing = threading.Thread(target=media.run, args=(wanted,))
        playing.start()
        while "media" not in watcher.peers() or not watcher.peers()["media"].text:
            assert time.monotonic() < deadline
            assert watcher.receive(0.05) == []
        said = watcher.peers()["media"]
        assert (said.state, said.text) == ("waiting", "waiting for inference")
        told: list[Received[Any]] = []
        while not told:
            assert time.monotonic() < deadline
            told += logger.receive(0.05)
        for _ in range(5):  # once
            told += logger.receive(0.2)
        assert [one.message.text for one in told] == ["still waiting for inference"]
        with Node("inference", address) as late:
            assert late.alive()
            while not watcher.receive(0.05):
                assert late.alive()
                assert time.monotonic() < deadline
        playing.join(10)
    assert not playing.is_alive()


def test_at_speed_1_a_picture_comes_when_its_instant_has_come(tmp_path: Path, address: str) -> None:
    clip = make_clip(tmp_path / "clip.mkv", pictures_ms=range(0, 600, 40), sound_s=0.6)
    with Node("reader", address, [VIDEO, AUDIO, SPEECH]) as reader:
        got = played(reader, settings(clip, address, 1.0), lambda _: None)
    shown = [one for one in got if one.topic is VIDEO and one.message.event == "picture"]
    waited = [one.received_ns - one.message.stamp.pipeline_ns for one in shown]
    assert len(shown) + sum(one.dropped for one in shown) == 15
    assert min(waited) > 0
    assert sorted(waited)[len(waited) // 2] < 500 * MS


def test_damage_is_told_before_the_last_source_closes(tmp_path: Path, address: str) -> None:
    clip = make_clip(tmp_path / "clip.mkv", size=(320, 240))
    clip.write_bytes(clip.read_bytes()[:4000])
    with Node("reader", address, [VIDEO, AUDIO, SPEECH, LOG]) as reader:
        got = played(reader, settings(clip, address, 100.0), lambda _: None)
        deadline = time.monotonic() + 30
        while not any(one.topic is LOG for one in got):
            assert time.monotonic() < deadline
            got += reader.receive(0.2)
    told = [one.message for one in got if one.topic is LOG]
    assert any("but says that it lasts" in record.text for record in told)
    assert {record.level for record in told} == {"warning"}


@pytest.mark.parametrize(("speed", "real_time"), [(1.0, True), (50.0, False)])
def test_a_file_says_whether_it_plays_at_its_own_pace(
    speed: float, real_time: bool, tmp_path: Path, address: str
) -> None:
    clip = make_clip(tmp_path / "short.mp4", pictures_ms=range(0, 200, 40), sound_s=0.2)
    with Node("reader", address, [VIDEO, AUDIO, SPEECH]) as reader:
        got = played(reader, settings(clip, address, speed), lambda _: None)
    assert {one.message.real_time for one in got if one.topic is VIDEO} == {real_time}


def test_no_file_is_an_error_of_the_user(address: str) -> None:
    with pytest.raises(UserError, match="name one with --media"):
        media.run(settings(None, address, 1.0))
