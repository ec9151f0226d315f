"""An eye and its brow, painted on the skin; one class for both sides."""

import numpy as np

from capture.demo.canvas import Array, Window, curve, paint, points, rgb
from capture.demo.expressions import Expression
from capture.demo.mouth import between

CENTRE_X, CENTRE_Y = 46.5, 215.2
INNER_CORNER, LENGTH = 22.0, 49.0
"""Distance of the inner corner from the mid-line, and from there to the outer corner."""
IRIS_RADIUS, PUPIL_RADIUS = 12.4, 5.3
LID_POINTS = 25

WHITE = rgb(236, 232, 228)
IRIS = rgb(112, 92, 56)
PUPIL = rgb(16, 14, 16)
LASH = rgb(34, 24, 22)
LOWER_LASH = rgb(110, 64, 52)
LID_FOLD = rgb(138, 84, 62)
TEAR_DUCT = rgb(204, 132, 124)
BROW = rgb(76, 47, 34)


def lids(e: Expression, side: int, closed: float) -> tuple[Array, Array]:
    """Edges of the upper and of the lower lid, from the inner to the outer corner."""
    t = np.linspace(0, 1, LID_POINTS)
    axis = 219 - 4.5 * t
    above = max(13 + e.upper_lid_up, 1) * (1 - closed)
    below = max(8 - e.lower_lid_up, 1) * (1 - 0.25 * closed)
    upper = axis - above * np.sin(np.pi * t**0.92) ** 0.8 + 5 * closed * np.sin(np.pi * t)
    lower = axis + below * np.sin(np.pi * t**1.12).clip(0) ** 0.85
    x = side * (INNER_CORNER + LENGTH * t)
    return np.stack([x, upper], 1), np.stack([x, np.maximum(lower, upper + 0.3)], 1)


def brow_line(e: Expression, side: int) -> Array:
    """The middle of a brow, from its inner to its outer end."""
    inner, middle, outer, close = (
        e.inner_brow_up,
        e.middle_brow_up,
        e.outer_brow_up,
        e.brows_together,
    )
    return curve(
        (21 - close, 187.5 - inner),
        (34 - 0.7 * close, 183 - 0.55 * inner - 0.45 * middle),
        (52 - 0.3 * close, 180.5 - middle),
        (66, 183.5 - 0.45 * middle - 0.55 * outer),
        (79, 190 - outer),
        side=side,
        steps=8,
    )


class Eye:
    """``window`` covers one eye with its brow; ``side`` is -1 on the left of the picture."""

    def __init__(self, window: Window, side: int) -> None:
        self.window, self.side = window, side

    def paint(
        self, picture: Array, e: Expression, closed: float, gaze: tuple[float, float]
    ) -> None:
        """``closed``: share of a blink. ``gaze``: how far the iris is off its centre, in pixels."""
        upper, lower = lids(e, self.side, closed)
        opening = self.window.polygon(between(upper, lower), 0.35)
        paint(picture, opening, self._ball(upper, gaze))
        self._paint_lids(picture, e, upper, lower, closed)
        self._paint_brow(picture, e)

    def _ball(self, upper: Array, gaze: tuple[float, float]) -> Array:
        """The eyeball, in the shadow of the upper lid."""
        window = self.window
        x, y = self.side * CENTRE_X + gaze[0], CENTRE_Y + gaze[1]
        roundness = 1 - 0.20 * ((window.x - self.side * 46) / 24) ** 2
        ball = window.fill(WHITE) * roundness[..., None]
        paint(ball, window.disc(x, y, IRIS_RADIUS), self._iris(x, y))
        paint(ball, window.disc(x, y, PUPIL_RADIUS), PUPIL)
        lid: Array = np.interp(window.x * self.side, upper[:, 0] * self.side, upper[:, 1])
        below_lid = np.clip(window.y - lid.astype(np.float32), 0, 50)
        ball *= (1 - 0.48 * np.exp(-below_lid / 3.6))[..., None]
        paint(ball, window.disc(x - 4, y - 4.2, 2.8), rgb(252, 252, 252))
        paint(ball, 0.55 * window.disc(x + 4, y + 4.5, 1.5), rgb(230, 230, 230))
        return ball

    def _iris(self, x: float, y: float) -> Array:
        """Brighter at its lower edge, with fibres and a dark rim."""
        window = self.window
        radius = window.distance(x, y)
        angle = np.arctan2(window.y - y, window.x - x)
        glow = 0.55 * np.clip(radius / 11, 0, 1) ** 2 * np.clip((window.y - y) / 11 + 0.6, 0.2, 1.3)
        fibres = 0.10 * np.sin(23 * angle) * np.sin(7 * angle + 1)
        rim = 1 - 0.55 * np.clip((radius - 10.1) / 2, 0, 1)
        return IRIS * ((0.74 + glow + fibres) * rim)[..., None]

    def _paint_lids(
        self, picture: Array, e: Expression, upper: Array, lower: Array, closed: float
    ) -> None:
        window, side = self.window, self.side
        t = np.linspace(0, 1, LID_POINTS)
        down = points((0, 1))
        thickness = (1.1 + 2.1 * np.sin(np.pi * t**0.7) ** 0.6 + 0.9 * t)[:, None] * down
        wing = upper[-1:] + points((side * 3.2, -2.4))
        liner = np.vstack([upper + 0.7 * down, wing, (upper - thickness)[::-1]])
        paint(picture, 0.92 * window.polygon(liner, 0.45), LASH)
        lashes = [
            np.stack([upper[k], upper[k] + (side * (0.5 + 3.4 * u), -5.2 + 1.2 * abs(u - 0.6))])
            for k, u in zip(range(6, LID_POINTS, 2), t[6::2], strict=True)
        ]
        paint(picture, 0.75 * window.strokes(lashes, 0.7, 0.4), LASH)
        paint(picture, 0.42 * window.strokes([lower[3:]], 0.9, 0.6), LOWER_LASH)
        lift = -5.5 - 0.35 * max(0.0, e.upper_lid_up) - 1.5 * np.sin(np.pi * t) + 2.5 * closed
        fold = upper + lift[:, None] * down
        paint(picture, 0.42 * window.strokes([fold[2:]], 1.2, 0.8), LID_FOLD)
        bag = lower[4:-3] + 6.5 * down
        paint(picture, (0.14 + 0.22 * e.cheeks_up) * window.strokes([bag], 1.6, 1.5), LID_FOLD)
        duct = np.stack([upper[0] - (1.5 * side, 0), upper[2] + (0, 1), lower[2]])
        paint(picture, 0.6 * window.polygon(duct, 0.6), TEAR_DUCT)

    def _paint_brow(self, picture: Array, e: Expression) -> None:
        window = self.window
        line = brow_line(e, self.side)
        t = np.linspace(0, 1, len(line))
        thickness = 5.0 * np.sin(np.pi * np.clip(0.80 * t + 0.17, 0, 1)) ** 0.8
        half = thickness[:, None] * points((0, 1))
        body = window.polygon(between(line - 0.95 * half, line + 0.75 * half), 1.0)
        paint(picture, 0.70 * body, BROW)
        along = np.gradient(line, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-6
        roots, bends, tips = (
            line + 0.9 * half,
            line + 0.1 * half + 4 * along,
            line - 0.8 * half + 6.5 * along,
        )
        hairs = list(np.stack([roots, bends, tips], 1)[1:-1])
        paint(picture, 0.40 * window.strokes(hairs, 0.9, 0.45), 0.75 * BROW)
