"""What a face detector gives, and which ones there are."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""Height x width x 3, BGR."""


class Box(NamedTuple):
    """Pixels of the picture; may reach beyond its edges."""

    left: float
    top: float
    width: float
    height: float

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def size(self) -> float:
        """Side of the square of that area."""
        return math.sqrt(self.area)

    @property
    def centre(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2


class KeyPoints(NamedTuple):
    """Pixels (x, y). Right and left are the person's own: the right eye is seen on the left."""

    right_eye: tuple[float, float]
    left_eye: tuple[float, float]
    nose: tuple[float, float]
    mouth: tuple[float, float]
    right_ear: tuple[float, float]
    left_ear: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Detection:
    """A face in a picture."""

    box: Box
    score: float
    """0 to 1; 1 from a detector that knows no score."""
    points: KeyPoints | None = None


class Detector(Protocol):
    name: str
    """Stands in every result."""

    def __call__(self, picture: Picture) -> list[Detection]:
        """The faces of a picture, best first; deterministic."""
        ...


def open_detector(
    name: Literal["blazeface", "blazeface-full", "haar"], *, min_score: float, threads: int
) -> Detector:
    """The detector of that name, loaded; its module is imported here and not before."""
    if name == "haar":
        from inference.haar import Haar

        return Haar()
    from inference.blazeface import FULL_RANGE, SHORT_RANGE, BlazeFace

    model = FULL_RANGE if name == "blazeface-full" else SHORT_RANGE
    return BlazeFace(model, min_score=min_score, threads=threads)
