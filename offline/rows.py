"""The tables' rows: what each column is called, means, and is made from. Pure.

Both tables are tidy: one row per face and picture, one row per utterance.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from messaging.schema import EMOTIONS, FaceEmotions, Probabilities, UtteranceEmotion

Kind = Literal["text", "integer", "number", "truth"]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    unit: str
    meaning: str


def _probabilities(of: str) -> tuple[Column, ...]:
    return tuple(
        Column(f"p_{emotion}", "number", "0 to 1", f"{of} probability of {emotion}")
        for emotion in EMOTIONS
    )


FACE_COLUMNS: tuple[Column, ...] = (
    Column("file", "text", "", "the media file or session, as its name was given"),
    Column("source", "text", "", "the camera"),
    Column("time_s", "number", "s", "the picture's stamp, from the start of the file or session"),
    Column("time_ns", "integer", "ns", "the same, exactly"),
    Column("frame", "integer", "", "the picture's number in the file or of the camera, from 0"),
    Column("track", "integer", "", "stays with a person from picture to picture"),
    Column("x", "number", "pixels", "left edge of the face's box"),
    Column("y", "number", "pixels", "top edge"),
    Column("w", "number", "pixels", "width"),
    Column("h", "number", "pixels", "height"),
    Column("score", "number", "0 to 1", "how sure the detector is that this is a face"),
    Column("label", "text", "", "the most probable emotion"),
    *_probabilities("the face's"),
)

UTTERANCE_COLUMNS: tuple[Column, ...] = (
    Column("file", "text", "", "the media file or session, as its name was given"),
    Column("id", "text", "", "made of the microphone and the onset"),
    Column("source", "text", "", "the microphone"),
    Column("start_s", "number", "s", "onset, from the start of the file or session"),
    Column("end_s", "number", "s", "offset"),
    Column("start_ns", "integer", "ns", "the onset, exactly"),
    Column("end_ns", "integer", "ns", "the offset, exactly"),
    Column("label", "text", "", "the emotion; empty where there is none"),
    Column("probability", "number", "0 to 1", "of the label"),
    *_probabilities("the utterance's"),
    Column("method", "text", "", "how the probabilities were made: nearest, mean, max or vote"),
    Column("reference", "text", "", "the instant that the face is nearest to"),
    Column("camera", "text", "", "that took the nearest picture with a face"),
    Column("dt_ms", "number", "ms", "that picture's stamp minus the reference instant"),
    Column("bound_ms", "number", "ms", "error bound of dt_ms; empty where it is not known"),
    Column("track", "integer", "", "the face's track"),
    Column("pictures", "integer", "", "pictures analysed from the onset until before the offset"),
    Column("faces", "integer", "", "those of them that show a face"),
    Column("coverage", "number", "0 to 1", "faces / pictures"),
    Column("confidence", "number", "0 to 1", "mean over those faces of the largest probability"),
    Column("missing", "integer", "", "pictures that may matter and that nobody looked at"),
    Column("status", "text", "", "matched, no_face, gap_exceeded or late"),
    Column("settled", "truth", "", "no later arrival could have changed it"),
    Column("detector", "text", "", "the model that found the face"),
    Column("classifier", "text", "", "the model that read its emotion"),
)

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "utterances": UTTERANCE_COLUMNS,
    "faces": FACE_COLUMNS,
}
"""The tables that there are, by the names of their files."""


def face_rows(file: str, message: FaceEmotions, zero_ns: int) -> Iterator[Row]:
    """A row for each face of an analysed picture; ``zero_ns`` is the pipeline time of time 0."""
    at_ns = message.stamp.pipeline_ns - zero_ns
    for face in message.faces:
        x, y, width, height = face.box
        yield {
            "file": file,
            "source": message.source,
            "time_s": at_ns / 1e9,
            "time_ns": at_ns,
            "frame": message.index,
            "track": face.track,
            "x": x,
            "y": y,
            "w": width,
            "h": height,
            "score": face.score,
            "label": face.label,
            **_named(face.probabilities),
        }


def utterance_row(file: str, result: UtteranceEmotion, zero_ns: int) -> Row:
    """The row of a final result."""
    start_ns = result.onset.pipeline_ns - zero_ns
    end_ns = None if result.offset is None else result.offset.pipeline_ns - zero_ns
    return {
        "file": file,
        "id": result.id,
        "source": result.source,
        "start_s": start_ns / 1e9,
        "end_s": None if end_ns is None else end_ns / 1e9,
        "start_ns": start_ns,
        "end_ns": end_ns,
        "label": result.label,
        "probability": max(result.probabilities) if result.probabilities else None,
        **_named(result.probabilities),
        "method": result.method,
        "reference": result.reference,
        "camera": result.camera or None,
        "dt_ms": None if result.dt_ns is None else result.dt_ns / 1e6,
        "bound_ms": None if result.alignment_bound_ns is None else result.alignment_bound_ns / 1e6,
        "track": result.track,
        "pictures": result.pictures,
        "faces": result.faces,
        "coverage": result.coverage,
        "confidence": result.confidence,
        "missing": result.missing,
        "status": result.status,
        "settled": result.settled,
        "detector": result.detector or None,
        "classifier": result.classifier or None,
    }


def _named(probabilities: Probabilities | None) -> Row:
    values = probabilities or (None,) * len(EMOTIONS)
    return {f"p_{emotion}": value for emotion, value in zip(EMOTIONS, values, strict=True)}
