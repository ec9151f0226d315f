"""Limits of time on a machine that may have other things to do."""

import os


def within_s(most_s: float) -> float:
    """``most_s`` where each process that wants a core has one; where several share it, all of them
    take as many times longer.
    """
    return most_s * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
