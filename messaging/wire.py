"""Messages to bytes and back: topic name, MessagePack header, raw payload, in three parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from messaging import schema
from messaging.packing import pack, unpack
from messaging.topics import TOPICS, Topic

M = TypeVar("M", bound="schema.Message")
Buffer = bytes | bytearray | memoryview

VERSION = 1
"""Of the wire, and so of recordings. It grows when old readers could misread new messages; new
fields with defaults do not count.
"""

HEADER_BYTES = 262_144
"""The longest header that is looked at; 256 faces take a quarter of it."""


class JunkError(ValueError):
    """Bytes that are no message of ours; the text says why."""

    number: tuple[str, str, int, int] | None = None
    """Topic, sender, incarnation and seq, where that much can be read: no message has that number.
    """


@dataclass(frozen=True, slots=True)
class Received(Generic[M]):
    """A message as it arrived."""

    topic: Topic[M]
    message: M
    payload: memoryview
    """A view on the transport's own memory; keep it as long as you like, never write to it."""
    sender: str
    incarnation: int
    """The instant at which the sender started: a restarted one counts from 0 again."""
    seq: int
    """Number of this message among the sender's on this topic, from 0."""
    received_ns: int = 0
    dropped: int = 0
    """Messages of this topic and sender that this one overtook."""
    header: Buffer = b""
    """The second part, as it came."""


def topic_part(name: str) -> bytes:
    """The first part; its ending zero keeps ``video`` from matching ``video_jpeg``."""
    return name.encode() + b"\0"


_BY_PART: dict[bytes, Topic[Any]] = {topic_part(topic.name): topic for topic in TOPICS}


@cache
def _adapter(kind: type[M]) -> TypeAdapter[M]:
    return TypeAdapter(kind)


def encode(topic: Topic[M], message: M, sender: str, incarnation: int, seq: int) -> list[bytes]:
    """The first two parts. The body is the same for the same message, whoever sends it when."""
    header = {
        "sender": sender,
        "incarnation": incarnation,
        "seq": seq,
        "body": _adapter(topic.type).dump_python(message),
    }
    return [topic_part(topic.name), pack(header)]


def decode(parts: Sequence[Buffer], received_ns: int = 0) -> Received[Any]:
    """The message in ``parts``.

    Raises:
        JunkError: it is none: wrong number of parts, unknown topic, a header that is too long,
            truncated or of other types, or a payload of another size than the header says.
    """
    if len(parts) != 3:
        raise JunkError(f"{len(parts)} parts instead of 3")
    name, header, payload = parts
    topic = _BY_PART.get(bytes(name[:64]))
    if topic is None:
        raise JunkError(f"unknown topic {bytes(name[:64])!r}")
    if len(header) > HEADER_BYTES:
        raise JunkError(f"{topic.name}: header of {len(header)} bytes")
    try:
        envelope: Any = unpack(header)
        sender, incarnation, seq = envelope["sender"], envelope["incarnation"], envelope["seq"]
        body = envelope["body"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise JunkError(f"{topic.name}: {type(error).__name__}") from error
    if not (_is_name(sender) and _is_count(incarnation) and _is_count(seq)):
        raise JunkError(f"{topic.name}: no sender, incarnation or number")
    try:
        message = _adapter(topic.type).validate_python(body)
        expected = topic.payload_bytes(message)
        if expected is not None and expected != len(payload):
            raise JunkError(f"{topic.name}: payload of {len(payload)} bytes instead of {expected}")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        junk = JunkError(f"{topic.name}: {error if isinstance(error, JunkError) else type(error)}")
        junk.number = topic.name, sender, incarnation, seq
        raise junk from error
    return Received(
        topic,
        message,
        memoryview(payload),
        sender,
        incarnation,
        seq,
        received_ns,
        header=header,
    )


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.encode()) <= 256


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63
