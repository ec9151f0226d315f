"""A picture of any size, fitted into a network's square input."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.detector import Picture


class Placement(NamedTuple):
    """Pixels of the picture = ``scale`` x pixels of the square + ``shift``, for x and y."""

    scale: tuple[float, float]
    shift: tuple[float, float]


class Letterbox:
    """Keeps the aspect ratio, centres, and leaves the rest black, as MediaPipe does.

    The buffers are reused: what ``fill`` wrote is valid until the next call.
    """

    def __init__(self, side: int) -> None:
        self.side = side
        self._square = np.zeros((side, side, 3), np.uint8)
        self._shape: tuple[int, int] | None = None

    def fill(self, picture: Picture) -> tuple[NDArray[np.uint8], Placement]:
        """The square, still BGR, and where the picture lies in it."""
        height, width = picture.shape[:2]
        scale = self.side / max(height, width)
        inner_height = max(1, round(height * scale))
        inner_width = max(1, round(width * scale))
        top, left = (self.side - inner_height) // 2, (self.side - inner_width) // 2
        if self._shape != (height, width):
            self._square.fill(0)
            self._shape = height, width
        cv2.resize(
            picture,
            (inner_width, inner_height),
            dst=self._square[top : top + inner_height, left : left + inner_width],
            interpolation=cv2.INTER_LINEAR,
        )
        x_scale, y_scale = width / inner_width, height / inner_height
        return self._square, Placement((x_scale, y_scale), (-left * x_scale, -top * y_scale))
