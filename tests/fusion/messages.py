"""Short ways to make the messages of the join. Times are milliseconds, but for ``_ns``."""

from typing import Literal, cast

from messaging.schema import (
    EMOTIONS,
    Emotion,
    Face,
    FaceEmotions,
    Probabilities,
    SpeechEvent,
    Stamp,
)

MS = 1_000_000


def stamp(ms: float, bound_ns: int | None = 0) -> Stamp:
    return Stamp(round(ms * MS), "test", bound_ns=bound_ns)


def certain(label: Emotion, probability: float = 0.7) -> Probabilities:
    """``probability`` for one emotion, the rest shared by the others."""
    rest = (1 - probability) / (len(EMOTIONS) - 1)
    return cast("Probabilities", tuple(probability if e == label else rest for e in EMOTIONS))


def face(
    label: Emotion = "happy", *, track: int = 0, size: float = 50, probability: float = 0.7
) -> Face:
    return Face(track, (0.0, 0.0, size, size), 0.9, certain(label, probability))


def picture(
    ms: float,
    *faces: Face,
    camera: str = "a",
    index: int = 0,
    lossless: bool = False,
    bound_ns: int | None = 0,
) -> FaceEmotions:
    """Where all pictures have the number 0 none is missing: a number that falls back tells nothing
    of those before.
    """
    return FaceEmotions(
        stamp(ms, bound_ns),
        camera,
        index,
        faces=faces,
        interval_ns=40 * MS,
        lossless=lossless,
        detector="detector",
        classifier="classifier",
    )


def mark(
    ms: float,
    event: Literal["opened", "gap", "closed"],
    camera: str = "a",
    *,
    index: int = 0,
    lossless: bool = False,
) -> FaceEmotions:
    return FaceEmotions(stamp(ms), camera, index, event, lossless=lossless)


def said(
    ms: float,
    event: Literal["opened", "analysed_until", "gap", "closed"],
    microphone: str = "m",
    *,
    cameras: tuple[str, ...] = (),
) -> SpeechEvent:
    return SpeechEvent(stamp(ms), microphone, event, cameras=cameras)


def started(onset: float, microphone: str = "m", *, lossless: bool = False) -> SpeechEvent:
    name = f"{microphone}-{onset:g}"
    return SpeechEvent(stamp(onset), microphone, "started", name, bias_ns=MS, lossless=lossless)


def ended(
    onset: float, offset: float, microphone: str = "m", *, lossless: bool = False
) -> SpeechEvent:
    return SpeechEvent(
        stamp(offset),
        microphone,
        "ended",
        f"{microphone}-{onset:g}",
        onset=stamp(onset),
        bias_ns=MS,
        lossless=lossless,
    )
