"""Ports that nobody uses."""

import random
import socket

NEIGHBOURS = 5
_given: set[int] = set()
"""Whoever was given them may not have bound them yet."""


def free_ports() -> int:
    """The first of five neighbouring TCP ports that nobody uses."""
    for _ in range(100):
        first = random.randrange(10_000, 32_000)  # below those that connections are given
        ports = range(first, first + NEIGHBOURS)
        if _given.isdisjoint(ports) and all(map(_is_free, ports)):
            _given.update(ports)
            return first
    raise RuntimeError("no five free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
