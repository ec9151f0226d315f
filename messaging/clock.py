"""The host's monotonic clock, its name, and stamps made with it."""

import platform
import time
from functools import cache
from pathlib import Path


@cache
def clock_name() -> str:
    """Name of this process's monotonic clock: two clocks of one name show the same time.

    Linux: boot id and time namespace (two time namespaces share a boot id). Elsewhere: the host's
    name, since all its processes share one monotonic clock until it boots again.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"host:{platform.node()}"
    try:
        namespace = Path("/proc/self/ns/time").readlink().name
    except OSError:  # a kernel without time namespaces
        return boot
    return f"{boot}/{namespace.removeprefix('time:').strip('[]')}"


def monotonic_ns() -> int:
    """Nanoseconds on the clock that ``clock_name`` names."""
    return time.monotonic_ns()


def suspended_ns() -> int:
    """How long the machine was suspended so far, and the clock stood still, but for a constant;
    always 0 where the system does not tell.
    """
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    # In this order: whoever is interrupted in between has been suspended for less, not for more.
    return 0 if boottime is None else time.clock_gettime_ns(boottime) - time.monotonic_ns()
