"""A recorded session as a ``Recording``."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from capture.resample import Sound
from capture.sound_line import SoundLine
from inference.jpeg import read_jpeg
from messaging.schema import AudioChunk, FaceEmotions, Marker, UtteranceEmotion, VideoFrame
from messaging.topics import AUDIO, FACES, MARKERS, SPEECH, UTTERANCES, VIDEO_JPEG
from offline.recording import Convert, Recording, Result, Shot
from offline.spool import read_spool, write_spool
from recording.session import open_session

NO_LABELS = (
    "it holds no labels; make tables of it with emofuse label, or a session that has labels with "
    "emofuse replay --record"
)


def session_recording(path: Path, spool: Path) -> Recording:
    """What was recorded, as it was labelled then. Its results are kept in ``spool``: to find them
    the whole session is read.

    Raises:
        UserError: there is no session that can be read.
    """
    session = open_session(path)
    cameras: set[str] = set()
    microphones: set[str] = set()
    end_ns = session.zero_ns
    is_labelled = False

    def results() -> Iterator[Result]:
        nonlocal end_ns, is_labelled
        for record in session.records(FACES, SPEECH, UTTERANCES, MARKERS):
            message = record.message
            if isinstance(message, UtteranceEmotion):
                end_ns = max(end_ns, (message.offset or message.onset).pipeline_ns)
                if message.final:
                    is_labelled = True
                    yield message
                continue
            end_ns = max(end_ns, message.stamp.pipeline_ns)
            if isinstance(message, FaceEmotions):
                is_labelled = True
                cameras.add(message.source)
                yield message
            elif isinstance(message, Marker):
                yield message
            else:
                microphones.add(message.source)

    write_spool(spool, results())
    notes = [*session.faults(), *([] if is_labelled else [NO_LABELS])]

    def shots() -> Iterator[Shot]:
        for record in session.records(VIDEO_JPEG):
            yield from _shots(record.message, record.payload, session.zero_ns)

    def sound(microphone: str, convert: Convert) -> Iterator[Sound]:
        line = SoundLine(convert)
        for record in session.records(AUDIO):
            chunk: AudioChunk = record.message
            # Where its time is not known silence would fill days.
            is_placed = chunk.event == "sound" and chunk.stamp.bound_ns is not None
            if chunk.source == microphone and is_placed:
                samples = np.frombuffer(record.payload, "<i2").reshape(-1, 1)
                at_ns = chunk.stamp.pipeline_ns - session.zero_ns
                yield from line.feed(at_ns, samples, chunk.sample_rate)
        yield from line.flush()

    return Recording(
        path,
        session.zero_ns,
        end_ns - session.zero_ns,
        media=None,
        cameras=tuple(sorted(cameras | session.sources(VIDEO_JPEG))),
        microphones=tuple(sorted(microphones | session.sources(AUDIO))),
        results=lambda: read_spool(spool),
        shots=shots,
        sound=sound,
        notes=tuple(notes),
    )


def _shots(frame: VideoFrame, jpeg: memoryview, zero_ns: int) -> Iterator[Shot]:
    at_ns = max(0, frame.stamp.pipeline_ns - zero_ns)
    if frame.event == "picture":
        pixels = read_jpeg(jpeg, (frame.height, frame.width, 3))
        yield Shot(at_ns, frame.source, pixels, "" if pixels is not None else "unreadable")
    elif frame.event != "opened":
        note = "ended" if frame.event == "closed" else frame.text or "no pictures"
        yield Shot(at_ns, frame.source, None, note)
