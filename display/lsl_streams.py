"""What goes out to the Lab Streaming Layer: how each stream is laid out, and its rows. Pure."""

import math
import platform
from dataclasses import dataclass

from display.faces_out import box_shares
from messaging.schema import EMOTIONS, FaceEmotions, UtteranceEmotion

OURS = "emofuse:"
"""Every source id begins with it, so that no pipeline takes another's labels for markers."""

FACE_CHANNELS: tuple[tuple[str, str], ...] = (
    *((emotion, "probability") for emotion in EMOTIONS),
    ("score", "probability"),
    ("track", "number"),
    ("left", "share of the width"),
    ("top", "share of the height"),
    ("width", "share of the width"),
    ("height", "share of the height"),
    ("faces", "count"),
)
"""Names and units."""
UTTERANCE_CHANNELS: tuple[tuple[str, str], ...] = (
    ("label", "none"),
    ("duration", "seconds"),
    ("probability", "probability"),
    ("status", "none"),
    ("source", "none"),
    ("id", "none"),
)
NOBODY = (math.nan,) * (len(FACE_CHANNELS) - 1)


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of irregular rate, of text or of 32-bit floats."""

    name: str
    type: str
    source_id: str
    """The same after a restart: so inlets find it again."""
    channels: tuple[tuple[str, str], ...]
    is_text: bool = False


def utterance_stream(prefix: str) -> Stream:
    name = f"{prefix} utterances"
    return Stream(name, "Markers", _source_id(name), UTTERANCE_CHANNELS, is_text=True)


def face_stream(prefix: str, camera: str) -> Stream:
    name = f"{prefix} faces {camera}"
    return Stream(name, "Emotion", _source_id(name), FACE_CHANNELS)


def _source_id(name: str) -> str:
    return f"{OURS}{platform.node()}:{name}"


def face_row(result: FaceEmotions) -> tuple[float, ...] | None:
    """The largest face of an analysed picture, and how many there are. Where nobody was seen all
    but that count are NaN; punctuation has no row.
    """
    if result.event != "analysed":
        return None
    if not result.faces:
        return (*NOBODY, 0.0)
    face = max(result.faces, key=lambda face: face.area)
    box = box_shares(face, result)
    count = float(len(result.faces))
    return (*face.probabilities, face.score, float(face.track), *box, count)


def utterance_row(result: UtteranceEmotion) -> tuple[str, ...] | None:
    """The last word on an utterance, for its onset; what is not known is empty."""
    if not result.final:
        return None
    duration = ""
    if result.offset is not None:
        duration = f"{(result.offset.pipeline_ns - result.onset.pipeline_ns) / 1e9:.6f}"
    probability = f"{max(result.probabilities):.4f}" if result.probabilities else ""
    label = result.label or ""
    return label, duration, probability, result.status, result.source, result.id
