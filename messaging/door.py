"""The hub's door: who knows a key is let in, who does not is named in the log."""

import threading
import time

import zmq
from zmq.utils import z85

from messaging.complaints import Complaints
from messaging.errors import UserError
from messaging.keys import HUB, KNOWN, Keys, read_known
from messaging.monitor import monitor, read_event

ZAP = "inproc://zeromq.zap.01"
"""Where libzmq asks whether a key is known: https://rfc.zeromq.org/spec/27"""
WATCHED = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
_WRONG_HUB_KEYS = frozenset(
    (zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, zmq.PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE)
)


class Door:
    """Serves in a thread of its own until the hub's context ends."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", keys: Keys | None) -> None:
        """Without keys everybody is let in, but who comes with some.

        Raises:
            UserError: what is known to the hub is damaged, or the keys are another hub's.
        """
        self._keys = keys
        self._context = context
        self._complaints = Complaints()
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._wrong: list[str] = []
        self._state: tuple[int, int, int] | None = None
        """Of the file of those who are known, when it was last read."""
        self._monitors: list[zmq.Socket[bytes]] = []
        self._zap: zmq.Socket[bytes] | None = None
        if keys is not None:
            if keys.hub != keys.public:
                raise UserError(
                    f"{keys.folder / HUB} holds another hub's public key, and here is a hub; "
                    "delete that file, or name another folder with --keys"
                )
            if wrong := self._read_known():
                raise UserError("\n".join(wrong))
            self._zap = context.socket(zmq.REP)
            self._zap.bind(ZAP)

    def watch(self, socket: zmq.Socket[bytes]) -> None:
        """Hear of handshakes that fail there; before it is bound."""
        name = f"door-{len(self._monitors)}"
        self._monitors.append(monitor(self._context, socket, WATCHED, name))

    def complaints(self) -> list[str]:
        """What should be told now; any thread may ask."""
        with self._lock:
            return self._complaints.due(time.monotonic())

    def serve(self) -> None:
        """Until the context ends, where there is anybody to look at."""
        if not self._sockets:
            return
        poller = zmq.Poller()
        for socket in self._sockets:
            poller.register(socket, zmq.POLLIN)
        try:
            while True:
                for socket, _ in poller.poll():
                    if socket is self._zap:
                        socket.send_multipart(self._answer(socket.recv_multipart()))
                    else:
                        self._failed(*read_event(socket))
        except zmq.ContextTerminated:
            for socket in self._sockets:
                socket.close()

    @property
    def _sockets(self) -> list[zmq.Socket[bytes]]:
        return self._monitors if self._zap is None else [*self._monitors, self._zap]

    def _answer(self, request: list[bytes]) -> list[bytes]:
        """``request``: version, id, domain, address, identity, mechanism, public key."""
        address, kind, credentials = request[3], request[5], request[6:]
        name = ""
        if kind == b"CURVE" and len(credentials) == 1:
            key = z85.encode(credentials[0]).decode()
            name = self._name_of(key)
            if not name:
                self._complain(
                    f"{address.decode()} was not let in: its key {key[:8]}... is not known here "
                    f"(emofuse keys add 'NAME KEY')"
                )
        status = [b"200", b"OK", name.encode()] if name else [b"400", b"key not known", b""]
        return [b"1.0", request[1], *status, b""]

    def _name_of(self, key: str) -> str:
        assert self._keys is not None
        if key == self._keys.public:
            return self._keys.name
        try:
            for wrong in self._read_known():
                self._complain(wrong)
        except (UserError, OSError) as error:  # who was known last still is
            self._complain(str(error))
        return self._known.get(key, "")

    def _read_known(self) -> list[str]:
        """Read who is known if that has changed. Returns what is wrong with it."""
        assert self._keys is not None
        try:
            file = (self._keys.folder / KNOWN).stat()
            state = file.st_mtime_ns, file.st_size, file.st_ino
        except FileNotFoundError:
            state = None
        if state != self._state:
            self._known, self._wrong = read_known(self._keys.folder)
            self._state = state
        return self._wrong

    def _failed(self, event: int, error: int) -> None:
        is_silent = error == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
        is_silent |= event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL  # the other side saw it first
        if self._keys is None:
            if is_silent:
                self._complain(
                    "somebody broke off before joining; if it is a node with keys: this hub was "
                    "started without --keys"
                )
        elif is_silent:
            self._complain(
                "somebody showed no key, and was not let in "
                "(if it is a node: emofuse node ... --keys FOLDER)"
            )
        elif error in _WRONG_HUB_KEYS:
            self._complain(
                "somebody was not let in who takes another public key for this hub's "
                f"(there: emofuse keys add --hub '{self._keys.line}')"
            )
        else:
            self._complain("somebody was not let in who spoke no proper ZeroMQ")

    def _complain(self, text: str) -> None:
        with self._lock:
            self._complaints.note(text)
