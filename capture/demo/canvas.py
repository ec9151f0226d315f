"""Anti-aliased drawing on magnified parts of the picture plane.

The plane's unit is one pixel of the finished picture: x counts from the face's mid-line (to the
right of the picture), y from the picture's upper edge down. Colours are RGB from 0 to 255, masks
and shades are planes of height x width from 0 to 1.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
"""A plane (height, width), a picture (height, width, 3), a curve (points, 2) or a colour (3,)."""

WIDTH, HEIGHT = 640, 480
MID_LINE = WIDTH // 2
SIDES = (-1, 1)
"""The left and the right half of the picture, as factors of x."""

SUBPIXEL_BITS = 4


class Layer(NamedTuple):
    """A picture (height, width, 3) with its opacity (height, width)."""

    colour: Array
    opacity: Array


def rgb(red: float, green: float, blue: float) -> Array:
    return np.array((red, green, blue), np.float32)


def points(*pairs: tuple[float, float], side: int = 1) -> Array:
    """A polygon or polyline; ``side=-1`` mirrors it at the mid-line."""
    return np.array(pairs, np.float64) * (side, 1)


def curve(
    *pairs: tuple[float, float], side: int = 1, steps: int = 12, closed: bool = False
) -> Array:
    """A Catmull-Rom spline through the points, with ``steps`` samples between neighbours."""
    knots = points(*pairs, side=side)
    if closed:
        knots = np.vstack([knots[-1], knots, knots[0], knots[1]])
    else:
        knots = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    before, start, end, after = (knots[k : len(knots) - 3 + k, None] for k in range(4))
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    spans = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    samples = spans.reshape(-1, 2)
    return samples if closed else np.vstack([samples, knots[-2]])


def bell(distance: Array | float) -> Array:
    """A Gaussian of a distance in standard deviations."""
    return np.exp(-0.5 * np.square(distance))


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 up to ``low``, 1 from ``high`` on, without corners between them."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def paint(picture: Array, mask: Array, colour: Array) -> None:
    """Lay a colour, or a picture of colours, over ``picture`` where the mask says so; in place."""
    picture += (colour - picture) * mask[..., None]


class Window:
    """A rectangle of the picture plane, with ``scale`` samples for every pixel of the picture."""

    def __init__(self, scale: int, left: int, top: int, width: int, height: int) -> None:
        self.scale, self.left, self.top = scale, left, top
        self.shape = (height * scale, width * scale)
        self.x: Array = ((np.arange(width * scale) + 0.5) / scale + left).astype(np.float32)[None]
        self.y: Array = ((np.arange(height * scale) + 0.5) / scale + top).astype(np.float32)[
            :, None
        ]

    def part(self, left: int, top: int, width: int, height: int) -> "Window":
        return Window(self.scale, left, top, width, height)

    def view(self, other: "Window", array: Array) -> Array:
        """The samples of ``array``, which covers this window, that lie in ``other``."""
        row = (other.top - self.top) * self.scale
        column = (other.left - self.left) * self.scale
        return array[row : row + other.shape[0], column : column + other.shape[1]]

    def blur(self, array: Array, radius: float) -> Array:
        """Gaussian; the radius is one standard deviation in pixels of the picture."""
        return np.asarray(cv2.GaussianBlur(array, (0, 0), radius * self.scale), np.float32)

    def polygon(self, outline: Array, blur: float = 0) -> Array:
        """The mask of a filled outline."""
        mask = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(mask, [self._fixed(outline)], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        return self._soft(mask, blur)

    def strokes(self, lines: Sequence[Array], width: float, blur: float = 0) -> Array:
        """The mask of lines; thinner ones than a sample are fainter instead."""
        mask = np.zeros(self.shape, np.uint8)
        samples = max(1, round(width * self.scale))
        level = int(255 * min(1.0, width * self.scale / samples))
        fixed = [self._fixed(line) for line in lines]
        cv2.polylines(
            mask,
            fixed,
            isClosed=False,
            color=level,
            thickness=samples,
            lineType=cv2.LINE_AA,
            shift=SUBPIXEL_BITS,
        )
        return self._soft(mask, blur)

    def trace(self, plane: Array, line: Array, level: float, width: float) -> None:
        """Set ``plane`` to ``level`` along a line, in place and with hard edges: blur it after."""
        samples = max(1, round(width * self.scale))
        cv2.polylines(
            plane,
            [self._fixed(line)],
            isClosed=False,
            color=level,
            thickness=samples,
            shift=SUBPIXEL_BITS,
        )

    def bump(self, x: float, y: float, width: float, height: float) -> Array:
        """A Gaussian hill of height 1; width and height are standard deviations."""
        return bell((self.y - y) / height) * bell((self.x - x) / width)

    def bumps(self, x: float, y: float, width: float, height: float) -> Array:
        """A hill on either side of the mid-line."""
        columns = bell((self.x - x) / width) + bell((self.x + x) / width)
        return bell((self.y - y) / height) * columns

    def distance(self, x: float, y: float) -> Array:
        return np.hypot(self.x - x, self.y - y)

    def disc(self, x: float, y: float, radius: float) -> Array:
        """The mask of a disc with an edge of 1.6 samples."""
        return np.clip((radius - self.distance(x, y)) * self.scale / 1.6 + 0.5, 0, 1)

    def fill(self, colour: Array) -> Array:
        """A picture of one colour."""
        return np.broadcast_to(colour, (*self.shape, 3)).astype(np.float32)

    def _fixed(self, line: Array) -> NDArray[np.int32]:
        samples = (line - (self.left, self.top)) * self.scale - 0.5
        return np.rint(samples * 2**SUBPIXEL_BITS).astype(np.int32)

    def _soft(self, mask: NDArray[np.uint8], blur: float) -> Array:
        plane = mask.astype(np.float32) / 255
        return self.blur(plane, blur) if blur else plane
