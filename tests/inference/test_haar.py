import numpy as np

from inference.blazeface import BlazeFace
from inference.detector import Picture
from inference.haar import Haar


def test_the_cascade_finds_the_portrait_where_blazeface_does(
    portrait: Picture, blazeface: BlazeFace
) -> None:
    (haar,) = Haar()(portrait)
    (other,) = blazeface(portrait)
    assert np.allclose(haar.box.centre, other.box.centre, atol=0.2 * other.box.width)
    assert haar.points is None
    assert haar.score == 1


def test_the_cascade_finds_nothing_where_there_is_nothing() -> None:
    detect = Haar()
    for size in ((480, 640), (1, 1), (20, 20)):
        assert detect(np.full((*size, 3), 90, np.uint8)) == []


def test_the_larger_face_comes_first(two_portraits: Picture) -> None:
    found = Haar()(two_portraits)
    assert len(found) == 2
    assert found[0].box.area > found[1].box.area
