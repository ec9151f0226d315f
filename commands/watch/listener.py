"""Joins a hub as one who only listens, until there is nothing more to hear."""

import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from commands.stdio import end_in_peace, tell
from config.settings import Settings
from messaging.address import running_address
from messaging.bus import Bus
from messaging.clock import monotonic_ns
from messaging.errors import UserError
from messaging.node import stop_signals
from messaging.probe import probe
from messaging.schema import Heartbeat
from messaging.topics import HEARTBEAT, TOPICS, Topic
from messaging.wire import Received

NAME = "listener"
PROBE_S = 1.0
OVER_NS = 10_000_000_000
"""A hub that says nothing for so long is gone: its own heartbeat comes every second."""


class Listener:
    """What a hub's nodes say. Its own node does not exist: it sends nothing."""

    def __init__(self, bus: Bus, keys: Path | None) -> None:
        self._bus, self._keys = bus, keys
        self._stop = threading.Event()
        self._heard_ns = monotonic_ns()
        self.address = bus.address
        self.ended_by = ""
        """Why there is nothing more to hear; empty where its user had enough."""

    def stop(self, *_: object) -> None:
        """Make ``rounds`` end; fit to be a signal's handler."""
        self._stop.set()

    def rounds(
        self, timeout_s: float, seconds: float | None = None
    ) -> Iterator[list[Received[Any]]]:
        """What has arrived, again and again; empty after ``timeout_s`` without anything.

        Ends at a signal, after ``seconds``, when the hub says that it closes, and when it was
        silent for 10 s: its last word may be lost on its way.
        """
        until_ns = None if seconds is None else monotonic_ns() + round(seconds * 1e9)
        while not self._stop.is_set() and not self.ended_by:
            arrived = self._bus.receive(timeout_s)
            now_ns = monotonic_ns()
            if arrived:
                self._heard_ns = now_ns
            yield arrived
            if any(_hub_closes(received) for received in arrived):
                self.ended_by = "the hub has closed"
            elif now_ns - self._heard_ns > OVER_NS:
                self.ended_by = f"nothing is heard from the hub at {self.address} any more"
            if until_ns is not None and now_ns >= until_ns:
                return

    def hub_offset_ns(self) -> int | None:
        """The hub's clock minus this one; ``None`` where it does not answer."""
        clock = probe(self._bus.endpoints.clock, PROBE_S, self._keys)
        return None if clock is None else clock.offset_ns


def _hub_closes(received: Received[Any]) -> bool:
    message = received.message
    return isinstance(message, Heartbeat) and (message.node, message.state) == ("hub", "closing")


@contextmanager
def listening(
    settings: Settings, *topics: Topic[Any], keeps_all: bool = False
) -> Generator[Listener]:
    """Joined to the hub of ``settings``, else to the one that this user started last. Ctrl-C ends
    the listener's ``rounds`` meanwhile.

    Raises:
        UserError: no hub answered in time.
    """
    named = settings.bus.address
    # Heartbeats tell that the hub is there.
    address, keys = named or running_address(), settings.bus.keys
    bus = Bus(NAME, address, (*topics, HEARTBEAT), keeps_all=keeps_all, keys=keys, asks=False)
    listener = Listener(bus, keys)
    try:
        _join(bus, settings.bus.connect_timeout_s, named=bool(named))
        with _ended_by_signals(listener):
            yield listener
    except BrokenPipeError:
        end_in_peace()
    finally:
        bus.close()
    if listener.ended_by:
        tell(f"emofuse: {listener.ended_by}")


def _join(bus: Bus, timeout_s: float, *, named: bool) -> None:
    try:
        bus.join(timeout_s, lambda: None)
    except UserError as error:
        if named:
            raise
        raise UserError(
            f"nothing runs that could be watched (no hub answers within {timeout_s:g} s); start a "
            "pipeline (emofuse run), or name its hub with --hub"
        ) from error


@contextmanager
def _ended_by_signals(listener: Listener) -> Generator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, listener.stop) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def topic_called(name: str) -> Topic[Any]:
    """Raises:
    UserError: there is none of that name.
    """
    for topic in TOPICS:
        if topic.name == name:
            return topic
    raise UserError(f"no topic {name!r}; there are {', '.join(topic.name for topic in TOPICS)}")
