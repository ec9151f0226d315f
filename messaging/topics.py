"""Every stream: its type, its nominal rate, and what a slow reader may lose."""

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from messaging import schema

M = TypeVar("M", bound="schema.Message")


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
    max_payload: int = 0
    """Bytes; a message with more is rejected."""


PICTURE_BYTES = 3 * 7680 * 4320

VIDEO = Topic("video", schema.VideoFrame, "bulk", "newest", 30, PICTURE_BYTES)
VIDEO_JPEG = Topic("video_jpeg", schema.VideoFrame, "bulk", "newest", 30, PICTURE_BYTES)
AUDIO = Topic("audio", schema.AudioChunk, "bulk", "all", 31.25, 2_000_000)
SPEECH = Topic("speech", schema.SpeechEvent, "events", "all", 1)
FACES = Topic("faces", schema.FaceEmotions, "events", "all", 30)
UTTERANCES = Topic("utterances", schema.UtteranceEmotion, "events", "all")
MARKERS = Topic("markers", schema.Marker, "events", "all")
HEARTBEAT = Topic("heartbeat", schema.Heartbeat, "events", "all", 1)
LOG = Topic("log", schema.LogRecord, "events", "all")
CONTROL = Topic("control", schema.Control, "events", "all")

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
)
