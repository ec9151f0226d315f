import numpy as np
import pytest

from inference.detector import Picture
from inference.letterbox import Letterbox, Placement

SIDE = 128


def spot(width: int, height: int, x: int, y: int, size: int) -> Picture:
    """Black, with one white square whose centre is (x, y)."""
    picture = np.zeros((height, width, 3), np.uint8)
    half = size // 2
    picture[y - half : y + half, x - half : x + half] = 255
    return picture


def centre_of_light(square: Picture) -> tuple[float, float]:
    light = square[..., 0].astype(float)
    places = np.arange(SIDE) + 0.5
    return (
        float(light.sum(axis=0) @ places / light.sum()),
        float(light.sum(axis=1) @ places / light.sum()),
    )


def back(placement: Placement, x: float, y: float) -> tuple[float, float]:
    return (
        x * placement.scale[0] + placement.shift[0],
        y * placement.scale[1] + placement.shift[1],
    )


@pytest.mark.parametrize(
    ("width", "height"),
    [(640, 480), (480, 640), (1920, 1080), (300, 1000), (128, 128), (64, 48), (333, 217)],
)
def test_a_place_in_the_square_leads_back_to_its_pixel(width: int, height: int) -> None:
    x, y, size = int(width * 0.3), int(height * 0.7), max(8, min(width, height) // 4)
    square, placement = Letterbox(SIDE).fill(spot(width, height, x, y, size))
    # Half a pixel of the square is the most that sampling can shift the spot by.
    assert back(placement, *centre_of_light(square)) == pytest.approx(
        (x, y), abs=0.5 * max(placement.scale)
    )


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (2000, 3), (1, 700), (1, 1)])
def test_the_corners_of_the_picture_are_in_the_square(width: int, height: int) -> None:
    _, placement = Letterbox(SIDE).fill(np.zeros((height, width, 3), np.uint8))
    for corner, shift, scale in zip((width, height), placement.shift, placement.scale, strict=True):
        assert -shift / scale >= 0
        assert (corner - shift) / scale <= SIDE + 1e-9


def test_nothing_is_left_of_a_picture_of_another_shape() -> None:
    letterbox = Letterbox(SIDE)
    letterbox.fill(np.full((640, 480, 3), 255, np.uint8))
    square, _ = letterbox.fill(np.full((480, 640, 3), 255, np.uint8))
    fresh, _ = Letterbox(SIDE).fill(np.full((480, 640, 3), 255, np.uint8))
    assert np.array_equal(square, fresh)
    assert not square[:16].any()
