"""A recorded session labelled anew: its pictures go through inference once more, and what was heard
is joined with them as the recording has it.
"""

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Any

from config.settings import Settings
from fusion.align import Aligner
from inference.answer import answer_frame
from inference.detector import Picture
from inference.faces import FaceInference
from inference.jpeg import read_jpeg
from messaging.clock import monotonic_ns
from messaging.schema import FaceEmotions, SpeechEvent, VideoFrame
from messaging.topics import FACES, SPEECH, VIDEO_JPEG
from messaging.wire import Received
from offline.ahead import PICTURES_AHEAD, ahead, weight_of
from offline.label import Result
from offline.rate import check_fps, every
from recording.punctuation import assigned, punctuated
from recording.session import Session


def label_session(
    session: Session, settings: Settings, inference: FaceInference, fps: float | None = None
) -> Generator[Result]:
    """As ``labelled``; ``pipeline_ns`` is that of the recording. ``fps`` holds for each camera.

    Where no pictures were recorded, the faces that were are joined, and ``fps`` has no meaning.
    """
    check_fps(fps)
    aligner = Aligner(settings.fusion, settings.voice_activity.max_utterance_s)
    with ahead(
        _records(session, fps), PICTURES_AHEAD, "session", lambda record: weight_of(record[1])
    ) as records:
        for message, picture, left_out in records:
            if isinstance(message, SpeechEvent):
                results = aligner.speech(message, message.stamp.pipeline_ns)
            else:
                faces = (
                    answer_frame(inference, message, picture, monotonic_ns())
                    if isinstance(message, VideoFrame)
                    else message
                )
                yield faces
                results = aligner.faces(replace(faces, index=faces.index - left_out))
            yield from (result for result in results if result.final)
    yield from (result for result in aligner.finish() if result.final)


Record = tuple[VideoFrame | FaceEmotions | SpeechEvent, Picture | None, int]
"""A message, its picture, and how many of its source's pictures before were left out on purpose."""


def _records(session: Session, fps: float | None) -> Iterator[Record]:
    has_pictures = next(session.records(VIDEO_JPEG), None) is not None
    seen = VIDEO_JPEG if has_pictures else FACES
    left_out: defaultdict[str, int] = defaultdict(int)
    last_index: dict[str, int] = {}
    wanted: dict[str, Callable[[int], bool]] = {}
    for received in punctuated(session.records(seen, SPEECH), assigned(session)):
        message: VideoFrame | FaceEmotions | SpeechEvent = received.message
        picture = None
        if not isinstance(message, SpeechEvent):
            source, index = message.source, message.index
            if not index or index < last_index.get(source, 0):
                left_out[source] = 0  # it counts anew; where a clock was set back it does not
            last_index[source] = index
        if isinstance(message, VideoFrame):
            if message.event == "picture" and fps is not None:
                interval_ns = max(message.interval_ns, round(1e9 / fps))
                choose = wanted.setdefault(message.source, every(fps, message.interval_ns))
                if not choose(message.stamp.pipeline_ns - session.zero_ns):
                    left_out[message.source] += 1
                    continue
                message = replace(message, interval_ns=message.interval_ns and interval_ns)
            if message.event == "picture":
                picture = _picture(received)
        yield message, picture, left_out[message.source]


def _picture(received: Received[Any]) -> Picture | None:
    frame: VideoFrame = received.message
    return read_jpeg(received.payload, (frame.height, frame.width, 3))
