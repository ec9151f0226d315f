import math

import pytest

from display.smoothing import FORGET_NS, Smoothing
from display.view import View
from messaging.schema import EMOTIONS
from tests.display.messages import MS, face, picture, result

HAPPY = EMOTIONS.index("happy")
SURE, UNSURE = face("happy", share=0.9), face("happy", share=0.3)


def shown(smoothing: Smoothing, at_ms: float, share: float, track: int = 1) -> float:
    (smoothed,) = smoothing(round(at_ms * MS), [face("happy", track=track, share=share)])
    return smoothed.probabilities[HAPPY]


@pytest.mark.parametrize("rate_hz", [2, 5, 30, 60])
def test_a_step_is_followed_alike_at_every_frame_rate(rate_hz: int) -> None:
    smoothing = Smoothing(0.5)
    shown(smoothing, 0, 0.2)
    after = [shown(smoothing, 1000 * k / rate_hz, 0.8) for k in range(1, rate_hz + 1)]
    assert after[-1] == pytest.approx(0.8 - 0.6 * math.exp(-1 / 0.5))


def test_smoothed_probabilities_still_make_one() -> None:
    smoothing = Smoothing(0.3)
    for k in range(50):
        (smoothed,) = smoothing(k * 33 * MS, [face(EMOTIONS[k % 7], share=0.8)])
        assert sum(smoothed.probabilities) == pytest.approx(1)


def test_without_a_time_constant_every_picture_shows_its_own() -> None:
    smoothing = Smoothing(0)
    for k, one in enumerate((SURE, UNSURE, SURE)):
        assert smoothing(k * 33 * MS, [one]) == (one,)


def test_tracks_are_smoothed_apart_and_begin_with_what_they_are() -> None:
    smoothing = Smoothing(1)
    assert shown(smoothing, 0, 0.2, track=1) == pytest.approx(0.2)
    assert shown(smoothing, 100, 0.9, track=2) == pytest.approx(0.9)
    assert shown(smoothing, 200, 0.2, track=1) == pytest.approx(0.2)


@pytest.mark.parametrize("later_ns", [FORGET_NS + 1, -1])
def test_what_was_long_ago_or_comes_after_is_forgotten(later_ns: int) -> None:
    smoothing = Smoothing(1000)
    shown(smoothing, 100, 0.2)
    assert shown(smoothing, 100 + later_ns / MS, 0.9) == pytest.approx(0.9)


def test_the_view_shows_smoothed_faces_and_leaves_the_message_alone() -> None:
    view = View("display", is_comparable=True, smoothing_s=0.5)
    for index, one in enumerate((UNSURE, SURE)):
        view.take(picture(index, index * 100))
        message = result(index, index * 100, index * 100 + 10, [one])
        view.take(message)
        assert message.message.faces == (one,)
    (seen,) = view.scene(120 * MS).cameras[0].faces
    assert seen.probabilities[HAPPY] == pytest.approx(0.9 - 0.6 * math.exp(-0.2))
