"""What one video source has shown: its watermark, the faces that may still label something, and the
holes between its pictures.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple

from messaging.schema import Face, FaceEmotions, Stamp

BEFORE_ALL = -(1 << 80)
AFTER_ALL = 1 << 80
"""Before and after every stamp there can be."""

DISTANCES = 8
"""So many last ones tell how far a camera's pictures truly are apart: their median does not mind a
single pause."""


class Sighting(NamedTuple):
    """The face of a picture that competes: its largest box, of equals the lowest track.

    A tuple: one is made for each picture, and a frozen dataclass takes more than twice as long.
    """

    at_ns: int
    stamp: Stamp
    source: str
    face: Face
    nominal_ns: int
    distances_ns: tuple[int, ...]
    """Of the last pictures, one from the next."""
    detector: str
    classifier: str

    @property
    def interval_ns(self) -> int:
        """From one picture to the next: the nominal one, or the true one where that is longer,
        as with a webcam in dim light; 0 while neither is known.
        """
        true_ns = sorted(self.distances_ns)
        return max(self.nominal_ns, true_ns[len(true_ns) // 2]) if true_ns else self.nominal_ns

    @classmethod
    def of(cls, message: FaceEmotions, distances_ns: Iterable[int]) -> "Sighting":
        """The best of a picture's faces, of which there is at least one."""
        faces = message.faces
        return cls(
            message.stamp.pipeline_ns,
            message.stamp,
            message.source,
            faces[0] if len(faces) == 1 else min(faces, key=lambda f: (-f.area, f.track)),
            message.interval_ns,
            tuple(distances_ns),
            message.detector,
            message.classifier,
        )


@dataclass(frozen=True, slots=True)
class Hole:
    """Pictures that were taken strictly between two instants, and that nobody looked at."""

    after_ns: int
    before_ns: int
    pictures: int


_at_ns = attrgetter("at_ns")
_after_ns = attrgetter("after_ns")
_before_ns = attrgetter("before_ns")


def nearest(sightings: Iterable[Sighting], instant_ns: int) -> Sighting | None:
    """The closest in time; of equals the later; at one stamp the smallest source name."""
    return min(
        sightings,
        key=lambda s: (abs(s.at_ns - instant_ns), -s.at_ns, s.source),
        default=None,
    )


class History:
    """One source's pictures. Up to ``watermark_ns`` all are known that will ever be, and so is how
    many are missing between them: a hole that is found later begins there or after.
    """

    def __init__(self) -> None:
        self.seen = False
        """Whether the source ever said anything, or was just named by a microphone."""
        self.closed = False
        self.lossless = False
        self.shown_ns = BEFORE_ALL
        self._opened_ns = AFTER_ALL
        self.forgotten_ns = BEFORE_ALL
        """The latest instant of which a picture or a hole is no longer kept."""
        self._pictures: list[int] = []
        self._sightings: list[Sighting] = []
        self._holes: list[Hole] = []
        self._next_index = 0
        """The number of the first picture that is not known yet."""
        self._last: tuple[int, int] | None = None
        """Stamp and number of the last picture that was analysed since the source opened."""
        self._distances_ns = deque[int](maxlen=DISTANCES)
        """Of two pictures that follow each other, whether or not those between were analysed."""

    def __len__(self) -> int:
        """Pictures and holes that are kept."""
        return len(self._pictures) + len(self._holes)

    @property
    def watermark_ns(self) -> int:
        return AFTER_ALL if self.closed else self.shown_ns

    def has(self, message: FaceEmotions) -> bool:
        """Whether it came before: two workers may answer one picture when one of them was taken
        for dead. A file that plays again has closed meanwhile.
        """
        at_ns = message.stamp.pipeline_ns
        if message.event == "opened":
            return not self.closed and at_ns == self._opened_ns
        if message.event != "analysed" or at_ns > self.shown_ns:
            return False
        place = bisect_left(self._pictures, at_ns)
        return place < len(self._pictures) and self._pictures[place] == at_ns

    def add(self, message: FaceEmotions) -> bool:
        """Take the source's next message; ``False`` where it was ignored, since a stamp of one
        source must lie after the one before.
        """
        at_ns, event = message.stamp.pipeline_ns, message.event
        if event in ("analysed", "gap") and at_ns <= self.shown_ns:
            return False
        self.seen, self.closed = True, event == "closed"
        self.lossless = message.lossless
        if event == "opened":
            self._opened_ns = at_ns
            self._open(at_ns)
        self._find_hole(at_ns, message.index)
        self._next_index = message.index
        if event in ("opened", "gap"):
            at_ns -= 1  # a picture of that instant may come, or may be the one that is unreadable
        self.shown_ns = max(self.shown_ns, at_ns)
        if event == "analysed":
            self._next_index += 1
            self._pictures.append(at_ns)
            self._note_distance(at_ns, message.index)
            if message.faces:
                self._sightings.append(Sighting.of(message, self._distances_ns))
        return True

    def _note_distance(self, at_ns: int, index: int) -> None:
        if self._last is not None and index > self._last[1]:
            self._distances_ns.append((at_ns - self._last[0]) // (index - self._last[1]))
        self._last = at_ns, index

    def _open(self, at_ns: int) -> None:
        """Nothing comes before ``at_ns``. A source whose clock was set back starts anew, or it
        would be ignored until its clock has caught up. What was forgotten of the time from
        ``at_ns`` on is void with it; before, it may reach up to there.
        """
        self._last = None
        self._distances_ns.clear()
        if at_ns < self.shown_ns:
            del self._pictures[bisect_left(self._pictures, at_ns) :]
            del self._sightings[bisect_left(self._sightings, at_ns, key=_at_ns) :]
            del self._holes[bisect_left(self._holes, at_ns - 1, key=_after_ns) :]
            if self._holes:
                last = self._holes[-1]
                self._holes[-1] = replace(last, before_ns=min(last.before_ns, at_ns))
            self.shown_ns = at_ns - 1
            self.forgotten_ns = min(self.forgotten_ns, at_ns - 1)

    def _find_hole(self, before_ns: int, index: int) -> None:
        """A number that fell back is of a source that began anew. One that opens with pictures
        behind it, as where a replay begins in its middle, had them before.
        """
        missing = index - self._next_index if index >= self._next_index else index
        if missing:
            before_ns = max(before_ns, self.shown_ns + 1)
            self._holes.append(Hole(self.shown_ns, before_ns, missing))

    def around(self, instant_ns: int, within_ns: int) -> list[Sighting]:
        """The last sighting before the instant and the first one from it on, within reach."""
        after = bisect_left(self._sightings, instant_ns, key=_at_ns)
        both = self._sightings[max(after - 1, 0) : after + 1]
        return [s for s in both if abs(s.at_ns - instant_ns) <= within_ns]

    def sightings(self, first_ns: int, last_ns: int) -> list[Sighting]:
        """Those with first <= stamp <= last."""
        start = bisect_left(self._sightings, first_ns, key=_at_ns)
        return self._sightings[start : bisect_right(self._sightings, last_ns, key=_at_ns)]

    def pictures(self, first_ns: int, last_ns: int) -> int:
        """How many pictures, with a face or without, have first <= stamp <= last."""
        return bisect_right(self._pictures, last_ns) - bisect_left(self._pictures, first_ns)

    def missing(self, first_ns: int, last_ns: int) -> int:
        """How many pictures at most have first <= stamp <= last, and were never looked at."""
        start = bisect_right(self._holes, first_ns, key=_before_ns)
        stop = bisect_left(self._holes, last_ns, key=_after_ns)
        return sum(hole.pictures for hole in self._holes[start:stop])

    def forget(self, before_ns: int) -> None:
        """Let go of what lies before an instant, half of all or more at a time: moving the others
        up costs no more than taking them in did, and at most twice the needed ones are kept.
        """
        pictures = bisect_left(self._pictures, before_ns)
        holes = bisect_left(self._holes, before_ns, key=_before_ns) if self._holes else 0
        if not 0 < len(self) <= 2 * (pictures + holes):
            return
        if pictures:
            self.forgotten_ns = self._pictures[pictures - 1]
        if holes:
            self.forgotten_ns = max(self.forgotten_ns, self._holes[holes - 1].before_ns)
        del self._pictures[:pictures]
        del self._holes[:holes]
        del self._sightings[: bisect_left(self._sightings, before_ns, key=_at_ns)]
