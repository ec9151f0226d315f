"""The Lab Streaming Layer's clock, and how this host's monotonic clock relates to it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from messaging.clock import monotonic_ns

PAIRS = 64


@dataclass(frozen=True, slots=True)
class LslClock:
    """On Linux both are CLOCK_MONOTONIC, and what is measured is their two readers' distance."""

    offset_ns: int
    """LSL's minus the monotonic one."""
    bound_ns: int
    """Error bound of the offset."""

    def seconds(self, monotonic_ns: int) -> float:
        return (monotonic_ns + self.offset_ns) / 1e9

    def monotonic_ns(self, seconds: float) -> int:
        """Raises ``ValueError`` or ``OverflowError`` where that is no number."""
        return round(seconds * 1e9) - self.offset_ns


def measure_clock(lsl_s: Callable[[], float], now_ns: Callable[[], int] = monotonic_ns) -> LslClock:
    """LSL's clock is read between two readings of the other; the quickest of several such pairs
    counts, and half of what it took is the bound.
    """
    best: LslClock | None = None
    for _ in range(PAIRS):
        before_ns, seconds, after_ns = now_ns(), lsl_s(), now_ns()
        bound_ns = (after_ns - before_ns + 1) // 2
        if best is None or bound_ns < best.bound_ns:
            best = LslClock(round(seconds * 1e9) - (before_ns + after_ns) // 2, bound_ns)
    assert best is not None
    return best
