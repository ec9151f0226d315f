"""The hub's clock, for those who ask: which clock it is, and what it shows."""

import zmq

from messaging.clock import clock_name, monotonic_ns
from messaging.packing import pack


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
            self._socket.close()
