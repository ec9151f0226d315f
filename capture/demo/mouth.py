"""The mouth: its outline, and the lips, teeth and tongue painted on the skin."""

from dataclasses import dataclass

import numpy as np

from capture.demo.canvas import SIDES, Array, Window, bell, curve, paint, points, rgb
from capture.demo.expressions import Expression

REST = 311.0
"""Where the closed lips meet."""
HALF_WIDTH = 36.0
LIP = rgb(206, 112, 122)
LIP_TINT = rgb(0.9, 1.2, 1.2)
INSIDE = rgb(66, 26, 34)
TONGUE = rgb(178, 90, 96)
TEETH = rgb(238, 230, 218)
SEAM = rgb(92, 36, 42)
CORNER = rgb(120, 62, 58)
NOSTRIL = rgb(92, 48, 40)

MIDDLE = 24
"""Index of the mid-line in the mouth's curves of 49 points."""


@dataclass(frozen=True, slots=True)
class MouthShape:
    """Four curves from the left to the right corner: edges of the lips, inner and outer."""

    upper_inner: Array
    lower_inner: Array
    upper_outer: Array
    lower_outer: Array

    @property
    def corner(self) -> tuple[float, float]:
        """The right corner."""
        return float(self.upper_inner[-1, 0]), float(self.upper_inner[-1, 1])

    @property
    def gap(self) -> float:
        """Between the lips at the mid-line, in pixels."""
        return float(self.lower_inner[MIDDLE, 1] - self.upper_inner[MIDDLE, 1])

    @property
    def bottom(self) -> float:
        return float(self.lower_outer[MIDDLE, 1])


def shape(e: Expression) -> MouthShape:
    t = np.linspace(-1, 1, 2 * MIDDLE + 1)
    side = np.abs(t)
    x = (HALF_WIDTH + e.mouth_wider) * t
    arch = 1 - t**2
    middle = REST + 0.10 * e.mouth_open - 0.12 * e.corners_up
    seam = middle - (e.corners_up + 1.5) * side**1.8 + bell(t / 0.14)
    lift = e.upper_lip_up + 0.08 * e.mouth_open
    upper = seam - lift * arch**0.62
    lower = seam + e.mouth_open * arch**0.62
    bow = 0.86 + 0.20 * bell((side - 0.24) / 0.113) - 0.08 * bell(t / 0.071)
    upper_lip = 9.0 * (1 - 0.6 * e.lips_pressed) * (1 - 0.010 * e.mouth_open)
    lower_lip = 11.5 * (1 - 0.55 * e.lips_pressed) * (1 - 0.008 * e.mouth_open)
    return MouthShape(
        np.stack([x, upper], 1),
        np.stack([x, lower], 1),
        np.stack([x, upper - upper_lip * (1 - side**2.1) * bow], 1),
        np.stack([x, lower + lower_lip * arch**0.72], 1),
    )


def between(upper: Array, lower: Array) -> Array:
    """The outline that two curves of the same direction enclose."""
    return np.vstack([upper, lower[::-1]])


class Mouth:
    """One mouth, ready to be put on skin; ``window`` must cover it."""

    def __init__(self, window: Window, e: Expression) -> None:
        self.window, self.expression, self.shape = window, e, shape(e)
        self._upper = window.polygon(between(self.shape.upper_outer, self.shape.upper_inner))
        self._lower = window.polygon(between(self.shape.lower_inner, self.shape.lower_outer))
        gap = window.polygon(between(self.shape.upper_inner, self.shape.lower_inner))
        self._gap = gap * min(1.0, max(0.0, self.shape.gap / 1.5))

    def height(self) -> Array:
        """What the lips add to the height of the face, in pixels."""
        blur = self.window.blur
        return 3.6 * blur(self._upper, 2.2) + 5.5 * blur(self._lower, 2.6) - 2 * blur(self._gap, 2)

    def paint(self, picture: Array, light: Array) -> None:
        """Both arrays are this window's part of the face."""
        self._paint_nostrils(picture)
        self._paint_lips(picture, light)
        if self.shape.gap > 0:
            self._paint_inside(picture)
        self._paint_seam(picture)

    def _paint_nostrils(self, picture: Array) -> None:
        y = -2.2 * self.expression.nose_wrinkled
        for side in SIDES:
            outline = curve(
                (5, 281 + y),
                (9, 278 + y),
                (13.5, 280 + y),
                (10, 283 + y),
                side=side,
                steps=6,
                closed=True,
            )
            paint(picture, 0.66 * self.window.polygon(outline, 1.0), NOSTRIL)

    def _paint_lips(self, picture: Array, light: Array) -> None:
        window = self.window
        mask = 0.88 * window.blur(np.maximum(self._upper, self._lower), 0.8)
        lit = np.clip(1.06 * light, 0, 1.2)[..., None] ** LIP_TINT
        paint(picture, mask, LIP * lit * (1 - 0.16 * self._upper[..., None]))
        inner = float(self.shape.lower_inner[MIDDLE, 1])
        gloss = window.bump(-6, 0.55 * inner + 0.45 * self.shape.bottom, 13, 2.4) * self._lower
        picture += 34 * gloss[..., None]

    def _paint_inside(self, picture: Array) -> None:
        window, e, gap = self.window, self.expression, self.shape.gap
        half_width = self.shape.corner[0]
        inside = window.fill(INSIDE)
        floor = float(self.shape.lower_inner[MIDDLE, 1]) + 1
        tongue = window.bump(0, floor, 0.5 * half_width, max(0.30 * gap, 2))
        paint(inside, tongue * min(1.0, gap / 10), TONGUE)

        t = np.linspace(-1, 1, 31)
        edge = REST - 0.12 * e.corners_up - 0.55 * e.upper_lip_up + min(8.5, 3 + 0.6 * gap)
        bite = (
            edge - 3.5 * t**2 + 0.55 * np.abs(np.sin(9.4 * t)) - 0.5 * e.corners_up * np.abs(t) ** 2
        )
        x = 0.80 * half_width * t
        row = between(np.stack([x, np.full_like(t, 290)], 1), np.stack([x, bite], 1))
        depth = 1 - 0.42 * (np.abs(window.x) / half_width) ** 2
        lip_shadow = (window.y - float(self.shape.upper_inner[MIDDLE, 1])) / 4
        shade = depth * np.clip(0.72 + 0.28 * lip_shadow, 0.6, 1)
        grooves = [points((part, 295), (part, edge + 1)) for part in 0.8 * half_width * t[4:-3:3]]
        shade *= 1 - 0.12 * window.strokes(grooves, 0.6, 0.5)
        paint(inside, window.polygon(row, 0.5), TEETH * shade[..., None])
        paint(picture, window.blur(self._gap, 0.45), inside)

    def _paint_seam(self, picture: Array) -> None:
        window, shape, opened = self.window, self.shape, self.expression.mouth_open
        middle = shape.upper_inner if opened > 1 else (shape.upper_inner + shape.lower_inner) / 2
        closed = 1 - 0.5 * min(1.0, max(0.0, opened - 2) / 6)
        paint(picture, 0.75 * closed * window.strokes([middle], 1.3, 0.7), SEAM)
        x, y = shape.corner
        corners = [
            points((x - 2.5, y), (x + 2.5, y - 0.12 * self.expression.corners_up), side=side)
            for side in SIDES
        ]
        paint(picture, 0.45 * window.strokes(corners, 2.4, 1.3), CORNER)
