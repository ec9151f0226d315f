"""What goes out as Open Sound Control: addresses and arguments. Pure.

``docs/outlets.md`` lists them.
"""

import re
from typing import Any

from display.faces_out import box_shares
from messaging.schema import FaceEmotions, Marker, SpeechEvent, UtteranceEmotion

Argument = str | int | float
OscMessage = tuple[str, tuple[Argument, ...]]
"""Address and arguments, which become the types s, i and f."""

ROOT = "/emofuse"
NO_PROBABILITIES = (0.0,) * 7
SPEAKING = {"started": 1, "ended": 0}


def osc_messages(message: Any) -> list[OscMessage]:
    """Those that a message of the pipeline becomes; of utterances only the last word."""
    if isinstance(message, FaceEmotions):
        return _faces(message)
    if isinstance(message, SpeechEvent) and message.event in SPEAKING:
        return [(f"{ROOT}/speech", (_text(message.source), SPEAKING[message.event]))]
    if isinstance(message, UtteranceEmotion) and message.final:
        return [_utterance(message)]
    if isinstance(message, Marker):
        return [(f"{ROOT}/marker", (_text(message.text), _text(message.author)))]
    return []


def _faces(result: FaceEmotions) -> list[OscMessage]:
    if result.event != "analysed":
        return []
    camera = _address_part(result.source)
    faces: list[OscMessage] = [
        (
            f"{ROOT}/face/{camera}/{face.track}",
            (face.label, *face.probabilities, face.score, *box_shares(face, result)),
        )
        for face in result.faces
    ]
    return [(f"{ROOT}/faces/{camera}", (len(faces),)), *faces]


def _utterance(result: UtteranceEmotion) -> OscMessage:
    duration_ns = result.offset.pipeline_ns - result.onset.pipeline_ns if result.offset else 0
    return (
        f"{ROOT}/utterance",
        (
            _text(result.source),
            result.label or "",
            *(result.probabilities or NO_PROBABILITIES),
            duration_ns / 1e9,
            result.status,
        ),
    )


def _address_part(name: str) -> str:
    """A name comes from the wire; in an address some characters have a meaning of their own."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)


def _text(text: str) -> str:
    """A zero would end it."""
    return text.replace("\0", "")
