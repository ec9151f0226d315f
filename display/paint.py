"""Anti-aliased drawing on pictures: text, rounded panels, bars. All of it blends a mask.

Text is OpenCV's stroke font, drawn four times too large and averaged down: it reads well from
9 pixels on, needs no font file and looks the same everywhere. It knows ASCII only.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from display.palette import Colour
from display.scene import Picture

Mask = NDArray[np.uint8]
"""Coverage of each pixel, 0 to 255."""

OVERSAMPLING = 4
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_UNITS = 30
"""Line height of the font at scale 1, in pixels."""
STROKE = {False: 0.09, True: 0.125}
"""Thickness of regular and bold strokes per line height."""


def blend(
    canvas: Picture, mask: Mask, left: int, top: int, colour: Colour, opacity: float = 1.0
) -> None:
    """Paint ``colour`` through ``mask``, whose corner is at (left, top); clipped at the edges."""
    height, width = canvas.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + mask.shape[1], width), min(top + mask.shape[0], height)
    if x0 >= x1 or y0 >= y1:
        return
    region = canvas[y0:y1, x0:x1]
    alpha = cv2.convertScaleAbs(mask[y0 - top : y1 - top, x0 - left : x1 - left], alpha=opacity)
    kept = cv2.multiply(region, cv2.merge([cv2.bitwise_not(alpha)] * 3), scale=1 / 255)
    added = cv2.merge([cv2.convertScaleAbs(alpha, alpha=channel / 255) for channel in colour])
    region[...] = cv2.add(kept, added)


@lru_cache(1024)
def text_mask(text: str, size: int, *, bold: bool = False) -> Mask:
    """The mask of a line of ``size`` pixels: capitals fill three quarters of it."""
    text = text.encode("ascii", "replace").decode()
    big = size * OVERSAMPLING
    scale, stroke = big / FONT_UNITS, max(1, round(big * STROKE[bold]))
    width = cv2.getTextSize(text, FONT, scale, stroke)[0][0] + stroke
    mask = np.zeros((round(big * 1.25), width + -width % OVERSAMPLING), np.uint8)
    cv2.putText(mask, text, (stroke // 2, round(big * 0.92)), FONT, scale, 255, stroke, cv2.LINE_AA)
    small = (mask.shape[1] // OVERSAMPLING, round(size * 1.25))
    return np.asarray(cv2.resize(mask, small, interpolation=cv2.INTER_AREA), np.uint8)


def text_width(text: str, size: int, *, bold: bool = False) -> int:
    return text_mask(text, size, bold=bold).shape[1] if text else 0


def elide(text: str, size: int, width: int, *, bold: bool = False) -> str:
    """``text``, or as much of it as fits into ``width`` pixels, with two dots at its end."""
    if text_width(text, size, bold=bold) <= width:
        return text
    while text and text_width(text + "..", size, bold=bold) > width:
        text = text[:-1]
    return text + ".." if text else ""


def write(
    canvas: Picture,
    text: str,
    left: int,
    top: int,
    size: int,
    colour: Colour,
    *,
    bold: bool = False,
) -> int:
    """Write a line with its top left corner there; returns where it ends."""
    if not text:
        return left
    mask = text_mask(text, size, bold=bold)
    blend(canvas, mask, left, top, colour)
    return left + mask.shape[1]


@lru_cache(128)
def rounded_mask(width: int, height: int, radius: int) -> Mask:
    """A filled rectangle with round corners."""
    radius = max(1, min(radius, width // 2, height // 2))
    across, down = (
        np.maximum(np.maximum(radius - at, at - (length - radius)), 0)
        for length in (width, height)
        for at in [np.arange(length, dtype=np.float32) + 0.5]
    )
    distance = np.hypot(across[None, :], down[:, None])
    return (np.clip(radius - distance + 0.5, 0, 1) * 255).astype(np.uint8)


def fill(
    canvas: Picture,
    box: tuple[int, int, int, int],
    colour: Colour,
    *,
    radius: int = 0,
    opacity: float = 1.0,
) -> None:
    """Fill ``box`` (left, top, width, height) with round corners."""
    left, top, width, height = box
    if width > 0 and height > 0:
        blend(canvas, rounded_mask(width, height, radius), left, top, colour, opacity)


def outline(
    canvas: Picture, box: tuple[int, int, int, int], colour: Colour, radius: int, stroke: int
) -> None:
    """Draw the edge of ``box`` with round corners, on a dark rim that shows it on any picture."""
    left, top, width, height = box
    radius = max(0, min(radius, width // 2, height // 2))
    angles = np.linspace(0, np.pi / 2, 9)
    corners = [
        (left + width - radius, top + height - radius, 0),
        (left + radius, top + height - radius, 1),
        (left + radius, top + radius, 2),
        (left + width - radius, top + radius, 3),
    ]
    points = np.concatenate(
        [
            np.stack(
                [
                    x + radius * np.cos(angles + quarter * np.pi / 2),
                    y + radius * np.sin(angles + quarter * np.pi / 2),
                ],
                axis=1,
            )
            for x, y, quarter in corners
        ]
    )
    fixed = np.round(points * 16).astype(np.int32)  # four fractional bits, as ``shift`` says
    for line, thickness in (((20, 20, 20), stroke + 2), (colour, stroke)):
        cv2.polylines(canvas, [fixed], isClosed=True, color=line, thickness=thickness,
                      lineType=cv2.LINE_AA, shift=4)  # fmt: skip
