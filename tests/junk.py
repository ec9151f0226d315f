"""What no node should ever send: messages that were taken apart and put together wrongly, by
kinds, from a seed; and well-formed ones with a false name.
"""

import random
from collections.abc import Callable
from typing import Any

from messaging.packing import pack, unpack
from messaging.schema import Control, Heartbeat, Marker, Stamp, TopicCounts
from messaging.topics import CREDIT, HEARTBEAT, MARKERS, Topic
from messaging.wire import HEADER_BYTES, encode, topic_part
from tests.messaging.test_wire import EXAMPLES, payload_of

Parts = list[bytes]

CLAIMS = (
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff\x01",
    b"\xdc\xff\xff",
)
"""Lists, maps, bytes, texts and extensions of up to 4 billion elements, which never come."""
ABSURD: tuple[Any, ...] = (-1, 2**63, 2**64 - 1, -(2**63), 1.5, True, None, "7", b"", [], {"": 0})
WRONG: tuple[Any, ...] = (b"\0", {"": 0}, {})
"""No field of any message takes these."""


class Junk:
    """Makes messages of which none is valid, whatever the dice say."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._kinds: tuple[Callable[[Topic[Any]], Parts], ...] = (
            self._wrong_number_of_parts,
            self._cut_short,
            self._too_much,
            self._noise,
            self._deep,
            self._huge_claim,
            self._wrong_envelope,
            self._wrong_body,
            self._missing_field,
            self._wrong_payload,
            self._neighbouring_topic,
        )

    def of(self, topic: Topic[Any]) -> Parts:
        """Its subscribers get it: its first part begins as it should."""
        if self._dice.random() < 0.001:
            return [topic_part(topic.name), b"\x90" * (HEADER_BYTES + 1), b""]
        return self._dice.choice(self._kinds)(topic)

    def of_no_topic(self) -> Parts:
        """Nobody subscribes to it: it ends at the hub."""
        return [b"?" + self._dice.randbytes(self._dice.randrange(60)), self._bytes(), b""]

    def _bytes(self) -> bytes:
        return self._dice.randbytes(self._dice.randrange(200))

    def _envelope(self, topic: Topic[Any]) -> dict[str, Any]:
        head = encode(topic, EXAMPLES[topic.type], "stranger", 1, self._dice.randrange(2**62))
        return unpack(head[1])

    def _parts(self, topic: Topic[Any], envelope: object) -> Parts:
        return [topic_part(topic.name), pack(envelope), payload_of(topic)]

    def _wrong_number_of_parts(self, topic: Topic[Any]) -> Parts:
        name, *rest = self._parts(topic, self._envelope(topic))
        count = self._dice.choice((0, 1, 3, 4, 9, 60))
        return [name, *(self._dice.choice(rest) for _ in range(count))]

    def _cut_short(self, topic: Topic[Any]) -> Parts:
        name, header, payload = self._parts(topic, self._envelope(topic))
        return [name, header[: self._dice.randrange(len(header))], payload]

    def _too_much(self, topic: Topic[Any]) -> Parts:
        name, header, payload = self._parts(topic, self._envelope(topic))
        return [name, header + self._dice.randbytes(1 + self._dice.randrange(9)), payload]

    def _noise(self, topic: Topic[Any]) -> Parts:
        return [topic_part(topic.name), self._bytes(), payload_of(topic)]

    def _deep(self, topic: Topic[Any]) -> Parts:
        opening = self._dice.choice((b"\x91", b"\x81\xa0", b"\xdd\0\0\0\1"))
        depth = self._dice.choice((10, 511, 512, 513, 5000))
        return [topic_part(topic.name), opening * depth + b"\xc0", payload_of(topic)]

    def _huge_claim(self, topic: Topic[Any]) -> Parts:
        name, header, payload = self._parts(topic, self._envelope(topic))
        at = self._dice.randrange(len(header))
        return [name, header[:at] + self._dice.choice(CLAIMS), payload]

    def _wrong_envelope(self, topic: Topic[Any]) -> Parts:
        envelope = self._envelope(topic)
        key = self._dice.choice(("sender", "incarnation", "seq", "body", ""))
        if not key:
            return self._parts(topic, self._dice.choice(ABSURD))
        if self._dice.random() < 0.3:
            del envelope[key]
        elif key == "sender":
            envelope[key] = self._dice.choice((*WRONG, "", "x" * 257, "é" * 129, 3, None))
        else:
            envelope[key] = self._dice.choice(ABSURD)
        return self._parts(topic, envelope)

    def _wrong_body(self, topic: Topic[Any]) -> Parts:
        """A field anywhere in the tree, also deep in it, is of a type that it never takes."""
        envelope = self._envelope(topic)
        place: dict[str, Any] = envelope["body"]
        key = self._dice.choice(sorted(place))
        if key in ("stamp", "onset") and self._dice.random() < 0.7:
            place, key = place[key], self._dice.choice(("captured_ns", "clock", "offset_ns"))
        place[key] = self._dice.choice(WRONG)
        return self._parts(topic, envelope)

    def _missing_field(self, topic: Topic[Any]) -> Parts:
        envelope = self._envelope(topic)
        required = [f for f in ("stamp", "id", "source") if f in envelope["body"]]
        del envelope["body"][self._dice.choice(required)]
        return self._parts(topic, envelope)

    def _wrong_payload(self, topic: Topic[Any]) -> Parts:
        name, header, payload = self._parts(topic, self._envelope(topic))
        return [name, header, payload + self._dice.randbytes(1 + self._dice.randrange(500))]

    def _neighbouring_topic(self, topic: Topic[Any]) -> Parts:
        """A subscription is a beginning: this goes to the topic's readers as well."""
        _, header, payload = self._parts(topic, self._envelope(topic))
        return [
            topic_part(topic.name) + self._dice.randbytes(1 + self._dice.randrange(99)),
            header,
            payload,
        ]


class Forgery:
    """Valid messages with the names of others, or of nobody; none of them is a result."""

    def __init__(self, seed: int, names: tuple[str, ...], clock: str) -> None:
        self._dice = random.Random(seed)
        self._names = names
        self._clock = clock
        self._count = 0

    def next(self) -> tuple[Topic[Any], Parts]:
        self._count += 1
        known = self._dice.random() < 0.5
        sender = self._dice.choice(self._names) if known else f"stranger {self._count}"
        numbers = (0, 1, 57, 2**31, 2**62, 2**63 - 1)
        incarnation, seq = self._dice.choice(numbers), self._dice.choice(numbers)
        topic, message = self._message(sender)
        return topic, [*encode(topic, message, sender, incarnation, seq), b""]

    def _message(self, sender: str) -> tuple[Topic[Any], Any]:
        stamp = Stamp(self._dice.randrange(2**62), self._clock)
        number = self._dice.choice((-1, 0, 1000, 2**62))
        kind = self._dice.randrange(3)
        if kind == 0:
            return MARKERS, Marker(stamp, "x" * self._dice.choice((0, 4096)))
        if kind == 1:
            other = self._dice.choice(self._names)
            action = Control(stamp, "credit", sender, "video", other, 2**62, number)
            return CREDIT, action
        counts = tuple(
            TopicCounts("video", name, number, 2**62, 2**62, 2**62) for name in self._names * 20
        )
        state = self._dice.choice(("starting", "waiting", "running", "closing"))
        return HEARTBEAT, Heartbeat(
            stamp, sender, state, self._dice.randrange(2**22), counts=counts
        )
