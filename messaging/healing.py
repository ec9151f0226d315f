"""Where a sender's numbers have a gap, its reader holds back what came after, asks for what is
missing, and goes on in order. Pure.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from messaging.ledger import JUMP, MOST_STREAMS, Ledger
from messaging.schema import Control, Heartbeat
from messaging.wire import Received

ASK_NS = 250_000_000
"""The question or its answer may be lost as well: without progress it is asked again after that."""
GIVE_UP_NS = 5_000_000_000
"""Without progress for so long, what is missing is lost."""
LULL_NS = 1_500_000_000
"""Heartbeats come every second, the own ones too: beyond this, nobody was listened to."""
MOST_HELD = 8192
"""Messages of a stream that wait for one before them."""

Key = tuple[str, str]
"""A topic and a sender."""


@dataclass(frozen=True, slots=True)
class Ask:
    """For a sender's messages on a topic from number ``first`` to ``last``."""

    topic: str
    sender: str
    incarnation: int
    first: int
    last: int


def ask_of(control: Control) -> Ask:
    """What a ``resend`` or a ``gone`` is about."""
    return Ask(control.topic, control.sender, control.incarnation, control.seq, control.last)


@dataclass(slots=True)
class _Stream:
    """What one sender, in one incarnation, sends on one topic."""

    incarnation: int
    newest: int
    """The last incarnation that began here."""
    next: int
    """The number that is to be handed on next."""
    end: int = 0
    """The number after the last one that was sent, as far as is known."""
    held: dict[int, Received[Any] | None] = field(default_factory=dict[int, Received[Any] | None])
    """``None`` where it was no message."""
    stuck_ns: int = 0
    """Since when ``next`` is missing."""
    asked_ns: int = 0
    asked_last: int = -1
    """The last number that was asked for."""
    asked_most: int = -1
    """The largest one."""
    passed: int = 0
    """What is missing at the end up to this one is asked for no more."""
    former: tuple[int, int] = (-1, 0)
    """The incarnation before, and what would have been its next number."""

    @property
    def is_whole(self) -> bool:
        return self.next >= self.end

    def fits(self, incarnation: int, seq: int) -> bool:
        return incarnation == self.incarnation and abs(seq - self.next) <= JUMP

    def begin_anew(self, incarnation: int, first: int) -> Iterator[Received[Any]]:
        """What waits for the former incarnation's messages waits in vain."""
        left = [self.held[seq] for seq in sorted(self.held)]
        self.held.clear()
        if incarnation != self.incarnation:
            self.former = self.incarnation, self.end
        self.incarnation, self.newest = incarnation, max(incarnation, self.newest)
        self.next = self.end = first
        self.asked_last = self.asked_most = -1
        self.passed = 0
        yield from filter(None, left)

    def hold(self, seq: int, received: Received[Any] | None) -> None:
        if seq >= self.next:  # else it was sent again for another reader
            self.held[seq] = received
            self.end = max(self.end, seq + 1)

    def give_up(self) -> None:
        """What is held waits no longer. Nothing waits for what is missing at the end: should it
        come after all, it is welcome.
        """
        if self.held:
            self.next = min(self.held)
        else:
            self.passed, self.end = self.end, self.next
            self.asked_last = -1

    def missing(self) -> int:
        """The last number that is missing before what is held."""
        return min(self.held, default=self.end) - 1


class Healing:
    """Of one reader's streams on the topics of those names; each is handed on in order. Its
    ``ledger`` hears of streams of which nothing has come.
    """

    def __init__(self, topics: Collection[str], ledger: Ledger) -> None:
        self._topics = frozenset(topics)
        self._ledger = ledger
        self._streams: dict[Key, _Stream] = {}
        self._broken: set[Key] = set()
        """Streams of which something is missing."""
        self._met: dict[str, tuple[int, int]] = {}
        """Whose heartbeat was heard: their incarnation, and what ``_listened_ns`` was then."""
        self._heard_ns = self._listened_ns = 0
        """When a heartbeat was heard last, whose ever, and how long heartbeats were heard."""
        self.patience_ns = GIVE_UP_NS

    def take(self, received: Received[Any]) -> Iterator[Received[Any]]:
        """What can be handed on now that this has come; nothing is handed on twice."""
        if isinstance(received.message, Heartbeat):
            yield from self._hear(received)
            yield received
            return
        if received.topic.name not in self._topics:
            yield received
            return
        key = received.topic.name, received.sender
        seq, incarnation = received.seq, received.incarnation
        stream = self._streams.get(key)
        if stream is None:
            met, _ = self._met.get(received.sender, (None, 0))
            stream = self._first(key, incarnation, seq, met=met)
        elif incarnation == stream.former[0] and seq < stream.former[1]:
            return
        elif incarnation > stream.newest and seq <= JUMP:
            yield from self._begin_anew(key, stream, incarnation, 0)
        elif not stream.fits(incarnation, seq):
            yield from self._begin_anew(key, stream, incarnation, seq)
        stream.hold(seq, received)
        yield from self._ready(key, stream, received.received_ns)

    def skip(self, ask: Ask, now_ns: int) -> Iterator[Received[Any]]:
        """The one message that was asked for, or came by itself, is none: nothing waits for it."""
        key = ask.topic, ask.sender
        stream = self._streams.get(key)
        if stream is not None and stream.fits(ask.incarnation, ask.first):
            stream.hold(ask.first, None)
            yield from self._ready(key, stream, now_ns)

    def is_healing(self, topic: str, sender: str) -> bool:
        """Whether something of that stream is missing and asked for."""
        return (topic, sender) in self._broken

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing anywhere."""
        return not self._broken

    def _begin_anew(
        self, key: Key, stream: _Stream, incarnation: int, first: int
    ) -> Iterator[Received[Any]]:
        self._broken.discard(key)
        yield from stream.begin_anew(incarnation, first)

    def _first(self, key: Key, incarnation: int, seq: int, *, met: int | None) -> _Stream:
        """A sender who was ``met`` before has begun the stream since then, and nothing of it came;
        to that of another one this reader comes late.
        """
        has_room = len(self._streams) < MOST_STREAMS
        is_new = met is not None and met <= incarnation
        first = 0 if has_room and is_new and seq <= JUMP else seq
        stream = _Stream(incarnation, incarnation, first, first)
        if has_room:
            self._streams[key] = stream
            self._ledger.begin(*key, incarnation, first)
        return stream

    def _hear(self, beat: Received[Heartbeat]) -> Iterator[Received[Any]]:
        """A sender's word on what it has sent; it came in one line with that."""
        sender, incarnation, now_ns = beat.sender, beat.incarnation, beat.received_ns
        self._listened_ns += min(now_ns - self._heard_ns, LULL_NS)
        self._heard_ns = now_ns
        met, _ = self._met.get(sender, (None, 0))
        if met is not None or len(self._met) < MOST_STREAMS:
            self._met[sender] = incarnation, self._listened_ns
        for counts in beat.message.counts:
            if counts.sender or counts.topic not in self._topics or counts.last_seq < 0:
                continue
            key, end = (counts.topic, sender), counts.last_seq + 1
            stream = self._streams.get(key)
            if stream is None:
                stream = self._first(key, incarnation, end, met=met)
            elif incarnation > stream.newest and end <= JUMP:
                yield from self._begin_anew(key, stream, incarnation, 0)
                self._ledger.begin(*key, incarnation, 0)
            if key in self._streams and stream.fits(incarnation, end):
                stream.end = max(stream.end, end if end > stream.passed else 0)
                yield from self._ready(key, stream, now_ns)
                while beat.message.state == "closing" and not stream.is_whole:
                    stream.give_up()  # it answers no more
                    yield from self._ready(key, stream, now_ns)

    def _ready(self, key: Key, stream: _Stream, now_ns: int) -> Iterator[Received[Any]]:
        moves = False
        if len(stream.held) > MOST_HELD:  # all of it at once: to look for each would take its time
            for seq in sorted(stream.held):
                received = stream.held.pop(seq)
                stream.next, moves = seq + 1, True
                if received is not None:
                    yield received
        while stream.next in stream.held:
            received = stream.held.pop(stream.next)
            was_asked_for = stream.next <= stream.asked_most
            stream.next += 1
            moves = True
            if received is not None:
                yield received
                if was_asked_for:
                    self._ledger.healed(*key)
        if stream.is_whole:
            self._broken.discard(key)
        elif moves or key not in self._broken:
            self._broken.add(key)
            stream.stuck_ns = stream.asked_ns = now_ns

    def asks(self, now_ns: int) -> Iterator[Ask]:
        """What is to be asked for now."""
        for key in self._broken:
            stream = self._streams[key]
            if stream.next > stream.asked_last or now_ns - stream.asked_ns >= ASK_NS:
                stream.asked_ns, stream.asked_last = now_ns, stream.missing()
                stream.asked_most = max(stream.asked_most, stream.asked_last)
                yield Ask(*key, stream.incarnation, stream.next, stream.asked_last)

    def gone(self, ask: Ask, now_ns: int) -> Iterator[Received[Any]]:
        """The sender says that it keeps none of these any more."""
        key = ask.topic, ask.sender
        stream = self._streams.get(key)
        if key not in self._broken or stream is None or stream.incarnation != ask.incarnation:
            return
        if ask.first <= stream.next <= ask.last:
            stream.next = min(ask.last, stream.missing()) + 1
        yield from self._ready(key, stream, now_ns)

    def overdue(self, now_ns: int) -> Iterator[Received[Any]]:
        """What need not wait any longer, since what it waits for is lost."""
        for key in tuple(self._broken):
            stream = self._streams[key]
            if now_ns - stream.stuck_ns >= self.patience_ns:
                stream.give_up()
                yield from self._ready(key, stream, now_ns)
                while self._is_dead(key[1]) and not stream.is_whole:
                    stream.give_up()
                    yield from self._ready(key, stream, now_ns)

    def _is_dead(self, sender: str) -> bool:
        """Whether others were heard for long, and it was not: it will answer nothing."""
        _, at_ns = self._met.get(sender, (0, self._listened_ns))
        return self._listened_ns - at_ns >= GIVE_UP_NS
