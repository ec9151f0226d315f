"""Numbers of messages, by which a reader knows that it has all."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from messaging.schema import Heartbeat
from messaging.topics import FACES, SPEECH, UTTERANCES, Topic
from messaging.wire import Received

KEPT: tuple[Topic[Any], ...] = (SPEECH, FACES, UTTERANCES)
"""Nothing of these may be missing."""


def holes(received: Iterable[Received[Any]]) -> Counter[tuple[str, str]]:
    """Messages missing between the first and the last of each incarnation, by topic and sender;
    those that came are in order.
    """
    numbers: dict[tuple[str, str, int], list[int]] = {}
    for one in received:
        if one.topic in KEPT:
            stream = one.topic.name, one.sender, one.incarnation
            numbers.setdefault(stream, []).append(one.seq)
    missing: Counter[tuple[str, str]] = Counter()
    for (topic, sender, _), seqs in numbers.items():
        assert seqs == sorted(set(seqs)), f"{topic} of {sender}: out of order, or twice"
        missing[topic, sender] += seqs[-1] - seqs[0] + 1 - len(seqs)
    return +missing


def lost(beat: Heartbeat) -> Counter[tuple[str, str]]:
    """What a node says that it lost of them, by topic and sender."""
    names = {topic.name for topic in KEPT}
    counts = (count for count in beat.counts if count.sender and count.topic in names)
    return +Counter({(count.topic, count.sender): count.lost for count in counts})
