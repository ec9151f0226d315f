"""Ports that nobody uses."""

import random
import socket

NEIGHBOURS = 5


def free_ports() -> int:
    """The first of five neighbouring TCP ports that nobody uses."""
    for _ in range(100):
        first = random.randrange(10_000, 32_000)  # below those that connections are given
        if all(_is_free(port) for port in range(first, first + NEIGHBOURS)):
            return first
    raise RuntimeError("no five free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
