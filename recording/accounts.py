"""The session's ledger: what each sender sent on each topic, against what each reader made of it.

Everything is taken from the nodes' own heartbeats, which are recorded. Nothing is a residual: a
hop's two sides are counted by two nodes, and compared.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from messaging.schema import Heartbeat, TopicCounts
from messaging.topics import (
    AUDIO,
    FACES,
    MARKERS,
    SPEECH,
    UTTERANCES,
    VIDEO,
    VIDEO_JPEG,
)
from messaging.wire import Received

OUTLIVE = ("launcher", "hub")
"""Nodes that end after the recorder, whose last word it cannot hear."""
RUNS_ON = "still running"
ENDED_FIRST = "the reader ended first"
STOPPED = "both were stopped"
"""What the one sent last, the other may have been too late for: several launchers that are asked to
stop do not wait for each other."""
STOPPING_NS = 5_000_000_000
"""A launcher's nodes have ended so long after it was asked."""
Process = tuple[str, int, int]
"""Its clock, when it started on that, and its number, which in a container is always the same."""
DATA = frozenset(
    topic.name for topic in (VIDEO, VIDEO_JPEG, AUDIO, SPEECH, FACES, UTTERANCES, MARKERS)
)
"""Topics whose messages are worth an account; heartbeats and logs go on to the very end."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One topic from one sender to one reader, over all their restarts."""

    topic: str
    sender: str
    reader: str
    produced: int
    """By the sender's own count."""
    before: int
    """Of these, before the reader came."""
    processed: int
    dropped: int
    """Overtaken by newer ones, on purpose."""
    lost: int
    unknown: str = ""
    """Why the two sides cannot be compared to the last message; empty where they can."""

    @property
    def accounted(self) -> int:
        """By the reader's count: what should be ``produced``."""
        return self.before + self.processed + self.dropped + self.lost

    @property
    def adds_up(self) -> bool:
        """Whether both sides agree; also where they cannot be compared."""
        return bool(self.unknown) or self.produced == self.accounted


@dataclass(slots=True)
class _Life:
    """One process of a node, as its first and its newest heartbeat tell."""

    first: Heartbeat
    last: Heartbeat

    @property
    def closed(self) -> bool:
        return self.last.state == "closing"

    @property
    def end_ns(self) -> int:
        return self.last.stamp.pipeline_ns


@dataclass(slots=True)
class Accounts:
    """Feed it every recorded heartbeat, then ask."""

    _lives: dict[str, dict[Process, _Life]] = field(default_factory=dict[str, dict[Process, _Life]])

    def hear(self, received: Received[Any]) -> None:
        if isinstance(received.message, Heartbeat):
            self.note(received.message)

    def note(self, beat: Heartbeat) -> None:
        """Take a heartbeat; of those of a process it may be any."""
        lives = self._lives.setdefault(beat.node, {})
        life = lives.setdefault(_process(beat), _Life(beat, beat))
        life.first = min(life.first, beat, key=_uptime_ns)
        life.last = max(life.last, beat, key=_uptime_ns)

    @property
    def last_beats(self) -> tuple[Heartbeat, ...]:
        """Of every process."""
        return tuple(life.last for lives in self._lives.values() for life in lives.values())

    @property
    def rejected(self) -> dict[str, int]:
        """Messages that were none, by the node that rejected them."""
        return {
            node: total
            for node, lives in self._lives.items()
            if (total := sum(life.last.rejected for life in lives.values()))
        }

    def hops(
        self,
        still_running: Iterable[str] = (),
        reads: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> list[Hop]:
        """All of them, by topic. ``still_running`` are nodes that outlive the recording; ``reads``
        are topics that a node must have read, also where it says that nothing came.
        """
        found = self._hops(frozenset(still_running), reads)
        return sorted(found, key=lambda hop: (hop.topic, hop.sender, hop.reader))

    def _hops(
        self, still_running: frozenset[str], reads: Mapping[str, Collection[str]]
    ) -> Iterator[Hop]:
        for reader, lives in self._lives.items():
            received: dict[tuple[str, str], list[TopicCounts]] = {}
            for life in lives.values():
                for counts in life.last.counts:
                    if counts.sender and counts.topic in DATA:
                        received.setdefault((counts.topic, counts.sender), []).append(counts)
            for topic, sender, before in self._sent_since_heard(reads.get(reader, ())):
                missed = TopicCounts(topic, sender, before=before)
                received.setdefault((topic, sender), [missed])
            for (topic, sender), counts in received.items():
                yield self._hop(topic, sender, reader, counts, still_running)

    def _sent_since_heard(self, topics: Collection[str]) -> Iterator[tuple[str, str, int]]:
        """Topic, sender, and what it had sent when its first heartbeat was heard, of those who
        sent more since.
        """
        for topic in DATA & set(topics):
            for sender, lives in self._lives.items():
                before = sum(_sent(life.first, topic) for life in lives.values())
                if sum(_sent(life.last, topic) for life in lives.values()) > before:
                    yield topic, sender, before

    def _hop(
        self,
        topic: str,
        sender: str,
        reader: str,
        counts: list[TopicCounts],
        still_running: frozenset[str],
    ) -> Hop:
        senders, readers = self._lives.get(sender, {}), self._lives[reader]
        hop = Hop(
            topic,
            sender,
            reader,
            produced=sum(_sent(life.last, topic) for life in senders.values()),
            before=sum(count.before for count in counts),
            processed=sum(count.messages for count in counts),
            dropped=sum(count.dropped for count in counts),
            lost=sum(count.lost for count in counts),
        )
        if sender in still_running or reader in still_running:
            return replace(hop, unknown=RUNS_ON)
        unknown = _unknown(hop, senders, readers, counts)
        if unknown == STOPPED and not self._has_launchers:
            unknown = ENDED_FIRST
        return replace(hop, unknown=unknown)

    @property
    def _has_launchers(self) -> bool:
        """Several: one ends its nodes in order."""
        kinds = [{life.last.kind for life in lives.values()} for lives in self._lives.values()]
        return sum("launcher" in each for each in kinds) > 1


def _process(beat: Heartbeat) -> Process:
    return beat.stamp.clock, beat.stamp.captured_ns - beat.uptime_ns, beat.pid


def _uptime_ns(beat: Heartbeat) -> int:
    return beat.uptime_ns


def _sent(beat: Heartbeat, topic: str) -> int:
    return sum(count.messages for count in beat.counts if not count.sender and count.topic == topic)


def _unknown(
    hop: Hop,
    senders: dict[Process, _Life],
    readers: dict[Process, _Life],
    counts: list[TopicCounts],
) -> str:
    if not senders:
        return "the sender told nothing"
    *former, last = senders.values()
    if not all(life.closed for life in former) or any(count.unknown for count in counts):
        return "the sender broke off"
    if len(readers) > 1:
        return "the reader broke off"
    (reader,) = readers.values()
    if not last.closed:
        return "the sender has no last word"
    if not reader.closed:
        return "the reader has no last word"
    if hop.accounted < hop.produced and reader.end_ns < last.end_ns:
        is_near = last.end_ns - reader.end_ns < STOPPING_NS
        return STOPPED if is_near else ENDED_FIRST
    return ""
