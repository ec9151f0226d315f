"""How good a way to the hub's clock is: a burst of questions, of which the quickest says most."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import zmq

from messaging.access import connect, keys_for
from messaging.clock import clock_name, monotonic_ns
from messaging.packing import unpack

BURST = 16


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer; asked and answered on this clock, the others on the hub's."""

    asked_ns: int
    arrived_ns: int
    left_ns: int
    answered_ns: int

    @property
    def round_trip_ns(self) -> int:
        """On the way; what the hub took in between does not count."""
        return (self.answered_ns - self.asked_ns) - (self.left_ns - self.arrived_ns)

    @property
    def offset_ns(self) -> int:
        """The hub's clock minus this one (RFC 5905, section 8)."""
        return ((self.arrived_ns - self.asked_ns) + (self.left_ns - self.answered_ns)) // 2


@dataclass(frozen=True, slots=True)
class ClockReading:
    clock: str
    """The name of the hub's clock."""
    offset_ns: int
    """The hub's clock minus this one."""
    bound_ns: int
    """Error bound of that."""
    round_trip_ns: int
    """The quickest."""


def reading(clock: str, exchanges: Sequence[Exchange], own: str) -> ClockReading:
    """``own`` is the name of this clock: where both are one, there is nothing to be wrong about."""
    best = min(exchanges, key=lambda exchange: exchange.round_trip_ns)
    trip_ns = max(0, best.round_trip_ns)
    if clock == own:
        return ClockReading(clock, 0, 0, trip_ns)
    return ClockReading(clock, best.offset_ns, math.ceil(trip_ns / 2), trip_ns)


def probe(
    endpoint: str, timeout_s: float, keys: Path | None = None, burst: int = BURST
) -> ClockReading | None:
    """Ask the clock service at ``endpoint``; ``None`` when it does not answer in that time."""
    exchanges: list[Exchange] = []
    name = ""
    deadline_ns = monotonic_ns() + round(timeout_s * 1e9)
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, 4096)
        connect(socket, endpoint, keys_for(endpoint, keys))
        while len(exchanges) < burst:
            asked_ns = monotonic_ns()
            socket.send(asked_ns.to_bytes(8, "big"))
            left_ms = max(0, deadline_ns - monotonic_ns()) // 1_000_000
            if not socket.poll(left_ms):
                break
            answer = socket.recv_multipart()
            answered_ns = monotonic_ns()
            arrived_ns, left_ns, name = unpack(answer[-1])
            exchanges.append(Exchange(asked_ns, arrived_ns, left_ns, answered_ns))
    # The first question waits for the connection.
    settled = exchanges[1:] or exchanges
    return reading(name, settled, clock_name()) if settled else None
