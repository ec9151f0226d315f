"""The head without its features: a height field with folds, lit from the upper left."""

from dataclasses import dataclass

import cv2
import numpy as np

from capture.demo.canvas import SIDES, Array, Window, bell, curve, points, rgb
from capture.demo.expressions import Expression
from capture.demo.mouth import MouthShape

SKIN = rgb(244, 205, 179)
SHADOW_TINT = rgb(0.75, 1.05, 1.25)
"""Exponents of the shade for each colour: shadows on skin turn red before they turn dark."""

KEY_LIGHT = (-0.26, -0.26, 0.92)
FILL_LIGHT = (0.70, 0.0, 0.72)
HALFWAY = (-0.16, -0.22, 0.96)
"""Between the key light and the eye: where skin shines."""

CROWN, WIDEST, CHIN = 57.0, 218.0, 371.0
"""Heights of the skull's top, of its widest place and of the relaxed chin."""
HALF_WIDTH = 101.0
DEPTH = 64.0


@dataclass(frozen=True, slots=True)
class Hill:
    """A part of the face that stands out from the skull, or lies deeper; mirrored unless x is 0."""

    height: float
    x: float
    y: float
    width: float
    length: float


def hills(e: Expression) -> tuple[Hill, ...]:
    """The soft parts of the face above and below the skull, in pixels."""
    nose = -2.2 * e.nose_wrinkled
    jaw = 0.8 * e.mouth_open
    return (
        Hill(9.0, 0, 236, 8.5, 26),  # bridge of the nose
        Hill(14.0, 0, 267 + nose, 10.5, 11.5),  # its tip
        Hill(6.5, 15.5, 273 + nose, 6, 6.5),  # its wings
        Hill(-2.5, 0, 212, 9, 10),  # its root
        Hill(4.0, 40, 188 - 0.4 * e.middle_brow_up, 26, 9),  # ridge of the brow
        Hill(0.25 * e.brows_together, 14, 190 - e.inner_brow_up, 6, 7),
        Hill(3.0, 46, 196, 22, 5),  # above the lid
        Hill(-9.0, 46, 214, 25, 15),  # eye socket
        Hill(5.0, 46, 213, 17, 9),  # eyeball
        Hill(6.0, 60, 262 - 4 * e.cheeks_up, 26, 22),  # cheekbone
        Hill(5.0 * e.cheeks_up, 52, 254, 20, 11),
        Hill(-1.2, 0, 293, 3.5, 6),  # groove above the lip
        Hill(1.2, 8, 292, 4.5, 7),
        Hill(-4.0, 0, 334 + jaw, 22, 5),  # below the lip
        Hill(6.0, 0, 351 + jaw, 18, 12),  # chin
        Hill(3.0, 0, 140, 60, 30),  # forehead
    )


def skull(window: Window, e: Expression) -> tuple[Array, Array]:
    """Height above the picture plane in pixels, and the mask of the head."""
    chin = CHIN + 0.72 * e.mouth_open
    above = np.clip((WIDEST - window.y) / (WIDEST - CROWN + 1), 0, 1)
    below = np.clip((window.y - WIDEST) / (chin - WIDEST), 0, 1)
    is_above = window.y < WIDEST
    width = HALF_WIDTH * np.where(is_above, np.sqrt(1 - above**2), (1 - below**2.7) ** 0.6)
    across = np.clip(np.abs(window.x) / np.maximum(width, 1e-3), 0, 1)
    along = np.where(is_above, np.sqrt(1 - above**3), np.sqrt(1 - below**3.2))
    height = DEPTH * np.sqrt(1 - across**2.3) * along
    mask = np.clip((width - np.abs(window.x)) * window.scale + 0.5, 0, 1)
    inside = (window.y < chin) & (window.y > CROWN)
    return height.astype(np.float32), (mask * inside).astype(np.float32)


def folds(window: Window, e: Expression, mouth: MouthShape) -> Array:
    """Depth of the creases that an expression makes, from 0 to about 1.5."""
    corner = mouth.corner
    cheeks = [
        curve(
            (23, 264),
            (31, 276),
            (39 + 0.45 * e.mouth_wider, 290 - 0.35 * e.corners_up),
            (corner[0] + 11, corner[1] - 8),
            (corner[0] + 10, corner[1] + 6),
            side=side,
        )
        for side in SIDES
    ]
    depth = (0.22 + 1.1 * e.mouth_folds) * window.strokes(cheeks, 2.2, 2.6)
    if e.frown_lines > 0:
        lift, squeeze = e.inner_brow_up, e.brows_together
        lines = [
            points(
                (9 - 0.5 * squeeze, 178 - 0.4 * lift),
                (8 - 0.6 * squeeze, 187 - 0.5 * lift),
                (9.5 - 0.5 * squeeze, 197 - 0.3 * lift),
                side=side,
            )
            for side in SIDES
        ]
        depth += 1.3 * e.frown_lines * window.strokes(lines, 2, 1.3)
    if e.forehead_lines > 0:
        lift = 0.2 * e.inner_brow_up
        lines = [
            curve(
                (-46, y - 2),
                (-22, y + 2 - lift),
                (0, y + 3 - lift),
                (22, y + 2 - lift),
                (46, y - 2),
            )
            for y in (148, 160)
        ]
        depth += 0.9 * e.forehead_lines * window.strokes(lines, 1.8, 1.4)
    if e.nose_wrinkled > 0:
        lines = [
            points((6, y), (14, y + 5), (17, y + 11), side=side)
            for side in SIDES
            for y in (214, 223)
        ]
        depth += 0.9 * e.nose_wrinkled * window.strokes(lines, 1.6, 1.3)
    return depth


def relief(window: Window, e: Expression) -> Array:
    """Height of the face without its lips and folds."""
    height = skull(window, e)[0]
    for hill in hills(e):
        place = window.bumps if hill.x else window.bump
        height += hill.height * place(hill.x, hill.y, hill.width, hill.length)
    return height


def occlusion(window: Window, mouth: MouthShape) -> Array:
    """Share of the light that reaches the skin: less in hollows and at the temples."""
    open_to_light = 1 - 0.16 * window.bumps(46, 207, 24, 9) - 0.10 * window.bumps(28, 214, 9, 12)
    open_to_light -= 0.22 * window.bump(0, 286, 13, 4)
    open_to_light -= 0.12 * window.bump(0, mouth.bottom + 5, 20, 4)
    temples = np.clip((np.abs(window.x) - 84) / 20, 0, 1)
    open_to_light -= 0.30 * temples * np.clip((262 - window.y) / 60, 0, 1)
    return np.clip(open_to_light, 0.3, 1)


class Head:
    """Shades the skin; keeps what is the same in every picture."""

    def __init__(self, window: Window) -> None:
        self.window = window
        noise = np.random.default_rng(3).normal(0, 1, window.shape).astype(np.float32)
        pores = window.blur(noise, 1.3)
        self._pores: Array = 0.010 * pores / float(pores.std())

    def shade(self, e: Expression, mouth: MouthShape, lips: Array) -> tuple[Array, Array]:
        """The skin in colour (height, width, 3), and its light (height, width).

        ``lips`` is the height that the lips add, in pixels.
        """
        window = self.window
        depth = folds(window, e, mouth)
        height = window.blur(relief(window, e) + lips - 1.8 * depth, 1.0)
        slope_x, slope_y = self._slopes(height)
        steepness = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)

        def facing(direction: tuple[float, float, float]) -> Array:
            x, y, z = (part / float(np.linalg.norm(direction)) for part in direction)
            return np.clip((z - slope_x * x - slope_y * y) * steepness, 0, 1)

        light = 0.39 + 0.585 * facing(KEY_LIGHT) + 0.10 * facing(FILL_LIGHT)
        light *= occlusion(window, mouth) * (1 - 0.22 * np.clip(depth, 0, 1.6))
        light = np.clip(light + self._pores, 0.05, 1.15).astype(np.float32)
        skin = SKIN * light[..., None] ** SHADOW_TINT
        skin *= 1 - self._blush(e)[..., None] * rgb(0, 0.12, 0.14)
        skin += (25.5 * facing(HALFWAY) ** 38)[..., None]
        return skin.astype(np.float32), light

    def _slopes(self, height: Array) -> tuple[Array, Array]:
        per_pixel = self.window.scale / 8
        x, y = (
            np.asarray(cv2.Sobel(height, cv2.CV_32F, *order, scale=per_pixel), np.float32)
            for order in ((1, 0), (0, 1))
        )
        return x, y

    def _blush(self, e: Expression) -> Array:
        cheeks = self.window.bumps(58, 268 - 5 * e.cheeks_up, 22, 17)
        return 0.85 * cheeks + 0.35 * bell((self.window.y - 270) / 9) * bell(self.window.x / 14)
