"""The results of cameras' messages; the same code live and offline. Knows no socket."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inference.detector import Picture
from inference.faces import FaceInference, Looked
from messaging.clock import monotonic_ns
from messaging.schema import Face, FaceEmotions, VideoFrame


@dataclass(frozen=True, slots=True)
class Question:
    """One message of a camera."""

    frame: VideoFrame
    picture: Picture | None
    """What a ``picture`` shows; one that cannot be read is a gap: there is none to look at."""
    arrived_ns: int
    """On this process's monotonic clock: ``inference_ns`` counts from there."""


def answer_frame(
    inference: FaceInference, frame: VideoFrame, picture: Picture | None, arrived_ns: int
) -> FaceEmotions:
    """The answer to one question."""
    return answer_frames(inference, [Question(frame, picture, arrived_ns)])[0]


def answer_frames(
    inference: FaceInference,
    questions: Sequence[Question],
    between: Callable[[], object] = lambda: None,
) -> list[FaceEmotions]:
    """Punctuation passes through; so does the order, one for one. The faces of all pictures are
    classified in one batch, whichever cameras took them.

    ``between`` is called after each look at a picture.
    """
    looked: dict[int, Looked] = {}
    for place, (frame, picture) in enumerate((q.frame, q.picture) for q in questions):
        if frame.event == "opened":
            inference.forget(frame.source)
        elif frame.event == "picture" and picture is not None:
            looked[place] = inference.look(frame.source, frame.stamp.captured_ns, picture)
            between()
    faces = dict(zip(looked, inference.classified([*looked.values()]), strict=True))
    return [
        _result(inference, question, faces.get(place)) for place, question in enumerate(questions)
    ]


def _result(
    inference: FaceInference, question: Question, faces: tuple[Face, ...] | None
) -> FaceEmotions:
    frame = question.frame
    unseen = "gap" if frame.event == "picture" else frame.event
    return FaceEmotions(
        frame.stamp,
        frame.source,
        frame.index,
        unseen if faces is None else "analysed",
        faces or (),
        width=frame.width,
        height=frame.height,
        interval_ns=frame.interval_ns,
        lossless=frame.lossless,
        inference_ns=max(0, monotonic_ns() - question.arrived_ns),
        detector=inference.detector.name,
        classifier=inference.classifier.name,
        real_time=frame.real_time,
    )
