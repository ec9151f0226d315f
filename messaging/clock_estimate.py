"""What exchanges with the hub's clock tell of its offset to the own one. Pure: no socket, no clock.

``docs/concepts.md`` has the derivation. The offset is what must be added to the own clock to get
the hub's.
"""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import attrgetter
from statistics import median

MOST_DRIFT = 500e-6
"""No clock runs faster or slower than the hub's by more: crystals are good to 100 ppm, and Linux
lets time services steer by 500 ppm at most (``MAXFREQ``)."""
WANDER = 20e-6
"""The rate may change by so much within the history: warmth, and time services that steer."""
SLEW = 0.01
"""Corrections are applied at this rate: no more than a hundredth of any distance of two stamps."""
EPOCH_NS = 50_000_000
"""A correction beyond this is none: one of the clocks stood still, or is another one."""
HISTORY = 12
"""Bursts that the line goes through."""
SHARP = 1.5
"""Only those that are at most so many times as uncertain as the best one have a say in it, so that
a jammed link does not bend it."""
SHARP_NS = 20_000
RECENT = 4
"""Of them, those that say where it is; the others say only how steep it is."""
PIECES = 64
"""Of the past that ``Timeline`` remembers: stamps are given for past instants as well."""
FARTHEST_NS = 2**62
"""Offsets beyond are none of a clock."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to the hub's clock, and its answer."""

    sent_ns: int
    """On the own clock, like ``returned_ns``; the others are on the hub's."""
    arrived_ns: int
    left_ns: int
    returned_ns: int

    @property
    def round_trip_ns(self) -> int:
        """On the way; what the hub took in between does not count."""
        return (self.returned_ns - self.sent_ns) - (self.left_ns - self.arrived_ns)

    @property
    def is_possible(self) -> bool:
        """Whether the answer took as long as the hub says that it had the question, or longer."""
        return 0 <= self.left_ns - self.arrived_ns <= self.returned_ns - self.sent_ns


@dataclass(frozen=True, slots=True)
class Sight:
    """The offset at one instant of the own clock: it lies within ``half_ns`` of ``offset_ns``."""

    at_ns: int
    offset_ns: int
    half_ns: int


@dataclass(frozen=True, slots=True)
class Line:
    """An offset that changes evenly, and how far it can be off."""

    at_ns: int
    offset_ns: int
    rate: float
    half_ns: int
    """The error bound at ``at_ns``."""
    drift: float
    """By which the error bound grows: what is not known of the rate."""

    def offset(self, at_ns: int) -> int:
        return self.offset_ns + round(self.rate * (at_ns - self.at_ns))

    def bound(self, at_ns: int) -> int:
        return self.half_ns + math.ceil(self.drift * abs(at_ns - self.at_ns))


OWN = Line(0, 0, 0.0, 0, 0.0)
"""Of the hub's own clock to itself."""


class Estimator:
    """From bursts of exchanges to lines, one after the other."""

    def __init__(self) -> None:
        self.epoch = 0
        """How often the offset has jumped."""
        self._sights: deque[Sight] = deque(maxlen=HISTORY)
        self._line: Line | None = None

    def take(self, burst: Sequence[Exchange]) -> Line:
        """The offset as of now. ``burst`` comes after all others, and is not empty."""
        former = self._line
        sight = seen(burst, former.rate, former.drift) if former else None
        if former is None or sight is None:
            sight = seen(burst) or seen(burst[-1:])
            assert sight is not None, "one exchange does not contradict itself"
        if former is not None and not _agree(former, sight):
            self._sights.clear()
            self.epoch += abs(sight.offset_ns - former.offset(sight.at_ns)) > EPOCH_NS
        self._sights.append(sight)
        line = _line_through(self._sights)
        if line is None:  # the rate has changed by more than it should, so the past is no guide
            self._sights.clear()
            self._sights.append(sight)
            line = _line_through([sight])
            assert line is not None, "one sight does not contradict itself"
        self._line = line
        return line

    def begin_epoch(self) -> None:
        """The hub's clock is another one from now on."""
        self.epoch += 1
        self._sights.clear()
        self._line = None


def seen(burst: Sequence[Exchange], rate: float = 0.0, drift: float = MOST_DRIFT) -> Sight | None:
    """What a burst says of the offset at its last exchange: the quickest way there bounds it from
    above, the quickest way back from below. ``None`` where these contradict each other.
    """
    at_ns = burst[-1].returned_ns
    low_ns, high_ns = -FARTHEST_NS, FARTHEST_NS
    for exchange in burst:
        age_ns = at_ns - exchange.sent_ns
        spread_ns = drift * age_ns + abs(rate) * (exchange.returned_ns - exchange.sent_ns)
        there_ns = exchange.arrived_ns - exchange.sent_ns + round(rate * age_ns)
        back_ns = exchange.left_ns - exchange.returned_ns + round(rate * age_ns)
        high_ns = min(high_ns, there_ns + math.ceil(spread_ns))
        low_ns = max(low_ns, back_ns - math.ceil(spread_ns))
    return _between(at_ns, low_ns, high_ns) if low_ns <= high_ns else None


def _between(at_ns: int, low_ns: int, high_ns: int) -> Sight:
    offset_ns = (low_ns + high_ns) // 2
    return Sight(at_ns, offset_ns, high_ns - offset_ns)


def _agree(line: Line, sight: Sight) -> bool:
    apart_ns = abs(sight.offset_ns - line.offset(sight.at_ns))
    return apart_ns <= sight.half_ns + line.bound(sight.at_ns)


def _line_through(sights: Sequence[Sight]) -> Line | None:
    """A robust one (Theil and Sen's: medians of slopes and of intercepts), no farther from any
    sight than can be true; ``None`` where they contradict each other.
    """
    least_ns = min(sight.half_ns for sight in sights)
    sharp = [sight for sight in sights if sight.half_ns <= SHARP * least_ns + SHARP_NS]
    slopes = [
        (
            (b.offset_ns - a.offset_ns) / (b.at_ns - a.at_ns),
            a.half_ns + b.half_ns,
            b.at_ns - a.at_ns,
        )
        for a, b in combinations(sharp, 2)
        if b.at_ns > a.at_ns
    ]
    rate, drift = 0.0, MOST_DRIFT
    if slopes:
        rate = min(MOST_DRIFT, max(-MOST_DRIFT, median(slope for slope, _, _ in slopes)))
        known = min(
            abs(rate - slope) + halves_ns / apart_ns for slope, halves_ns, apart_ns in slopes
        )
        drift = min(known + WANDER, MOST_DRIFT + abs(rate))
    at_ns = sights[-1].at_ns
    here = [_moved(sight, at_ns, rate, drift) for sight in sights]
    low_ns = max(sight.offset_ns - sight.half_ns for sight in here)
    high_ns = min(sight.offset_ns + sight.half_ns for sight in here)
    if low_ns > high_ns:
        return None
    likely_ns = median(_moved(sight, at_ns, rate, drift).offset_ns for sight in sharp[-RECENT:])
    offset_ns = min(high_ns, max(low_ns, round(likely_ns)))
    return Line(at_ns, offset_ns, rate, max(offset_ns - low_ns, high_ns - offset_ns), drift)


def _moved(sight: Sight, at_ns: int, rate: float, drift: float) -> Sight:
    """What it says of a later instant."""
    age_ns = at_ns - sight.at_ns
    offset_ns = sight.offset_ns + round(rate * age_ns)
    return Sight(at_ns, offset_ns, sight.half_ns + math.ceil(drift * age_ns))


@dataclass(frozen=True, slots=True)
class _Piece:
    """From ``since_ns`` on the offset is on its way to ``line``; ``None``: it is not known."""

    since_ns: int
    line: Line | None
    ahead_ns: int = 0
    """Of the line, at first."""

    def left_ns(self, at_ns: int) -> int:
        """What is left of ``ahead_ns``."""
        done = round(SLEW * max(0, at_ns - self.since_ns))
        return int(math.copysign(max(0, abs(self.ahead_ns) - done), self.ahead_ns))

    def at(self, at_ns: int) -> tuple[int, int | None]:
        if self.line is None:
            return 0, None
        left_ns = self.left_ns(at_ns)
        return self.line.offset(at_ns) + left_ns, self.line.bound(at_ns) + abs(left_ns)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The offset that stamps carry, for now and for the recent past. Immutable.

    It jumps where an epoch begins, and nowhere else: within an epoch the sum of an instant and its
    offset grows with the instant.
    """

    pieces: tuple[_Piece, ...] = ()

    def at(self, at_ns: int) -> tuple[int, int | None]:
        """Offset and error bound at an instant of the own clock; 0 and ``None``: not known."""
        if not self.pieces:
            return 0, None
        number = bisect_right(self.pieces, at_ns, key=attrgetter("since_ns"))
        return self.pieces[max(0, number - 1)].at(at_ns)

    def then(self, line: Line, now_ns: int, *, jumps: bool = False) -> "Timeline":
        """What it was until now, and from now on towards ``line``, or there at once."""
        offset_ns, bound_ns = self.at(now_ns)
        ahead_ns = 0 if jumps or bound_ns is None else offset_ns - line.offset(now_ns)
        piece = _Piece(now_ns, line, ahead_ns)
        return Timeline((*self.pieces[-PIECES + 1 :], piece))


UNKNOWN = Timeline((_Piece(0, None),))
"""For stamps that are given before the offset is known: should the same instants be stamped again
later, it is as then."""
