"""How a message of the wire lies in an MCAP file.

One channel for each topic and source, named ``topic/source``. A message's data is a MessagePack
stream of one or two objects: the wire's header as it came, then the payload as ``bin`` where there
is one. ``log_time`` is when it arrived at the recorder, ``publish_time`` its stamp, both on the
hub's clock and never below 0 (file times may be: the header has the true one).
"""

import json
from functools import cache
from typing import Any

import msgpack
from pydantic import TypeAdapter

from messaging.packing import pack
from messaging.topics import TOPICS, Topic
from messaging.wire import JunkError, Received, decode, topic_part

ENCODING = "msgpack"
PROFILE = "emofuse"
TOPIC_BY_NAME: dict[str, Topic[Any]] = {topic.name: topic for topic in TOPICS}

_library: Any = msgpack


def source_of(received: Received[Any]) -> str:
    """The camera or microphone that a message is about; the node, where it is about none."""
    return getattr(received.message, "source", "") or received.sender


def channel_name(topic: str, source: str) -> str:
    return f"{topic}/{source}"


def stamp_ns(message: Any) -> int:
    """The instant that a message speaks of: its stamp; an utterance's is its offset or onset."""
    stamp = getattr(message, "stamp", None) or message.offset or message.onset
    return stamp.pipeline_ns


@cache
def json_schema(topic: str) -> bytes:
    """Of a header's ``body``."""
    return json.dumps(TypeAdapter(TOPIC_BY_NAME[topic].type).json_schema()).encode()


@cache
def schema_name(topic: str) -> str:
    return TOPIC_BY_NAME[topic].type.__name__


def to_data(received: Received[Any]) -> bytes:
    header = bytes(received.header)
    return header + pack(bytes(received.payload)) if len(received.payload) else header


def from_data(topic: str, data: bytes, arrived_ns: int) -> Received[Any]:
    """The message as it came.

    Raises:
        JunkError: it is none.
    """
    unpacker = _library.Unpacker(max_buffer_size=0)
    unpacker.feed(data)
    try:
        unpacker.skip()
        end = unpacker.tell()
        payload: object = unpacker.unpack() if end < len(data) else b""
    except (ValueError, _library.OutOfData) as error:
        raise JunkError(f"{topic}: {type(error).__name__}") from error
    if not isinstance(payload, bytes) or unpacker.tell() != len(data):
        raise JunkError(f"{topic}: something else behind its header")
    return decode([topic_part(topic), memoryview(data)[:end], payload], arrived_ns)
