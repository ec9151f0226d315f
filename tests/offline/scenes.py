"""Recordings made of messages, for tests of what is made of them; times in milliseconds."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from messaging.schema import (
    EMOTIONS,
    Emotion,
    Face,
    FaceEmotions,
    Marker,
    Probabilities,
    Stamp,
    UtteranceEmotion,
)
from offline.recording import Recording, Result

MS = 1_000_000
ZERO_NS = 7_000_000_000
"""Of a session: its time 0 is not the clock's."""


def stamp(at_ms: float) -> Stamp:
    return Stamp(ZERO_NS + round(at_ms * MS), "clock")


def likely(emotion: Emotion, probability: float = 0.76) -> Probabilities:
    rest = (1 - probability) / (len(EMOTIONS) - 1)
    return cast("Probabilities", tuple(probability if e == emotion else rest for e in EMOTIONS))


def face(emotion: Emotion, track: int = 0, probability: float = 0.76) -> Face:
    return Face(track, (10.0, 10.0, 30.0, 30.0), 0.9, likely(emotion, probability))


def seen(
    at_ms: float,
    *faces: Face,
    source: str = "camera",
    event: Literal["opened", "analysed", "gap", "closed"] = "analysed",
    interval_ms: float = 40,
) -> FaceEmotions:
    interval_ns = round(interval_ms * MS)
    return FaceEmotions(
        stamp(at_ms), source, round(at_ms), event, faces, 64, 48, interval_ns=interval_ns
    )


def said(
    onset_ms: float, offset_ms: float, label: Emotion | None = "happy", source: str = "microphone"
) -> UtteranceEmotion:
    return UtteranceEmotion(
        f"{source}-{onset_ms:g}",
        source,
        stamp(onset_ms),
        stamp(offset_ms),
        "matched" if label else "no_face",
        label,
        likely(label) if label else None,
        final=True,
    )


def marked(at_ms: float, text: str) -> Marker:
    return Marker(stamp(at_ms), text)


def recording(results: Sequence[Result], duration_ms: float = 0) -> Recording:
    """Without pictures and sound."""
    return Recording(
        Path("made.mp4"),
        ZERO_NS,
        round(duration_ms * MS),
        None,
        cameras=(),
        microphones=(),
        results=lambda: iter(results),
        shots=lambda: iter(()),
        sound=lambda _name, _convert: iter(()),
    )


def film(
    labels: Iterable[str | None], source: str = "camera", start_ms: float = 0, track: int = 0
) -> list[FaceEmotions]:
    """A picture every 40 ms from ``start_ms`` on, with a face that shows each label, or none."""
    pictures = [
        seen(
            start_ms + 40 * index,
            *([face(cast("Emotion", label), track)] if label else []),
            source=source,
        )
        for index, label in enumerate(labels)
    ]
    return [replace(picture, index=index) for index, picture in enumerate(pictures)]
