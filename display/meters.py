"""Rates and medians over what came lately. Pure, bounded; time is given by the caller."""

from collections import deque
from statistics import median

SPAN_NS = 2_000_000_000
MOST = 1024


class Rate:
    """Events per second over the last two seconds."""

    def __init__(self) -> None:
        self._times_ns: deque[int] = deque(maxlen=MOST)

    def note(self, now_ns: int) -> None:
        self._times_ns.append(now_ns)

    def hz(self, now_ns: int) -> float:
        while self._times_ns and self._times_ns[0] < now_ns - SPAN_NS:
            self._times_ns.popleft()
        if len(self._times_ns) < 2:
            return 0.0
        span_ns = self._times_ns[-1] - self._times_ns[0]
        return (len(self._times_ns) - 1) * 1e9 / span_ns if span_ns > 0 else 0.0


class Median:
    """Of the last 30 values, about a second of a camera's."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=30)

    def note(self, value: float) -> None:
        self._values.append(value)

    def value(self) -> float | None:
        return median(self._values) if self._values else None
