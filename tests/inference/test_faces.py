from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import InferenceSettings
from inference.detector import Picture
from inference.faces import FaceInference, open_face_inference
from messaging.schema import Face

from .conftest import grid_clips, read_pictures

FRAME_NS = 40_000_000


@pytest.fixture
def inference() -> FaceInference:
    return open_face_inference(InferenceSettings(engine="litert"))


def test_a_portrait_is_one_happy_face(inference: FaceInference, portrait: Picture) -> None:
    (face,) = inference("camera", 0, portrait)
    assert face.label == "happy"
    assert sum(face.probabilities) == pytest.approx(1, abs=1e-5)
    assert type(face.box) is tuple


def test_a_picture_without_a_face_has_an_empty_result(inference: FaceInference) -> None:
    assert inference("camera", 0, np.zeros((480, 640, 3), np.uint8)) == ()


def test_faces_are_given_by_track(inference: FaceInference, two_portraits: Picture) -> None:
    first = inference("camera", 0, two_portraits)
    mirrored = np.ascontiguousarray(two_portraits[:, ::-1])
    second = inference("camera", 2_000_000_000, mirrored)
    assert [face.track for face in first + second] == [1, 2, 3, 4]


def test_of_too_many_faces_the_largest_are_kept(two_portraits: Picture) -> None:
    every = open_face_inference(InferenceSettings())("camera", 0, two_portraits)
    one = open_face_inference(InferenceSettings(max_faces=1))("camera", 0, two_portraits)
    assert len(every) == 2
    assert [face.box for face in one] == [max(every, key=lambda face: face.area).box]


def test_cameras_have_tracks_of_their_own(inference: FaceInference, portrait: Picture) -> None:
    half = cv2.resize(portrait, (320, 240)).astype(np.uint8, copy=False)
    for index in range(3):
        (front,) = inference("front", index * FRAME_NS, portrait)
        (side,) = inference("side", index * FRAME_NS, half)
        assert (front.track, side.track) == (1, 1)


def test_a_source_that_opens_anew_has_new_tracks(
    inference: FaceInference, portrait: Picture
) -> None:
    inference("camera", 0, portrait)
    inference.forget("camera")
    (face,) = inference("camera", FRAME_NS, portrait)
    assert face.track == 2


def test_haar_finds_and_reads_the_portrait_too(portrait: Picture) -> None:
    (face,) = open_face_inference(InferenceSettings(detector="haar"))("camera", 0, portrait)
    assert face.label == "happy"


def test_the_full_range_model_reads_a_face_that_is_too_small_for_the_short(
    inference: FaceInference, portrait: Picture
) -> None:
    picture = np.full_like(portrait, 120)
    picture[100:190, 300:420] = cv2.resize(portrait, (120, 90), interpolation=cv2.INTER_AREA)
    assert inference("camera", 0, picture) == ()
    full = open_face_inference(InferenceSettings(detector="blazeface-full"))
    assert [face.label for face in full("camera", 0, picture)] == ["happy"]


def run(clip: Path) -> list[tuple[Face, ...]]:
    inference = open_face_inference(InferenceSettings())
    return [
        inference("camera", index * FRAME_NS, picture)
        for index, picture in enumerate(read_pictures(clip))
    ]


@pytest.mark.skipif(not grid_clips(), reason="the GRID clips are not beside the project")
@pytest.mark.parametrize("clip", grid_clips(), ids=lambda clip: clip.stem)
def test_a_talking_head_is_one_track_in_every_picture_and_every_run(clip: Path) -> None:
    results = run(clip)
    assert [[face.track for face in faces] for faces in results] == [[1]] * 75
    assert run(clip) == results
