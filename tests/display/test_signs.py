from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from display.chips import Measures
from display.layout import Box
from display.overlay import paint
from display.palette import EMOTION_COLOURS, INK, PANEL, RECORDING, TRACK, WARNING, bgr
from display.scene import CameraScene, Picture, Scene, SessionScene, VoiceScene
from display.signs import clock, progress_height, standing_signs
from messaging.schema import Face
from tests.display.messages import face, utterance

SIZES = [(320, 240), (640, 480), (480, 640), (1280, 720), (1920, 1080)]
ODD_SIZES = [(1, 1), (3, 200), (16, 16), (64, 48), (200, 60)]
REC = SessionScene(recorded_s=83.9)
PAUSED = SessionScene(played=0.5, is_paused=True, has_player=True)
VOICE = VoiceScene("microphone", -20.0, 0.9, "", None, utterance(0, 1000, "sad").message, 3.2)


def scene(
    size: tuple[int, int], session: SessionScene, *faces: Face, cameras: int = 1, grey: int = 128
) -> Scene:
    picture = np.full((size[1], size[0], 3), grey, np.uint8)
    camera = CameraScene("camera", picture, *size, faces, "", rate_hz=30.0, latency_ms=14.0)
    return Scene((camera,) * cameras, (VOICE,), session=session)


def pixels(picture: Picture, colour: str) -> int:
    return int((np.abs(picture.astype(int) - bgr(colour)).max(axis=2) <= 12).sum())


def corner(painted: Picture) -> Picture:
    """Top right, where recording is told."""
    height, width = painted.shape[:2]
    return painted[: height // 4, width * 3 // 5 :]


@pytest.mark.parametrize(
    ("size", "cameras", "grey"),
    [*product(SIZES, (1, 3), (128,)), ((640, 480), 1, 0), ((640, 480), 1, 255)],
)
def test_recording_is_seen_at_any_size_on_any_picture(
    size: tuple[int, int], cameras: int, grey: int
) -> None:
    """A red dot of a text line's height, and letters in the brightest ink beside it."""
    shown = scene(size, REC, face(box=(0, 0, *size)), cameras=cameras, grey=grey)
    painted, text = paint(shown, size), Measures.of(*size).text
    assert pixels(corner(painted), RECORDING) > 0.6 * text**2
    assert pixels(painted, RECORDING) == pixels(corner(painted), RECORDING)
    rested = paint(replace(shown, session=SessionScene()), size)
    assert pixels(rested, RECORDING) == 0


@pytest.mark.parametrize("size", ODD_SIZES)
def test_where_there_is_no_room_for_words_the_dot_stays(size: tuple[int, int]) -> None:
    painted = paint(scene(size, REC))
    assert painted.shape == (size[1], size[0], 3)
    assert min(size) < 16 or pixels(painted, RECORDING) > 20
    for session in (PAUSED, SessionScene(marker="m"), SessionScene(recorder_silent_s=4)):
        assert paint(scene(size, session)).shape == painted.shape


def test_nothing_hides_the_sign_of_recording() -> None:
    """Neither faces nor notes, markers, losses or help: its pixels are the same without them."""
    calm = scene((640, 480), REC)
    camera = replace(
        calm.cameras[0],
        faces=tuple(face(box=(x, 0, 120, 90), track=x) for x in range(0, 640, 60)),
        note="no pictures for 3 s",
        source="x" * 200,
    )
    busy = replace(
        calm,
        cameras=(camera,),
        dropped=7,
        lost=9,
        session=replace(REC, marker="long " * 50, played=0.5, is_paused=True),
        help=tuple((str(number), "something " * 20) for number in range(40)),
    )
    (sign,) = standing_signs(REC, Box(0, 0, 640, 480), 400, Measures.of(640, 480))
    left, top, width, height = sign.box
    inside = (slice(top + 6, top + height - 6), slice(left + 6, left + width - 6))
    assert (paint(busy)[inside] == paint(calm)[inside]).all()


def test_the_time_that_was_recorded_is_told() -> None:
    assert [clock(s) for s in (0, 9.99, 83.4, 3599, 3723, -1)] == [
        "0:00", "0:09", "1:23", "59:59", "1:02:03", "0:00",
    ]  # fmt: skip
    later = replace(REC, recorded_s=84.1)
    size = (640, 480)
    assert (paint(scene(size, REC)) != paint(scene(size, later))).any()


@pytest.mark.parametrize("size", SIZES)
def test_a_silent_recorder_is_a_warning_and_no_sign_of_recording(size: tuple[int, int]) -> None:
    painted = paint(scene(size, SessionScene(recorder_silent_s=4.0)))
    assert pixels(corner(painted), WARNING) > 20
    assert pixels(painted, RECORDING) == 0


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1280, 720)])
@pytest.mark.parametrize("place", list(product((0.0, 0.35, 0.7), repeat=2)))
def test_signs_leave_the_faces_labels_and_the_voice_alone(
    size: tuple[int, int], place: tuple[float, float]
) -> None:
    """Wherever the face is: its label, in the colour of its emotion, stands beside its outline."""
    bare, side = scene(size, SessionScene()), size[1] / 4
    left, top = (share * length for share, length in zip(place, size, strict=True))
    found = face("happy", (left, top, side, side), share=0.2)
    painted = paint(scene(size, replace(REC, is_paused=True), found))
    voice = paint(bare) != paint(replace(bare, voices=()))
    without_signs = paint(scene(size, SessionScene(), found))
    assert (painted[voice] == without_signs[voice]).all(), "the voice is hidden"

    measures = Measures.of(*size)
    letters = np.all(np.abs(painted.astype(int) - bgr(EMOTION_COLOURS["happy"])) <= 12, axis=2)
    edge = measures.stroke + 2
    rows, columns = (
        slice(max(0, round(start) - edge), round(start + side) + edge) for start in (top, left)
    )
    letters[rows, columns] &= _inside(letters[rows, columns].shape, 2 * edge)
    assert letters.sum() > 2 * measures.text, "the label is hidden"


def _inside(shape: tuple[int, ...], edge: int) -> NDArray[np.bool_]:
    inside = np.zeros(shape, bool)
    inside[edge:-edge, edge:-edge] = True
    return inside


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("played", [0.0, 0.25, 1.0])
def test_what_is_played_fills_a_bar_along_the_lower_edge(
    size: tuple[int, int], played: float
) -> None:
    painted = paint(scene(size, SessionScene(played=played)))
    height = progress_height(SessionScene(played=played), Measures.of(*size))
    strip = painted[-height:]
    assert height >= 3
    corners = 8
    assert pixels(strip, INK) == pytest.approx(played * strip[..., 0].size, abs=height + corners)
    assert pixels(strip, INK) + pixels(strip, TRACK) >= strip[..., 0].size - corners
    assert (paint(scene(size, SessionScene()))[-2:] == 128).all(), "there is one without a replay"


@pytest.mark.parametrize("size", SIZES)
def test_a_pause_is_told_above_the_voice(size: tuple[int, int]) -> None:
    going, held = (paint(scene(size, replace(PAUSED, is_paused=p))) for p in (False, True))
    rows, columns = np.nonzero((going != held).any(axis=2))
    assert size[1] / 2 < rows.min()
    assert rows.max() < size[1] * 0.95
    assert columns.max() < size[0] / 2
    assert pixels(held[rows.min() : rows.max(), : columns.max()], PANEL) > 100


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text", ["marker 3", "x" * 4096, "\n\0é"])
def test_a_marker_is_shown_inside_and_hides_no_face(size: tuple[int, int], text: str) -> None:
    """Not even one that fills the middle."""
    width, height = size
    large = face(box=(width * 0.3, height * 0.2, width * 0.4, height * 0.7))
    without, with_it = (
        paint(scene(size, SessionScene(marker=marker), large)) for marker in ("", text)
    )
    rows, columns = np.nonzero((without != with_it).any(axis=2))
    assert rows.size
    assert columns.min() > 0
    assert columns.max() < width - 1
    middle = (
        slice(round(height * 0.3), round(height * 0.8)),
        slice(width * 4 // 10, width * 6 // 10),
    )
    assert (without[middle] == with_it[middle]).all()


@pytest.mark.parametrize("size", [*SIZES, *ODD_SIZES])
def test_help_fits_and_is_shown_when_asked_for_alone(size: tuple[int, int]) -> None:
    calm = scene(size, REC)
    keys = (("r", "start or stop recording"), ("Tab, 1-9, 0", "pick a camera; 0 shows all"))
    helped = paint(replace(calm, help=keys))
    assert helped.shape == (size[1], size[0], 3)
    if size in SIZES:
        rows, columns = np.nonzero((helped != paint(calm)).any(axis=2))
        assert columns.min() > 0
        assert columns.max() < size[0] - 1
        assert rows.size > 0
