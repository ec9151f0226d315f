"""Simulated links between a clock and the hub's, with the truth."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from messaging.clock_estimate import Estimator, Exchange, Timeline

US = 1_000
MS = 1_000_000
S = 1_000_000_000
FAR_NS = 5_000 * S
"""The hosts' clocks are apart by so much."""
AT_HUB_NS = 10 * US
STAMP_EVERY_NS = 10 * MS


@dataclass(frozen=True)
class Link:
    """Delays are a constant, and an exponential that differs between the ways; now and then a
    message is held up.
    """

    base_ns: float = 100 * US
    there_ns: float = 30 * US
    """Mean of the exponential on the way to the hub."""
    back_ns: float = 30 * US
    outliers: float = 0.05
    held_ns: float = 5 * MS

    def delay_ns(self, dice: random.Random, mean_ns: float) -> int:
        delay = self.base_ns + dice.expovariate(1 / mean_ns)
        if dice.random() < self.outliers:
            delay += dice.expovariate(1 / self.held_ns)
        return round(delay)


QUIET = Link()
ASYMMETRIC = Link(there_ns=150 * US)
HELD_UP = Link(outliers=0.5)
WIRELESS = Link(base_ns=1 * MS, there_ns=1 * MS, back_ns=1 * MS)
LINKS = {"quiet": QUIET, "asymmetric": ASYMMETRIC, "held up": HELD_UP, "wireless": WIRELESS}


def round_trip_ns(exchange: Exchange) -> int:
    """Without the time at the hub."""
    at_hub_ns = exchange.left_ns - exchange.arrived_ns
    return exchange.returned_ns - exchange.sent_ns - at_hub_ns


def middle_ns(exchange: Exchange) -> int:
    """The offset where both ways take the same time."""
    there_ns = exchange.arrived_ns - exchange.sent_ns
    return (there_ns + exchange.left_ns - exchange.returned_ns) // 2


def drifting(ppm: float) -> Callable[[int], int]:
    """The true offset at an instant of the own clock."""
    return lambda at_ns: FAR_NS + round(at_ns * ppm * 1e-6)


@dataclass
class Host:
    """A clock that asks the hub's over a link, as ``ClockClient`` does."""

    truth: Callable[[int], int]
    link: Link = QUIET
    seed: int = 1
    now_ns: int = 100 * S
    estimator: Estimator = field(default_factory=Estimator)
    timeline: Timeline = field(default_factory=Timeline)
    burst: list[Exchange] = field(default_factory=list[Exchange])
    """The last one."""

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._bursts = 0

    def ask(self) -> None:
        """A burst of questions, as of which the timeline goes on."""
        self.burst = [self._exchange() for _ in range(8)]
        epoch = self.estimator.epoch
        line = self.estimator.take(self.burst)
        jumps = self.estimator.epoch > epoch
        self.timeline = self.timeline.then(line, self.now_ns, jumps=jumps)
        self._bursts += 1

    def stamps(self, seconds: float) -> Iterator[tuple[int, int, int]]:
        """Ask and give stamps by turns: the instant, its offset and the error bound."""
        end_ns = self.now_ns + round(seconds * S)
        while self.now_ns < end_ns:
            self.ask()
            next_ns = self.now_ns + (S // 2 if self._bursts <= 6 else 2 * S)
            while self.now_ns < next_ns:
                offset_ns, bound_ns = self.timeline.at(self.now_ns)
                assert bound_ns is not None
                yield self.now_ns, offset_ns, bound_ns
                self.now_ns += STAMP_EVERY_NS

    def _exchange(self) -> Exchange:
        sent_ns = self.now_ns
        reached_ns = sent_ns + self.link.delay_ns(self._dice, self.link.there_ns)
        left_ns = reached_ns + AT_HUB_NS
        returned_ns = left_ns + self.link.delay_ns(self._dice, self.link.back_ns)
        self.now_ns = returned_ns + 20 * MS
        return Exchange(
            sent_ns,
            reached_ns + self.truth(reached_ns),
            left_ns + self.truth(left_ns),
            returned_ns,
        )
