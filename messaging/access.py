"""How a socket of ours gets to its place: over TCP with CURVE keys where there are some, and with
limits for what may come from other machines.
"""

import socket as transport
from contextlib import suppress
from pathlib import Path

import zmq

from messaging.keys import Keys, read_keys

TCP = "tcp://"
DOMAIN = b"emofuse"
"""Names the door (``messaging.door``) in the handshake; without a door nobody is let in."""
HANDSHAKE_MS = 2_000
"""Who has not shown a key by then is cut off. Until then a message may come of any size that the
socket allows, so this bounds what strangers can make a hub hold."""
GIVE_UP_MS = 1_500
"""A node gives up a slow handshake before the hub does, and so knows slowness from refusal."""
CONNECT_MS = 1_000
VANISHED_MS = 3_000
"""Silence after which the other host counts as gone, and is connected anew: a link that loses all
without a word is noticed no other way, and TCP by itself would find its return late."""
PROBE_S = 1
"""TCP asks for a sign of life after so long. ZeroMQ's own heartbeats will not do: a reader that
does not get on hears none, and when it gets on again libzmq 4.3.5 aborts
(https://github.com/zeromq/libzmq/issues/3937); and one long message holds them up.
"""
CURVE_BYTES = 64
"""What encryption adds to a message."""
HANDSHAKE_BYTES = 512
"""Longest message of a handshake; the longest of libzmq's own measures some 300."""
HALF_A_GREETING = b"\xff\0\0\0\0\0\0\0\1\x7f\3"
"""As far as the version (https://rfc.zeromq.org/spec/23): who gets more of it may hang up
before he has said how he wants to be spoken to."""
GREETING_BYTES = 64
MECHANISM = slice(12, 32)


def keys_for(address: str, folder: Path | None) -> Keys | None:
    """The keys in ``folder`` where they are of use: sockets of a file system have its permissions.

    Raises:
        UserError: there are none, they are open to others, or damaged.
    """
    return read_keys(folder) if folder is not None and address.startswith(TCP) else None


def connect(socket: zmq.Socket[bytes], endpoint: str, keys: Keys | None) -> None:
    """As a node; ``keys`` are those for the endpoint."""
    _limit(socket, endpoint, GIVE_UP_MS)
    if keys is not None:
        socket.curve_serverkey = keys.hub.encode()
        socket.curve_publickey = keys.public.encode()
        socket.curve_secretkey = keys.secret.encode()
    socket.connect(within_reach(endpoint))


def bind(socket: zmq.Socket[bytes], endpoint: str, keys: Keys | None) -> None:
    """As the hub, which needs a ``Door`` in the socket's context where there are keys."""
    _limit(socket, endpoint, HANDSHAKE_MS)
    if keys is not None:
        socket.curve_server = 1
        socket.curve_secretkey = keys.secret.encode()
        socket.zap_domain = DOMAIN
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
    socket.bind(endpoint)


def within_reach(endpoint: str) -> str:
    """Where to find what is bound to all interfaces of this machine."""
    for everywhere in ("0.0.0.0", "*"):
        endpoint = endpoint.replace(f"{TCP}{everywhere}:", f"{TCP}127.0.0.1:")
    return endpoint


def mechanism(endpoint: str, timeout_s: float = 1.0) -> str:
    """``CURVE`` of a hub with keys, ``NULL`` of one without; empty: nobody answers, or no hub."""
    host, _, port = within_reach(endpoint).removeprefix(TCP).rpartition(":")
    heard = b""
    with (
        suppress(OSError),
        transport.create_connection((host.strip("[]"), int(port)), timeout_s) as probe,
    ):
        probe.sendall(HALF_A_GREETING)
        for _ in range(4):  # it comes in up to three parts
            heard += probe.recv(GREETING_BYTES - len(heard))
    named = heard[MECHANISM].rstrip(b"\0") if heard[:1] == HALF_A_GREETING[:1] else b""
    return named.decode("ascii", "replace")


def _limit(socket: zmq.Socket[bytes], endpoint: str, handshake_ms: int) -> None:
    if endpoint.startswith(TCP):
        socket.setsockopt(zmq.HANDSHAKE_IVL, handshake_ms)
        socket.setsockopt(zmq.CONNECT_TIMEOUT, CONNECT_MS)
        socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, PROBE_S)
        socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, PROBE_S)
        socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, VANISHED_MS // 1000 // PROBE_S)
        socket.setsockopt(zmq.TCP_MAXRT, VANISHED_MS)  # of what was sent and not acknowledged
