"""Counts what was sent, received, overtaken and lost. Every figure is counted, none a residual."""

from collections.abc import Collection
from dataclasses import dataclass

from messaging.schema import Heartbeat, TopicCounts
from messaging.topics import TOPICS
from messaging.wire import Received

PROXY_OF = {topic.name: topic.proxy for topic in TOPICS}


@dataclass(slots=True)
class _Stream:
    """What one sender, in one incarnation, was seen to send on one topic."""

    incarnation: int
    last_seq: int
    messages: int = 0
    dropped: int = 0
    lost: int = 0


class Ledger:
    """The counters of one node; its heartbeats carry them."""

    def __init__(self) -> None:
        self.rejected = 0
        self._sent: dict[str, int] = {}
        self._streams: dict[tuple[str, str], _Stream] = {}

    def sent(self, topic: str) -> int:
        """Messages sent on ``topic``."""
        return self._sent.get(topic, 0)

    def next_seq(self, topic: str) -> int:
        """The number of the next message on ``topic``; it counts as sent."""
        seq = self._sent.get(topic, 0)
        self._sent[topic] = seq + 1
        return seq

    def arrived(self, topic: str, sender: str, incarnation: int, seq: int) -> bool:
        """Note an arrival; ``False`` for a repeated, or a former incarnation's message.

        A reader that joins late has lost nothing: it counts from the first number that it sees,
        and from 0 after the sender's restart.
        """
        stream = self._streams.get((topic, sender))
        if stream is None:
            stream = self._streams[topic, sender] = _Stream(incarnation, seq - 1)
        elif incarnation > stream.incarnation:
            stream.incarnation, stream.last_seq = incarnation, -1
        elif incarnation < stream.incarnation or seq <= stream.last_seq:
            return False
        stream.lost += seq - stream.last_seq - 1
        stream.last_seq = seq
        stream.messages += 1
        return True

    def overtaken(self, topic: str, sender: str, messages: int) -> None:
        """Note that ``messages`` arrivals were dropped for a newer one."""
        stream = self._streams[topic, sender]
        stream.messages -= messages
        stream.dropped += messages

    def tails(self, now: Received[Heartbeat], before: Received[Heartbeat] | None) -> None:
        """Note a sender's own word on what it has sent: what is missing at the end is lost.

        Events travel in one line with the heartbeats. ``bulk`` does not: there the word of the
        heartbeat before is taken, whose pictures have arrived by now if they ever will.
        """
        for word, proxy in ((now, "events"), (before, "bulk")):
            for counts in word.message.counts if word else ():
                stream = self._streams.get((counts.topic, now.sender))
                if (
                    stream is None
                    or word is None
                    or counts.sender
                    or PROXY_OF.get(counts.topic) != proxy
                    or stream.incarnation != word.incarnation
                ):
                    continue
                stream.lost += max(0, counts.last_seq - stream.last_seq)
                stream.last_seq = max(counts.last_seq, stream.last_seq)

    def counts(self) -> tuple[TopicCounts, ...]:
        sent = (
            TopicCounts(topic, last_seq=count - 1, messages=count)
            for topic, count in self._sent.items()
        )
        received = (
            TopicCounts(
                topic, sender, stream.last_seq, stream.messages, stream.dropped, stream.lost
            )
            for (topic, sender), stream in self._streams.items()
        )
        return (*sent, *received)


def lost(heartbeat: Heartbeat, proxies: Collection[str] = ("bulk", "events")) -> int:
    """Messages that never reached the node, over all topics of these proxies and all senders."""
    return sum(count.lost for count in heartbeat.counts if PROXY_OF.get(count.topic) in proxies)


def dropped(heartbeat: Heartbeat) -> int:
    """Messages that the node let newer ones overtake."""
    return sum(counts.dropped for counts in heartbeat.counts)
