"""The sockets of one node: two to send on, two to read from, and who overtakes whom."""

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

import zmq

from messaging import schema
from messaging.access import CURVE_BYTES, connect, keys_for
from messaging.address import endpoints, nobody_at
from messaging.clock import monotonic_ns
from messaging.entrance import Entrance
from messaging.errors import RefusedError, UserError
from messaging.healing import Ask, Healing, ask_of
from messaging.kept import Kept
from messaging.ledger import Ledger
from messaging.schema import Control, Heartbeat
from messaging.topics import TOPICS, Topic
from messaging.wire import Buffer, JunkError, Received, decode, encode, topic_part

M = TypeVar("M", bound="schema.Message")

MOST_AHEAD = 16
"""Pictures and sounds of lossless sources that may be on their way to one reader."""
BULK_MARK = 2 * MOST_AHEAD
"""Messages that a queue of pictures or sound holds at each hop; more are lost and counted. Twice as
many as may be on their way, since the transport hears of those that have left in lots of half a
queue."""
KEPT_MARK = 256
"""The same for a node that keeps all: a reader may be away for some seconds (25 MB of JPEG), and a
sender may send for 1 ms before the transport hears that messages have left."""
EVENTS_MARK = 10_000
BULK_MAX_BYTES = 3 * 7680 * 4320 + CURVE_BYTES
EVENTS_MAX_BYTES = 1_048_576
DRAIN = 1024
"""Messages taken from a socket at once, so that a flood cannot keep a node from its work."""
TOPIC_PARTS = frozenset(topic_part(topic.name) for topic in TOPICS)
ECHO = b"echo "
ECHO_S = 0.02
ZERO_COPY_BYTES = 65_536
"""From this size on, a payload is handed to the transport instead of copied."""


def configure(socket: zmq.Socket[bytes], *, bulk: bool) -> None:
    """The marks and limits that every socket of a proxy's path has."""
    mark = BULK_MARK if bulk else EVENTS_MARK
    socket.setsockopt(zmq.SNDHWM, mark)
    socket.setsockopt(zmq.RCVHWM, mark)
    socket.setsockopt(zmq.MAXMSGSIZE, BULK_MAX_BYTES if bulk else EVENTS_MAX_BYTES)
    socket.setsockopt(zmq.LINGER, 500)
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)


class Bus:
    """Publishes and reads messages of one sender. Not thread-safe; nothing here ever blocks
    longer than its timeout says.
    """

    def __init__(
        self,
        sender: str,
        address: str,
        subscribe: Sequence[Topic[Any]] = (),
        *,
        keeps_all: bool = False,
        keys: Path | None = None,
        is_worker: bool = False,
        asks: bool = True,
    ) -> None:
        """With ``keeps_all`` no picture is overtaken by a newer one, and more may wait, also to be
        sent. A worker answers the pictures that name it: others that are overtaken are no loss.
        Who only listens ``asks`` for nothing that it misses.

        Raises:
            UserError: the address is none, or the folder ``keys`` will not do.
        """
        self.sender = sender
        self._keeps_all = keeps_all
        self._is_worker = is_worker
        self.incarnation = time.time_ns()
        self.ledger = Ledger()
        self.endpoints = endpoints(address)
        self.address = address
        self._topics = tuple(subscribe)
        healed = [topic.name for topic in subscribe if topic.is_healed and asks]
        self._healing = Healing(healed, self.ledger)
        self._kept: dict[str, Kept] = {}
        self._keys = keys_for(address, keys)
        self._entrance = Entrance(address, self._keys)
        self._context = zmq.Context()
        self._out = {
            "bulk": self._connect(zmq.XPUB, self.endpoints.bulk_in, bulk=True),
            "events": self._connect(zmq.XPUB, self.endpoints.events_in, bulk=False),
        }
        self._in = {
            "bulk": self._connect(zmq.SUB, self.endpoints.bulk_out, bulk=True),
            "events": self._connect(zmq.SUB, self.endpoints.events_out, bulk=False),
        }
        self._early: dict[str, deque[Sequence[Buffer]]] = {
            "bulk": deque(maxlen=KEPT_MARK if keeps_all else BULK_MARK),
            "events": deque(maxlen=EVENTS_MARK),
        }
        """What came before the own echo."""
        self._is_behind = False
        """More had arrived than the last ``receive`` took."""
        self._wanted: set[bytes] = set()
        self._poller = zmq.Poller()
        for socket in self._in.values():
            self._poller.register(socket, zmq.POLLIN)

    def _connect(self, kind: int, endpoint: str, *, bulk: bool) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(kind)
        configure(socket, bulk=bulk)
        if bulk and self._keeps_all:
            socket.setsockopt(zmq.RCVHWM if kind == zmq.SUB else zmq.SNDHWM, KEPT_MARK)
        self._entrance.watch(self._context, socket, endpoint)
        connect(socket, endpoint, self._keys)
        return socket

    def clock_socket(self) -> zmq.Socket[bytes]:
        """For questions to the hub's clock. Whoever has it closes it when the bus is closed."""
        socket: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        socket.setsockopt(zmq.IMMEDIATE, 1)  # what waits for the hub to come back measures nothing
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, 4096)
        socket.setsockopt(zmq.RECONNECT_IVL, 20)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        connect(socket, self.endpoints.clock, self._keys)
        return socket

    def join(
        self, timeout_s: float, meanwhile: Callable[[], object], *, waits_at_door: bool = False
    ) -> None:
        """Subscribe, and wait for the own echo through both proxies: from then on nothing that
        is published is missed. ``meanwhile`` is called again and again until then.

        Raises:
            RefusedError: the hub does not let this node in; unless it ``waits_at_door`` until its
                key is known there.
            UserError: no hub answered within ``timeout_s``.
        """
        for topic in self._topics:
            self._in[topic.proxy].subscribe(topic_part(topic.name))
        echo = ECHO + uuid.uuid4().bytes
        deadline = time.monotonic() + timeout_s
        for proxy, reader in self._in.items():
            reader.subscribe(echo)
            while not self._echoed(proxy, echo):
                if refusal := self._entrance.refusal():
                    if not (refusal.can_wait and waits_at_door):
                        raise RefusedError(refusal.text)
                    deadline = time.monotonic() + timeout_s
                if time.monotonic() > deadline:
                    why = nobody_at(self.address, self._keys and self._keys.folder)
                    raise UserError(
                        f"no hub answers at {self.address} within {timeout_s:g} s; {why}"
                    )
                self._out[proxy].send_multipart([echo, b"", b""])
                meanwhile()
            reader.unsubscribe(echo)

    def _echoed(self, proxy: str, echo: bytes) -> bool:
        """Within ``ECHO_S``, however much else comes: an echo that left too early never does."""
        reader, deadline = self._in[proxy], time.monotonic() + ECHO_S
        while (left_s := deadline - time.monotonic()) > 0 and reader.poll(round(left_s * 1000)):
            parts = _receive(reader)
            if parts[0] == echo:
                return True
            self._early[proxy].append(parts)
        return False

    def is_wanted(self, topic: Topic[Any]) -> bool:
        """Whether anybody subscribes to ``topic``, as far as word has come here."""
        self._hear_readers(self._out[topic.proxy])
        return topic_part(topic.name) in self._wanted

    def _hear_readers(self, socket: zmq.Socket[bytes]) -> None:
        """Their notes on what they subscribe to."""
        while socket.poll(0):
            note = socket.recv()
            name = note[1:]
            if note[:1] == b"\1" and name in TOPIC_PARTS:
                self._wanted.add(name)
            else:
                self._wanted.discard(name)

    def tidy(self) -> None:
        """To be called now and then: the notes of readers wait in memory until they are read."""
        for socket in self._out.values():
            self._hear_readers(socket)

    def publish(self, topic: Topic[M], message: M, payload: Any = b"") -> int:
        """Send ``message``; a large payload is not copied, so it must not be changed afterwards.

        Returns its sequence number.
        """
        seq = self.ledger.next_seq(topic.name)
        head = encode(topic, message, self.sender, self.incarnation, seq)
        size = memoryview(payload).nbytes
        copy = size < ZERO_COPY_BYTES
        self.ledger.weigh(topic.name, sum(map(len, head)) + size)
        parts = [*head, payload]
        self._out[topic.proxy].send_multipart(parts, copy=copy)
        if topic.is_healed:
            self._kept.setdefault(topic.name, Kept()).keep(seq, parts, monotonic_ns())
        return seq

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing that may yet come."""
        return self._healing.is_whole

    def is_healing(self, topic: str, sender: str) -> bool:
        """Whether something of that stream is missing and may yet come."""
        return self._healing.is_healing(topic, sender)

    def heal_within(self, ns: int) -> None:
        """Wait no longer for what is missing."""
        self._healing.patience_ns = ns

    def asks(self) -> Iterator[Ask]:
        """What is missing here, and to be asked for now."""
        return self._healing.asks(monotonic_ns())

    def send_again(self, ask: Ask) -> Ask | None:
        """Send what is kept of that; returns what is not kept any more. Nothing where another
        sender is asked.
        """
        kept = self._kept.get(ask.topic)
        is_ours = (ask.sender, ask.incarnation) == (self.sender, self.incarnation)
        if kept is None or not is_ours:
            return None
        for parts in kept.again(ask.first, ask.last, monotonic_ns()):
            self._out["events"].send_multipart(parts)
        return replace(ask, last=min(ask.last, kept.first - 1)) if ask.first < kept.first else None

    def receive(self, timeout_s: float) -> list[Received[Any]]:
        """What has arrived, in order within a topic; waits at most ``timeout_s`` for the first.

        Of a live camera's pictures only the newest is kept, and says how many it overtook.
        """
        if not any(self._early.values()):
            self._poller.poll(max(0, round(timeout_s * 1000)))
        kept: dict[int, Received[Any]] = {}
        newest: dict[tuple[str, str, str], int] = {}
        for place, received in enumerate(self._arrivals()):
            message = received.message
            if not self._keeps_all and _may_be_overtaken(message):
                stream = (received.topic.name, received.sender, message.source)
                if (former := newest.get(stream)) is not None:
                    earlier = kept.pop(former)
                    is_ours = earlier.message.worker in ("", self.sender)
                    missed = int(is_ours or not self._is_worker)
                    self.ledger.overtaken(received.topic.name, received.sender, missed)
                    kept[place] = replace(received, dropped=earlier.dropped + missed)
                newest[stream] = place
            kept.setdefault(place, received)
        return list(kept.values())

    def _arrivals(self) -> Iterator[Received[Any]]:
        for parts in self._raw():
            if parts[0][: len(ECHO)] == ECHO:
                continue
            try:
                received = decode(parts, monotonic_ns())
            except JunkError as junk:
                self.ledger.rejected += 1
                if junk.number is not None:
                    topic, sender, incarnation, seq = junk.number
                    skipped = Ask(topic, sender, incarnation, seq, seq)
                    yield from filter(self._counts, self._healing.skip(skipped, monotonic_ns()))
                continue
            yield from filter(self._counts, self._healing.take(received))
            message = received.message
            if isinstance(message, Control) and message.action == "gone":
                gone = self._healing.gone(ask_of(message), received.received_ns)
                yield from filter(self._counts, gone)
        if not self._is_behind:
            yield from filter(self._counts, self._healing.overdue(monotonic_ns()))

    def _counts(self, received: Received[Any]) -> bool:
        """Whether it is no repetition, and none of a sender too many."""
        topic = received.topic
        is_new = self.ledger.arrived(
            topic.name, received.sender, received.incarnation, received.seq, received.received_ns
        )
        if not is_new:  # what is healed may be sent again, and more than once
            may_repeat = topic.is_healed and self.ledger.knows(topic.name, received.sender)
            self.ledger.rejected += not may_repeat
        if is_new and isinstance(received.message, Heartbeat) and received.sender != self.sender:
            self.ledger.hear(received)
        return is_new

    def _raw(self) -> Iterator[Sequence[Buffer]]:
        for early in self._early.values():
            while early:
                yield early.popleft()
        self._is_behind = False
        for socket in self._in.values():
            for _ in range(DRAIN):
                try:
                    yield _receive(socket, zmq.NOBLOCK)
                except zmq.Again:
                    break
            else:
                self._is_behind = True

    def complaint(self) -> str:
        """Why the hub does not let this node in, at times when that should be told."""
        return self._entrance.complaint()

    def close(self) -> None:
        """Close the sockets; what was published just before still leaves."""
        for socket in (*self._in.values(), *self._out.values()):
            socket.close()
        self._entrance.close()
        self._context.term()


def _receive(socket: zmq.Socket[bytes], flags: int = 0) -> list[Buffer]:
    """A message's parts, each a view on the transport's memory."""
    # ``recv_multipart`` asks the socket after each part whether one follows, which takes longer
    # than to receive it: the part itself knows.
    frame = socket.recv(flags, copy=False)
    parts: list[Buffer] = [frame.buffer]
    while frame.more:
        frame = socket.recv(flags, copy=False)
        parts.append(frame.buffer)
    return parts


def _may_be_overtaken(message: schema.Message) -> TypeGuard[schema.VideoFrame]:
    """Live pictures may; the punctuation of their stream and lossless sources may not."""
    return (
        isinstance(message, schema.VideoFrame)
        and message.event == "picture"
        and not message.lossless
    )
