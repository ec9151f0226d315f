"""Keeps a node's offset to the hub's clock: asks again and again, on a thread of its own.

On the hub's own clock there is nothing to ask: it waits for another hub at the same address.
"""

import logging
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any, NoReturn

import zmq

from messaging.clock import clock_name, monotonic_ns, suspended_ns
from messaging.clock_estimate import EPOCH_NS, OWN, UNKNOWN, Estimator, Exchange, Line, Timeline
from messaging.packing import unpack
from messaging.schema import ClockBurst, Stamp

PROBES = 8
"""Of a burst: the quickest ways count."""
PROBE_EVERY_S = 0.02
ANSWER_S = 1.0
"""A question that takes longer is lost."""
FIRST_ANSWER_S = 10.0
"""A node whose hub is there, but not its clock, begins without it."""
EAGER_BURSTS = 6
EAGER_EVERY_S = 0.5
EVERY_S = 2.0
SILENT_S = 30.0
"""A hub that does not answer for so long is worth a word."""


class ClockClient:
    """``at`` is for the thread that gives stamps; it never waits for the one that asks."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._timeline = Timeline()
        self._suspended_ns: int | None = None
        """What it was when the timeline was last right; ``None`` on the hub's own clock."""
        self._news: deque[tuple[Line, bool, int | None]] = deque()
        self._adopting = threading.Lock()
        self.bursts: deque[ClockBurst] = deque(maxlen=1024)
        """To be published: what was asked and answered."""
        self._estimator = Estimator()
        self._hub = ""
        """The name of its clock; empty while it is not known."""
        self._asked = 0
        self._answered_s = 0.0
        """When, on this process's clock."""
        self._is_silent = False

    def at(self, captured_ns: int) -> tuple[int, int | None]:
        """Offset to the hub's clock, and its error bound (``None``: unknown) at an instant of the
        own clock, now or in the past.
        """
        if self._news:
            self._adopt()
        offset_ns, bound_ns = self._timeline.at(captured_ns)
        slept_ns = self._suspended_ns
        if slept_ns is not None and suspended_ns() - slept_ns > EPOCH_NS:
            return offset_ns, None  # the own clock stood still, and nobody has asked since
        return offset_ns, bound_ns

    def _adopt(self) -> None:
        """Here and not where it is found: so it holds for instants alone that are not stamped."""
        with self._adopting:
            while self._news:
                line, jumps, slept_ns = self._news.popleft()
                self._timeline = self._timeline.then(line, monotonic_ns(), jumps=jumps)
                self._suspended_ns = slept_ns

    def join(self, socket: zmq.Socket[bytes], timeout_s: float) -> None:
        """Ask for the first time, and go on asking until the socket's context ends.

        Without an answer within ``timeout_s``, or ``FIRST_ANSWER_S``, the offset is unknown so far.
        """
        socket.setsockopt(zmq.SNDTIMEO, round(ANSWER_S * 1000))
        deadline_s = self._answered_s = time.monotonic() + min(timeout_s, FIRST_ANSWER_S)
        try:
            while not self._burst(socket) and time.monotonic() < deadline_s:
                _sleep(socket, PROBE_EVERY_S)
        except BaseException:
            socket.close(linger=0)
            raise
        if not self._hub:
            self._timeline, self._is_silent = UNKNOWN, True
            self._log.warning("the hub's clock does not answer: stamps have no error bound")
        monitor: zmq.Socket[bytes] = socket.get_monitor_socket(zmq.EVENT_CONNECTED)
        threading.Thread(
            target=self._run, args=(socket, monitor), name="clock", daemon=True
        ).start()

    def _run(self, socket: zmq.Socket[bytes], monitor: zmq.Socket[bytes]) -> None:
        try:
            self._go_on_asking(socket, monitor)
        except zmq.ContextTerminated:
            pass
        finally:  # or the bus waits for it forever
            monitor.close()
            socket.close()

    def _go_on_asking(self, socket: zmq.Socket[bytes], monitor: zmq.Socket[bytes]) -> NoReturn:
        is_answered = True
        while True:
            if is_answered and self._hub == clock_name():
                monitor.recv_multipart()  # until the hub is there anew
            else:
                _sleep(socket, EAGER_EVERY_S if self._asked < EAGER_BURSTS else EVERY_S)
            while monitor.poll(0):  # where it is full, all of the bus stands still
                monitor.recv_multipart()
            is_answered = self._burst(socket)
            self._mind_silence(is_answered=is_answered)
            if not is_answered:
                _connect_anew(socket)

    def _burst(self, socket: zmq.Socket[bytes]) -> bool:
        """Ask some times in a row; ``False`` where no answer came."""
        slept_ns = suspended_ns()
        exchanges: list[Exchange] = []
        hub = ""
        for _ in range(PROBES):
            answer = ask(socket)
            if answer is None:
                break
            exchange, name = answer
            if name != hub:
                hub, exchanges = name, []
            exchanges.append(exchange)
            if name == clock_name():
                break
            _sleep(socket, PROBE_EVERY_S)
        if not exchanges:
            return False
        self._asked += 1
        self._answered_s = time.monotonic()
        if hub == clock_name():
            self._take_own(hub)
        else:
            self._take(hub, exchanges, slept_ns)
        return True

    def _take_own(self, hub: str) -> None:
        if self._hub == hub:
            return
        if self._hub:
            self._estimator.begin_epoch()
            self._log.warning("clock: the hub's is this one now, and not %s any more", self._hub)
        self._hub = hub
        self._news.append((OWN, True, None))

    def _take(self, hub: str, exchanges: list[Exchange], slept_ns: int) -> None:
        estimator, former, epoch = self._estimator, self._hub, self._estimator.epoch
        if former and former != hub:
            estimator.begin_epoch()
        line = estimator.take(exchanges)
        jumps = estimator.epoch > epoch
        now_ns = exchanges[-1].returned_ns
        offset_ns, bound_ns = line.offset(now_ns), line.bound(now_ns)
        says = f"{offset_ns / 1e9:+.6f} s to the hub's, within {bound_ns / 1e6:.2f} ms"
        if not former:
            self._log.info("clock: %s", says)
        elif former != hub:
            self._log.warning("clock: the hub's is another one, a new epoch begins: %s", says)
        elif jumps:
            self._log.warning(
                "clock: one of the two stood still or was set, a new epoch begins: %s", says
            )
        self._hub = hub
        self._news.append((line, jumps, slept_ns))
        self.bursts.append(
            ClockBurst(
                Stamp(now_ns, clock_name(), offset_ns, bound_ns),
                hub,
                estimator.epoch,
                tuple((e.sent_ns, e.arrived_ns, e.left_ns, e.returned_ns) for e in exchanges),
            )
        )

    def _mind_silence(self, *, is_answered: bool) -> None:
        if is_answered and self._is_silent:
            self._log.info("the hub's clock answers again")
        elif not (is_answered or self._is_silent):
            silent_s = time.monotonic() - self._answered_s
            if silent_s < SILENT_S:
                return
            self._log.warning("the hub's clock has not answered for %.0f s: bounds grow", silent_s)
        self._is_silent = not is_answered


def ask(socket: zmq.Socket[bytes], timeout_s: float = ANSWER_S) -> tuple[Exchange, str] | None:
    """One exchange with the hub's clock, and that clock's name; ``None`` where no answer came, or
    one that cannot be true.
    """
    sent_ns = monotonic_ns()
    question = sent_ns.to_bytes(8, "big")
    try:
        socket.send(question)
    except zmq.Again:
        return None
    deadline_s = time.monotonic() + timeout_s
    while (left_s := deadline_s - time.monotonic()) > 0 and socket.poll(round(left_s * 1000)):
        parts = socket.recv_multipart()
        returned_ns = monotonic_ns()
        if parts[0] != question:
            continue  # the answer to a question that was given up
        answer = _understood(parts[-1])
        if answer is None:
            return None
        arrived_ns, left_ns, name = answer
        exchange = Exchange(sent_ns, arrived_ns, left_ns, returned_ns)
        return (exchange, name) if exchange.is_possible else None
    return None


def _understood(answer: bytes) -> tuple[int, int, str] | None:
    try:
        said: Any = unpack(answer)
    except ValueError:
        return None
    match said:
        case [int(arrived_ns), int(left_ns), str(name)] if 0 < len(name) <= 256:
            return arrived_ns, left_ns, name
        case _:
            return None


def _connect_anew(socket: zmq.Socket[bytes]) -> None:
    """A connection that was refused for its key is given up by libzmq."""
    endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT)
    with suppress(zmq.ZMQError):  # of one that it has given up
        socket.disconnect(endpoint)
    socket.connect(endpoint)


def _sleep(socket: zmq.Socket[bytes], seconds: float) -> None:
    """Ends when the socket's context does, and throws away what comes too late."""
    deadline_s = time.monotonic() + seconds
    while (left_s := deadline_s - time.monotonic()) > 0:
        if socket.poll(round(left_s * 1000) or 1):
            socket.recv_multipart()
