"""What happens to a socket's connections, as libzmq tells it."""

import struct

import zmq

_EVENT = struct.Struct("=Hi")


def monitor(
    context: "zmq.Context[zmq.Socket[bytes]]", socket: zmq.Socket[bytes], events: int, name: str
) -> zmq.Socket[bytes]:
    """Where to ``read_event`` of a socket that is not yet bound or connected; any thread may.
    ``name`` is this monitor's own in its context.
    """
    socket.monitor(f"inproc://{name}", events)
    end = context.socket(zmq.PAIR)
    end.connect(f"inproc://{name}")
    return end


def read_event(end: zmq.Socket[bytes]) -> tuple[int, int]:
    """The event, and its value: an error's number."""
    event, value = _EVENT.unpack(end.recv_multipart()[0])
    return event, value
