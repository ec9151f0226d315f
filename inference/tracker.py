"""Which face of this picture is which of the pictures before."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from inference.detector import Box
from inference.looks import Look, difference
from inference.motion import Motion, jitter

MEMORY_S = 3.0
"""A face that was not seen for longer is a new one when it comes back."""
ABSENCE_S = 0.5
"""Who was away for longer must look as before. Over shorter gaps motion tells people apart better
than looks do, which change with every hand and every other head that is in front of a face."""
DIFFERENT = 0.45
"""Looks farther apart are two people's. Of six talking heads and three drawn people 99 % of the
looks are within 0.39 of the same person's former ones, and 99 % of another one's beyond 0.55."""
LOOK_DEVIATION = 0.2
"""Standard deviation of looks of one person: who was hidden behind whom is told by it."""
LOOKS = 16
"""Of a face that are kept: expressions change it, and the picture's edge hides some of it,"""
LOOK_NS = 100_000_000
"""and how far apart in time."""
DEVIATIONS = 3.5
"""How far a face may be from where it is expected, in standard deviations,"""
SLACK = 0.3
"""and in any case, in its own sizes: the box of a face that is about to be hidden jumps;"""
REACH = 2.5
"""and how far at most, in its own sizes, however long it was not seen."""
GROWTH = 1.6
"""By which ratio a face's size may differ from when it was last seen."""
GROWTH_DEVIATION = 0.12
"""Standard deviation of the logarithm of that ratio."""
SIZE_S = 0.1
"""Time constant of a face's size: the box of a face that is about to be hidden changes its own."""
ALONE = 1.3
"""A face has no other nearer than so many of its sizes when it is alone."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A face in a picture."""

    stamp_ns: int
    box: Box
    look: Look
    is_alone: bool


@dataclass(slots=True)
class _Track:
    id: int
    seen_ns: int
    motion: Motion
    size: float
    looks: deque[Look]
    """The last ones of when the face was alone: another one in front of it changes its look."""
    looked_ns: int
    was_alone: bool
    """When it was last seen: otherwise it may be hidden, and comes out a little at a time."""

    def absence_s(self, stamp_ns: int) -> float:
        return (stamp_ns - self.seen_ns) / 1e9

    def see(self, face: _Seen, expected: Motion) -> None:
        share = 1 - math.exp(-self.absence_s(face.stamp_ns) / SIZE_S)
        self.size += share * (face.box.size - self.size)
        self.motion = expected.seen(face.box)
        self.seen_ns, self.was_alone = face.stamp_ns, face.is_alone
        if face.is_alone and face.stamp_ns - self.looked_ns >= LOOK_NS:
            self.looks.append(face.look)
            self.looked_ns = face.stamp_ns


class Tracker:
    """Gives each face a number that stays with it, for one camera.

    A face is looked for where its motion leads to; pairs of tracks and boxes are made by
    likelihood, the likeliest first; after an absence looks count as well. Who was hidden or missed
    for a moment keeps the number. Who left keeps it on coming back within ``MEMORY_S``, near where
    the face was last seen and with the look that it had. Anybody else is new. Numbers start at 1
    and are never used again. Time is the pictures' own: the same pictures give the same numbers at
    any speed.

    A cut in an edited film is not noticed: who sits where another one sat a picture ago is taken
    for the same person.
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._last_id = 0

    def forget(self) -> None:
        """The stream begins anew: whoever comes next is someone new."""
        self._tracks.clear()

    def __call__(self, stamp_ns: int, boxes: Sequence[Box], looks: Sequence[Look]) -> list[int]:
        """The number of each box; ``looks`` are those of the faces in the boxes."""
        self._tracks = [t for t in self._tracks if 0 <= t.absence_s(stamp_ns) <= MEMORY_S]
        expected = {t.id: t.motion.after(t.absence_s(stamp_ns), t.size) for t in self._tracks}
        faces = [
            _Seen(stamp_ns, box, look, _is_alone(box, boxes, [*expected.values()]))
            for box, look in zip(boxes, looks, strict=True)
        ]
        pairs = sorted(
            (unlikelihood, track.id, index, track)
            for track in self._tracks
            for index, face in enumerate(faces)
            if (unlikelihood := _unlikelihood(track, expected[track.id], face)) is not None
        )
        numbers: dict[int, int] = {}
        for _, number, index, track in pairs:
            if index not in numbers and number not in numbers.values():
                numbers[index] = number
                track.see(faces[index], expected[number])
        return [numbers.get(index) or self._begin(face) for index, face in enumerate(faces)]

    def _begin(self, face: _Seen) -> int:
        self._last_id += 1
        motion, kept = Motion.begin(face.box), deque([face.look], LOOKS)
        self._tracks.append(
            _Track(
                self._last_id,
                face.stamp_ns,
                motion,
                face.box.size,
                kept,
                face.stamp_ns,
                face.is_alone,
            )
        )
        return self._last_id


def _is_alone(box: Box, boxes: Sequence[Box], expected: Sequence[Motion]) -> bool:
    """Whether neither another box nor a second person, who may be hidden, is near."""
    radius, (x, y) = ALONE * box.size, box.centre
    near = sum(math.dist((x, y), other.centre) < radius for other in boxes)
    return near == 1 and sum(motion.distance(box) < radius for motion in expected) <= 1


def _unlikelihood(track: _Track, expected: Motion, face: _Seen) -> float | None:
    """That the face is the track's: twice the negative logarithm of the likelihood, up to a
    constant; ``None`` where it cannot be.
    """
    away, growth = expected.distance(face.box), math.log(face.box.size / track.size)
    variance = expected.place_variance + jitter(face.box.size)
    within = min(
        math.hypot(DEVIATIONS * math.sqrt(variance), SLACK * face.box.size), REACH * face.box.size
    )
    if away > within or abs(growth) > math.log(GROWTH):
        return None
    unlikeness = 0.0
    if track.absence_s(face.stamp_ns) > ABSENCE_S:
        unlikeness = difference(face.look, track.looks)
        if face.is_alone and track.was_alone and unlikeness > DIFFERENT:
            return None
        unlikeness = min(unlikeness, 2.0)
    spread = 2 * math.log(variance / face.box.size**2)
    return (
        away**2 / variance
        + spread
        + (growth / GROWTH_DEVIATION) ** 2
        + (unlikeness / LOOK_DEVIATION) ** 2
    )
