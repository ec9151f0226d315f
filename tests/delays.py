"""A hub whose messages take their time: each stream keeps its order, and no two streams do."""

import heapq
import random
from itertools import count
from typing import Any

import zmq

from messaging.clock import monotonic_ns
from messaging.hub import Hub
from messaging.packing import unpack

TYPICAL_S = 0.001
SELDOM = 0.01
STALL_S = 0.15
"""One message in a hundred holds up all of its stream for so long."""


class DelayingHub(Hub):
    """The real hub, but for how it forwards."""

    def __init__(self, address: str, seed: int) -> None:
        self._random = random.Random(seed)
        super().__init__(address)

    def _delay_ns(self) -> int:
        stalls = self._random.random() < SELDOM
        return round(1e9 * self._random.expovariate(1 / (STALL_S if stalls else TYPICAL_S)))

    def _forward(self, senders: zmq.Socket[bytes], readers: zmq.Socket[bytes]) -> None:
        waiting: list[tuple[int, int, list[bytes]]] = []
        last: dict[tuple[bytes, str], int] = {}
        numbers = count()
        while True:
            left_ns = waiting[0][0] - monotonic_ns() if waiting else 1_000_000_000
            senders.poll(max(0, min(20, left_ns // 1_000_000)))
            for parts in _all(senders):
                stream = parts[0], _sender(parts)
                due_ns = max(last.get(stream, 0), monotonic_ns() + self._delay_ns())
                last[stream] = due_ns
                heapq.heappush(waiting, (due_ns, next(numbers), parts))
            while waiting and waiting[0][0] <= monotonic_ns():
                readers.send_multipart(heapq.heappop(waiting)[2])
            for note in _all(readers):
                senders.send_multipart(note)


def _all(socket: zmq.Socket[bytes]) -> "list[list[bytes]]":
    found: list[list[bytes]] = []
    while socket.poll(0):
        found.append(socket.recv_multipart())
    return found


def _sender(parts: list[bytes]) -> str:
    try:
        header: Any = unpack(parts[1])
        return str(header["sender"])
    except (ValueError, TypeError, KeyError, IndexError):  # an echo
        return ""
