"""Limits of time on a machine that may have other things to do."""

import os

MOST_TIMES = 3.0


def within_s(most_s: float) -> float:
    """``most_s`` where each process that wants a core has one; where several share it, all of them
    take as many times longer, but no more than ``MOST_TIMES``.
    """
    return most_s * min(MOST_TIMES, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))
