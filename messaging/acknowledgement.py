"""What a reader has done with, and what it has yet to say of that to lossless senders. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from messaging.ledger import Ledger
from messaging.wire import Received

SAID_AGAIN_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class Done:
    """All of the sender's messages on the topic up to that number."""

    topic: str
    sender: str
    incarnation: int
    seq: int


class Acknowledgement:
    """Of one reader; ``topics`` are those whose senders wait for it. What ``is_healing`` may yet
    come, and is not lost.
    """

    def __init__(
        self, topics: Sequence[str], ledger: Ledger, is_healing: Callable[[str, str], bool]
    ) -> None:
        self.topics = tuple(topics)
        self._ledger = ledger
        self._is_healing = is_healing
        self._done: dict[tuple[str, str], tuple[Done, int]] = {}
        """And when it came."""
        self._said: dict[tuple[str, str], Done] = {}

    def note(self, received: Received[Any]) -> Done | None:
        """It is done with; returned where its sender is to hear of it at once."""
        topic = received.topic
        done = Done(topic.name, received.sender, received.incarnation, received.seq)
        self._done[topic.name, received.sender] = done, received.received_ns
        is_due = received.seq % topic.credit_every == 0 or received.message.event == "closed"
        return self._say(done) if is_due else None

    def left(self, now_ns: int) -> Iterator[Done]:
        """What was done with and not said so yet, and for a while what was said last, since that
        may be lost; and what was lost on its way: that will never be done with, and its sender
        would wait for it forever.
        """
        for stream, (done, came_ns) in self._done.items():
            if self._said.get(stream) != done or now_ns - came_ns < SAID_AGAIN_NS:
                yield self._say(done)
        for topic in self.topics:
            for tail in self._ledger.tails(topic):
                sender, incarnation = tail.sender, tail.incarnation
                last, _ = self._done.get((topic, sender), (None, 0))
                is_done = tail.arrived is None or last == Done(
                    topic, sender, incarnation, tail.arrived
                )
                if is_done and not self._is_healing(topic, sender):
                    yield self._say(Done(topic, sender, incarnation, tail.sent))

    def _say(self, done: Done) -> Done:
        self._said[done.topic, done.sender] = done
        return done
