"""What one video source has shown: its watermark, and the faces that may still label something."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from messaging.schema import Face, FaceEmotions, Stamp

BEFORE_ALL = -(1 << 80)
AFTER_ALL = 1 << 80
"""Before and after every stamp there can be."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The face of a picture that competes: its largest box, of equals the lowest track."""

    at_ns: int
    stamp: Stamp
    source: str
    face: Face
    interval_ns: int
    detector: str
    classifier: str

    @classmethod
    def of(cls, message: FaceEmotions) -> "Sighting":
        """The best of a picture's faces, of which there is at least one."""
        return cls(
            message.stamp.pipeline_ns,
            message.stamp,
            message.source,
            min(message.faces, key=lambda face: (-face.area, face.track)),
            message.interval_ns,
            message.detector,
            message.classifier,
        )


_at_ns = attrgetter("at_ns")


def nearest(sightings: Iterable[Sighting], instant_ns: int) -> Sighting | None:
    """The closest in time; of equals the later; at one stamp the smallest source name."""
    return min(
        sightings,
        key=lambda s: (abs(s.at_ns - instant_ns), -s.at_ns, s.source),
        default=None,
    )


class History:
    """One source's pictures. All stamps up to ``watermark_ns`` have been shown."""

    def __init__(self) -> None:
        self.seen = False
        """Whether the source ever said anything, or was just named by a microphone."""
        self.closed = False
        self.lossless = False
        self.shown_ns = BEFORE_ALL
        self.forgotten_ns = BEFORE_ALL
        """The latest picture that is no longer kept."""
        self._pictures: list[int] = []
        self._sightings: list[Sighting] = []

    def __len__(self) -> int:
        return len(self._pictures)

    @property
    def watermark_ns(self) -> int:
        return AFTER_ALL if self.closed else self.shown_ns

    def add(self, message: FaceEmotions) -> bool:
        """Take the source's next message; ``False`` where it was ignored, since a stamp of one
        source must lie after the one before.
        """
        at_ns = message.stamp.pipeline_ns
        if message.event in ("analysed", "gap") and at_ns <= self.shown_ns:
            return False
        self.seen, self.closed = True, message.event == "closed"
        self.lossless = message.lossless
        if message.event == "opened":
            self._open(at_ns)
            return True
        self.shown_ns = max(self.shown_ns, at_ns)
        if message.event == "analysed":
            self._pictures.append(at_ns)
            if message.faces:
                self._sightings.append(Sighting.of(message))
        return True

    def _open(self, at_ns: int) -> None:
        """Nothing comes before ``at_ns``. A source whose clock was set back starts anew, or it
        would be ignored until its clock has caught up.
        """
        if at_ns < self.shown_ns:
            del self._pictures[bisect_left(self._pictures, at_ns) :]
            del self._sightings[bisect_left(self._sightings, at_ns, key=_at_ns) :]
            self.shown_ns = at_ns - 1
        self.shown_ns = max(self.shown_ns, at_ns - 1)

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

    def forget(self, before_ns: int) -> None:
        """Let go of pictures before an instant, half of all or more at a time: moving the others
        up costs no more than taking them in did, and at most twice the needed ones are kept.
        """
        gone = bisect_left(self._pictures, before_ns)
        if gone and 2 * gone >= len(self._pictures):
            self.forgotten_ns = self._pictures[gone - 1]
            del self._pictures[:gone]
            del self._sightings[: bisect_left(self._sightings, before_ns, key=_at_ns)]
