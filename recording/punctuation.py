"""The words that every source begins and ends with, also where a recording lacks them: it began
when the source had long opened, or was cut off before it closed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

from messaging.schema import AudioChunk, FaceEmotions, SpeechEvent, VideoFrame
from messaging.wire import Received
from recording.session import Session

Streamed = VideoFrame | AudioChunk | SpeechEvent | FaceEmotions
Cameras = dict[str, tuple[str, ...]]
"""Those that each microphone is assigned to."""


def assigned(session: Session) -> Cameras:
    """What the settings say that the session was recorded with."""
    name = session.setting("microphone", "name", "")
    return {name: tuple(session.setting("microphone", "cameras", ()))}


def note_cameras(message: object, cameras: Cameras) -> None:
    """A microphone's own word on them."""
    if isinstance(message, SpeechEvent) and message.event == "opened":
        cameras[message.source] = message.cameras


def punctuated(records: Iterable[Received[Any]], cameras: Cameras) -> Iterator[Received[Any]]:
    """The same, and every source opens and closes. ``cameras`` stand in where a microphone's own
    word on them is not there.
    """
    last: dict[tuple[str, str], Received[Any]] = {}
    for received in records:
        message = received.message
        note_cameras(message, cameras)
        if isinstance(message, Streamed):
            stream = (received.topic.name, message.source)
            if message.event != "opened" and stream not in last:
                yield _instead(received, opening(message, cameras))
            last[stream] = received
        yield received
    for received in last.values():
        if received.message.event != "closed":
            yield _instead(received, closing(received.message))


def _instead(received: Received[Any], message: Streamed) -> Received[Any]:
    return replace(received, message=message, payload=memoryview(b""))


def opening(first: Streamed, cameras: Cameras) -> Streamed:
    """The word that should have come just before the first message of a source. Its number says of
    a camera how many pictures there were before: they are missing where they matter.
    """
    opened = mark(first, "opened", -1)
    if isinstance(opened, SpeechEvent):
        return replace(opened, cameras=cameras.get(opened.source, ()))
    return opened


def closing(last: Streamed) -> Streamed:
    """The word that should have come after the last one."""
    closed = mark(last, "closed", 1)
    if isinstance(closed, VideoFrame | FaceEmotions):
        was_picture = last.event in ("picture", "analysed")
        return replace(closed, index=closed.index + was_picture)
    if isinstance(closed, AudioChunk) and isinstance(last, AudioChunk):
        return replace(closed, first_sample=last.first_sample + last.samples)
    return closed


def mark(beside: Streamed, event: Literal["opened", "closed"], by_ns: int) -> Streamed:
    """Punctuation of a stream, ``by_ns`` after one of its messages."""
    stamp = replace(beside.stamp, captured_ns=beside.stamp.captured_ns + by_ns)
    match beside:
        case VideoFrame():
            return VideoFrame(
                stamp, beside.source, beside.index, event, interval_ns=beside.interval_ns
            )
        case FaceEmotions():
            return FaceEmotions(
                stamp, beside.source, beside.index, event, interval_ns=beside.interval_ns
            )
        case AudioChunk():
            chunk = AudioChunk(stamp, beside.source, beside.first_sample, event)
            return replace(chunk, sample_rate=beside.sample_rate)
        case SpeechEvent():
            return SpeechEvent(stamp, beside.source, event, bias_ns=beside.bias_ns)
