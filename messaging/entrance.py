"""A node before the hub's door: is it let in, and if not, why?"""

import errno
import time
from contextlib import suppress
from dataclasses import astuple, dataclass

import zmq

from messaging.access import TCP, mechanism, within_reach
from messaging.address import endpoints
from messaging.keys import HUB, Keys
from messaging.monitor import monitor, read_event

WATCHED = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
_CUT_OFF = frozenset((errno.EPIPE, errno.ECONNRESET))
KNOCK_S = 1.0
"""libzmq gives up a connection that was refused for its key; this is when it is tried again."""
UNKNOWN_S = 5.0
"""A hub that does not know the key says so again within this."""
TELLING = 3
"""Handshakes in a row that the other side broke off: a hub that ends breaks off one."""
REPEATED_S = 60.0
"""A refusal that goes on is told again."""
LOOK_S = 5.0
"""Who breaks off is looked at no more often."""


@dataclass(frozen=True, slots=True)
class Refusal:
    text: str
    """Names the hub, why, and the way out."""
    can_wait: bool
    """The hub's user may let this machine in at any time."""


@dataclass(slots=True)
class _Way:
    socket: zmq.Socket[bytes]
    endpoint: str
    monitor: zmq.Socket[bytes]
    broken_off: int = 0
    knock_s: float | None = None
    """When it is to be connected again."""


class Entrance:
    """Of one node's sockets; everything is called by the thread that owns them."""

    def __init__(self, address: str, keys: Keys | None) -> None:
        self._address = address
        self._keys = keys
        self._ways: list[_Way] = []
        self._unknown_s = self._looked_s = float("-inf")
        self._wrong: Refusal | None = None
        self._told, self._told_s = "", 0.0

    def watch(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        socket: zmq.Socket[bytes],
        endpoint: str,
    ) -> None:
        """Before it is connected."""
        if endpoint.startswith(TCP):
            end = monitor(context, socket, WATCHED, f"entrance-{len(self._ways)}")
            self._ways.append(_Way(socket, within_reach(endpoint), end))

    def close(self) -> None:
        for way in self._ways:
            way.monitor.close(linger=0)

    def refusal(self) -> Refusal | None:
        """Why the hub does not let this node in, as far as it can be known here."""
        now_s = time.monotonic()
        for way in self._ways:
            while way.monitor.poll(0):
                self._hear(way, *read_event(way.monitor), now_s)
            if way.knock_s is not None and now_s >= way.knock_s:
                way.knock_s = None
                with suppress(zmq.ZMQError):  # of a connection that libzmq has given up
                    way.socket.disconnect(way.endpoint)
                way.socket.connect(way.endpoint)
            if way.broken_off >= TELLING and now_s - self._looked_s > LOOK_S:
                self._looked_s = now_s
                self._wrong = self._look(way)
        if now_s - self._unknown_s < UNKNOWN_S and self._keys is not None:
            return Refusal(
                f"the hub at {self._address} does not know this machine's key; there: "
                f"emofuse keys add '{self._keys.line}'",
                can_wait=True,
            )
        return self._wrong

    def complaint(self) -> str:
        """The refusal, at once and then rarely; empty where there is nothing to tell now."""
        refusal, now_s = self.refusal(), time.monotonic()
        if refusal is None or (refusal.text == self._told and now_s - self._told_s < REPEATED_S):
            return ""
        self._told, self._told_s = refusal.text, now_s
        return refusal.text

    def _hear(self, way: _Way, event: int, value: int, now_s: float) -> None:
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            way.broken_off, self._wrong, self._unknown_s = 0, None, float("-inf")
        elif event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            way.broken_off += value in _CUT_OFF
        else:
            way.knock_s = now_s + KNOCK_S
            if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                self._unknown_s = now_s
            else:
                way.broken_off = TELLING

    def _look(self, way: _Way) -> Refusal | None:
        """Who breaks off; ``None`` where nobody or no hub answers, and so none may yet come."""
        found, keys, where = mechanism(way.endpoint), self._keys, f"the hub at {self._address}"
        if found == "CURVE" and keys is None:
            why = f"{where} lets in those with keys alone; name their folder with --keys"
        elif found == "NULL" and keys is not None:
            why = f"{where} runs without keys; start it with --keys, or leave them out here"
        elif found == "CURVE" and not self._is_whole():
            why = (
                f"not all five ports of a hub are there from {self._address} on; give the hub's "
                "own address: the first of the five"
            )
        elif found == "CURVE" and keys is not None and keys.hub == keys.public:
            why = (
                f"{where} is on another machine, and {keys.folder} does not hold its public key; "
                "emofuse keys show prints it there, add it here: "
                "emofuse keys add --hub 'NAME KEY'"
            )
        elif found == "CURVE" and keys is not None:
            why = (
                f"{where} is not the one whose public key {keys.folder / HUB} holds; emofuse keys "
                "show prints the right one there, add it here: emofuse keys add --hub 'NAME KEY'"
            )
        else:
            return None
        return Refusal(why, can_wait=False)

    def _is_whole(self) -> bool:
        """Whether the outer two of the five places speak ZeroMQ: from another than a hub's first
        port on, one of them is no port of the hub's.
        """
        first, *_, last = astuple(endpoints(self._address))
        return bool(mechanism(first) and mechanism(last))
