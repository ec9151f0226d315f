"""Which square of the picture the classifier sees.

mini_XCEPTION was trained on FER2013, whose faces are framed as the Haar cascade frames them, and it
is right most often on Haar's boxes. BlazeFace's boxes are smaller and lower. The square is
therefore built from BlazeFace's eyes so that it agrees best with Haar's box on real faces; the
constants are fitted by ``python -m benchmarks.crop``, and docs/accuracy.md has the figures.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from inference.detector import Detection, KeyPoints, Picture
from inference.network import SIDE, Network

EYE_DISTANCES = 2.83
"""Side of the square, in distances between the eyes."""
EYES_ABOVE_CENTRE = 0.092
"""How far the eyes lie above the square's centre, as a share of its side."""
LEVEL_BEYOND = math.radians(5)
"""A head tilted by more is turned back to this much: FER2013's faces are upright. Smaller tilts
stay, so that the jitter of the eyes does not turn an upright face."""


class Square(NamedTuple):
    x: float
    y: float
    """Centre, in pixels of the picture; the left edge of the leftmost pixel is 0."""
    side: float
    tilt: float = 0.0
    """Radians by which the square is turned, clockwise as seen."""


def square(detection: Detection) -> Square:
    """The square around a face; may reach over the picture's edges."""
    if detection.points is not None:
        return _from_eyes(detection.points, least=detection.box.width)
    (x, y), width, height = detection.box.centre, detection.box.width, detection.box.height
    return Square(x, y, (width + height) / 2)


def _from_eyes(points: KeyPoints, least: float) -> Square:
    (right_x, right_y), (left_x, left_y) = points.right_eye, points.left_eye
    across, down = left_x - right_x, left_y - right_y
    # A head that is turned away brings its eyes together; the face is no smaller for that.
    side = max(EYE_DISTANCES * math.hypot(across, down), least)
    tilt = math.atan2(down, across)
    drop = side * EYES_ABOVE_CENTRE
    return Square(
        (right_x + left_x) / 2 - drop * math.sin(tilt),
        (right_y + left_y) / 2 + drop * math.cos(tilt),
        side,
        math.copysign(max(abs(tilt) - LEVEL_BEYOND, 0.0), tilt),
    )


def cut(picture: Picture, squares: list[Square]) -> NDArray[np.uint8]:
    """The squares as n x 64 x 64, grey, bilinear; beyond the picture its edge pixels go on."""
    crops = np.empty((len(squares), SIDE, SIDE), np.uint8)
    for crop, region in zip(crops, squares, strict=True):
        cv2.cvtColor(_coloured(picture, region, SIDE), cv2.COLOR_BGR2GRAY, dst=crop)
    return crops


def cut_for(network: Network, picture: Picture, squares: list[Square]) -> NDArray[np.uint8]:
    """The same in the size and colours of a network: n x side x side x channels."""
    side, channels = network.side, network.channels
    crops = np.empty((len(squares), side, side, channels), np.uint8)
    for crop, region in zip(crops, squares, strict=True):
        coloured = _coloured(picture, region, side)
        if network.colour == "grey":
            cv2.cvtColor(coloured, cv2.COLOR_BGR2GRAY, dst=crop)
        else:
            crop[:] = coloured if network.colour == "bgr" else coloured[..., ::-1]
    return crops


def _coloured(picture: Picture, region: Square, side: int) -> MatLike:
    """BGR."""
    return cv2.warpAffine(
        picture,
        _to_picture(region, side),
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def seen(picture: Picture, squares: list[Square], cells: int) -> NDArray[np.bool_]:
    """Which of ``cells`` x ``cells`` parts of each square have their middle within the picture."""
    within = np.ones((len(squares), cells, cells), np.bool_)
    height, width = picture.shape[:2]
    if all(_is_within(region, width, height) for region in squares):
        return within
    middles = (np.arange(cells) + 0.5) * SIDE / cells - 0.5
    across, down = np.meshgrid(middles, middles)
    for part, region in zip(within, squares, strict=True):
        to_x, to_y = _to_picture(region)
        x = to_x[0] * across + to_x[1] * down + to_x[2]
        y = to_y[0] * across + to_y[1] * down + to_y[2]
        part[:] = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    return within


def _is_within(region: Square, width: int, height: int) -> bool:
    half = region.side / 2 * (abs(math.cos(region.tilt)) + abs(math.sin(region.tilt)))
    return half <= region.x <= width - half and half <= region.y <= height - half


def _to_picture(region: Square, side: int = SIDE) -> NDArray[np.float64]:
    """The affine map from pixel numbers of the crop to pixel numbers of the picture.

    A pixel's number is that of its centre: half a pixel from its edge, as ``cv2.resize`` has it.
    """
    scale = region.side / side
    cosine, sine = math.cos(region.tilt) * scale, math.sin(region.tilt) * scale
    middle = (side - 1) / 2
    return np.array(
        [
            [cosine, -sine, region.x - 0.5 - (cosine - sine) * middle],
            [sine, cosine, region.y - 0.5 - (sine + cosine) * middle],
        ]
    )
