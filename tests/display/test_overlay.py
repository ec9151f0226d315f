from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from display.chips import Measures
from display.layout import Box, best_place, face_box, fitted, places_around, tag_places, tiles
from display.overlay import paint
from display.paint import elide, text_mask, text_width
from display.palette import EMOTION_COLOURS, WARNING, bgr
from display.scene import CameraScene, Picture, Scene, VoiceScene
from messaging.schema import EMOTIONS, Emotion, Face
from tests.display.messages import face, utterance

SIZES = [(1, 1), (16, 16), (64, 48), (320, 240), (640, 480), (1280, 720), (480, 640), (1920, 1080)]


def grey(width: int, height: int) -> Picture:
    return np.full((height, width, 3), 128, np.uint8)


def camera(picture: Picture, *faces: Face, note: str = "", name: str = "camera") -> CameraScene:
    height, width = picture.shape[:2]
    return CameraScene(name, picture, width, height, faces, note, rate_hz=30.0, latency_ms=14.0)


def voice(label: Emotion | None = "sad", *, spoken_s: float | None = None) -> VoiceScene:
    said = utterance(0, 1000, label).message
    return VoiceScene("microphone", -20.0, 0.9, "", spoken_s, said, 3.2)


def has_colour(picture: Picture, colour: str, tolerance: int = 12) -> bool:
    distance = np.abs(picture.astype(int) - bgr(colour)).max(axis=2)
    return bool((distance <= tolerance).any())


@pytest.mark.parametrize("size", SIZES)
def test_any_size_is_painted_as_a_new_picture_and_the_one_given_stays_as_it_is(
    size: tuple[int, int],
) -> None:
    picture = grey(*size)
    box = (size[0] * 0.3, size[1] * 0.3, size[0] * 0.4, size[1] * 0.4)
    scene = Scene((camera(picture, face(box=box), note="ended"),), (voice(),), dropped=3, lost=1)
    painted = paint(scene)
    assert painted.shape == picture.shape
    assert painted.dtype == np.uint8
    assert (picture == 128).all()
    assert (painted != 128).any()


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1920, 1080)])
def test_of_several_voices_each_line_has_its_microphones_name(size: tuple[int, int]) -> None:
    def lines(*names: str) -> Picture:
        return paint(Scene(voices=tuple(replace(voice(), source=name) for name in names)), size)

    assert (lines("guest", "host") != lines("guest", "room")).any()
    assert (lines("guest") == lines("host")).all(), "a single one needs none"
    assert (lines("a", "b", "c") != lines("a", "b", "c", "d")).any(), "there are more"
    assert (lines("a", "b", "c", "d") != lines("a", "b", "c", "d", "e")).any(), "how many"


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1920, 1080)])
@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_face_gets_its_box_in_the_colour_of_its_emotion(
    size: tuple[int, int], emotion: Emotion
) -> None:
    left, top, width, height = (round(value * size[1]) for value in (0.3, 0.3, 0.4, 0.4))
    shown = camera(grey(*size), face(emotion, (left, top, width, height)))
    painted = paint(Scene((shown,)))
    edge = painted[top + height // 3 : top + height // 2, left - 3 : left + 4]
    assert has_colour(edge, EMOTION_COLOURS[emotion])
    middle = painted[
        top + height // 3 : top + height * 2 // 3, left + width // 3 : left + width // 2
    ]
    assert (middle == 128).all(), "the face itself is covered"


@pytest.mark.parametrize(
    "box",
    [
        (-50, -40, 100, 100),
        (600, 440, 200, 200),
        (-500, -500, 2000, 2000),
        (0, 0, 640, 480),
        (1e300, -1e300, 1e300, 1e300),
        (700, 500, 50, 50),
        (100, 100, 0, 0),
        (100, 100, -40, -40),
    ],
)
def test_boxes_at_and_beyond_the_edges_do_no_harm(box: tuple[float, float, float, float]) -> None:
    assert paint(Scene((camera(grey(640, 480), face(box=box)),), (voice(),))).shape == (480, 640, 3)


def test_a_face_beyond_the_picture_changes_nothing() -> None:
    empty = paint(Scene((camera(grey(640, 480)),)))
    beyond = paint(Scene((camera(grey(640, 480), face(box=(700, 500, 50, 50))),)))
    assert (empty == beyond).all()


@pytest.mark.parametrize(("left", "top"), list(product((0.0, 0.35, 0.7), repeat=2)))
@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1280, 720)])
def test_label_and_bars_are_whole_wherever_the_face_is(
    size: tuple[int, int], left: float, top: float
) -> None:
    """A panel that reached beyond an edge would show fewer of its pixels."""
    width, height = size
    box = (left * width, top * height, 0.3 * height, 0.3 * height)
    without = paint(Scene((camera(grey(width, height)),)))
    painted = paint(Scene((camera(grey(width, height), face("happy", box)),)))
    changed = (painted != without).any(axis=2)
    outlined = face_box(box, 1.0, Box(0, 0, width, height))
    edge = 2 + Measures.of(width, height).stroke
    changed[max(0, outlined.top - edge) : outlined.bottom + edge,
            max(0, outlined.left - edge) : outlined.right + edge] = False  # fmt: skip
    rows, columns = np.nonzero(changed)
    assert rows.size, "neither a label nor bars beside the face"
    assert rows.min() > 0
    assert columns.min() > 0
    assert rows.max() < height - 1
    assert columns.max() < width - 1


def test_no_face_is_said() -> None:
    quiet = paint(Scene((camera(grey(640, 480)),)))
    said = paint(Scene((camera(grey(640, 480), note="no face"),)))
    assert (quiet != said).any()


def test_what_was_dropped_is_said_in_the_colour_of_warnings() -> None:
    assert not has_colour(paint(Scene((camera(grey(640, 480)),), (voice(),))), WARNING)
    assert has_colour(paint(Scene((camera(grey(640, 480)),), (voice(),), dropped=7)), WARNING)


def test_the_voice_shows_its_label_in_its_colour_at_the_bottom() -> None:
    painted = paint(Scene((camera(grey(640, 480)),), (voice("sad"),)))
    assert has_colour(painted[400:, 320:], EMOTION_COLOURS["sad"])
    assert not has_colour(painted[:400], EMOTION_COLOURS["sad"])


@pytest.mark.parametrize("label", ["happy", None])
@pytest.mark.parametrize("spoken_s", [None, 1.5])
@pytest.mark.parametrize("size", [(320, 240), (640, 480)])
def test_every_state_of_the_voice_fits(
    label: Emotion | None, spoken_s: float | None, size: tuple[int, int]
) -> None:
    """The outermost columns and the line below the panel stay free."""
    painted = paint(Scene((camera(grey(*size)),), (voice(label, spoken_s=spoken_s),)))
    assert (painted[-1] == 128).all()
    assert (painted[size[1] // 2 :, [0, -1]] == 128).all()
    assert (painted[size[1] * 9 // 10 :] != 128).any()


def test_several_faces_do_not_hide_each_other() -> None:
    """Six faces in two rows: the middle of each stays as it was."""
    places = [(60 + x * 200.0, 60 + y * 190.0, 100.0, 100.0) for x in range(3) for y in range(2)]
    faces = [face(box=box, track=track) for track, box in enumerate(places)]
    painted = paint(Scene((camera(grey(640, 480), *faces),), (voice(),)))
    for left, top, width, height in places:
        x, y = round(left + width / 2), round(top + height / 2)
        assert (painted[y - 15 : y + 15, x - 15 : x + 15] == 128).all()


def test_faces_of_one_track_and_of_one_place_are_painted_all_the_same() -> None:
    crowd = [face(box=(200, 150, 100, 100), track=1)] * 40
    assert has_colour(paint(Scene((camera(grey(640, 480), *crowd),))), EMOTION_COLOURS["happy"])


def test_faces_stay_where_they_are_when_the_picture_is_painted_larger() -> None:
    shown = camera(grey(320, 240), face("angry", (100, 80, 60, 60)))
    painted = paint(Scene((shown,)), (1280, 960))
    assert has_colour(painted[400:460, 397:404], EMOTION_COLOURS["angry"])


def test_several_cameras_stand_side_by_side() -> None:
    bright, dark = np.full((48, 64, 3), 200, np.uint8), np.full((48, 64, 3), 50, np.uint8)
    painted = paint(Scene((camera(bright), camera(dark))), (1280, 480))
    assert (painted[240, 300] == 200).all()
    assert (painted[240, 980] == 50).all()


@pytest.mark.parametrize("scene", [Scene(), Scene((CameraScene("camera"),)), Scene((), (voice(),))])
def test_a_scene_without_pictures_is_painted_too(scene: Scene) -> None:
    assert paint(scene).shape == (480, 640, 3)
    assert paint(scene, (200, 100)).shape == (100, 200, 3)


@pytest.mark.parametrize("name", ["x" * 256, "küche", "\n\0", "a b"])
def test_any_name_of_a_camera_stays_inside(name: str) -> None:
    painted = paint(Scene((camera(grey(320, 240), name=name),)))
    assert (painted[:, -1] == 128).all()


@pytest.mark.parametrize("size", [8, 15, 40])
def test_text_is_cut_to_the_room_there_is(size: int) -> None:
    for width in range(0, 300, 7):
        assert text_width(elide("surprise 100%", size, width), size) <= width
    assert elide("sad", size, 1000) == "sad"


def test_text_is_anti_aliased() -> None:
    assert np.unique(text_mask("happy", 15)).size > 20


def test_panels_are_moved_inside_and_away_from_what_is_taken() -> None:
    bounds, own = Box(0, 0, 400, 300), Box(150, 100, 100, 100)
    right = Box(250, 0, 150, 300)
    place, hidden = best_place(places_around(own, 80, 60, 5), bounds, own, [right], [])
    assert place == Box(65, 100, 80, 60)
    assert hidden == 0
    place, hidden = best_place(tag_places(Box(0, 0, 400, 300), 80, 20, 5), bounds, own, [], [])
    assert place.cut_to(bounds) == place


@pytest.mark.parametrize("count", range(1, 17))
def test_tiles_lie_inside_and_do_not_overlap(count: int) -> None:
    bounds = Box(0, 0, 1280, 720)
    places = tiles(count, bounds)
    assert len(places) == count
    assert all(place.cut_to(bounds) == place and place.area for place in places)
    assert sum(a.overlap(b) for a in places for b in places if a is not b) == 0


def test_a_picture_keeps_its_shape_in_a_tile() -> None:
    assert fitted(640, 480, Box(100, 0, 1000, 480)) == Box(280, 0, 640, 480)
    assert fitted(16384, 1, Box(0, 0, 100, 100)) == Box(0, 49, 100, 1)
