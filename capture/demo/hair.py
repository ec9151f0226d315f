"""The hair: two locks that frame the face, and what is seen behind the neck."""

from collections.abc import Iterator

import numpy as np

from capture.demo.canvas import Array, Layer, Window, bell, curve, points, rgb

HAIR = rgb(104, 63, 42)
STRAND_TINT = rgb(1.15, 0.9, 0.7)

CROWN, PARTING = (-18.0, 50.0), (-25.0, 98.0)
"""Where the hair is parted, from the crown down to the hairline."""


def _silhouette(side: int, *top: tuple[float, float]) -> Array:
    ends = ((122, 226), (125, 290), (129, 346), (121, 386), (103, 403))
    return curve(CROWN, *top, *((side * x, y) for x, y in ends))


def _edge(side: int, *top: tuple[float, float]) -> Array:
    ends = ((100, 236), (99, 290), (94, 338), (91, 376), (97, 402))
    return curve(PARTING, *top, *((side * x, y) for x, y in ends))


# A lock lies between its silhouette and its edge along the face; both run from the parting down,
# and strands follow every curve in between.
LOCKS = (
    (
        _silhouette(-1, (-64, 61), (-98, 98), (-114, 158)),
        _edge(-1, (-48, 108), (-76, 138), (-94, 188)),
    ),
    (
        _silhouette(1, (34, 43), (82, 62), (110, 104), (120, 162)),
        _edge(1, (-2, 115), (40, 136), (76, 160), (95, 194)),
    ),
)
STRANDS = 620
EDGE = -40.0
"""Brightness, against the mean, where no strand lies: a lock's rim."""
PIECE = 8
"""Points of a strand that share one brightness."""


def _strand(random: np.random.Generator, outer: Array, inner: Array) -> tuple[float, int, Array]:
    """A random strand: its place from the silhouette (0) to the face (1), where it starts, and
    its line.
    """
    place = float(random.uniform())
    line = outer * (1 - place) + inner * place + random.normal(0, 1.1, 2)
    start = int(random.integers(0, len(line) // 4))
    end = int(random.integers(7 * len(line) // 8, len(line)))
    return place, start, line[start:end]


def _pieces(
    random: np.random.Generator, outer: Array, inner: Array
) -> Iterator[tuple[Array, float]]:
    """Short overlapping lines with their brightness against the hair's mean."""
    for _ in range(STRANDS):
        place, start, line = _strand(random, outer, inner)
        tone = random.normal(0, 8) + 7 * np.sin(2 * np.pi * (6.5 * place + 0.3))
        sheen = 30 * bell((place - 0.42) / 0.16) + 10 * bell((place - 0.8) / 0.06)
        for k in range(0, len(line) - PIECE, PIECE - 2):
            u = (start + k) / len(outer)
            crown, tips = bell((u - 0.30) / 0.08), bell((u - 0.74) / 0.09)
            rounding = 20 * bell(place / 0.10) + 22 * bell((1 - place) / 0.08) + 14 * bell(u / 0.07)
            level = tone + sheen * (crown + 0.45 * tips) - rounding
            yield line[k : k + PIECE], float(level)


def front(window: Window) -> Layer:
    """The two locks, with some loose hairs along their silhouettes."""
    random = np.random.default_rng(7)
    opacity = np.zeros(window.shape, np.float32)
    levels = np.full(window.shape, EDGE, np.float32)
    for outer, inner in LOCKS:
        lock = window.polygon(np.vstack([outer, inner[::-1]]), 0.7)
        for piece, level in _pieces(random, outer, inner):
            window.trace(levels, piece, level, 0.75)
        outwards = np.sign(float(outer[-1, 0]))
        loose = [
            outer[start : start + 34]
            + points((outwards * random.uniform(0.3, 2.6), random.uniform(-2, 1)))
            for start in random.integers(4, len(outer) - 40, 14)
        ]
        opacity = np.maximum(opacity, np.maximum(lock, 0.22 * window.strokes(loose, 0.6, 0.4)))
    levels -= 14 * window.strokes([curve(CROWN, PARTING)], 1.2, 1.0)
    colour = HAIR + window.blur(levels, 0.55)[..., None] * STRAND_TINT
    return Layer(np.clip(colour, 8, 220).astype(np.float32), opacity)


def back(window: Window) -> Layer:
    """The hair behind the neck, in the head's shadow."""
    random = np.random.default_rng(5)
    half = ((64, 84), (100, 134), (114, 205), (119, 290), (123, 350), (100, 402))
    left = [(-x, y) for x, y in half]
    outline = curve((0, 68), *left, (0, 410), *half[::-1], closed=True)
    levels = np.zeros(window.shape, np.float32)
    for place in random.uniform(-1, 1, 480):
        x = np.sign(place) * (40 + 80 * abs(place))
        line = curve(
            (0.9 * x, 150), (0.97 * x, 230), (x, 300), (1.05 * x, 365), (0.95 * x, 405), steps=8
        )
        window.trace(levels, line, float(random.normal(0, 9)), 0.5)
    rim = bell((np.abs(window.x) - 116) / 14) * bell((window.y - 260) / 90)
    shade = 0.52 + 0.30 * rim
    colour = HAIR * shade[..., None] + window.blur(levels, 0.7)[..., None]
    return Layer(np.clip(colour, 4, 220).astype(np.float32), window.polygon(outline, 0.9))
