"""docs/protocol.md describes every message as it is: fields in their order, types and defaults."""

import re
from contextlib import nullcontext
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from messaging import schema
from messaging.packing import pack
from messaging.topics import TOPICS
from messaging.wire import JunkError, decode

PROTOCOL = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
PARTS = (schema.Stamp, schema.Face, schema.TopicCounts)
TYPES: tuple[type[Any], ...] = (*PARTS, *{topic.type: None for topic in TOPICS})
NAMED: dict[Any, str] = {
    schema.Text: "text",
    schema.Name: "name",
    schema.Flag: "bool",
    schema.Ns: "int",
    schema.Count: "count",
    schema.Pixels: "pixels",
    schema.Real: "float",
    schema.Share: "share",
    schema.Probabilities: "7 shares",
}
DEFAULTS = {"None": "nil", "()": "[]", "''": "empty", "False": "false", "True": "true"}
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+?) \| ([^|]+?) \|[^|]*\|$", re.MULTILINE)
TOPIC = re.compile(r"^\| `(\w+)` \| (\w+) \| (\w+) \| (\w+) \| ([^|]+?) \|$", re.MULTILINE)


def table(name: str) -> list[tuple[str, str, str]]:
    """Field, type and default of every row below the heading ``name``."""
    text = PROTOCOL.partition(f"\n### {name}\n")[2]
    assert text, f"no heading {name}"
    return ROW.findall(text.partition("\n### ")[0].partition("\n## ")[0])


def described(kind: Any) -> str:
    if kind in NAMED:
        return NAMED[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return described(inner[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" if value else "empty" for value in inner)
    if origin in (Union, UnionType):
        (one,) = (part for part in inner if part is not NoneType)
        return f"{described(one)} or nil"
    if origin is tuple:
        return (
            f"[{described(inner[0])}]"
            if inner[1] is ...
            else f"{len(inner)} {described(inner[0])}s"
        )
    if is_dataclass(kind):
        return getattr(kind, "__name__", "")
    return {int: "int", str: "text"}[kind]


def default(value: Any) -> str:
    if value is MISSING:
        return "needed"
    if isinstance(value, float):
        return f"{value:g}"
    return DEFAULTS.get(repr(value)) or str(value)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_field_is_described_as_it_is(kind: type[Any]) -> None:
    hints = get_type_hints(kind, include_extras=True)
    assert table(kind.__name__) == [
        (field.name, described(hints[field.name]), default(field.default)) for field in fields(kind)
    ]


def test_every_topic_is_described_as_it_is() -> None:
    assert TOPIC.findall(PROTOCOL) == [
        (topic.name, topic.type.__name__, topic.proxy, topic.keeps, rate(topic.rate_hz))
        for topic in TOPICS
    ]


@pytest.mark.parametrize(
    ("field", "value", "is_taken"),
    [
        ("level_dbfs", -20, True),
        ("level_dbfs", float("nan"), False),
        ("speech", 1, True),
        ("speech", 1.5, False),
        ("samples", 0.0, False),
        ("lossless", 1, False),
        ("text", b"why", False),
        ("colour", "blue", True),
    ],
)
def test_numbers_and_texts_are_taken_as_it_says(field: str, value: object, is_taken: bool) -> None:
    body = {"stamp": {"captured_ns": 1, "clock": "c"}, "source": "m", "first_sample": 0,
            "event": "closed", field: value}  # fmt: skip
    header = pack({"sender": "s", "incarnation": 1, "seq": 0, "body": body})
    with nullcontext() if is_taken else pytest.raises(JunkError):
        decode([b"audio\0", header, b""])


def rate(rate_hz: float | None) -> str:
    return "when it happens" if rate_hz is None else f"{rate_hz:g}"
