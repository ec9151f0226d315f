"""Counts what was sent, received, overtaken and lost. Every figure is counted, none a residual."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from messaging.schema import Heartbeat, TopicCounts
from messaging.topics import TOPICS
from messaging.wire import Received

PROXY_OF = {topic.name: topic.proxy for topic in TOPICS}
MOST_STREAMS = 256
"""Senders times topics that a node keeps count of; whoever comes after them is not let in. Their
counts fill a third of a heartbeat's header at most."""
LAST_SEQ = 2**63 - 1
JUMP = 100_000
"""Numbers farther apart than this do not belong together: at 30 Hz that is an hour."""
STILL_NS = 3_000_000_000
"""What has not come for so long after its sender spoke of it, nor anything after which it could
come, will not come any more: a connection that is dead in silence is cut within this
(``access.VANISHED_MS``)."""


@dataclass(slots=True)
class _Stream:
    """What one sender, in one incarnation, was seen to send on one topic."""

    incarnation: int
    last_seq: int
    newest: int
    """The last incarnation that began here."""
    messages: int = 0
    before: int = 0
    """Numbers of all incarnations that had gone before this reader came."""
    dropped: int = 0
    lost: int = 0
    unknown: int = 0
    healed: int = 0
    said_seq: int = -1
    """The sender's own word on what it has sent; it may still be on its way."""
    closed: bool = False
    """That word was its last."""
    has_come: bool = False
    """Any message of this incarnation has."""
    moved_ns: int = 0
    """When the last one came."""

    @property
    def tail(self) -> int:
        """Messages that were sent, and have not come so far."""
        return max(0, self.said_seq - self.last_seq)

    def begin_anew(self, incarnation: int, last_seq: int) -> None:
        """Nobody says what came after the last number that was seen, where it was not the end."""
        self.unknown += not self.closed
        self.lost += self.tail
        self.incarnation, self.last_seq = incarnation, last_seq
        self.said_seq, self.closed = -1, False
        self.has_come = False


@dataclass(frozen=True, slots=True)
class Tail:
    """What a sender says that it has sent, and has not come."""

    sender: str
    incarnation: int
    arrived: int | None
    """The last number that has come; ``None`` where none has."""
    sent: int
    """The last one that was sent."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A sender's own, on what it has sent on a topic."""

    incarnation: int
    sent: int
    heard_ns: int
    is_last: bool


class Ledger:
    """The counters of one node; its heartbeats carry them."""

    def __init__(self) -> None:
        self.rejected = 0
        self._sent: dict[str, int] = {}
        self._sent_bytes: dict[str, int] = {}
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._words: dict[tuple[str, str], _Word] = {}
        """Those on pictures and sound that are yet to be taken."""
        self._unheard: dict[tuple[str, str], Tail] = {}
        """By topic and sender: of what nothing had come when its sender's word was taken."""

    def sent(self, topic: str) -> int:
        """Messages sent on ``topic``."""
        return self._sent.get(topic, 0)

    def next_seq(self, topic: str) -> int:
        """The number of the next message on ``topic``; it counts as sent."""
        seq = self._sent.get(topic, 0)
        self._sent[topic] = seq + 1
        return seq

    def weigh(self, topic: str, size: int) -> None:
        """Note the bytes of the message that was numbered last."""
        self._sent_bytes[topic] = self._sent_bytes.get(topic, 0) + size

    def begin(self, topic: str, sender: str, incarnation: int, first: int) -> None:
        """Nothing of this stream has come yet; what its sender sends from ``first`` on should."""
        stream = self._streams.get((topic, sender))
        if stream is not None:
            stream.newest = incarnation
            stream.begin_anew(incarnation, first - 1)
        elif len(self._streams) < MOST_STREAMS:
            self._streams[topic, sender] = _Stream(
                incarnation, first - 1, newest=incarnation, before=first
            )

    def knows(self, topic: str, sender: str) -> bool:
        """Whether this sender is kept count of there, and is none too many."""
        return (topic, sender) in self._streams

    def healed(self, topic: str, sender: str) -> None:
        """Note that a message came which had been missing."""
        if stream := self._streams.get((topic, sender)):
            stream.healed += 1

    def arrived(self, topic: str, sender: str, incarnation: int, seq: int, now_ns: int = 0) -> bool:
        """Note an arrival; ``False`` for a repeated message, and for a sender too many.

        A reader that joins late has lost nothing: it counts from the first number that it sees,
        and from 0 after the sender's restart. A number that fits nowhere, or a former incarnation
        that still speaks, begins a new count, so that no single message can shut its sender out.
        """
        stream = self._streams.get((topic, sender))
        if stream is None:
            if len(self._streams) >= MOST_STREAMS:
                return False
            stream = self._streams[topic, sender] = _Stream(
                incarnation, seq - 1, newest=incarnation, before=seq
            )
        elif incarnation > stream.newest and seq <= JUMP:
            stream.newest = incarnation
            stream.begin_anew(incarnation, -1)
        elif incarnation != stream.incarnation or abs(seq - stream.last_seq) > JUMP:
            stream.begin_anew(incarnation, seq - 1)
            stream.before = min(stream.before + seq, LAST_SEQ)
        elif seq <= stream.last_seq:
            return False
        stream.lost += seq - stream.last_seq - 1
        stream.last_seq, stream.has_come, stream.moved_ns = seq, True, now_ns
        stream.messages += 1
        return True

    def overtaken(self, topic: str, sender: str, messages: int) -> None:
        """Note that ``messages`` arrivals were dropped for a newer one."""
        stream = self._streams[topic, sender]
        stream.messages -= messages
        stream.dropped += messages

    def hear(self, beat: Received[Heartbeat]) -> None:
        """Take a sender's own word on what it has sent: what is missing at the end counts as lost
        for as long as it does not come.

        Events travel in one line with the heartbeats. ``bulk`` does not, and a slow link holds it
        up: there a word is kept until what it speaks of has come, or will not; the last word of
        all is taken as it is.
        """
        is_last = beat.message.state == "closing"
        for counts in beat.message.counts:
            proxy = PROXY_OF.get(counts.topic)
            if counts.sender or proxy is None:
                continue
            key = counts.topic, beat.sender
            word = _Word(beat.incarnation, counts.last_seq, beat.received_ns, is_last)
            if proxy == "events" or is_last:
                self._take(key, word)
                self._words.pop(key, None)
                continue
            former = self._words.get(key)
            if former is None or former.incarnation != word.incarnation:
                self._words[key] = word
            elif self._is_over(key, former, word.heard_ns):
                self._take(key, former)
                self._words[key] = word

    def _is_over(self, key: tuple[str, str], word: _Word, now_ns: int) -> bool:
        """Whether what it speaks of has come, or will not come any more."""
        came, since_ns = -1, word.heard_ns
        stream = self._streams.get(key)
        if stream is not None and stream.incarnation == word.incarnation:
            came, since_ns = stream.last_seq, max(since_ns, stream.moved_ns)
        return word.sent <= came or now_ns - since_ns >= STILL_NS

    def _take(self, key: tuple[str, str], word: _Word) -> None:
        stream = self._streams.get(key)
        if stream is None or stream.newest < word.incarnation:
            self._unheard[key] = Tail(key[1], word.incarnation, None, word.sent)
        elif stream.incarnation == word.incarnation and word.sent - stream.last_seq <= JUMP:
            stream.said_seq, stream.closed = word.sent, word.is_last

    def tails(self, topic: str) -> Iterator[Tail]:
        """Of each sender of ``topic`` of whose end something is lost, and of those of whom nothing
        has come at all.
        """
        for (name, sender), stream in self._streams.items():
            if name == topic and stream.tail:
                arrived = stream.last_seq if stream.has_come else None
                yield Tail(sender, stream.incarnation, arrived, stream.said_seq)
        for (name, sender), tail in self._unheard.items():
            stream = self._streams.get((name, sender))
            is_unheard = stream is None or stream.newest < tail.incarnation
            if name == topic and tail.sent >= 0 and is_unheard:
                yield tail

    def counts(self) -> tuple[TopicCounts, ...]:
        sent = (
            TopicCounts(
                topic,
                last_seq=count - 1,
                messages=count,
                bytes=self._sent_bytes.get(topic, 0),
            )
            for topic, count in self._sent.items()
        )
        received = (
            TopicCounts(
                topic,
                sender,
                max(stream.last_seq, stream.said_seq),
                stream.messages,
                stream.dropped,
                stream.lost + stream.tail,
                stream.unknown,
                stream.before,
                healed=stream.healed,
            )
            for (topic, sender), stream in self._streams.items()
        )
        return (*sent, *received)


def lost(heartbeat: Heartbeat, proxies: Collection[str] = ("bulk", "events")) -> int:
    """Messages that never reached the node, over all topics of these proxies and all senders."""
    return sum(count.lost for count in heartbeat.counts if PROXY_OF.get(count.topic) in proxies)


def healed(heartbeat: Heartbeat) -> int:
    """Messages that were missing, and came when the node asked for them."""
    return sum(counts.healed for counts in heartbeat.counts)


def dropped(heartbeat: Heartbeat) -> int:
    """Messages that the node let newer ones overtake."""
    return sum(counts.dropped for counts in heartbeat.counts)


def unknown(heartbeat: Heartbeat) -> int:
    """Streams that broke off, over all topics and senders: what was sent last there, and whether
    it arrived, nobody can say.
    """
    return sum(counts.unknown for counts in heartbeat.counts)
