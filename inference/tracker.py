"""Which face of this picture is which of the pictures before."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from inference.detector import Box

MEMORY_NS = 500_000_000
"""A face that was not seen for so long is a new one when it comes back."""
REACH = 0.6
"""How far a face may be from where it is expected, in its own sizes (two faces side by side are at
least one size apart)."""
GROWTH = 1.6
"""By which ratio a face's size may differ from when it was last seen."""
STEADINESS = 0.5
"""Share of the old velocity in the new one: detections jitter."""


@dataclass(slots=True)
class _Track:
    id: int
    x: float
    y: float
    size: float
    seen_ns: int
    velocity_x: float = 0.0
    velocity_y: float = 0.0
    """Pixels per nanosecond."""


class Tracker:
    """Gives each face a number that stays with it, for one camera.

    A face is looked for where its motion leads to, so it keeps its number over missed detections.
    Numbers start at 1 and are never used again. Time is the pictures' own: the same pictures give
    the same numbers at any speed.
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._last_id = 0

    def forget(self) -> None:
        """The stream begins anew: whoever comes next is someone new."""
        self._tracks.clear()

    def __call__(self, stamp_ns: int, boxes: Sequence[Box]) -> list[int]:
        """The number of each box. Pairs are made closest first; what is left is new."""
        self._tracks = [
            track for track in self._tracks if 0 <= stamp_ns - track.seen_ns <= MEMORY_NS
        ]
        pairs = sorted(
            (distance, track.id, index, track)
            for track in self._tracks
            for index, box in enumerate(boxes)
            if (distance := _distance(track, stamp_ns, box)) is not None
        )
        of_box: dict[int, _Track] = {}
        taken: set[int] = set()
        for _, number, index, track in pairs:
            if index not in of_box and number not in taken:
                of_box[index] = track
                taken.add(number)
        return [self._see(of_box.get(index), stamp_ns, box) for index, box in enumerate(boxes)]

    def _see(self, track: _Track | None, stamp_ns: int, box: Box) -> int:
        if track is None:
            self._last_id += 1
            self._tracks.append(_Track(self._last_id, *box.centre, _size(box), stamp_ns))
            return self._last_id
        (x, y), passed_ns = box.centre, stamp_ns - track.seen_ns
        if passed_ns:
            new = 1 - STEADINESS
            track.velocity_x = STEADINESS * track.velocity_x + new * (x - track.x) / passed_ns
            track.velocity_y = STEADINESS * track.velocity_y + new * (y - track.y) / passed_ns
        track.x, track.y, track.size, track.seen_ns = x, y, _size(box), stamp_ns
        return track.id


def _size(box: Box) -> float:
    return math.sqrt(box.area)


def _distance(track: _Track, stamp_ns: int, box: Box) -> float | None:
    """Between a box and where the track is expected, in sizes; ``None`` when out of reach."""
    passed_ns, (x, y), size = stamp_ns - track.seen_ns, box.centre, _size(box)
    if not 1 / GROWTH <= size / track.size <= GROWTH:
        return None
    away = math.hypot(
        x - track.x - track.velocity_x * passed_ns, y - track.y - track.velocity_y * passed_ns
    )
    distance = away / max(size, track.size)
    return distance if distance <= REACH else None
