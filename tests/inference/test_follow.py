"""Pictures in, faces out, through the real detector, whose calls are counted."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest

from config.settings import InferenceSettings
from inference import follow
from inference.blazeface import BlazeFace
from inference.detector import Box, Detection, Picture
from inference.faces import FaceInference, open_face_inference
from inference.follow import Follower

from .conftest import PROJECT, read_pictures
from .people import Person, Place, paint
from .test_people import RATE_HZ, SCENES, is_true, look_at, numbers_of, tell_who

FRAME_NS = 33_333_333
EVERY_S = InferenceSettings().detect_every_s
WALKER = Person("anna", (0, Place(200, 230)), (2, Place(440, 250)), (9, Place(440, 250)))


class Counting:
    """A detector that says in which of its pictures it was asked."""

    name = "counting"

    def __init__(self, detector: Callable[[Picture], list[Detection]]) -> None:
        self._detector = detector
        self.seen = 0

    def __call__(self, picture: Picture) -> list[Detection]:
        self.seen += 1
        return self._detector(picture)


class Watch:
    """A follower of which is known whether it searched."""

    def __init__(
        self,
        detector: Callable[[Picture], list[Detection]],
        *,
        detect_every_s: float = EVERY_S,
        still_s: float = 0.0,
    ) -> None:
        self._detector = Counting(detector)
        self.follower = Follower(self._detector, detect_every_s=detect_every_s, still_s=still_s)
        self.faces: list[Detection] = []

    def __call__(self, stamp_ns: int, picture: Picture) -> bool:
        before = self._detector.seen
        self.faces = self.follower(stamp_ns, picture)
        return self._detector.seen > before

    def searched(self, pictures: Sequence[Picture], frame_ns: int = FRAME_NS) -> list[int]:
        """Numbers of the pictures."""
        return [k for k, picture in enumerate(pictures) if self(k * frame_ns, picture)]


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    (a, b), (c, d) = (
        (max(one[k], other[k]), min(one[k] + one[k + 2], other[k] + other[k + 2])) for k in (0, 1)
    )
    common = max(0.0, b - a) * max(0.0, d - c)
    return common / (one.area + other.area - common)


@pytest.fixture(scope="module")
def walk() -> list[Picture]:
    """A second at 30 per second: a head that crosses 120 pixels."""
    return [paint([WALKER], k / 30) for k in range(30)]


def noisy(picture: Picture, seed: int, deviation: float = 4) -> Picture:
    noise = np.random.default_rng(seed).normal(0, deviation, picture.shape)
    return (picture + noise).round().clip(0, 255).astype(np.uint8)


def test_a_face_that_moves_is_searched_in_every_third_picture(
    walk: list[Picture], blazeface: BlazeFace
) -> None:
    assert Watch(blazeface, still_s=1).searched(walk) == list(range(0, 30, 3))


@pytest.mark.parametrize(("rate", "step"), [(60, 5), (25, 2), (20, 2), (10, 1), (8, 1), (1, 1)])
def test_time_and_not_the_number_of_pictures_decides(
    rate: int, step: int, walk: list[Picture], blazeface: BlazeFace
) -> None:
    searched = Watch(blazeface).searched(walk[:1] * 13, round(1e9 / rate))
    assert searched == list(range(0, 13, step))


def test_every_picture_is_searched_when_so_asked(walk: list[Picture], blazeface: BlazeFace) -> None:
    watch = Watch(blazeface, detect_every_s=0, still_s=1)
    assert watch.searched(walk[:1] * 5) == [0, 1, 2, 3, 4]


def test_box_and_key_points_move_along_to_a_fraction_of_a_pixel(
    walk: list[Picture], blazeface: BlazeFace
) -> None:
    watch, found, began = Watch(blazeface), Detection(Box(0, 0, 0, 0), 0), 0
    for k, picture in enumerate(walk):
        if watch(k * FRAME_NS, picture):
            (found,), began = watch.faces, k
        way = np.subtract(walker(k), walker(began))
        (face,) = watch.faces
        assert found.points is not None
        assert face.points is not None
        assert face.box[2:] == found.box[2:]
        assert np.allclose(np.subtract(face.box[:2], found.box[:2]), way, atol=0.6)
        assert np.allclose(np.subtract(face.points, found.points), way, atol=0.6)


def walker(number: int) -> tuple[float, float]:
    place = WALKER.place(number / 30)
    assert place is not None
    return place.x, place.y


def test_the_score_is_that_of_the_last_detection(walk: list[Picture], blazeface: BlazeFace) -> None:
    watch, scores = Watch(blazeface), list[float]()
    for k, picture in enumerate(walk[:3]):
        watch(k * FRAME_NS, picture)
        scores += [face.score for face in watch.faces]
    assert scores == [blazeface(walk[0])[0].score] * 3


def test_a_face_without_key_points_is_followed_too(
    walk: list[Picture], blazeface: BlazeFace
) -> None:
    watch = Watch(lambda picture: [Detection(face.box, 1.0) for face in blazeface(picture)])
    assert watch.searched(walk[:6]) == [0, 3]
    assert overlap(watch.faces[0].box, blazeface(walk[5])[0].box) > 0.85


def with_hand(picture: Picture) -> Picture:
    """Skin before brows and eyes of ``WALKER`` at the start."""
    covered = picture.copy()
    cv2.ellipse(covered, (200, 205), (60, 40), 10, 0, 360, (150, 175, 215), -1)
    return covered


def other_scene(_: Picture) -> Picture:
    return read_pictures(PROJECT / "capture" / "demo" / "clip.mp4", 1)[0]


def moved(picture: Picture) -> Picture:
    return np.roll(picture, 90, axis=1)


def brighter_room(picture: Picture) -> Picture:
    """All but the head."""
    changed = picture.copy()
    changed[:, 320:] = 255 - changed[:, 320:]
    changed[:100] = 255
    return changed


def empty(picture: Picture) -> Picture:
    return np.full_like(picture, picture[0, 0])


@pytest.mark.parametrize("change", [with_hand, other_scene, moved, brighter_room, empty])
def test_what_is_no_longer_as_it_was_is_searched_in_that_very_picture(
    change: Callable[[Picture], Picture], walk: list[Picture], blazeface: BlazeFace
) -> None:
    for still_s in (0, 1):
        watch = Watch(blazeface, still_s=still_s)
        assert watch(0, walk[0])
        assert not watch(FRAME_NS, walk[1])
        picture = change(walk[1])
        assert watch(2 * FRAME_NS, picture)
        assert watch.faces == blazeface(picture)


def test_another_head_in_the_same_place_is_searched(blazeface: BlazeFace) -> None:
    watch = Watch(blazeface, still_s=1)
    one, other = (
        paint([Person(name, (0, Place(320, 240)), (1, Place(320, 240)))], 0)
        for name in ("anna", "bruno")
    )
    assert watch.searched([one, one, other]) == [0, 2]


def test_without_a_face_every_picture_is_searched_in_which_something_moves(
    blazeface: BlazeFace,
) -> None:
    room, pictures = np.full((480, 640, 3), 90, np.uint8), list[Picture]()
    for k in range(6):
        pictures.append(room.copy())
        pictures[-1][200:300, 60 + 40 * k : 130 + 40 * k] = 160
    assert Watch(blazeface, still_s=1).searched(pictures) == list(range(6))


def test_an_empty_room_is_searched_once_a_second(blazeface: BlazeFace) -> None:
    room = np.full((480, 640, 3), 90, np.uint8)
    pictures = [noisy(room, seed) for seed in range(65)]
    assert Watch(blazeface, still_s=1).searched(pictures) == [0, 31, 62]
    assert Watch(blazeface, still_s=0).searched(pictures[:9]) == list(range(9))


def test_who_comes_into_a_still_room_is_found_in_the_first_picture(
    walk: list[Picture], blazeface: BlazeFace
) -> None:
    watch = Watch(blazeface, still_s=1)
    assert watch.searched([empty(walk[0])] * 9) == [0]
    assert watch(9 * FRAME_NS, walk[0])
    assert len(watch.faces) == 1


def test_a_face_in_a_still_picture_is_searched_once_a_second(
    walk: list[Picture], blazeface: BlazeFace
) -> None:
    pictures = [noisy(walk[0], seed) for seed in range(40)]
    assert Watch(blazeface, still_s=1).searched(pictures) == [0, 31]


def test_who_comes_beside_a_face_that_is_followed_is_found_within_the_interval(
    blazeface: BlazeFace,
) -> None:
    anna = Person("anna", (0, Place(150, 240)), (1, Place(150, 240)))
    clara = Person("clara", (0, Place(480, 240)), (1, Place(480, 240)))
    watch = Watch(blazeface, still_s=1)
    alone, both = paint([anna], 0), paint([anna, clara], 0)
    found = list[int]()
    for k, picture in enumerate([alone] * 4 + [both] * 4):
        watch(k * FRAME_NS, picture)
        found.append(len(watch.faces))
    assert found[:4] == [1] * 4
    assert found[6:] == [2] * 2


def test_faces_that_are_near_each_other_are_not_followed(blazeface: BlazeFace) -> None:
    anna = Person("anna", (0, Place(250, 240)), (1, Place(250, 240)))
    clara = Person("clara", (0, Place(390, 240)), (1, Place(390, 240)))
    picture = paint([anna, clara], 0)
    assert len(blazeface(picture)) == 2
    assert Watch(blazeface).searched([picture] * 4) == [0, 1, 2, 3]


def test_a_face_that_reaches_over_the_edge_is_not_followed(blazeface: BlazeFace) -> None:
    for place in (Place(25, 230), Place(612, 230), Place(320, 30), Place(320, 440)):
        picture = paint([Person("anna", (0, place), (1, place))], 0)
        assert len(blazeface(picture)) == 1
        assert Watch(blazeface).searched([picture] * 3) == [0, 1, 2]


@pytest.mark.parametrize("size", [80.0, 110.0, 300.0])
def test_faces_of_every_size_are_followed(size: float, blazeface: BlazeFace) -> None:
    place, goal = Place(320, 240, size), Place(360, 240, size)
    pictures = [paint([Person("anna", (0, place), (1, goal))], k / 30) for k in range(7)]
    assert Watch(blazeface).searched(pictures) == [0, 3, 6]


def test_a_face_of_a_low_score_is_not_followed(walk: list[Picture], blazeface: BlazeFace) -> None:
    def unsure(picture: Picture) -> list[Detection]:
        return [Detection(f.box, follow.SURE - 0.01, f.points) for f in blazeface(picture)]

    assert Watch(unsure).searched(walk[:4]) == [0, 1, 2, 3]


def test_after_a_face_was_missed_the_next_picture_is_searched(
    walk: list[Picture], blazeface: BlazeFace
) -> None:
    asked = list[Picture]()

    def forgetful(picture: Picture) -> list[Detection]:
        asked.append(picture)
        return [] if len(asked) == 2 else blazeface(picture)

    assert Watch(forgetful).searched(walk[:8]) == [0, 3, 4, 7]
    asked.clear()
    assert Watch(forgetful, still_s=1).searched(walk[:1] * 34) == [0, 31, 32]


def test_stamps_that_go_back_stand_or_jump_are_searched(
    walk: list[Picture], blazeface: BlazeFace
) -> None:
    watch, picture = Watch(blazeface, still_s=60), walk[0]
    assert watch(10 * FRAME_NS, picture)
    assert not watch(11 * FRAME_NS, picture)
    assert watch(10 * FRAME_NS, picture)
    assert not watch(11 * FRAME_NS, picture)
    assert watch(11 * FRAME_NS, picture)
    assert not watch(12 * FRAME_NS, picture)
    assert watch(15 * FRAME_NS, picture)


def test_a_picture_of_another_size_is_searched(walk: list[Picture], blazeface: BlazeFace) -> None:
    watch = Watch(blazeface, still_s=1)
    half = cv2.resize(walk[0], (320, 240)).astype(np.uint8, copy=False)
    assert watch.searched([walk[0], walk[0], half, half, walk[0]]) == [0, 2, 4]
    nobody = empty(walk[0]), empty(half)
    watch = Watch(blazeface, still_s=1)
    assert watch.searched([nobody[0], nobody[0], nobody[1], nobody[1], nobody[0]]) == [0, 2, 4]


def test_a_stream_that_begins_anew_is_searched(walk: list[Picture], blazeface: BlazeFace) -> None:
    watch = Watch(blazeface, still_s=1)
    watch(0, walk[0])
    watch.follower.forget()
    assert watch(FRAME_NS, walk[0])


def test_the_same_pictures_give_the_same_faces(walk: list[Picture], blazeface: BlazeFace) -> None:
    runs = list[list[list[Detection]]]()
    for _ in range(2):
        watch, faces = Watch(blazeface, still_s=1), list[list[Detection]]()
        for k, picture in enumerate(walk):
            watch(k * FRAME_NS, picture)
            faces.append(watch.faces)
        runs.append(faces)
    assert runs[0] == runs[1]


@pytest.fixture
def inference() -> FaceInference:
    return open_face_inference(InferenceSettings(engine="litert"))


def test_two_cameras_do_not_mix(inference: FaceInference, walk: list[Picture]) -> None:
    mirrored = [np.ascontiguousarray(picture[:, ::-1]) for picture in walk]

    def boxes(source: str, k: int) -> list[tuple[float, ...]]:
        picture = walk[k] if source == "front" else mirrored[k]
        return [face.box for face in inference(source, k * FRAME_NS, picture)]

    alone = {source: [boxes(source, k) for k in range(12)] for source in ("front", "side")}
    for source in alone:
        inference.forget(source)
    together = [(boxes("front", k), boxes("side", k)) for k in range(12)]
    assert together == [*zip(*alone.values(), strict=True)]


def test_inference_asks_the_detector_no_more_often_than_it_must(
    inference: FaceInference, walk: list[Picture]
) -> None:
    counting = inference.detector = Counting(inference.detector)
    for k, picture in enumerate(walk):
        assert len(inference("camera", k * FRAME_NS, picture)) == 1
    assert counting.seen == 10


def test_an_expression_is_read_in_every_picture(
    inference: FaceInference, walk: list[Picture]
) -> None:
    """Also where the picture is as good as unchanged."""
    counting = inference.detector = Counting(inference.detector)
    (first,), (second,) = (
        inference("camera", k * FRAME_NS, noisy(walk[0], seed=k)) for k in range(2)
    )
    assert counting.seen == 1
    assert first.probabilities != second.probabilities


class Following:
    """A detector to which pictures come at ``RATE_HZ``."""

    name = "following"

    def __init__(self, detector: BlazeFace) -> None:
        settings = InferenceSettings()
        self.detector = Counting(detector)
        self.seen = 0
        self._follower = Follower(
            self.detector, detect_every_s=settings.detect_every_s, still_s=settings.still_s
        )

    def __call__(self, picture: Picture) -> list[Detection]:
        self.seen += 1
        return self._follower(round(self.seen * 1e9 / RATE_HZ), picture)


@pytest.mark.parametrize(
    "scene",
    [
        "two cross",
        "three cross",
        "one is hidden for two seconds",
        "one of three leaves and returns",
        "one leaves and another comes",
    ],
)
def test_followed_people_keep_their_numbers(scene: str, blazeface: BlazeFace) -> None:
    people, following = SCENES[scene], Following(blazeface)
    instants = look_at(people, following)
    assert following.detector.seen < following.seen
    assert is_true(had := numbers_of(instants), people), had
    for now in instants:
        for box in now.boxes:
            if who := tell_who(box, now.people):
                place = now.people[who]
                assert overlap(box, around(place)) > 0.5


def around(place: Place) -> Box:
    return Box(place.x - place.size / 2, place.y - place.size / 2, place.size, place.size)
