"""What stands still around the head: the room, and the body with its neck and pullover."""

import numpy as np

from capture.demo.canvas import (
    HEIGHT,
    MID_LINE,
    WIDTH,
    Array,
    Layer,
    Window,
    bell,
    curve,
    paint,
    rgb,
)
from capture.demo.head import SHADOW_TINT, SKIN

WALL, WALL_GLOW, LAMP_GLOW = rgb(84, 108, 122), rgb(64, 64, 60), rgb(34, 30, 24)
CLOTH, SEAM = rgb(38, 84, 116), rgb(62, 112, 144)
COLLAR = curve((-86, 401), (-58, 420), (-26, 446), (0, 456), (26, 446), (58, 420), (86, 401))


def whole(scale: int) -> Window:
    return Window(scale, -MID_LINE, 0, WIDTH, HEIGHT)


def room(window: Window) -> Array:
    """A plain wall, lit behind the head and from the upper left."""
    glow = np.exp(-((window.x / 320) ** 2) - ((window.y - 200) / 290) ** 2)
    lamp = np.exp(-(((window.x + 330) / 420) ** 2) - ((window.y + 40) / 380) ** 2)
    wall = WALL + glow[..., None] * WALL_GLOW + lamp[..., None] * LAMP_GLOW
    return wall.astype(np.float32)


def _neck_light(window: Window) -> Array:
    """Shade of the neck: round, in the chin's shadow, with its two tendons."""
    x, y = window.x, window.y
    light = 0.88 - 0.28 * (x / 62) ** 2 * np.exp(-(((y - 380) / 60) ** 2))
    light -= 0.38 * np.exp(-(((y - 350) / 36) ** 2)) + 0.10 * np.exp(-(((x + 38) / 16) ** 2))
    tendons = bell((np.abs(x) - 0.16 * (HEIGHT - y) - 4) / 3.5)
    return np.clip(light - 0.05 * tendons * np.clip((y - 385) / 40, 0, 1), 0.35, 1)


def _cloth_light(window: Window) -> Array:
    """Shade of the pullover: soft folds, darker below the collar and at the sides."""
    x, y = window.x, window.y
    folds = 0.10 * np.sin(x / 23 + y / 31) * np.exp(-(((np.abs(x) - 150) / 70) ** 2))
    collar = 0.25 * np.exp(-(((y - 412 - 0.1 * np.abs(x)) / 14) ** 2))
    return 0.90 + folds - collar - 0.18 * (np.abs(x) / 300) ** 2 - 0.04 * (x / 300)


def body(window: Window) -> Layer:
    neck = curve(
        (46, 320), (47, 376), (56, 402), (84, 416), (84, 470),
        (-84, 470), (-84, 416), (-56, 402), (-47, 376), (-46, 320), closed=True,
    )  # fmt: skip
    shoulders = np.vstack(
        [
            curve((-330, 540), (-262, 450), (-180, 425), (-120, 410), (-86, 401)),
            COLLAR,
            curve((86, 401), (120, 410), (180, 425), (262, 450), (330, 540)),
        ]
    )
    neck_mask, cloth_mask = window.polygon(neck, 0.8), window.polygon(shoulders, 0.8)
    colour = (SKIN * _neck_light(window)[..., None] ** SHADOW_TINT).astype(np.float32)
    paint(colour, cloth_mask, CLOTH * _cloth_light(window)[..., None])
    paint(
        colour,
        window.strokes([COLLAR], 5, 0.8),
        SEAM * np.clip(_cloth_light(window), 0.75, 1)[..., None],
    )
    return Layer(colour, np.maximum(neck_mask, cloth_mask))
