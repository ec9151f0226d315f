import pytest

from inference.detector import Box
from inference.tracker import Tracker

FRAME_NS = 33_333_333


def face(x: float, y: float = 200, size: float = 100) -> Box:
    """Centred at (x, y)."""
    return Box(x - size / 2, y - size / 2, size, size)


def test_a_face_keeps_its_number_while_it_moves_through_the_picture() -> None:
    track = Tracker()
    assert {track(k * FRAME_NS, [face(100 + 15 * k)])[0] for k in range(30)} == {1}


def test_numbers_stay_with_faces_whatever_their_order_in_the_list() -> None:
    track = Tracker()
    left, right = face(100), face(400)
    assert track(0, [left, right]) == [1, 2]
    assert track(FRAME_NS, [right, left]) == [2, 1]


def test_a_face_keeps_its_number_over_missed_detections() -> None:
    track = Tracker()
    for k in range(10):
        track(k * FRAME_NS, [face(100 + 8 * k)])
    for k in range(10, 22):
        assert track(k * FRAME_NS, []) == []
    assert track(22 * FRAME_NS, [face(100 + 8 * 22)]) == [1]


def test_a_face_that_comes_back_after_half_a_second_is_new() -> None:
    track = Tracker()
    assert track(0, [face(100)]) == [1]
    assert track(500_000_000, [face(100)]) == [1]
    assert track(1_000_000_001, [face(100)]) == [2]


def test_two_people_who_pass_each_other_keep_their_numbers() -> None:
    track = Tracker()
    for k in range(40):
        rightward, leftward = face(50 + 12 * k, 180), face(530 - 12 * k, 230)
        assert track(k * FRAME_NS, [rightward, leftward]) == [1, 2]


def test_a_face_elsewhere_is_new_and_numbers_are_not_used_again() -> None:
    track = Tracker()
    assert track(0, [face(100)]) == [1]
    assert track(FRAME_NS, [face(400)]) == [2]
    assert track(60 * FRAME_NS, [face(100), face(400)]) == [3, 4]


@pytest.mark.parametrize("size", [50, 200])
def test_a_face_of_another_size_at_the_same_place_is_new(size: float) -> None:
    track = Tracker()
    track(0, [face(100, size=100)])
    assert track(FRAME_NS, [face(100, size=size)]) == [2]


def test_the_closer_of_two_faces_takes_the_number() -> None:
    track = Tracker()
    track(0, [face(100)])
    assert track(FRAME_NS, [face(140), face(105)]) == [2, 1]


def test_a_stream_that_begins_anew_has_new_faces() -> None:
    track = Tracker()
    track(0, [face(100)])
    track.forget()
    assert track(FRAME_NS, [face(100)]) == [2]


def test_time_that_runs_backwards_begins_anew() -> None:
    track = Tracker()
    track(10 * FRAME_NS, [face(100)])
    assert track(0, [face(100)]) == [2]


def test_the_same_boxes_have_the_same_numbers_in_every_run() -> None:
    pictures = [[face(100 + 7 * k), face(180 + 3 * k), face(200 - 5 * k)] for k in range(40)]

    def run() -> list[list[int]]:
        track = Tracker()
        return [track(k * FRAME_NS, boxes) for k, boxes in enumerate(pictures)]

    assert run() == run()


def test_a_face_may_stand_in_two_pictures_of_one_instant() -> None:
    track = Tracker()
    track(0, [face(100)])
    assert track(0, [face(101)]) == [1]
