"""The result of one message of a camera; the same code live and offline. Knows no socket."""

from inference.detector import Picture
from inference.faces import FaceInference
from messaging.clock import monotonic_ns
from messaging.schema import FaceEmotions, VideoFrame


def answer_frame(
    inference: FaceInference, frame: VideoFrame, picture: Picture | None, arrived_ns: int
) -> FaceEmotions:
    """Punctuation passes through; so does its order, one for one.

    ``picture`` is what a ``picture`` shows; one that cannot be read is a gap: there is none to look
    at. ``arrived_ns`` is on this process's monotonic clock: ``inference_ns`` counts from there.
    """
    event, faces = "analysed" if frame.event == "picture" else frame.event, ()
    if frame.event == "picture":
        if picture is None:
            event = "gap"
        else:
            faces = inference(frame.source, frame.stamp.captured_ns, picture)
    elif frame.event == "opened":
        inference.forget(frame.source)
    return FaceEmotions(
        frame.stamp,
        frame.source,
        frame.index,
        event,
        faces,
        width=frame.width,
        height=frame.height,
        interval_ns=frame.interval_ns,
        lossless=frame.lossless,
        inference_ns=max(0, monotonic_ns() - arrived_ns),
        detector=inference.detector.name,
        classifier=inference.classifier.name,
        real_time=frame.real_time,
    )
