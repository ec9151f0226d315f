"""When a moment of a recording is due on the clock of the machine that plays it."""

import time
from collections.abc import Callable
from typing import Literal

from messaging.clock import monotonic_ns

NAP_S = 0.1
"""The longest sleep without a sign of life."""
START_LEAD_NS = 200_000_000
"""From the start to file time 0: the first picture is decoded by then."""


class Pace:
    """Plays at ``speed`` times real time, or without any waiting (``max``)."""

    def __init__(
        self,
        speed: float | Literal["max"],
        now_ns: Callable[[], int] = monotonic_ns,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._speed = None if speed == "max" else float(speed)
        self._now_ns = now_ns
        self._sleep = sleep
        self.start_ns = now_ns() + (START_LEAD_NS if self._speed else 0)
        """The instant at which file time 0 plays."""
        self.latest_ns = 0
        """The longest that ``wait`` was called after the moment was due."""

    def put_off(self, ns: int) -> None:
        """Everything that is still to come plays later by so much."""
        self.start_ns += ns

    def wait(self, due_ns: int, alive: Callable[[], bool]) -> bool:
        """Until file time ``due_ns`` plays; ``False`` as soon as ``alive`` says so.

        Each deadline is counted from the start, so no delay adds up.
        """
        if self._speed is None:
            return alive()
        deadline_ns = self.start_ns + round(due_ns / self._speed)
        left_ns = deadline_ns - self._now_ns()
        self.latest_ns = max(self.latest_ns, -left_ns)
        goes_on = alive()
        while goes_on and left_ns > 0:
            self._sleep(min(left_ns / 1e9, NAP_S))
            left_ns = deadline_ns - self._now_ns()
            # What is due goes first, and what is heard meanwhile is heard before the next wait.
            goes_on = left_ns <= 0 or alive()
        return goes_on
