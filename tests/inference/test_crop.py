import math

import cv2
import numpy as np
import pytest

from inference import crop
from inference.blazeface import BlazeFace
from inference.crop import Square
from inference.detector import Box, Detection, KeyPoints, Picture


def face(right_eye: tuple[float, float], left_eye: tuple[float, float]) -> Detection:
    nowhere = (0.0, 0.0)
    return Detection(
        Box(100, 100, 100, 100),
        1.0,
        KeyPoints(right_eye, left_eye, nowhere, nowhere, nowhere, nowhere),
    )


def test_the_square_of_an_upright_face_is_built_from_its_eyes() -> None:
    square = crop.square(face((100, 200), (160, 200)))
    assert square.side == pytest.approx(60 * crop.EYE_DISTANCES)
    assert square.x == pytest.approx(130)
    assert square.y - 200 == pytest.approx(square.side * crop.EYES_ABOVE_CENTRE)
    assert square.tilt == 0


def test_a_head_that_is_turned_away_is_no_smaller_than_its_box() -> None:
    assert crop.square(face((150, 200), (160, 200))).side == 100


@pytest.mark.parametrize("degrees", [-40.0, -10.0, 10.0, 40.0])
def test_a_tilted_head_is_levelled_but_for_a_rest(degrees: float) -> None:
    tilt = math.radians(degrees)
    eyes = (100.0, 200.0), (100 + 60 * math.cos(tilt), 200 + 60 * math.sin(tilt))
    square = crop.square(face(*eyes))
    assert square.tilt == pytest.approx(tilt - math.copysign(crop.LEVEL_BEYOND, tilt))
    assert square.side == pytest.approx(60 * crop.EYE_DISTANCES)


@pytest.mark.parametrize("degrees", [-5.0, -1.0, 3.0])
def test_a_head_that_is_hardly_tilted_is_left_as_it_is(degrees: float) -> None:
    down = 60 * math.tan(math.radians(degrees))
    assert crop.square(face((100, 200), (160, 200 + down))).tilt == pytest.approx(0, abs=1e-9)


def test_without_eyes_the_box_is_the_square() -> None:
    assert crop.square(Detection(Box(10, 20, 50, 50), 1.0)) == Square(35, 45, 50)


@pytest.mark.parametrize("side", [64, 100, 200])
def test_an_upright_square_is_cut_as_resize_would(portrait: Picture, side: int) -> None:
    left, top = 220, 160
    part = cv2.cvtColor(portrait[top : top + side, left : left + side], cv2.COLOR_BGR2GRAY)
    expected = cv2.resize(part, (64, 64), interpolation=cv2.INTER_LINEAR)
    (found,) = crop.cut(portrait, [Square(left + side / 2, top + side / 2, side)])
    assert np.abs(found.astype(int) - expected).max() <= 3


@pytest.mark.parametrize("degrees", [-30, -15, 15, 30])
def test_a_turned_picture_gives_the_upright_crop_again(portrait: Picture, degrees: int) -> None:
    centre = (320.0, 240.0)
    turning = cv2.getRotationMatrix2D(centre, -degrees, 1)
    turned = cv2.warpAffine(portrait, turning, (640, 480)).astype(np.uint8, copy=False)
    (upright,) = crop.cut(portrait, [Square(*centre, 200)])
    (found,) = crop.cut(turned, [Square(*centre, 200, math.radians(degrees))])
    assert np.abs(found.astype(int) - upright).mean() < 3


def test_beyond_the_edge_the_edge_goes_on() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:, :50] = 200
    (found,) = crop.cut(picture, [Square(0, 50, 64)])
    assert (found == 200).all()


def test_a_face_at_the_border_is_cut_whole(portrait: Picture, blazeface: BlazeFace) -> None:
    (detection,) = blazeface(np.ascontiguousarray(portrait[:, 250:]))
    square = crop.square(detection)
    assert square.x - square.side / 2 < 0
    assert crop.cut(portrait[:, 250:], [square]).shape == (1, 64, 64)


def test_no_squares_give_no_crops(portrait: Picture) -> None:
    assert crop.cut(portrait, []).shape == (0, 64, 64)
