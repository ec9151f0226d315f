"""Whether a picture shows what an earlier one showed."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.detector import Picture

SAMPLED = (160, 120)
"""Pixels (columns, rows) that are looked at: more would cost more and tell the same;"""
CELLS = (40, 30)
"""and the cells whose means are compared. The smallest face that is found covers four or more."""
SAME = 6
"""Grey levels that a cell of an unchanged picture may differ by, less one: the noise of a sensor,
up to a deviation of 5 levels, leaves every cell below it."""
CUT = 8
"""Grey levels by which cells differ on average where another scene begins. Heads that talk or cross
the picture change 1 to 5 in a fifteenth of a second; two people before the same wall differ by 11.
"""


class Glance:
    """A picture so small that comparing it costs nothing. Its buffers are reused."""

    def __init__(self) -> None:
        self._sampled = np.empty((SAMPLED[1], SAMPLED[0], 3), np.uint8)
        self._grey = np.empty(SAMPLED[::-1], np.uint8)
        self.cells: NDArray[np.uint8] = np.zeros(CELLS[::-1], np.uint8)

    def take(self, picture: Picture) -> None:
        cv2.resize(picture, SAMPLED, dst=self._sampled, interpolation=cv2.INTER_NEAREST)
        cv2.cvtColor(self._sampled, cv2.COLOR_BGR2GRAY, dst=self._grey)
        cv2.resize(self._grey, CELLS, dst=self.cells, interpolation=cv2.INTER_AREA)

    def is_same(self, other: "Glance") -> bool:
        """Nothing moves but the noise of the sensor."""
        return cv2.norm(self.cells, other.cells, cv2.NORM_INF) < SAME

    def is_cut(self, other: "Glance") -> bool:
        """The pictures are of two scenes."""
        return cv2.norm(self.cells, other.cells, cv2.NORM_L1) >= CUT * self.cells.size
