"""Sources whose clock is set while they run, and what the join makes of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from capture.camera import pictures
from capture.clock_jumps import CameraJumps
from capture.hearing import Hearing, Said
from capture.microphone_device import Block
from config.settings import FusionSettings, VoiceActivitySettings
from fusion.align import Aligner
from messaging.clock_estimate import UNKNOWN, Line
from messaging.schema import FaceEmotions, Stamp, VideoFrame
from tests.capture.talk import at, talk
from tests.capture.test_camera import MadeUpCamera, shot
from tests.fusion.messages import face

MS = 1_000_000
S = 1_000_000_000
DAY_NS = 86_400 * S


@dataclass
class Clock:
    """As a node stamps: the offset is set by ``by_ns`` at an instant."""

    by_ns: int
    at_ns: int

    def stamp(self, captured_ns: int) -> Stamp:
        offset_ns = 5 * DAY_NS + (self.by_ns if captured_ns >= self.at_ns else 0)
        return Stamp(captured_ns, "another", offset_ns, 1000)


def filmed(stamp: Callable[[int], Stamp]) -> list[VideoFrame]:
    """Ten pictures, as the camera's node sends them."""
    camera = MadeUpCamera([shot(100 * number) for number in range(1, 11)])
    instants = iter((50 * MS, 2000 * MS))
    jumps = CameraJumps()
    sent: list[VideoFrame] = []
    for frame, _ in pictures(camera, "camera", camera.lasts, stamp, instants.__next__):
        mark = jumps.mark_before(frame)
        sent += [mark, frame] if mark else [frame]
    return sent


@pytest.mark.parametrize(("by_ns", "event"), [(DAY_NS, "gap"), (-DAY_NS, "opened")])
def test_a_camera_says_that_its_clock_was_set_and_goes_on(by_ns: int, event: str) -> None:
    sent = filmed(Clock(by_ns, 550 * MS).stamp)
    assert [frame.event for frame in sent] == [
        "opened",
        *["picture"] * 5,
        event,
        *["picture"] * 5,
        "closed",
    ]
    mark, first = sent[6:8]
    assert mark.text == f"the clock was set by {by_ns / S:+.3f} s"
    assert mark.stamp.pipeline_ns == first.stamp.pipeline_ns - 1
    assert mark.index == first.index == 5


def test_a_correction_is_no_jump() -> None:
    assert "gap" not in [frame.event for frame in filmed(Clock(40 * MS, 550 * MS).stamp)]


def test_a_clock_that_was_not_known_at_first_is_marked_when_it_is() -> None:
    def stamp(captured_ns: int) -> Stamp:
        known = captured_ns > 150 * MS
        return Stamp(captured_ns, "another", DAY_NS * known, 1000 if known else None)

    assert [frame.event for frame in filmed(stamp)][:4] == ["opened", "picture", "gap", "picture"]


@pytest.mark.parametrize("by_ns", [DAY_NS, -DAY_NS], ids=["a day on", "a day back"])
def test_the_join_goes_on_where_a_clock_was_set(by_ns: int) -> None:
    aligner = Aligner(FusionSettings())
    for frame in filmed(Clock(by_ns, 550 * MS).stamp):
        event = "analysed" if frame.event == "picture" else frame.event
        seen = (face(),) if frame.event == "picture" else ()
        aligner.faces(FaceEmotions(frame.stamp, "camera", frame.index, event, faces=seen))
    assert aligner.ignored == 0
    assert aligner.kept >= 5


@pytest.mark.parametrize(("by_ns", "event"), [(DAY_NS, "gap"), (-DAY_NS, "opened")])
def test_a_microphone_ends_its_utterance_and_goes_on_in_the_new_time(
    by_ns: int, event: str
) -> None:
    sound, rate = talk()[: at(9)], 16_000
    speaking = hears(sound, rate, Clock(by_ns, 100 * DAY_NS).stamp)
    onset = next(s.message for s in speaking if getattr(s.message, "event", "") == "started")
    jump_ns = onset.stamp.captured_ns + 300 * MS
    said = [
        s.message
        for s in hears(sound, rate, Clock(by_ns, jump_ns).stamp)
        if s.topic.name == "speech"
    ]
    marks = [message for message in said if message.event in ("opened", "gap")]
    assert [mark.event for mark in marks] == ["opened", event]
    number = said.index(marks[1])
    ended = [message.event for message in said[:number]]
    assert ended.count("started") == ended.count("ended") == 1
    offset_ns = marks[0].stamp.offset_ns
    assert {message.stamp.offset_ns for message in said[:number]} == {offset_ns}
    assert {message.stamp.offset_ns for message in said[number:]} == {offset_ns + by_ns}
    assert "ended" in [message.event for message in said[number:]], "there is more speech to come"
    instants = [message.stamp.captured_ns for message in said if message.event != "ended"]
    assert instants == sorted(instants)


def hears(
    sound: "np.ndarray[tuple[int], np.dtype[np.int16]]",
    rate: int,
    stamp: Callable[[int], Stamp],
) -> list[Said]:
    """All that the microphone's node sends."""
    hearing = Hearing("mic", VoiceActivitySettings(), stamp)
    said = list(hearing.opened(77 * S - 1))
    hearing.starts(rate, 1)
    size = rate // 100
    for first in range(0, len(sound), size):
        arrived_ns = 77 * S + (first + size) * S // rate + 20 * MS
        said += hearing.hear(
            Block(sound[first : first + size], arrived_ns, 0.03, 0.04, overflow=False)
        )
    said += hearing.closed(77 * S + len(sound) * S // rate + 100 * MS)
    return said


@pytest.mark.parametrize("ahead_ns", [DAY_NS, -DAY_NS], ids=["a day on", "a day back"])
def test_an_utterance_that_goes_on_when_the_clock_is_known_at_last_is_all_of_one_time(
    ahead_ns: int,
) -> None:
    sound, rate = talk()[: at(9)], 16_000
    speaking = hears(sound, rate, Clock(0, 0).stamp)
    onset = next(s.message for s in speaking if getattr(s.message, "event", "") == "started")
    known_ns = onset.stamp.captured_ns + 300 * MS
    timeline, known = UNKNOWN, UNKNOWN.then(Line(0, ahead_ns, 0.0, 1000, 0.0), known_ns)

    def stamp(captured_ns: int) -> Stamp:
        nonlocal timeline
        timeline = known if captured_ns >= known_ns else timeline
        return Stamp(captured_ns, "another", *timeline.at(captured_ns))

    speech = [s.message for s in hears(sound, rate, stamp) if s.topic.name == "speech"]
    ended = [message for message in speech if message.event == "ended"]
    assert len(ended) > 1
    for message in ended:
        assert message.onset is not None
        length_ns = message.stamp.pipeline_ns - message.onset.pipeline_ns
        assert 0 < length_ns < 9 * S
    assert {message.stamp.bound_ns is None for message in ended} == {True, False}
