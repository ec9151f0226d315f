"""Calms the probabilities that are shown; what is recorded and published stays as it is."""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from messaging.schema import Face, Probabilities

FORGET_NS = 10_000_000_000
"""A track that was not seen for so long begins anew; twice a tracker's memory and more."""


class Smoothing:
    """An exponential mean over time for every track of one camera.

    After ``dt`` seconds a shown probability has gone the share ``1 - exp(-dt / time_constant_s)``
    of its way to the new one, at any frame rate: a step is followed to 63 % after one time
    constant and to 95 % after three. 0 shows every picture's own.
    """

    def __init__(self, time_constant_s: float) -> None:
        self._time_constant_s = time_constant_s
        self._shown: dict[int, tuple[int, Probabilities]] = {}

    def __call__(self, stamp_ns: int, faces: Iterable[Face]) -> tuple[Face, ...]:
        """The faces of one picture as they are to be shown; pictures come by their stamps."""
        if not self._time_constant_s:
            return tuple(faces)
        self._shown = {
            track: (then_ns, shown)
            for track, (then_ns, shown) in self._shown.items()
            if 0 <= stamp_ns - then_ns <= FORGET_NS
        }
        return tuple(self._smoothed(stamp_ns, face) for face in faces)

    def _smoothed(self, stamp_ns: int, face: Face) -> Face:
        then_ns, former = self._shown.get(face.track, (stamp_ns, face.probabilities))
        share = 1 - math.exp((then_ns - stamp_ns) / 1e9 / self._time_constant_s)
        pairs = zip(former, face.probabilities, strict=True)
        shown = cast("Probabilities", tuple(old + share * (new - old) for old, new in pairs))
        self._shown[face.track] = stamp_ns, shown
        return replace(face, probabilities=shown)
