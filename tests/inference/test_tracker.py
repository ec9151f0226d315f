from collections.abc import Sequence

import numpy as np
import pytest

from inference.detector import Box
from inference.looks import FINE, Look, difference, looks
from inference.tracker import DIFFERENT, Tracker

FRAME_NS = 33_333_333
ONE, OTHER, THIRD = looks(
    np.random.default_rng(5).integers(0, 256, (3, 8, 8), np.uint8).repeat(8, 1).repeat(8, 2),
    np.ones((3, FINE, FINE), np.bool_),
)


class Alike:
    """A tracker of people who look the same."""

    def __init__(self) -> None:
        self._tracker = Tracker()
        self.forget = self._tracker.forget

    def __call__(self, stamp_ns: int, boxes: Sequence[Box]) -> list[int]:
        return self._tracker(stamp_ns, boxes, [ONE] * len(boxes))


def face(x: float, y: float = 200, size: float = 100) -> Box:
    """Centred at (x, y)."""
    return Box(x - size / 2, y - size / 2, size, size)


def test_a_face_keeps_its_number_while_it_moves_through_the_picture() -> None:
    track = Alike()
    assert {track(k * FRAME_NS, [face(100 + 15 * k)])[0] for k in range(30)} == {1}


def test_numbers_stay_with_faces_whatever_their_order_in_the_list() -> None:
    track = Alike()
    left, right = face(100), face(400)
    assert track(0, [left, right]) == [1, 2]
    assert track(FRAME_NS, [right, left]) == [2, 1]


def test_a_face_keeps_its_number_over_missed_detections() -> None:
    track = Alike()
    for k in range(10):
        track(k * FRAME_NS, [face(100 + 8 * k)])
    for k in range(10, 22):
        assert track(k * FRAME_NS, []) == []
    assert track(22 * FRAME_NS, [face(100 + 8 * 22)]) == [1]


def test_who_comes_back_within_three_seconds_is_known_and_later_is_new() -> None:
    track = Alike()
    assert track(0, [face(100)]) == [1]
    assert track(3_000_000_000, [face(100)]) == [1]
    assert track(6_000_000_001, [face(100)]) == [2]


def test_who_comes_back_elsewhere_is_new() -> None:
    track = Alike()
    track(0, [face(100)])
    assert track(2_000_000_000, [face(351)]) == [2]


def test_a_stranger_in_the_place_of_somebody_who_left_is_new() -> None:
    track = Tracker()
    assert track(0, [face(100)], [ONE]) == [1]
    assert track(1_000_000_000, [face(100)], [OTHER]) == [2]


def half(look: Look, *, left: bool) -> Look:
    """One side lies beyond the picture's edge, whose pixels go on there."""
    seen = look.seen.copy()
    seen[:, FINE // 2 :] = not left
    seen[:, : FINE // 2] = left
    return Look(np.where(seen, look.cells, 0).astype(np.float32), seen)


def test_looks_are_compared_in_what_is_seen_of_both() -> None:
    assert difference(half(ONE, left=True), [ONE]) == pytest.approx(0, abs=1e-3)
    assert difference(half(ONE, left=True), [half(ONE, left=False)]) == np.inf
    assert difference(half(OTHER, left=True), [ONE]) > DIFFERENT
    assert difference(ONE, [OTHER, half(ONE, left=True)]) == pytest.approx(0, abs=1e-3)


def test_who_comes_back_with_half_a_face_is_known_and_a_stranger_is_not() -> None:
    for who, number in ((ONE, 1), (OTHER, 2)):
        track = Tracker()
        track(0, [face(100)], [ONE])
        assert track(1_000_000_000, [face(100)], [half(who, left=False)]) == [number]


def test_a_hand_before_the_face_makes_nobody_new() -> None:
    track = Tracker()
    for k in range(20):
        assert track(k * FRAME_NS, [face(100)], [OTHER if 5 < k < 15 else ONE]) == [1]


def test_of_two_who_were_hidden_the_look_tells_who_comes_out() -> None:
    track = Tracker()
    for k in range(3):
        track(k * FRAME_NS, [face(100), face(240)], [ONE, OTHER])
    assert track(1_000_000_000, [face(170)], [OTHER]) == [2]


def test_who_was_hidden_need_not_look_the_same_while_another_head_is_near() -> None:
    track = Tracker()
    for k in range(3):
        track(k * FRAME_NS, [face(100), face(300)], [ONE, OTHER])
    covered = Look(ONE.cells + THIRD.cells, ONE.seen)
    assert DIFFERENT < difference(covered, [ONE]) < difference(covered, [OTHER])
    assert track(1_000_000_000, [face(180)], [covered]) == [1]


def test_two_people_who_pass_each_other_keep_their_numbers() -> None:
    track = Alike()
    for k in range(40):
        rightward, leftward = face(50 + 12 * k, 180), face(530 - 12 * k, 230)
        assert track(k * FRAME_NS, [rightward, leftward]) == [1, 2]


def test_a_face_elsewhere_is_new_and_numbers_are_not_used_again() -> None:
    track = Alike()
    assert track(0, [face(100)]) == [1]
    assert track(FRAME_NS, [face(400)]) == [2]
    assert track(200 * FRAME_NS, [face(100), face(400)]) == [3, 4]


@pytest.mark.parametrize("size", [50, 200])
def test_a_face_of_another_size_at_the_same_place_is_new(size: float) -> None:
    track = Alike()
    track(0, [face(100, size=100)])
    assert track(FRAME_NS, [face(100, size=size)]) == [2]


def test_the_closer_of_two_faces_takes_the_number() -> None:
    track = Alike()
    track(0, [face(100)])
    assert track(FRAME_NS, [face(140), face(105)]) == [2, 1]


def test_a_stream_that_begins_anew_has_new_faces() -> None:
    track = Alike()
    track(0, [face(100)])
    track.forget()
    assert track(FRAME_NS, [face(100)]) == [2]


def test_time_that_runs_backwards_begins_anew() -> None:
    track = Alike()
    track(10 * FRAME_NS, [face(100)])
    assert track(0, [face(100)]) == [2]


def test_the_same_boxes_have_the_same_numbers_in_every_run() -> None:
    pictures = [[face(100 + 7 * k), face(180 + 3 * k), face(200 - 5 * k)] for k in range(40)]

    def run() -> list[list[int]]:
        track = Alike()
        return [track(k * FRAME_NS, boxes) for k, boxes in enumerate(pictures)]

    assert run() == run()


def test_a_face_may_stand_in_two_pictures_of_one_instant() -> None:
    track = Alike()
    track(0, [face(100)])
    assert track(0, [face(101)]) == [1]


@pytest.mark.parametrize(("rate_hz", "fastest"), [(5, 1.2), (15, 2.5), (30, 2.5), (60, 2.5)])
def test_jittering_faces_that_cross_at_any_angle_keep_their_numbers(
    rate_hz: int, fastest: float
) -> None:
    """``fastest`` in sizes a second. The smaller face is hidden while the larger one covers half of
    it; one in twenty detections is missed.
    """
    for seed in range(40):
        random = np.random.default_rng(seed)
        sizes = random.uniform(80, 120, 2) * (1, 1.15)
        angle, speed = random.uniform(0, 2 * np.pi), random.uniform(0.7, fastest) * sizes[0]
        turn = angle + np.pi + random.uniform(-1, 1)
        ways = [speed * np.array((np.cos(a), np.sin(a))) for a in (angle, turn)]
        track = Alike()
        numbers: set[tuple[int, int]] = set()
        for k in range(6 * rate_hz + 1):
            t = k / rate_hz
            centres = [way * (t - 3) for way in ways]
            apart = float(np.hypot(*(centres[0] - centres[1]))) / sizes.max()
            shown = [0, 1] if apart > 0.55 else [int(sizes[1] > sizes[0])]
            shown = [who for who in shown if random.uniform() > 0.05]
            boxes = [
                face(*(centres[who] + random.normal(0, 0.02, 2) * sizes[who]),
                     size=sizes[who] * random.normal(1, 0.02))
                for who in shown
            ]  # fmt: skip
            numbers |= set(zip(shown, track(round(t * 1e9), boxes), strict=True))
        assert numbers in ({(0, 1), (1, 2)}, {(0, 2), (1, 1)}), seed
