"""The hub's clock, for those who ask: which clock it is, and what it shows."""

import math
from pathlib import Path

import zmq

from messaging.access import connect, keys_for
from messaging.clock import clock_name, monotonic_ns
from messaging.packing import pack, unpack


class ClockService:
    """Answers every ``[id, question]`` with ``[id, question, [t1, t2, name]]``: when the question
    arrived and when the answer left, nanoseconds on the hub's clock.
    """

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self._socket = socket
        self.rejected = 0
        """What was no question."""

    def serve(self) -> None:
        """Until the context ends."""
        try:
            while True:
                parts = self._socket.recv_multipart()
                arrived_ns = monotonic_ns()
                if len(parts) == 2:
                    answer = pack([arrived_ns, monotonic_ns(), clock_name()])
                    self._socket.send_multipart([*parts, answer])
                else:
                    self.rejected += 1
        except zmq.ContextTerminated:
            self._socket.close(linger=0)


def is_same_clock(endpoint: str, timeout_s: float, keys: Path | None = None) -> bool:
    """Whether the hub's clock is this process's own: then offset and bound are 0."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, 4096)
        connect(socket, endpoint, keys_for(endpoint, keys))
        socket.send(monotonic_ns().to_bytes(8, "big"))
        if not socket.poll(None if timeout_s == math.inf else round(timeout_s * 1000)):
            return False
        return unpack(socket.recv_multipart()[-1])[-1] == clock_name()
