"""What a face looks like, coarsely: enough to tell a stranger from who sat there before."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.network import SIDE

GRID = 8
"""Cells a side in which looks are compared: coarse enough that expressions change little, fine
enough for hair and brows."""
FINE = 2 * GRID
"""Cells a side that are kept: a look may be moved by half a cell before it is compared."""
LEAST = 20
"""Cells that both must show: less of a face is nobody's."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """``FINE`` x ``FINE`` grey values, and which of them lie within the picture."""

    cells: NDArray[np.float32]
    seen: NDArray[np.bool_]


def looks(crops: NDArray[np.uint8], seen: NDArray[np.bool_]) -> list[Look]:
    """Of faces as the classifier sees them, which are upright and of one size: n x 64 x 64; with
    what of them is within the picture: n x ``FINE`` x ``FINE``.
    """
    if not len(crops):
        return []
    rows = crops.reshape(-1, SIDE).astype(np.float32)
    shape = FINE, len(crops) * FINE
    cells = cv2.resize(rows, shape, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
    return [Look(*pair) for pair in zip(cells.reshape(-1, FINE, FINE), seen, strict=True)]


def difference(look: Look, formers: Iterable[Look]) -> float:
    """From the nearest of ``formers``: 0 where they are the same, 1.41 where they have nothing in
    common, 2 at most; infinite where too little is seen of both.

    Brightness and contrast of the light do not matter. What is seen of one alone does not count,
    and neither does a face that sits half a cell elsewhere in its square: the eyes of one that
    leaves the picture are guessed.
    """
    moved = [_coarse(look, down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    kept = [_coarse(former, 0, 0) for former in formers]
    ones, ones_seen = (np.array(part)[:, np.newaxis] for part in zip(*moved, strict=True))
    others, others_seen = (np.array(part) for part in zip(*kept, strict=True))
    both = ones_seen & others_seen
    count = both.sum(axis=-1, keepdims=True)
    apart = np.linalg.norm(_level(ones, both, count) - _level(others, both, count), axis=-1)
    return float(np.where(count[..., 0] >= LEAST, apart, math.inf).min())


def _coarse(look: Look, down: int, right: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """In a row, moved by so many fine cells; what is moved in from outside was not seen."""
    seen = np.zeros_like(look.seen)
    to, origin = _overlap(down), _overlap(-down)
    seen[to, _overlap(right)] = look.seen[origin, _overlap(-right)]
    cells = np.roll(look.cells, (down, right), axis=(0, 1)).reshape(GRID, 2, GRID, 2)
    return cells.mean(axis=(1, 3)).ravel(), seen.reshape(GRID, 2, GRID, 2).all(axis=(1, 3)).ravel()


def _overlap(by: int) -> slice:
    return slice(max(0, by), FINE + min(0, by))


def _level(
    rows: NDArray[np.float32], both: NDArray[np.bool_], count: NDArray[np.int_]
) -> NDArray[np.float32]:
    """What both show, without its mean and of length 1."""
    mean = (rows * both).sum(axis=-1, keepdims=True) / np.maximum(count, 1)
    level = (rows - mean) * both
    return level / np.maximum(np.linalg.norm(level, axis=-1, keepdims=True), 1e-6)
