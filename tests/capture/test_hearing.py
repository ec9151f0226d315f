"""Blocks of a simulated microphone in, messages out: their times against the true ones."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest
import soxr

from capture.hearing import Hearing, Said
from capture.microphone_device import Block
from capture.resample import SAMPLE_RATE, Sound
from capture.voice_activity import Ended, VoiceActivity
from config.settings import VoiceActivitySettings
from messaging.schema import AudioChunk, SpeechEvent, Stamp
from messaging.topics import AUDIO, SPEECH
from tests.capture.talk import at, talk

SECOND = 1_000_000_000
BEGIN_NS = 77 * SECOND
LATENCY_NS = 20_000_000


def stamp(ns: int) -> Stamp:
    return Stamp(ns, "this host")


@dataclass
class Room:
    """Where ``sound`` (16 kHz) plays from ``BEGIN_NS`` on, and a microphone hears it."""

    sound: Sound
    rate: int = 48_000
    channels: int = 2
    reports: bool = True
    said: list[Said] = field(default_factory=list[Said])

    def __post_init__(self) -> None:
        heard = self.sound
        if self.rate != SAMPLE_RATE:
            heard = soxr.resample(heard, SAMPLE_RATE, self.rate)
        self.heard = np.repeat(heard, self.channels)
        self.hearing = Hearing("mic", VoiceActivitySettings(), stamp, ("cam",))
        self.said += self.hearing.opened(BEGIN_NS - 1)
        self.hearing.starts(self.rate, self.channels)

    def blocks(self, begin_s: float, end_s: float, *, overflow: bool = False) -> Iterator[Block]:
        size = self.rate // 100
        rng = np.random.default_rng(3)
        for first in range(round(begin_s * self.rate), round(end_s * self.rate), size):
            last = min(first + size, round(end_s * self.rate))
            late_ns = int(rng.exponential(2_000_000))
            arrived = BEGIN_NS + last * SECOND // self.rate + LATENCY_NS + late_ns
            age_s = (arrived - BEGIN_NS) / SECOND - first / self.rate if self.reports else 0.0
            samples = self.heard[first * self.channels : last * self.channels]
            yield Block(samples, arrived, age_s, 0.04, overflow)
            overflow = False

    def hears(self, begin_s: float, end_s: float, *, overflow: bool = False) -> None:
        for block in self.blocks(begin_s, end_s, overflow=overflow):
            self.said += self.hearing.hear(block)

    def closes(self, at_s: float) -> None:
        self.said += self.hearing.closed(BEGIN_NS + round(at_s * SECOND))

    def speech(self, *events: str) -> list[SpeechEvent]:
        return [
            said.message
            for said in self.said
            if isinstance(said.message, SpeechEvent) and said.message.event in events
        ]

    def chunks(self, *events: str) -> list[AudioChunk]:
        return [
            said.message
            for said in self.said
            if isinstance(said.message, AudioChunk) and said.message.event in events
        ]


def true_utterances(sound: Sound) -> list[Ended]:
    """What voice activity finds in the undisturbed sound; sample 0 is at ``BEGIN_NS``."""
    activity = VoiceActivity(VoiceActivitySettings())
    frames = [*activity.feed(sound), activity.flush()]
    return [event for frame in frames for event in frame.events if isinstance(event, Ended)]


def seconds(moment: Stamp | None) -> float:
    assert moment is not None
    return (moment.captured_ns - BEGIN_NS) / SECOND


@pytest.mark.parametrize(
    ("rate", "channels"), [(8_000, 1), (16_000, 1), (44_100, 2), (48_000, 2), (96_000, 6)]
)
def test_boundaries_are_stamped_as_they_happened(rate: int, channels: int) -> None:
    sound = talk()[: at(9)]
    room = Room(sound, rate, channels)
    room.hears(0, 9)
    room.closes(9.1)
    true, found = true_utterances(sound), room.speech("ended")
    assert len(found) == len(true) == 2
    slack = 0.03 if rate == 8_000 else 0.012  # half of the spectrum is missing at 8 kHz
    for utterance, expected in zip(found, true, strict=True):
        assert abs(seconds(utterance.onset) - expected.onset / SAMPLE_RATE) < slack
        assert abs(seconds(utterance.stamp) - expected.offset / SAMPLE_RATE) < slack


def test_the_streams_are_punctuated_and_carry_their_names() -> None:
    room = Room(talk()[: at(4)])
    room.hears(0, 4)
    room.closes(4.1)
    opened, *between, closed = room.speech(*("opened", "started", "ended", "gap", "closed"))
    assert (opened.event, opened.cameras, closed.event) == ("opened", ("cam",), "closed")
    started, ended = between
    assert started.utterance == ended.utterance == f"mic-{started.stamp.captured_ns}"
    assert ended.onset == started.stamp
    assert ended.bias_ns > 0
    assert [chunk.event for chunk in room.chunks("opened", "closed")] == ["opened", "closed"]
    assert {said.topic for said in room.said} == {AUDIO, SPEECH}


def test_chunks_are_the_sound_each_32_ms_with_stamps_that_strictly_increase() -> None:
    room = Room(talk()[: at(4)], SAMPLE_RATE, 1)
    room.hears(0, 4)
    room.closes(4.1)
    sound = np.concatenate([s.payload for s in room.said if isinstance(s.payload, np.ndarray)])
    assert np.array_equal(sound, talk()[: at(4)])
    chunks = room.chunks("opened", "sound", "closed")
    assert all(a.stamp.captured_ns < b.stamp.captured_ns for a, b in pairwise(chunks))
    assert max(chunk.speech for chunk in chunks) > 0.9
    for chunk in room.chunks("sound"):
        assert abs(seconds(chunk.stamp) - chunk.first_sample / SAMPLE_RATE) < 0.012


def test_a_short_loss_within_an_utterance_does_not_split_it_nor_move_its_end() -> None:
    sound = talk()[: at(4)]
    room = Room(sound)
    room.hears(0, 1.6)
    room.hears(1.7, 4, overflow=True)
    room.closes(4.1)
    (true,), (found,) = true_utterances(sound), room.speech("ended")
    assert abs(seconds(found.stamp) - true.offset / SAMPLE_RATE) < 0.03
    (gap,) = room.chunks("gap")
    assert "sound are lost" in gap.text
    assert room.speech("gap") == []
    assert room.hearing.losses == 1


def test_a_long_loss_ends_the_utterance_and_is_a_gap() -> None:
    room = Room(talk()[: at(9)])
    room.hears(0, 1.5)
    room.hears(5.5, 9, overflow=True)
    room.closes(9.1)
    first, second = room.speech("ended")
    (gap,) = room.speech("gap")
    assert first.ended_by == "no_sound"
    assert seconds(first.stamp) == pytest.approx(1.5, abs=0.02)
    assert seconds(gap.stamp) == pytest.approx(5.5, abs=0.02)
    true = true_utterances(talk()[: at(9)])[1]
    assert abs(seconds(second.onset) - true.onset / SAMPLE_RATE) < 0.02
    assert abs(seconds(second.stamp) - true.offset / SAMPLE_RATE) < 0.02


def test_a_device_that_stops_and_starts_again_goes_on_in_true_time() -> None:
    sound = talk()[: at(9)]
    room = Room(sound)
    room.hears(0, 1.5)
    room.said += room.hearing.stops(BEGIN_NS + 2 * SECOND, "unplugged")
    room.said += room.hearing.stops(BEGIN_NS + 3 * SECOND, "unplugged")
    room.hearing.starts(room.rate, room.channels)
    room.hears(5, 9)
    room.closes(9.1)
    first, second = room.speech("ended")
    assert [seconds(gap.stamp) for gap in room.speech("gap")] == [2, 3]
    assert (first.ended_by, room.hearing.losses) == ("no_sound", 1)
    true = true_utterances(sound)[1]
    assert abs(seconds(second.onset) - true.onset / SAMPLE_RATE) < 0.02


def test_a_microphone_that_was_never_heard_opens_and_closes() -> None:
    room = Room(talk()[: at(1)])
    room.closes(0.5)
    assert [event.event for event in room.speech("opened", "closed", "analysed_until")] == [
        "opened",
        "closed",
    ]


def test_an_unknown_latency_shows_in_the_bound() -> None:
    known, unknown = Room(talk()[: at(3)]), Room(talk()[: at(3)], reports=False)
    for room in (known, unknown):
        room.hears(0, 3)
    sure, unsure = known.chunks("sound")[-1].stamp, unknown.chunks("sound")[-1].stamp
    assert sure.bound_ns is not None
    assert unsure.bound_ns is not None
    assert sure.bound_ns < 5_000_000 < unsure.bound_ns < 50_000_000


def test_stock_of_a_sound_server_is_not_taken_for_latency() -> None:
    """An idle PulseAudio monitor reports some 100 ms for its digital silence, until it plays."""
    silence = np.zeros(at(3), np.int16)
    room = Room(np.concatenate([silence, talk()[: at(3)]]), SAMPLE_RATE, 1)
    for block in room.blocks(0, 3):
        room.said += room.hearing.hear(replace(block, latency_s=0.2))
    room.hears(3, 6)
    (started,) = room.speech("started")
    (true,) = true_utterances(room.sound)
    assert abs(seconds(started.stamp) - true.onset / SAMPLE_RATE) < 0.012


def test_the_stamps_of_speech_keep_the_order_that_the_watermark_promises() -> None:
    room = Room(talk()[: at(9)])
    room.hears(0, 9)
    passed = BEGIN_NS - SECOND
    for event in room.speech("started", "analysed_until"):
        assert event.stamp.captured_ns >= passed
        if event.event == "analysed_until":
            passed = event.stamp.captured_ns
    assert passed > BEGIN_NS + 7 * SECOND
