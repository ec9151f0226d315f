"""When a sample was captured, on the host's monotonic clock.

A sound card counts samples evenly and tells the time badly: blocks arrive late, never early, and
its crystal is off by up to some 100 ppm. So samples are counted, and a line from sample time (the
count over the nominal rate) to the host's clock is laid along the earliest arrivals. What the
driver says about latency moves the line as a whole; the smallest recent figure is taken.

Pure. All times are integer nanoseconds.
"""

from collections import deque
from dataclasses import dataclass
from itertools import combinations
from statistics import median

SECOND = 1_000_000_000

BIN_NS = SECOND
BINS = 30
"""The line is laid along the earliest arrival of each of the last 30 s."""
DRIFT_FROM_BINS = 5
"""Fewer tell no drift."""
MAX_DRIFT = 200e-6
"""Of a sound card's crystal; real ones stay below 100 ppm."""
SLEW = 0.05
"""A better estimate is approached by so much of the time that passes: no stamp runs backwards."""
FAR_NS = SECOND // 2
FAR_SLEW = 0.9
"""The same once it is so far away, until it is reached: blocks that a busy machine held up were
taken for a loss, and stamps of seconds to come would be labelled by nobody, or by the wrong face.
A young stream's latency may move it by a third of that, and back.
"""

TRUSTED_BOUND_NS = 2_000_000
"""Of a latency that the driver itself reports: it counts in periods, and not the converter."""
MORE_THAN_REPORTED_NS = 250_000_000
"""A block's latency beyond the stream's own figure by more than this is no latency."""
MOST_LATENCY_NS = SECOND

LOST_NS = 50_000_000
LOST_FOR_NS = SECOND // 2
"""Sound that comes later than foretold by 50 ms, for half a second without exception, is not late:
some before it was lost and nobody said so."""

LATE_FOR_NS = SECOND // 5
"""Less, or for a shorter time, is not made up for; but the bound of the error grows by it."""


@dataclass(frozen=True, slots=True)
class Instant:
    host_ns: int
    bound_ns: int
    """Of the error of ``host_ns``, as far as it can be known here."""


class SampleClock:
    """One uninterrupted run of a device at ``rate`` samples a second.

    Sample time goes on from ``start_ns``; every instant lies after ``after_ns``.
    """

    def __init__(self, rate: float, start_ns: int = 0, after_ns: int = 0) -> None:
        self._rate = rate
        self._start_ns = start_ns
        self._after_ns = after_ns
        self._samples = 0
        self._arrivals: deque[tuple[int, int]] = deque(maxlen=BINS)
        """Of every second: the least of arrival minus sample time, after its sample time."""
        self._latencies: deque[tuple[int, int]] = deque(maxlen=BINS)
        """The same of the age of a block's last sample, by the driver."""
        self._late: deque[tuple[int, int]] = deque()
        """Sample time and lateness of the last half second's blocks."""
        self._latency_ns: int | None = None
        self._reported_ns = 0
        self._drift = 0.0
        self._knots: deque[tuple[int, int]] = deque(maxlen=8192)
        """Sample time and host time; samples that have been stamped stay where they are."""
        self._aside_ns = 0
        """What the last knot is still away from the line."""
        self._is_far = False

    @property
    def now_ns(self) -> int:
        """Sample time of the end of what has come."""
        return self._start_ns + round(self._samples * SECOND / self._rate)

    def missing_ns(self, samples: int, arrival_ns: int, *, overflow: bool) -> int:
        """How much sound was lost before this block, to be made up for with ``skip``.

        The driver's ``overflow`` flag says that some was, and not how much; it goes unsaid, too.
        """
        if not self._arrivals:
            return 0
        end_ns = self.now_ns + round(samples * SECOND / self._rate)
        late_ns = arrival_ns - end_ns - self._line(end_ns)
        if overflow:
            self._late.clear()
            return max(0, late_ns)
        self._late.append((end_ns, late_ns))
        while self._late[0][0] < end_ns - LOST_FOR_NS:
            self._late.popleft()
        least = min(late for _, late in self._late)
        if least < LOST_NS or end_ns - self._late[0][0] < LOST_FOR_NS * 0.9:
            return 0
        self._late.clear()
        return least

    def skip(self, samples: int) -> None:
        """Count samples that were lost: sample time goes on as if they had come."""
        self._samples += samples

    def add(
        self, samples: int, arrival_ns: int, latency_s: float | None, reported_s: float
    ) -> None:
        """A block arrived whose first sample was then ``latency_s`` old, if the driver is right;
        ``reported_s`` is the figure that it gave for the stream.
        """
        self._samples += samples
        end_ns = self.now_ns
        length_ns = round(samples * SECOND / self._rate)
        self._reported_ns = max(round(reported_s * SECOND) - length_ns, 0)
        if keep_least(self._arrivals, end_ns, arrival_ns - end_ns):
            self._drift = drift(self._arrivals)
        if latency_s is not None and 0 < latency_s * SECOND <= MOST_LATENCY_NS:
            behind_ns = max(round(latency_s * SECOND) - length_ns, 0)
            if behind_ns <= self._reported_ns + MORE_THAN_REPORTED_NS:
                keep_least(self._latencies, end_ns, behind_ns)
                self._latency_ns = min(ns for _, ns in self._latencies)
        self._follow(end_ns, length_ns)

    def at(self, sample_ns: int) -> Instant:
        """The instant of a sample time that has come, or shortly will."""
        if not self._knots:
            raise ValueError("no sound has come yet: it has no time")
        bound_ns = self._reported_ns if self._latency_ns is None else TRUSTED_BOUND_NS
        bound_ns += abs(self._aside_ns) + self._spread() + self._disagreement()
        return Instant(self._host_ns(sample_ns), bound_ns)

    def _host_ns(self, sample_ns: int) -> int:
        knots = self._knots
        right = len(knots) - 1
        while right > 1 and knots[right - 1][0] > sample_ns:
            right -= 1
        (sample_a, host_a), (sample_b, host_b) = knots[right - 1], knots[right]
        return host_a + (sample_ns - sample_a) * (host_b - host_a) // (sample_b - sample_a)

    def _line(self, sample_ns: int) -> int:
        """Arrival minus sample time of a block that ends there and comes without delay."""
        return round(min(ns + self._drift * (sample_ns - at) for at, ns in self._arrivals))

    def _follow(self, end_ns: int, length_ns: int) -> None:
        """Stamp the block: as the line has it, as far as the last knot lets it."""
        latency_ns = self._reported_ns if self._latency_ns is None else self._latency_ns
        target_ns = end_ns + self._line(end_ns) - latency_ns
        if not self._knots:
            begin_ns = max(target_ns - length_ns, self._after_ns + 1)
            self._knots.append((end_ns - length_ns, begin_ns))
        sample_ns, host_ns = self._knots[-1]
        passed_ns = end_ns - sample_ns
        if passed_ns <= 0:
            return
        aside_ns = target_ns - (host_ns + passed_ns)
        self._is_far = self._is_far or abs(aside_ns) >= FAR_NS
        slew_ns = round((FAR_SLEW if self._is_far else SLEW) * passed_ns)
        host_ns += passed_ns + max(-slew_ns, min(aside_ns, slew_ns))
        self._aside_ns = target_ns - host_ns
        self._is_far = self._is_far and self._aside_ns != 0
        self._knots.append((end_ns, host_ns))

    def _disagreement(self) -> int:
        """By how much all that came lately was later than the line foretells."""
        since_ns = self._late[-1][0] - LATE_FOR_NS if self._late else 0
        lately = [late for end, late in self._late if end > since_ns]
        return max(0, min(lately, default=0))

    def _spread(self) -> int:
        """How far the seconds' earliest arrivals typically lie from the line."""
        return round(median(ns - self._line(at) for at, ns in self._arrivals))


def keep_least(bins: deque[tuple[int, int]], at_ns: int, ns: int) -> bool:
    """Whether a new second began."""
    if not bins or at_ns // BIN_NS > bins[-1][0] // BIN_NS:
        bins.append((at_ns, ns))
        return True
    if ns < bins[-1][1]:
        bins[-1] = (at_ns, ns)
    return False


def drift(arrivals: deque[tuple[int, int]]) -> float:
    """The host's seconds against the device's, minus 1: the median slope between any two of the
    seconds (Theil-Sen), which single late ones do not move.
    """
    if len(arrivals) < DRIFT_FROM_BINS:
        return 0.0
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(arrivals, 2)]
    return max(-MAX_DRIFT, min(median(slopes), MAX_DRIFT))
