"""The messages of a topic as lines; of a payload only its size."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from commands.watch.listener import listening, topic_called
from config.settings import Settings
from messaging.text import plain
from messaging.wire import Received

LOOK_S = 0.1


def echo(settings: Settings, name: str, *, count: int | None, as_json: bool) -> None:
    """Until Ctrl-C, or until ``count`` messages have come.

    Raises:
        UserError: there is no such topic, or no hub.
    """
    topic = topic_called(name)
    left = count
    with listening(settings, topic) as listener:
        for arrived in listener.rounds(LOOK_S):
            for received in arrived:
                if received.topic is topic:
                    print(as_object(received) if as_json else as_line(received), flush=True)
                    left = None if left is None else left - 1
                if left == 0:
                    return


def as_object(received: Received[Any]) -> str:
    """One line of JSON; ``message`` holds every field, as on the wire."""
    return json.dumps(
        {
            "topic": received.topic.name,
            "sender": received.sender,
            "incarnation": received.incarnation,
            "seq": received.seq,
            "received_ns": received.received_ns,
            "dropped": received.dropped,
            "payload_bytes": len(received.payload),
            "message": asdict(received.message),
        },
        allow_nan=False,
    )


def as_line(received: Received[Any]) -> str:
    """One line to be read: fields that say nothing are left out, stamps are seconds."""
    fields = _fields(asdict(received.message))
    size = f" [{len(received.payload)} bytes]" if len(received.payload) else ""
    return plain(f"{received.sender} #{received.seq} {fields}{size}")


def _fields(message: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in message.items() if _says_something(value)}
    return " ".join(f"{name}={_value(value)}" for name, value in kept.items())


def _says_something(value: object) -> bool:
    return value not in (None, "", (), [])


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        if "captured_ns" in fields:
            return f"{(fields['captured_ns'] + fields['offset_ns']) / 1e9:.3f}s"
        return f"({_fields(fields)})"
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(_value, cast("list[object]", value))) + "]"
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value) if not isinstance(value, str) or value.isidentifier() else json.dumps(value)
