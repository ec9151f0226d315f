"""Messages as a display receives them; times in milliseconds."""

from collections.abc import Sequence
from itertools import count
from typing import Any, Literal, cast

import numpy as np

from display.scene import Picture
from messaging.schema import (
    EMOTIONS,
    AudioChunk,
    Emotion,
    Face,
    FaceEmotions,
    Heartbeat,
    Marker,
    Probabilities,
    SpeechEvent,
    Stamp,
    TopicCounts,
    UtteranceEmotion,
    VideoFrame,
)
from messaging.topics import AUDIO, FACES, HEARTBEAT, MARKERS, SPEECH, UTTERANCES, VIDEO, Topic
from messaging.wire import Received

MS = 1_000_000
WIDTH, HEIGHT = 64, 48

_seq = count()


def received(topic: Topic[Any], message: Any, at_ms: float, payload: bytes = b"") -> Received[Any]:
    sender = message.node if isinstance(message, Heartbeat) else "test"
    return Received(topic, message, memoryview(payload), sender, 1, next(_seq), round(at_ms * MS))


def stamp(at_ms: float) -> Stamp:
    return Stamp(round(at_ms * MS), "clock")


def probabilities(label: Emotion, share: float = 0.7) -> Probabilities:
    rest = (1 - share) / 6
    values = [share if emotion == label else rest for emotion in EMOTIONS]
    return cast("Probabilities", tuple(values))


def face(
    label: Emotion = "happy",
    box: tuple[float, float, float, float] = (10, 10, 20, 20),
    track: int = 1,
    share: float = 0.7,
) -> Face:
    return Face(track, box, 0.9, probabilities(label, share))


def shade(index: int) -> Picture:
    """A picture that tells its number by its grey."""
    return np.full((HEIGHT, WIDTH, 3), index % 256, np.uint8)


def picture(
    index: int, at_ms: float, source: str = "camera", captured_ms: float | None = None
) -> Received[Any]:
    captured = stamp(at_ms if captured_ms is None else captured_ms)
    frame = VideoFrame(captured, source, index, "picture", WIDTH, HEIGHT)
    return received(VIDEO, frame, at_ms, shade(index).tobytes())


def video_event(
    event: Literal["opened", "gap", "closed"], at_ms: float, text: str = ""
) -> Received[Any]:
    return received(VIDEO, VideoFrame(stamp(at_ms), "camera", 0, event, text=text), at_ms)


def result(
    index: int,
    captured_ms: float,
    at_ms: float,
    faces: Sequence[Face] = (),
    source: str = "camera",
    *,
    real_time: bool = True,
) -> Received[Any]:
    message = FaceEmotions(
        stamp(captured_ms),
        source,
        index,
        "analysed",
        tuple(faces),
        WIDTH,
        HEIGHT,
        real_time=real_time,
        inference_ns=5 * MS,
    )
    return received(FACES, message, at_ms)


def sound(at_ms: float, level_dbfs: float = -20.0, speech: float = 0.9) -> Received[Any]:
    chunk = AudioChunk(stamp(at_ms), "microphone", 0, "sound", 0, 16_000, level_dbfs, speech)
    return received(AUDIO, chunk, at_ms)


def speech(event: Literal["opened", "started", "ended", "closed"], at_ms: float) -> Received[Any]:
    return received(SPEECH, SpeechEvent(stamp(at_ms), "microphone", event), at_ms)


def utterance(
    onset_ms: float,
    offset_ms: float | None,
    label: Emotion | None = "happy",
    *,
    final: bool = True,
    source: str = "microphone",
) -> Received[Any]:
    message = UtteranceEmotion(
        f"{source}-{onset_ms:g}",
        source,
        stamp(onset_ms),
        None if offset_ms is None else stamp(offset_ms),
        "matched" if label else "no_face",
        label,
        probabilities(label) if label else None,
        dt_ns=12 * MS if label else None,
        settled=final,
        final=final,
    )
    return received(UTTERANCES, message, onset_ms if offset_ms is None else offset_ms)


def heartbeat(
    node: str, at_ms: float = 0, counts: Sequence[TopicCounts] = (), cpu_ms: float = 0
) -> Received[Any]:
    beat = Heartbeat(
        stamp(at_ms),
        node,
        "running",
        7,
        uptime_ns=round(at_ms * MS),
        rss_bytes=50_000_000,
        cpu_ns=round(cpu_ms * MS),
        counts=tuple(counts),
    )
    return received(HEARTBEAT, beat, at_ms)


def word(
    node: str,
    at_ms: float,
    text: str,
    state: Literal["starting", "waiting", "running", "closing"] = "running",
    *,
    progress: float | None = None,
    uptime_ms: float = 0,
) -> Received[Any]:
    """A heartbeat that says what its node does."""
    beat = Heartbeat(
        stamp(at_ms), node, state, 7, round(uptime_ms * MS), text=text, progress=progress
    )
    return received(HEARTBEAT, beat, at_ms)


def marker(text: str, at_ms: float) -> Received[Any]:
    return received(MARKERS, Marker(stamp(at_ms), text, "somebody"), at_ms)
