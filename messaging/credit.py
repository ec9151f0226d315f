"""The readers that a lossless sender waits for: who they are, and how far each has come. Pure."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from messaging.schema import Control, Heartbeat
from messaging.wire import Received

GONE_NS = 2_000_000_000
"""A reader that said nothing for so long, while a newer one of its name speaks, was restarted."""
FORGOTTEN_NS = 10_000_000_000
"""A reader that said nothing for so long is not waited for any more."""
MOST_READERS = 64
"""Readers times topics that a sender waits for."""


@dataclass(slots=True)
class _Reader:
    """One reader of one topic."""

    incarnation: int
    seq: int
    """Of the last message that it has done with."""
    heard_ns: int


class Readers:
    """Those of the sender ``name``; ``sent`` tells how many messages of a topic it has sent."""

    def __init__(
        self, name: str, incarnation: int, sent: Callable[[str], int], log: logging.Logger
    ) -> None:
        self._name, self._incarnation = name, incarnation
        self._sent = sent
        self._log = log
        self._readers: dict[tuple[str, str], _Reader] = {}
        """By topic and name."""
        self._awaited: set[str] = set()
        """Topics of which the sender does wait: it is lossless there."""

    def are_there(self, topic: str) -> bool:
        return any(name == topic for name, _ in self._readers)

    def behind(self, topic: str) -> int:
        """Messages that the slowest has yet to do with; 0 where there is none. The sender waits."""
        self._awaited.add(topic)
        done = [reader.seq for (name, _), reader in self._readers.items() if name == topic]
        return self._sent(topic) - 1 - min(done) if done else 0

    def hear_heartbeat(self, received: Received[Heartbeat]) -> None:
        """It says what its sender reads."""
        beat, name = received.message, received.sender
        for topic in beat.awaited:
            if beat.state == "closing":
                reader = self._readers.get((topic, name))
                if reader is not None and reader.incarnation == received.incarnation:
                    del self._readers[topic, name]  # and not for a namesake that had to leave
            else:
                self._admit(topic, received)

    def hear_credit(self, received: Received[Control]) -> None:
        """Its sender has done with a message; that of another one is passed over."""
        control, name = received.message, received.sender
        topic = control.topic
        if (
            (control.sender, control.incarnation) != (self._name, self._incarnation)
            or control.reader != name
            or not self._sent(topic)
        ):
            return
        reader = self._readers.get((topic, name))
        if reader is None:
            if len(self._readers) == MOST_READERS:
                return
            reader = self._readers[topic, name] = _Reader(received.incarnation, -1, 0)
        elif received.incarnation > reader.incarnation:
            self._tell_of_restart(topic, name, reader)
        reader.incarnation, reader.heard_ns = received.incarnation, received.received_ns
        if control.seq < self._sent(topic):
            reader.seq = max(reader.seq, control.seq)

    def forget(self, name: str) -> None:
        """Another one does the work of this reader."""
        for key in [key for key in self._readers if key[1] == name]:
            del self._readers[key]

    def excuse(self, now_ns: int) -> None:
        """Nobody could be heard until now."""
        for reader in self._readers.values():
            reader.heard_ns = now_ns

    def forget_silent(self, now_ns: int) -> None:
        for (topic, name), reader in list(self._readers.items()):
            if reader.heard_ns < now_ns - FORGOTTEN_NS:
                self._log.warning("%s fell silent: %s does not wait for it", name, topic)
                del self._readers[topic, name]

    def _admit(self, topic: str, received: Received[Heartbeat]) -> None:
        """It is waited for from here on. What was sent before it came it will never acknowledge,
        nor what the one that it replaces had in hand when it died.
        """
        name, incarnation, now_ns = received.sender, received.incarnation, received.received_ns
        newest = self._sent(topic) - 1
        reader = self._readers.get((topic, name))
        if reader is None:
            if len(self._readers) < MOST_READERS:
                self._readers[topic, name] = _Reader(incarnation, newest, now_ns)
        elif reader.incarnation == incarnation:
            reader.heard_ns = now_ns
        elif incarnation > reader.incarnation and reader.heard_ns < now_ns - GONE_NS:
            self._tell_of_restart(topic, name, reader)
            self._readers[topic, name] = _Reader(incarnation, newest, now_ns)

    def _tell_of_restart(self, topic: str, name: str, former: _Reader) -> None:
        lost = self._sent(topic) - 1 - former.seq
        if lost and topic in self._awaited:  # of what is live, the reader's own counts tell
            self._log.warning(
                "%s was restarted; up to %d messages of %s were lost with it", name, lost, topic
            )
