"""The hub's clock, for those who ask: which clock it is, and what it shows."""

import zmq

from messaging.clock import clock_name, monotonic_ns
from messaging.packing import pack, unpack


def answer_questions(socket: zmq.Socket[bytes]) -> None:
    """Answer every ``[id, question]`` with ``[id, question, [t1, t2, name]]`` until the context
    ends: when the question arrived and when the answer left, nanoseconds on the hub's clock.
    """
    try:
        while True:
            parts = socket.recv_multipart()
            arrived_ns = monotonic_ns()
            if len(parts) == 2:
                answer = pack([arrived_ns, monotonic_ns(), clock_name()])
                socket.send_multipart([*parts, answer])
    except zmq.ContextTerminated:
        socket.close(linger=0)


def is_same_clock(endpoint: str, timeout_s: float) -> bool:
    """Whether the hub's clock is this process's own: then offset and bound are 0."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, 4096)
        socket.connect(endpoint)
        socket.send(monotonic_ns().to_bytes(8, "big"))
        if not socket.poll(round(timeout_s * 1000)):
            return False
        return unpack(socket.recv_multipart()[-1])[-1] == clock_name()
