"""Messages as they arrive, and small sessions made of them. Times are milliseconds."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from capture.pictures import to_jpeg
from messaging.clock import clock_name
from messaging.schema import (
    AudioChunk,
    FaceEmotions,
    Heartbeat,
    Marker,
    SpeechEvent,
    Stamp,
    TopicCounts,
    VideoFrame,
)
from messaging.topics import AUDIO, FACES, MARKERS, SPEECH, VIDEO_JPEG, Topic
from messaging.wire import Buffer, Received, decode, encode
from recording.part import PartWriter
from recording.session import Session, create_session, next_part, open_session

MS = 1_000_000
WIDTH, HEIGHT = 64, 48
ABOUT = {"started_ns": 0, "clock": clock_name(), "settings": {"recording": {"mode": "all"}}}
State = Literal["starting", "waiting", "running", "closing"]


def arrived(
    topic: Topic[Any],
    message: Any,
    payload: Buffer = b"",
    *,
    seq: int = 0,
    sender: str = "media",
    incarnation: int = 1,
    at_ms: float = 0,
) -> Received[Any]:
    parts = [*encode(topic, message, sender, incarnation, seq), payload]
    return decode(parts, round(at_ms * MS))


def stamp(ms: float) -> Stamp:
    return Stamp(round(ms * MS), "test")


def jpeg(shade: int = 128) -> bytes:
    return to_jpeg(np.full((HEIGHT, WIDTH, 3), shade, np.uint8), 90)


def picture(number: int, ms: float) -> Received[Any]:
    """Arrives 2 ms after it was taken."""
    frame = VideoFrame(stamp(ms), "camera", number, width=WIDTH, height=HEIGHT, interval_ns=40 * MS)
    return arrived(VIDEO_JPEG, frame, jpeg(number % 256), seq=number, at_ms=ms + 2)


def sound(number: int, ms: float, samples: int = 512) -> Received[Any]:
    chunk = AudioChunk(stamp(ms), "microphone", number * samples, samples=samples)
    return arrived(AUDIO, chunk, bytes(samples * 2), seq=number, at_ms=ms + 2)


def faces(number: int, ms: float) -> Received[Any]:
    message = FaceEmotions(stamp(ms), "camera", number, interval_ns=40 * MS)
    return arrived(FACES, message, seq=number, sender="inference", at_ms=ms + 5)


def speech(
    event: Literal["opened", "started", "ended", "analysed_until", "gap", "closed"],
    ms: float,
    **fields: Any,
) -> Received[Any]:
    return arrived(SPEECH, SpeechEvent(stamp(ms), "microphone", event, **fields), at_ms=ms + 3)


def marker(text: str, number: int = 0, ms: float = 0) -> Received[Any]:
    return arrived(MARKERS, Marker(stamp(ms), text), seq=number, sender="command", at_ms=ms)


def beat(
    node: str,
    *counts: TopicCounts,
    state: State = "closing",
    pid: int = 1,
    ms: float = 1000,
    began_ms: float = 0,
    kind: str = "",
) -> Heartbeat:
    uptime_ns = round((ms - began_ms) * MS)
    return Heartbeat(stamp(ms), node, state, pid, uptime_ns=uptime_ns, counts=counts, kind=kind)


def some(count: int = 40) -> list[Received[Any]]:
    """Two seconds of a camera and its faces, in the order of arrival."""
    made = [said for n in range(count) for said in (picture(n, n * 50), faces(n, n * 50))]
    return sorted(made, key=lambda received: received.received_ns)


def write_part(
    path: Path,
    messages: Iterable[Received[Any]],
    about: dict[str, str] | None = None,
    *,
    chunk: int = 10,
    finish: bool = True,
) -> PartWriter:
    """So many messages a chunk. Without ``finish`` the file is left as a crash would leave it."""
    writer = PartWriter(path, about or {"wire_version": "1"})
    for number, received in enumerate(messages, 1):
        writer.write(received, received.received_ns)
        if number % chunk == 0:
            writer.flush()
    if finish:
        writer.finish()
    else:
        writer.abandon()
    return writer


def make_session(
    folder: Path, *parts: Sequence[Received[Any]], about: dict[str, Any] | None = None
) -> Session:
    create_session(folder, ABOUT if about is None else about)
    for messages in parts:
        write_part(next_part(folder), messages)
    return open_session(folder)
