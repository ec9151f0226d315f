"""The hub: one process with one address that every node connects to.

Two proxies, so that a slow reader of pictures never holds up a result; and the clock service.
"""

import errno
import threading
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import IO

import zmq

from messaging.access import HANDSHAKE_BYTES, TCP, bind, keys_for
from messaging.address import endpoints
from messaging.bus import configure
from messaging.clock_service import ClockService
from messaging.door import Door
from messaging.errors import UserError
from messaging.node import Node

SUBSCRIBE_TO_ALL = b"\1"
"""Makes every sender send everything to the hub: a reader that got its own echo from there has
then joined every stream, without word having to travel on to each sender."""
WAYS_OUT = {
    errno.EADDRINUSE: "another program, or another hub, is there: end it, or ",
    errno.EADDRNOTAVAIL: "it is no address of this machine, so ",
    errno.ENODEV: "it is no address of this machine, so ",
}
"""By the error's number."""


class Hub:
    """Binds and serves at once, until it is closed."""

    def __init__(self, address: str, chosen_by: str = "--bind", keys: Path | None = None) -> None:
        """``chosen_by`` is how its user may choose another address. With a folder of ``keys`` only
        those are let in over TCP whose keys are known there.
        """
        self._places = places = endpoints(address)
        self._keys = keys_for(address, keys)
        self._lock = _lock(address, chosen_by)
        self._address, self._chosen_by = address, chosen_by
        self._context = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        """So that none is left behind where a later one cannot be bound."""
        try:
            self.door = Door(self._context, self._keys)
            self._threads = [
                threading.Thread(target=self.door.serve, daemon=True),
                self._proxy(places.bulk_in, places.bulk_out, bulk=True),
                self._proxy(places.events_in, places.events_out, bulk=False),
            ]
            self.clock = self._clock_service(places.clock)
            self._threads.append(threading.Thread(target=self.clock.serve, daemon=True))
        except BaseException:
            self._context.destroy(linger=0)
            self._unlock()
            raise
        for thread in self._threads:
            thread.start()

    def _clock_service(self, endpoint: str) -> ClockService:
        socket: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        socket.setsockopt(zmq.MAXMSGSIZE, HANDSHAKE_BYTES)
        # Answers that nobody fetches do not hold the hub up; at its end it is too late to say so.
        socket.setsockopt(zmq.LINGER, 0)
        self._bind(socket, endpoint)
        return ClockService(socket)

    def _proxy(self, into: str, out: str, *, bulk: bool) -> threading.Thread:
        ends: list[zmq.Socket[bytes]] = []
        for kind, endpoint in ((zmq.XSUB, into), (zmq.XPUB, out)):
            socket: zmq.Socket[bytes] = self._context.socket(kind)
            configure(socket, bulk=bulk)
            # It hears subscriptions alone, and keeps them in a tree that is as deep as they are
            # long: one of 10 MB would overflow the stack.
            if kind == zmq.XPUB:
                socket.setsockopt(zmq.MAXMSGSIZE, HANDSHAKE_BYTES)
            self._bind(socket, endpoint)
            ends.append(socket)
        ends[0].send(SUBSCRIBE_TO_ALL)
        return threading.Thread(target=self._serve, args=ends, daemon=True)

    def _bind(self, socket: zmq.Socket[bytes], endpoint: str) -> None:
        self._sockets.append(socket)
        if endpoint.startswith(TCP):  # elsewhere nobody is a stranger; a command may look in and go
            self.door.watch(socket)
        try:
            bind(socket, endpoint, self._keys)
        except zmq.ZMQError as error:
            number = error.errno or 0
            raise UserError(
                f"the hub at {self._address} cannot bind {endpoint}: {zmq.strerror(number)}; "
                f"{WAYS_OUT.get(number, '')}choose another address with {self._chosen_by}"
            ) from error

    def _serve(self, senders: zmq.Socket[bytes], readers: zmq.Socket[bytes]) -> None:
        try:
            self._forward(senders, readers)
        except zmq.ContextTerminated:
            senders.close()
            readers.close()

    def _forward(self, senders: zmq.Socket[bytes], readers: zmq.Socket[bytes]) -> None:
        zmq.proxy(senders, readers)

    def close(self) -> None:
        self._context.term()
        for thread in self._threads:
            thread.join()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            for left in (*astuple(self._places), f"ipc://{self._lock.name}"):
                Path(left.removeprefix("ipc://")).unlink(missing_ok=True)
            self._lock.close()


def _lock(address: str, chosen_by: str) -> IO[str] | None:
    """Sockets in the file system can be taken over silently; a lock beside them cannot."""
    if not address.startswith("ipc://"):
        return None
    import fcntl

    path = Path(address.removeprefix("ipc://") + ".lock")
    try:
        lock = path.open("w")
    except OSError as error:
        raise UserError(f"the hub cannot use {path.parent}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise UserError(
            f"a hub runs at {address} already; join it, or choose another address with {chosen_by}"
        ) from None
    return lock


def serve(
    address: str,
    log_level: str = "info",
    chosen_by: str = "--bind",
    keys: Path | None = None,
    when_bound: Callable[[], object] = lambda: None,
) -> None:
    """Run the hub until this process is asked to stop."""
    hub = Hub(address, chosen_by, keys)
    when_bound()
    try:
        with Node("hub", address, log_level=log_level, keys=keys) as node:
            while node.alive():
                node.receive(0.1)
                node.rejected_elsewhere = hub.clock.rejected
                for complaint in hub.door.complaints():
                    node.log.warning("%s", complaint)
    finally:
        hub.close()
