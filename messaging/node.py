"""A node: a process with a name on the bus, a heartbeat, and a way to be asked to stop.

``with Node(...) as node:`` and a loop over ``node.alive()`` is all that a node's file needs around
its pure part.
"""

import logging
import math
import multiprocessing
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Literal, Self, TypeVar

from messaging import liveness, schema
from messaging.acknowledgement import Acknowledgement, Done
from messaging.bus import Bus
from messaging.clock import clock_name, monotonic_ns
from messaging.clock_client import ClockClient
from messaging.credit import Readers
from messaging.forwarding import Forwarder
from messaging.healing import Ask, ask_of
from messaging.liveness import State
from messaging.peers import LIVING_NS, Peers, require_older
from messaging.resources import resident_bytes
from messaging.schema import Control, Heartbeat, LogRecord, Stamp
from messaging.silence import Silence
from messaging.topics import CLOCK, CONTROL, CREDIT, HEARTBEAT, LOG, Topic
from messaging.wire import Received

M = TypeVar("M", bound="schema.Message")

TERMINAL_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)
)
"""Ctrl-C, and the terminal's end."""
HEARTBEAT_NS = 1_000_000_000
EAGER_HEARTBEAT_NS = 250_000_000
WORKER_HEARTBEAT_NS = 125_000_000
EAGER_NS = 5_000_000_000
"""A young node shows itself more often, so that those who wait for it start without delay."""
WORK_UP_NS = 1_000_000_000
"""A node that is asked to stop works up what has arrived, but no longer than this."""
NAMESAKE_NS = 50_000_000
"""An answer to a node of the same name comes no more often than this."""
DEAF_NS = 2_500_000_000
"""Who hears nothing at all for so long, not even its own heartbeats, is cut off, and its readers
are not to blame for their silence."""
NAP_S = 0.1
GLANCE_NS = 10_000_000
LONG_WAIT_NS = 15_000_000_000
"""A wait for other nodes that lasts longer is worth a word."""


def stop_signals() -> list[int]:
    """Those that ask this process to stop: SIGTERM, and the terminal's where whoever started it had
    them heeded. ``nohup`` has not the terminal's end, and a script's ``&`` not Ctrl-C.
    """
    heeded = [n for n in TERMINAL_SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
    return [*heeded, signal.SIGTERM]


class Node:
    """One sender and reader on the bus. All calls come from one thread; only logging may not."""

    def __init__(
        self,
        name: str,
        address: str,
        subscribe: Sequence[Topic[Any]] = (),
        log_level: str = "info",
        connect_timeout_s: float = 10.0,
        meanwhile: Callable[[], object] = lambda: None,
        credits_of: Sequence[Topic[Any]] = (),
        *,
        keeps_all: bool = False,
        keys: Path | None = None,
        waits_at_door: bool = True,
        kind: str = "",
        cameras: Sequence[str] = (),
        is_worker: bool = False,
        is_unique: bool = True,
        shows_log: logging.Handler | None = None,
        tells_silence: bool = True,
    ) -> None:
        """``meanwhile`` is called again and again while the hub is waited for. Lossless sources
        of ``credits_of`` wait for this node, which gives them credit. With ``keeps_all`` also a
        live camera's pictures are read to the last one, and nothing is lost for a short way of
        its own: a recorder, or a source that waits for its readers, whose credit it hears then.
        ``keys`` is the folder with this machine's keys, for a hub over TCP; one that does not know
        them yet is waited for without end, unless not ``waits_at_door``.

        ``kind`` is its own name when empty. ``cameras`` are those whose pictures it sends. A worker
        shows itself more often, since others take over its work when it falls silent. ``receive``
        raises a ``UserError`` when an older node of this name lives, unless there may be several.
        What it logs goes to ``shows_log`` as well as to the bus, without one to standard error; to
        neither where a launcher hears it.

        Raises:
            UserError: the address is none, or the folder ``keys`` will not do.
        """
        self.name = name
        self._kind = kind or name
        self._cameras = tuple(cameras)
        self._is_worker, self._is_unique = is_worker, is_unique
        self._subscribed = frozenset(topic.name for topic in subscribe)
        self._hears_credit = keeps_all
        own = (HEARTBEAT, CONTROL, CREDIT) if keeps_all else (HEARTBEAT, CONTROL)
        topics = dict.fromkeys((*subscribe, *own))
        self._bus = Bus(
            name, address, tuple(topics), keeps_all=keeps_all, keys=keys, is_worker=is_worker
        )
        self._launched = multiprocessing.parent_process() is not None
        # A launcher started the hub as well, and knows better how long to wait for it.
        self._connect_timeout_s = math.inf if self._launched else connect_timeout_s
        self._meanwhile = meanwhile
        self._waits_at_door = waits_at_door
        self._state: State = "starting"
        self.text = ""
        """Sent in heartbeats: what it is waiting for, or doing."""
        self.progress: float | None = None
        """Sent in heartbeats: how much of a recording is played, 0 to 1."""
        self.rejected_elsewhere = 0
        """Sent in heartbeats: junk that came by another way than the bus."""
        self._host = platform.node()
        self._started_ns = monotonic_ns()
        self._last_heartbeat_ns = 0
        self._stop = threading.Event()
        self._asked_ns = 0
        self._has_work = bool(subscribe)
        self._peers = Peers()
        tells_silence = tells_silence and not self._launched
        self._silence = Silence(address) if tells_silence else None
        self._looked_ns = 0
        self.log = logging.getLogger(f"emofuse.{name}")
        self.log.setLevel(log_level.upper())
        self.log.propagate = False
        self._forwarder = Forwarder()
        console = shows_log or logging.StreamHandler(sys.stderr)
        self._console = None if self._launched else console
        self._clock = ClockClient(self.log)
        ledger = self._bus.ledger
        self._readers = Readers(name, self._bus.incarnation, ledger.sent, self.log)
        self._acknowledgement = Acknowledgement(
            [topic.name for topic in credits_of], ledger, self._bus.is_healing
        )

    def __enter__(self) -> Self:
        self._install_signals()
        self.log.addHandler(self._forwarder)
        if self._console is not None:
            self.log.addHandler(self._console)
        try:
            self._bus.join(self._connect_timeout_s, self._wait, waits_at_door=self._waits_at_door)
            self._clock.join(self._bus.clock_socket(), self._connect_timeout_s)
        except BaseException:
            self._leave()
            raise
        self.beat()
        return self

    def __exit__(self, *_: object) -> None:
        self._flush_log()
        self.state = "closing"
        self._leave()

    def _wait(self) -> None:
        self._tell_refusal()
        self._meanwhile()

    def _tell_refusal(self) -> None:
        """A hub that has started anew with other keys refuses those who were in, too."""
        if complaint := self._bus.complaint():
            self.log.warning("%s", complaint)

    def _tell_silence(self, *, heard: bool) -> None:
        """The hub's. Launchers do for all that they started."""
        if self._silence and (told := self._silence.look(self._looked_ns, heard=heard)):
            self.log.warning("%s", told)

    def _leave(self) -> None:
        self.log.removeHandler(self._forwarder)
        if self._console is not None:
            self.log.removeHandler(self._console)
        self._bus.close()

    def _install_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return

        def ask(number: int, _frame: FrameType | None) -> None:
            if self._state == "starting":  # there is nothing yet to work up, but much to wait for
                signal.signal(number, signal.SIG_IGN)  # a second one would break into the leaving
                sys.exit(128 + number)
            self._stop.set()

        # Ctrl-C and the terminal's end reach every process of it at once; launched nodes leave the
        # order of stopping to their launcher, or results on their way would be lost.
        if self._launched:
            for number in TERMINAL_SIGNALS:
                signal.signal(number, signal.SIG_IGN)
        for number in stop_signals():
            signal.signal(number, ask)

    @property
    def state(self) -> State:
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self.beat()

    def alive(self) -> bool:
        """To be called in every turn of the loop; ``False`` once the node was asked to stop, and
        has worked up what had arrived until then.

        Sends the heartbeat when one is due. A loop that does not come by here counts as hung,
        unless its state is ``starting`` or ``waiting``.
        """
        if self._state == "starting":
            self.state = "running"
        now = monotonic_ns()
        young = now - self._started_ns < EAGER_NS
        every_ns = EAGER_HEARTBEAT_NS if young else HEARTBEAT_NS
        if now - self._last_heartbeat_ns >= (WORKER_HEARTBEAT_NS if self._is_worker else every_ns):
            self.beat()
        self._flush_log()
        if not self._stop.is_set():
            return True
        if not self._asked_ns:  # one more look at what had come before the asking
            self._asked_ns, self._has_work = now, bool(self._subscribed)
            self._bus.heal_within(WORK_UP_NS // 2)
        return self._has_work and now - self._asked_ns < WORK_UP_NS

    def ask_to_stop(self) -> None:
        """Make ``alive`` say ``False``."""
        self._stop.set()

    def stamp(self, captured_ns: int | None = None) -> Stamp:
        """An instant of this host's monotonic clock (``None``: now) as the pipeline sees it."""
        captured = monotonic_ns() if captured_ns is None else captured_ns
        return Stamp(captured, clock_name(), *self._clock.at(captured))

    def publish(self, topic: Topic[M], message: M, payload: Any = b"") -> int:
        """Send; never blocks. A large payload (bytes, or a C-contiguous array) is not copied, so
        it must not be changed afterwards. Returns the message's sequence number.
        """
        return self._bus.publish(topic, message, payload)

    def is_wanted(self, topic: Topic[Any]) -> bool:
        """Whether any node reads ``topic`` or gives credit for it, as far as word has come here."""
        return self._bus.is_wanted(topic) or self.is_awaited(topic)

    def receive(self, timeout_s: float = 0.1) -> list[Received[Any]]:
        """What has arrived on the subscribed topics; waits at most ``timeout_s`` for the first.

        Of a live camera's pictures only the newest is kept, and says how many it overtook.

        Raises:
            UserError: this node's name is that of an older one, which lives.
        """
        wanted: list[Received[Any]] = []
        arrived = self._bus.receive(timeout_s)
        self._looked_ns = monotonic_ns()
        if arrived and self._peers.hear(self._looked_ns) > DEAF_NS:
            self._readers.excuse(self._looked_ns)
        self._tell_silence(heard=bool(arrived))
        for received in arrived:
            if isinstance(received.message, Heartbeat):
                if received.sender != self.name:
                    self._note_peer(received)
                elif self._is_unique and received.incarnation != self._bus.incarnation:
                    self._meet_namesake(received.message)
            elif isinstance(received.message, Control):
                self._obey(received)
            if received.topic.name in self._subscribed:
                wanted.append(received)
        for ask in self._bus.asks():
            self._say("resend", ask)
        self._has_work = bool(wanted) or not self._bus.is_whole
        return wanted

    def glance(self) -> list[Received[Any]]:
        """The same without waiting, and no more often than every 10 ms: for who has other work."""
        return self.receive(0) if monotonic_ns() - self._looked_ns >= GLANCE_NS else []

    def peers(self) -> Mapping[str, Heartbeat]:
        """The newest heartbeat of every other node, as of the last ``receive``."""
        return self._peers.beats()

    def running(self, kind: str, within_ns: int = LIVING_NS) -> dict[str, int]:
        """The incarnations, by name, of the other nodes of a kind that run and were heard of within
        that time, as of the last ``receive``.
        """
        return self._peers.running(kind, within_ns)

    def cameras(self) -> frozenset[str]:
        """All that nodes which live, this one among them, send pictures of."""
        return self._peers.cameras().union(self._cameras)

    def wait_for(
        self,
        names: Iterable[str],
        hear: Callable[[list[Received[Any]]], object] = lambda _: None,
    ) -> bool:
        """Until all of these nodes are running, or one of that kind; ``False`` when asked to stop
        meanwhile. ``hear`` is given what arrives.
        """
        self.state = "waiting"
        since_ns, told = monotonic_ns(), False
        while self.alive():
            beats = [(name, p.kind) for name, p in self.peers().items() if p.state == "running"]
            running = {either for both in beats for either in both}
            missing = [name for name in names if name not in running]
            if not missing:
                self.text, self.state = "", "running"
                return True
            self.text = f"waiting for {', '.join(missing)}"
            if not told and monotonic_ns() - since_ns > LONG_WAIT_NS:
                self.log.warning("still %s", self.text)
                told = True
            hear(self.receive(NAP_S))
        return False

    def give_credit(self, received: Received[Any]) -> None:
        """Tell a lossless sender that this reader has done with ``received``, and with all that
        came before it. The sender hears of it at once, or a few messages later, or with the next
        heartbeat.
        """
        if done := self._acknowledgement.note(received):
            self._give_credit(done)

    def _give_credit(self, done: Done) -> None:
        what = done.topic, done.sender, done.incarnation, done.seq
        self.publish(CREDIT, Control(self.stamp(), "credit", self.name, *what))

    def is_awaited(self, topic: Topic[Any]) -> bool:
        """Whether any node gives credit for what this one sends on ``topic``."""
        return self._readers.are_there(topic.name)

    def wait_for_credit(
        self,
        topic: Topic[Any],
        ahead: int,
        hear: Callable[[list[Received[Any]]], object] = lambda _: None,
    ) -> bool:
        """Block until the slowest reader that gives credit is less than ``ahead`` messages behind
        on ``topic``, or than ``credit_every``; returns at once where there is none.

        ``hear`` is given what arrives on the subscribed topics meanwhile. ``False`` when the node
        was asked to stop.

        Raises:
            ValueError: this node does not keep all, and so hears no credit.
        """
        return self._wait_until_behind(topic, max(ahead, topic.credit_every), hear)

    def wait_until_done(
        self,
        topic: Topic[Any],
        hear: Callable[[list[Received[Any]]], object] = lambda _: None,
    ) -> bool:
        """The same until all readers that give credit have done with all that was sent."""
        return self._wait_until_behind(topic, 1, hear)

    def _wait_until_behind(
        self, topic: Topic[Any], ahead: int, hear: Callable[[list[Received[Any]]], object]
    ) -> bool:
        if not self._hears_credit:
            raise ValueError(f"{self.name} does not keep all: it hears of no credit")
        since_ns = monotonic_ns()
        while self.alive():
            if monotonic_ns() - self._peers.heard_ns <= DEAF_NS:
                self._readers.forget_silent(monotonic_ns())
            if self._readers.behind(topic.name) < ahead:
                if self.state == "waiting":
                    self.text, self.state = "", "running"
                return True
            if monotonic_ns() - since_ns > HEARTBEAT_NS:
                self.text, self.state = f"waiting for the readers of {topic.name}", "waiting"
            hear(self.receive(0.1))
        return False

    def forget_reader(self, name: str) -> None:
        """Wait for its credit no more: another one does its work. It is waited for again when it is
        heard of again.
        """
        self._readers.forget(name)

    def _meet_namesake(self, other: Heartbeat) -> None:
        """The younger of two leaves; the older shows itself, so that the younger knows at once.
        What was said before this one began may be a word of a former self that came late.
        """
        own = self.heartbeat(self._state)
        began_ns = own.stamp.pipeline_ns - own.uptime_ns
        if other.state == "closing" or other.stamp.pipeline_ns < began_ns:
            return
        require_older(own, other)
        if own.stamp.captured_ns - self._last_heartbeat_ns > NAMESAKE_NS:
            self.beat()

    def _note_peer(self, received: Received[Heartbeat]) -> None:
        """A heartbeat shows who its sender is, and what it reads."""
        self._peers.note(received)
        self._readers.hear_heartbeat(received)

    def _obey(self, received: Received[Control]) -> None:
        action = received.message.action
        if action == "stop" and not self._launched:
            self._stop.set()
        elif action == "credit":
            self._readers.hear_credit(received)
        elif action == "resend" and (gone := self._bus.send_again(ask_of(received.message))):
            self._say("gone", gone)

    def _say(self, action: Literal["resend", "gone"], ask: Ask) -> None:
        what = ask.topic, ask.sender, ask.incarnation, ask.first, ask.last
        self.publish(CONTROL, Control(self.stamp(), action, self.name, *what))

    def beat(self) -> None:
        """Send a heartbeat now; ``alive`` does when one is due."""
        self._last_heartbeat_ns = monotonic_ns()
        for done in self._acknowledgement.left(self._last_heartbeat_ns):
            self._give_credit(done)  # before the last word, which makes it no reader any more
        liveness.show(self._state)
        self.publish(HEARTBEAT, self.heartbeat(self._state))
        self._bus.tidy()
        self._tell_refusal()

    def heartbeat(self, state: State) -> Heartbeat:
        """What this node would say of itself now."""
        stamp = self.stamp()
        return Heartbeat(
            stamp,
            self.name,
            state,
            os.getpid(),
            uptime_ns=stamp.captured_ns - self._started_ns,
            rss_bytes=resident_bytes(),
            cpu_ns=time.process_time_ns(),
            rejected=self._bus.ledger.rejected + self.rejected_elsewhere,
            counts=self._bus.ledger.counts(),
            text=self.text,
            awaited=self._acknowledgement.topics,
            progress=self.progress,
            host=self._host,
            kind=self._kind,
            cameras=self._cameras,
        )

    def _flush_log(self) -> None:
        for logged_ns, level, text in self._forwarder.take():
            self.publish(LOG, LogRecord(self.stamp(logged_ns), self.name, level, text))
        while self._clock.bursts:
            self.publish(CLOCK, self._clock.bursts.popleft())
