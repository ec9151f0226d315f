"""What the live pipeline says of a media file, without processes and sockets.

The code is that of the live nodes: the file as camera and microphone, voice activity, inference and
the join. Only what carries messages between them is left out, so results are the same, down to the
last digit, but for ``inference_ns`` and the instant at which the file is played, which is 0 here:
every ``pipeline_ns`` is file time.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from capture.media import (
    Heard,
    Seen,
    Source,
    cameras_of,
    in_order,
    picture_messages,
    sound_messages,
    source_name,
)
from capture.media_file import MediaFile, open_media
from capture.pictures import compressed
from capture.voice_activity import VoiceActivity
from config.settings import BusSettings, Settings
from fusion.align import Aligner
from inference.answer import answer_frame
from inference.faces import FaceInference, open_face_inference
from inference.jpeg import read_jpeg
from messaging.clock import monotonic_ns
from messaging.schema import FaceEmotions, SpeechEvent, UtteranceEmotion
from messaging.topics import SPEECH
from offline.ahead import PICTURES_AHEAD, ahead, weight_of
from offline.rate import check_fps, every

SECOND = 1_000_000_000
SPEECH_AHEAD = 16
"""Events, of which there is one a second at least."""

Result = FaceEmotions | UtteranceEmotion


def labelled(path: Path, settings: Settings, fps: float | None = None) -> Generator[Result]:
    """The face results and the final utterances of a media file, each as soon as it is proven.

    Memory does not grow with the file. With ``fps`` about so many pictures per second are analysed:
    of the file's pictures those nearest to the instants 0, 1/fps, 2/fps, ... of file time. A
    picture's ``index`` is its number in the file, also then. The join, which counts steps between
    numbers as pictures that nobody looked at, is given consecutive ones: what is left out on
    purpose is not ``missing``. ``interval_ns`` is the distance of the analysed pictures.

    Raises:
        UserError: the file cannot be played, or ``fps`` is out of range.
    """
    return label_media(open_media(path), settings, open_face_inference(settings.inference), fps)


def label_media(
    file: MediaFile, settings: Settings, inference: FaceInference, fps: float | None = None
) -> Generator[Result]:
    """The same of an open file, whose ``damage`` is complete at the end."""
    check_fps(fps)
    source = Source(source_name(settings.media, file.path), lossless=True, real_time=False)
    jpeg = settings.bus if settings.inference.pictures == "jpeg" else None
    with ExitStack() as stack:
        streams: list[Iterator[Seen | Heard]] = []
        if file.audio is not None:
            sound = _sound(file, settings, source)
            streams.append(stack.enter_context(ahead(sound, SPEECH_AHEAD, "sound")))
        if file.video is not None:
            pictures = _pictures(file, source, fps)
            streams.append(
                stack.enter_context(ahead(pictures, PICTURES_AHEAD, "pictures", _weight))
            )
        aligner = Aligner(settings.fusion, settings.voice_activity.max_utterance_s)
        analysed = 0
        for said in in_order(*streams):
            if isinstance(said, Seen):
                result = _answer(inference, said, jpeg)
                yield result
                proven = aligner.faces(_numbered(result, analysed))
                analysed += said.message.event in ("picture", "gap")
            elif isinstance(said.message, SpeechEvent):
                proven = aligner.speech(said.message, said.due_ns)
            else:
                continue
            yield from _final(proven)
        yield from _final(aligner.finish())


def _pictures(file: MediaFile, source: Source, fps: float | None) -> Iterator[Seen | Heard]:
    if fps is None:
        yield from picture_messages(file.taken(), file.interval_ns, source)
        return
    interval_ns = file.interval_ns and max(file.interval_ns, round(SECOND / fps))
    pictures = file.taken(every(fps, file.interval_ns))
    yield from picture_messages(pictures, interval_ns, source)


def _weight(said: Seen | Heard) -> int:
    return weight_of(said.pixels) if isinstance(said, Seen) else 1


def _sound(file: MediaFile, settings: Settings, source: Source) -> Iterator[Seen | Heard]:
    """Without the sound itself, which nobody reads here."""
    activity = VoiceActivity(settings.voice_activity)  # loads its network: where it is needed
    cameras = cameras_of(file, source)
    for said in sound_messages(file.sound(), activity, source, cameras, file.damage):
        if said.topic is SPEECH:
            yield said


def _answer(inference: FaceInference, seen: Seen, jpeg: BusSettings | None) -> FaceEmotions:
    """With ``jpeg`` the picture goes through it, as where the settings ask the cameras for that."""
    began_ns = monotonic_ns()
    frame, pixels = seen.message, seen.pixels
    if jpeg is not None and pixels is not None:
        frame, payload = compressed(frame, pixels, jpeg)
        pixels = read_jpeg(payload, (frame.height, frame.width, 3))
    return answer_frame(inference, frame, pixels, began_ns)


def _numbered(result: FaceEmotions, index: int) -> FaceEmotions:
    return result if result.index == index else replace(result, index=index)


def _final(results: Iterable[UtteranceEmotion]) -> Iterator[UtteranceEmotion]:
    return (result for result in results if result.final)
