"""What a face looks like, coarsely: enough to tell a stranger from who sat there before."""

import numpy as np
from numpy.typing import NDArray

from inference.engine import SIDE

GRID = 8
"""Cells a side: coarse enough that expressions change little, fine enough for hair and brows."""

Look = NDArray[np.float32]
"""``GRID`` x ``GRID`` grey values in a row, without their mean and of length 1: brightness and
contrast of the light do not matter."""


def looks(crops: NDArray[np.uint8]) -> list[Look]:
    """Of faces as the classifier sees them, which are upright and of one size: n x 64 x 64."""
    cell = SIDE // GRID
    cells = crops.reshape(-1, GRID, cell, GRID, cell).mean(axis=(2, 4), dtype=np.float32)
    rows = cells.reshape(-1, GRID * GRID)
    rows -= rows.mean(axis=1, keepdims=True)
    return list(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))


def difference(one: Look, other: Look) -> float:
    """0 where they are the same, 1.41 where they have nothing in common, 2 at most."""
    return float(np.linalg.norm(one - other))
