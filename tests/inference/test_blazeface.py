from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inference.blazeface import FULL_RANGE, SHORT_RANGE, BlazeFace, anchors, decode, merge
from inference.detector import Box, Detection, Picture

from .conftest import grid_clips, read_pictures


def row(x: float, y: float, size: float) -> NDArray[np.float32]:
    """A box with all its six points in its centre."""
    return np.array([x, y, size, size, *[x, y] * 6], np.float32)


def overlap(one: Box, other: Box) -> float:
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    common = max(0.0, width) * max(0.0, height)
    return common / (one.area + other.area - common)


def only(found: list[Detection]) -> Detection:
    assert len(found) == 1
    return found[0]


def test_the_short_range_model_has_two_anchors_on_the_fine_and_six_on_the_coarse_map() -> None:
    centres = anchors(SHORT_RANGE)
    assert centres.shape == (16 * 16 * 2 + 8 * 8 * 6, 2)
    assert centres[:3].tolist() == [[4, 4], [4, 4], [12, 4]]
    assert centres[511:519].tolist() == [[124, 124], *[[8, 8]] * 6, [24, 8]]


def test_the_full_range_model_has_one_anchor_on_each_cell() -> None:
    centres = anchors(FULL_RANGE)
    assert centres.shape == (48 * 48, 2)
    assert centres[[0, 1, 48, -1]].tolist() == [[2, 2], [6, 2], [2, 6], [190, 190]]


def test_positions_are_relative_to_the_anchor_and_sizes_are_not() -> None:
    raw = np.arange(16, dtype=np.float32)[np.newaxis]
    found = decode(raw, np.array([[100, 50]], np.float32))[0].tolist()
    assert found == [100, 51, 2, 3, 104, 55, 106, 57, 108, 59, 110, 61, 112, 63, 114, 65]
    assert raw[0, 0] == 0


def test_boxes_of_one_face_are_merged_by_score_and_others_kept_apart() -> None:
    boxes = np.stack([row(100, 20, 10), row(50, 50, 20), row(54, 50, 20)])
    scores = np.array([0.6, 0.9, 0.3], np.float32)
    (first, first_score), (second, second_score) = merge(boxes, scores)
    assert first[:4] == pytest.approx([51, 50, 20, 20])
    assert first[4:] == pytest.approx([51, 50] * 6)
    assert second == pytest.approx(row(100, 20, 10))
    assert (first_score, second_score) == pytest.approx((0.9, 0.6))


def test_a_merged_face_does_not_chain_on_to_boxes_far_from_its_best_one() -> None:
    boxes = np.stack([row(50, 50, 20), row(58, 50, 20), row(66, 50, 20)])
    faces = merge(boxes, np.array([0.9, 0.8, 0.7], np.float32))
    assert [round(float(face[0]), 1) for face, _ in faces] == [53.8, 66.0]


def test_without_boxes_there_is_no_face() -> None:
    assert merge(np.empty((0, 16), np.float32), np.empty(0, np.float32)) == []


def test_the_portrait_is_found_where_it_is(portrait: Picture, blazeface: BlazeFace) -> None:
    face = only(blazeface(portrait))
    # Ear to ear, and from the brows to below the chin.
    assert overlap(face.box, Box(210, 150, 220, 230)) > 0.8
    assert face.score > 0.8
    points = face.points
    assert points is not None
    assert points.right_ear[0] < points.right_eye[0] < points.nose[0]
    assert points.nose[0] < points.left_eye[0] < points.left_ear[0]
    assert points.right_eye[1] < points.nose[1] < points.mouth[1]


def test_both_models_agree_about_the_eyes(portrait: Picture, blazeface: BlazeFace) -> None:
    full = only(BlazeFace(FULL_RANGE, min_score=0.6, threads=1)(portrait)).points
    short = only(blazeface(portrait)).points
    assert full is not None
    assert short is not None
    assert np.array(full[:2]) == pytest.approx(np.array(short[:2]), abs=8)


@pytest.mark.parametrize(("width", "height"), [(960, 480), (640, 900), (1920, 1080), (640, 480)])
def test_a_face_is_found_in_pixels_of_the_picture_whatever_its_shape(
    portrait: Picture, blazeface: BlazeFace, width: int, height: int
) -> None:
    at_home = only(blazeface(portrait)).box
    scale = min(width / 640, height / 480)
    middle = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left, top = (width - middle.shape[1]) // 2, (height - middle.shape[0]) // 2
    picture = np.full((height, width, 3), 120, np.uint8)
    picture[top : top + middle.shape[0], left : left + middle.shape[1]] = middle
    expected = Box(
        at_home.left * scale + left,
        at_home.top * scale + top,
        at_home.width * scale,
        at_home.height * scale,
    )
    assert overlap(only(blazeface(picture)).box, expected) > 0.85


def test_several_faces_are_found_best_first(two_portraits: Picture, blazeface: BlazeFace) -> None:
    found = blazeface(two_portraits)
    assert [face.score for face in found] == sorted((f.score for f in found), reverse=True)
    assert sorted(face.box.centre[0] > 320 for face in found) == [False, True]


def test_a_face_that_is_cut_off_by_the_edge_is_found(
    portrait: Picture, blazeface: BlazeFace
) -> None:
    face = only(blazeface(np.ascontiguousarray(portrait[:, 250:])))
    assert face.box.left < 0


@pytest.mark.parametrize("size", [(480, 640), (1, 1), (3, 2000), (2000, 3), (128, 128)])
def test_no_face_is_found_where_there_is_none(size: tuple[int, int], blazeface: BlazeFace) -> None:
    height, width = size
    dark_noise = np.random.default_rng(0).integers(0, 24, (*size, 3), np.uint8)
    ramp = np.linspace(0, 255, width, dtype=np.uint8)[np.newaxis, :, np.newaxis]
    stripes = np.repeat(ramp, height, axis=0).repeat(3, axis=2)
    for picture in (dark_noise, stripes, np.zeros_like(stripes), np.full_like(stripes, 255)):
        assert blazeface(picture) == []


def test_the_least_score_decides(portrait: Picture, blazeface: BlazeFace) -> None:
    score = only(blazeface(portrait)).score
    assert BlazeFace(SHORT_RANGE, min_score=min(1, score + 0.01), threads=1)(portrait) == []
    assert BlazeFace(SHORT_RANGE, min_score=1.0, threads=1)(portrait) == []
    only(BlazeFace(SHORT_RANGE, min_score=score - 0.01, threads=1)(portrait))


def test_a_picture_that_must_not_be_written_to_is_read(
    portrait: Picture, blazeface: BlazeFace
) -> None:
    locked = np.frombuffer(portrait.tobytes(), np.uint8).reshape(portrait.shape)
    assert blazeface(locked) == blazeface(portrait)


@pytest.mark.skipif(not grid_clips(), reason="the GRID clips are not beside the project")
@pytest.mark.parametrize("clip", grid_clips(), ids=lambda clip: clip.stem)
def test_a_real_head_is_found_in_every_fifth_picture(clip: Path, blazeface: BlazeFace) -> None:
    found = [blazeface(picture) for picture in read_pictures(clip)[::5]]
    assert [len(faces) for faces in found] == [1] * 15
