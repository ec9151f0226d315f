"""Every stream: its type, its nominal rate, and what a slow reader may lose."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from messaging import schema

M = TypeVar("M", bound="schema.Message")


def _no_payload(_: object) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Topic(Generic[M]):
    name: str
    type: type[M]
    proxy: Literal["bulk", "events"]
    """Which of the hub's two proxies carries it."""
    keeps: Literal["newest", "all"]
    """What a slow reader keeps; ``newest`` is ``all`` where the source is lossless."""
    rate_hz: float | None = None
    """Nominal; ``None``: when it happens."""
    payload_bytes: Callable[[M], int | None] = _no_payload
    """What a message's payload must measure; ``None``: any size."""
    credit_every: int = 1
    """A reader of a lossless source gives credit for every so many messages."""
    is_healed: bool = False
    """What is missing is sent again."""


def _raw_picture_bytes(frame: schema.VideoFrame) -> int:
    return frame.width * frame.height * 3 if frame.event == "picture" else 0


def _jpeg_bytes(frame: schema.VideoFrame) -> int | None:
    return None if frame.event == "picture" else 0


def _pcm_bytes(chunk: schema.AudioChunk) -> int:
    return chunk.samples * 2 if chunk.event == "sound" else 0


VIDEO = Topic("video", schema.VideoFrame, "bulk", "newest", 30, _raw_picture_bytes)
VIDEO_JPEG = Topic(
    "video_jpeg", schema.VideoFrame, "bulk", "newest", 30, _jpeg_bytes, credit_every=4
)
AUDIO = Topic("audio", schema.AudioChunk, "bulk", "all", 31.25, _pcm_bytes)
SPEECH = Topic("speech", schema.SpeechEvent, "events", "all", 1, is_healed=True)
FACES = Topic("faces", schema.FaceEmotions, "events", "all", 30, credit_every=16, is_healed=True)
UTTERANCES = Topic("utterances", schema.UtteranceEmotion, "events", "all", is_healed=True)
MARKERS = Topic("markers", schema.Marker, "events", "all", is_healed=True)
HEARTBEAT = Topic("heartbeat", schema.Heartbeat, "events", "all", 1)
LOG = Topic("log", schema.LogRecord, "events", "all")
CONTROL = Topic("control", schema.Control, "events", "all")
CREDIT = Topic("credit", schema.Control, "events", "all")
"""Control, too; apart from it, since at full speed it would wake every node for every picture."""
CLOCK = Topic("clock", schema.ClockBurst, "events", "all", 0.5)

TOPICS: tuple[Topic[Any], ...] = (
    VIDEO,
    VIDEO_JPEG,
    AUDIO,
    SPEECH,
    FACES,
    UTTERANCES,
    MARKERS,
    HEARTBEAT,
    LOG,
    CONTROL,
    CREDIT,
    CLOCK,
)
