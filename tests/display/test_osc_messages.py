"""Addresses and arguments of Open Sound Control, without any socket."""

from dataclasses import replace
from typing import Any

import pytest

from display.osc_messages import osc_messages
from messaging.schema import EMOTIONS, FaceEmotions
from tests.display.messages import (
    face,
    heartbeat,
    marker,
    probabilities,
    result,
    speech,
    stamp,
    utterance,
)


def test_every_face_of_a_picture_has_an_address_of_its_own() -> None:
    faces = [face("happy", (16, 12, 32, 24), track=5), face("sad", track=6)]
    count, first, second = osc_messages(result(0, 1, 1, faces, "left").message)
    assert count == ("/emofuse/faces/left", (2,))
    assert second[0] == "/emofuse/face/left/6"
    address, (label, *shares) = first
    assert (address, label) == ("/emofuse/face/left/5", "happy")
    assert tuple(shares) == (*probabilities("happy"), 0.9, 0.25, 0.25, 0.5, 0.5)


def test_a_picture_without_a_face_says_so_and_punctuation_says_nothing() -> None:
    assert osc_messages(result(0, 1, 1).message) == [("/emofuse/faces/camera", (0,))]
    assert osc_messages(FaceEmotions(stamp(1), "camera", 0, "closed")) == []


def test_speech_is_one_from_onset_to_offset() -> None:
    said = [osc_messages(speech(event, 1).message) for event in ("started", "ended", "closed")]
    assert said == [
        [("/emofuse/speech", ("microphone", 1))],
        [("/emofuse/speech", ("microphone", 0))],
        [],
    ]


def test_an_utterance_is_sent_when_its_label_is_final() -> None:
    ((address, arguments),) = osc_messages(utterance(1000, 2500).message)
    assert address == "/emofuse/utterance"
    assert arguments == ("microphone", "happy", *probabilities("happy"), 1.5, "matched")
    assert osc_messages(utterance(1000, 2500, final=False).message) == []


def test_an_utterance_without_a_label_has_an_empty_one_and_zeros() -> None:
    unknown = replace(utterance(1000, 2500, None).message, offset=None)
    ((_, arguments),) = osc_messages(unknown)
    assert arguments == ("microphone", "", *[0.0] * len(EMOTIONS), 0.0, "no_face")


def test_what_would_break_an_address_or_a_text_is_replaced() -> None:
    (count,) = osc_messages(result(0, 1, 1, source="/a b*é").message)
    assert count[0] == "/emofuse/faces/_a_b__"
    assert osc_messages(marker("a\0b", 1).message) == [("/emofuse/marker", ("ab", "somebody"))]


@pytest.mark.parametrize("message", [heartbeat("hub").message, None])
def test_what_is_of_no_interest_outside_stays_inside(message: Any) -> None:
    assert osc_messages(message) == []
