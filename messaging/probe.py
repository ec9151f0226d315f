"""How good a way to the hub is, for those who do not stay: a handshake, and a burst of questions to
its clock.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import zmq

from messaging.access import connect, keys_for
from messaging.clock import clock_name
from messaging.clock_client import ask
from messaging.clock_estimate import Exchange
from messaging.monitor import monitor, read_event

BURST = 16
SOCKETS = {
    "bulk_in": zmq.PUB,
    "bulk_out": zmq.SUB,
    "events_in": zmq.PUB,
    "events_out": zmq.SUB,
    "clock": zmq.DEALER,
}
"""What a node connects to a hub's places, by the name that ``Endpoints`` has for each."""
OUTCOMES = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_CONNECT_RETRIED
)


@dataclass(frozen=True, slots=True)
class ClockReading:
    clock: str
    """The name of the hub's clock."""
    offset_ns: int
    """The hub's clock minus this one."""
    bound_ns: int
    """Error bound of that."""
    round_trip_ns: int
    """The quickest; what the hub took in between does not count."""


def reading(clock: str, exchanges: Sequence[Exchange], own: str) -> ClockReading:
    """``own`` is the name of this clock: where both are one, there is nothing to be wrong about."""
    best = min(exchanges, key=lambda exchange: exchange.round_trip_ns)
    trip_ns = best.round_trip_ns
    if clock == own:
        return ClockReading(clock, 0, 0, trip_ns)
    # RFC 5905, section 8
    offset_ns = ((best.arrived_ns - best.sent_ns) + (best.left_ns - best.returned_ns)) // 2
    return ClockReading(clock, offset_ns, math.ceil(trip_ns / 2), trip_ns)


def is_let_in(place: str, endpoint: str, timeout_s: float, keys: Path | None = None) -> bool:
    """Whether the hub's ``place`` takes this machine for one of its own; who only connects there is
    a stranger, of whom it tells.
    """
    with zmq.Context() as context, context.socket(SOCKETS[place]) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        with monitor(context, socket, OUTCOMES, place) as end:
            try:
                connect(socket, endpoint, keys_for(endpoint, keys))
            except zmq.ZMQError:  # no such host
                return False
            has_ended = end.poll(round(timeout_s * 1000))
            return bool(has_ended) and read_event(end)[0] == zmq.EVENT_HANDSHAKE_SUCCEEDED


def probe(
    endpoint: str, timeout_s: float, keys: Path | None = None, burst: int = BURST
) -> ClockReading | None:
    """Ask the clock service at ``endpoint``; ``None`` when it does not answer in that time."""
    exchanges: list[Exchange] = []
    name = ""
    deadline_s = time.monotonic() + timeout_s
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, 4096)
        connect(socket, endpoint, keys_for(endpoint, keys))
        while len(exchanges) < burst and (left_s := deadline_s - time.monotonic()) > 0:
            if answer := ask(socket, left_s):
                exchange, name = answer
                exchanges.append(exchange)
    # The first question waits for the connection.
    settled = exchanges[1:] or exchanges
    return reading(name, settled, clock_name()) if settled else None
