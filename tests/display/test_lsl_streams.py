"""Rows of the Lab Streaming Layer's streams, and its clock, without any network."""

import math
from dataclasses import replace
from itertools import count

import pytest

from display.lsl_clock import LslClock, measure_clock
from display.lsl_markers import LONGEST, marker_text
from display.lsl_streams import (
    FACE_CHANNELS,
    UTTERANCE_CHANNELS,
    face_row,
    face_stream,
    utterance_row,
    utterance_stream,
)
from messaging.schema import EMOTIONS, FaceEmotions
from tests.display.messages import face, result, stamp, utterance

NAMES = [name for name, _ in FACE_CHANNELS]


def test_a_row_is_the_largest_face_with_its_box_in_shares_of_the_picture() -> None:
    small, large = face("sad", (0, 0, 8, 8), track=1), face("happy", (16, 12, 32, 24), track=5)
    row = face_row(result(0, 100, 100, [small, large]).message)
    assert row is not None
    said = dict(zip(NAMES, row, strict=True))
    assert max(EMOTIONS, key=lambda emotion: said[emotion]) == "happy"
    assert [said[name] for name in ("left", "top", "width", "height")] == [0.25, 0.25, 0.5, 0.5]
    assert (said["track"], said["faces"], said["score"]) == (5, 2, large.score)


def test_where_nobody_is_seen_the_row_says_so_and_punctuation_has_none() -> None:
    row = face_row(result(0, 100, 100).message)
    assert row is not None
    assert all(map(math.isnan, row[:-1]))
    assert row[-1] == 0
    assert len(row) == len(FACE_CHANNELS)
    assert face_row(FaceEmotions(stamp(1), "camera", 0, "gap")) is None


def test_an_utterance_has_a_row_when_its_label_is_final() -> None:
    row = utterance_row(utterance(1000, 2500).message)
    assert row is not None
    said = dict(zip((name for name, _ in UTTERANCE_CHANNELS), row, strict=True))
    assert said == {
        "label": "happy",
        "duration": "1.500000",
        "probability": "0.7000",
        "status": "matched",
        "source": "microphone",
        "id": "microphone-1000",
    }
    assert utterance_row(utterance(1000, 2500, final=False).message) is None


def test_what_an_utterance_does_not_know_is_empty() -> None:
    unknown = replace(utterance(1000, 2500, None).message, offset=None)
    row = utterance_row(unknown)
    assert row is not None
    assert row[:4] == ("", "", "", "no_face")


def test_streams_have_names_and_source_ids_of_their_own() -> None:
    streams = [utterance_stream("lab"), face_stream("lab", "left"), face_stream("lab", "right")]
    assert len({stream.source_id for stream in streams}) == 3
    assert all(stream.source_id.startswith("emofuse:") for stream in streams)
    assert [stream.name for stream in streams] == [
        "lab utterances",
        "lab faces left",
        "lab faces right",
    ]


def test_the_quickest_pair_of_readings_tells_the_clock_and_its_bound() -> None:
    """True offset 5 s; each reading of LSL's clock comes after a third of what its pair takes."""
    took_ns = iter([9000, 900, 30, *[6000] * 100])
    at_ns = count(10**12, 10**6)
    now: list[int] = []

    def now_ns() -> int:
        if len(now) % 2 == 0:
            now.append(next(at_ns))
        else:
            now.append(now[-1] + pair[-1])
        return now[-1]

    pair: list[int] = []

    def lsl_s() -> float:
        pair.append(next(took_ns))
        return (now[-1] + pair[-1] // 3 + 5 * 10**9) / 1e9

    clock = measure_clock(lsl_s, now_ns)
    assert clock.bound_ns == 15
    assert abs(clock.offset_ns - 5 * 10**9) <= clock.bound_ns


def test_an_instant_goes_to_lsl_and_back() -> None:
    clock = LslClock(5_000_000_000, 15)
    assert clock.seconds(1_000_000_000) == 6.0
    assert clock.monotonic_ns(6.0) == 1_000_000_000


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ([b"start"], "start"),
        ([b"block", b"", b"2"], "block 2"),
        ([b"\xff"], "\ufffd"),
        ([3.0], "3"),
        ([b"x" * 5000], "x" * LONGEST),
        ([b""], ""),
    ],
)
def test_a_sample_of_any_form_becomes_a_text(row: list[object], text: str) -> None:
    assert marker_text(row) == text
