"""An annotated video: every picture with its faces' emotions and the voice's, and the sound.

H.264 and AAC in MP4. Pictures keep their own times, sound lies where it was heard. Nothing is held
but the pictures and the sound of an instant, however long the recording is.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import ceil, sqrt
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from capture.media_path import printable
from capture.resample import Sound, to_int16, unit_range
from capture.voice_activity import level_dbfs
from display.overlay import paint
from display.scene import Picture
from messaging.errors import UserError
from offline.recording import Recording, Shot
from offline.scenes import Stage

SECOND = 1_000_000_000
TICK = Fraction(1, 90_000)
"""Of pictures' times; 25, 30 and 30000/1001 pictures per second are whole numbers of it."""
RATE = 48_000
CHANNELS = 2
LONGEST_SIDE = 3840
PICTURE_OPTIONS = {"preset": "veryfast", "crf": "20"}


class Stereo:
    """Sound of any format as ``(n, 2)`` samples at 48 kHz; mono goes to both sides."""

    def __init__(self, rate: int, channels: int) -> None:
        self._channels = channels
        self._stream: Any = soxr.ResampleStream(rate, RATE, CHANNELS)

    def feed(self, block: NDArray[Any]) -> Sound:
        """As ``capture.resample.Resampler`` takes it."""
        sides = unit_range(block).reshape(-1, self._channels)[:, :CHANNELS]
        pair = np.broadcast_to(sides, (len(sides), CHANNELS))
        return to_int16(self._stream.resample_chunk(np.ascontiguousarray(pair), last=False))

    def flush(self) -> Sound:
        rest = self._stream.resample_chunk(np.empty((0, CHANNELS), np.float32), last=True)
        self._stream.clear()
        return to_int16(rest)


def write_video(recording: Recording, path: Path) -> None:
    """Each microphone is a sound track of its own.

    Raises:
        UserError: the recording has no pictures.
    """
    shots = recording.shots()
    before: list[Shot] = []
    for shot in shots:
        before.append(shot)
        if shot.pixels is not None:
            break
    first = before[-1].pixels if before else None
    if first is None:
        raise UserError(
            f"{printable(recording.path)} has no pictures, so there is no video to make of it"
        )
    stage = Stage(recording)
    size = _size(first, len(recording.cameras))
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        film = _Film(container, size)
        tracks: dict[str, _Track] = {}
        streams: list[Iterator[tuple[int, Shot | _Heard]]] = [_timed(chain(before, shots))]
        for name in recording.microphones:
            heard = _heard(recording, name)
            begin = next(heard, None)
            if begin is not None:
                tracks[name] = _Track(container, name)
                streams.append(chain([begin], heard))
        for _, item in heapq.merge(*streams, key=lambda timed: timed[0]):
            if isinstance(item, Shot):
                scenes = stage.show(item)
            else:
                tracks[item.microphone].write(item.samples)
                stage.hear(item.microphone, level_dbfs(item.samples))
                continue
            for at_ns, scene in scenes:
                film.write(at_ns, paint(scene, size))
        for at_ns, scene in stage.finish():
            film.write(at_ns, paint(scene, size))
        film.close()
        for track in tracks.values():
            track.close()


def _size(picture: Picture, cameras: int) -> tuple[int, int]:
    """Of the first picture, side by side for several cameras; even, as the codec wants it."""
    columns = ceil(sqrt(cameras))
    rows = ceil(cameras / columns)
    width, height = picture.shape[1] * columns, picture.shape[0] * rows
    scale = min(1.0, LONGEST_SIDE / max(width, height)) if cameras > 1 else 1.0
    return ceil(width * scale / 2) * 2, ceil(height * scale / 2) * 2


@dataclass(frozen=True, slots=True)
class _Heard:
    microphone: str
    samples: Sound


def _timed(shots: Iterable[Shot]) -> Iterator[tuple[int, Shot | _Heard]]:
    return ((shot.at_ns, shot) for shot in shots)


def _heard(recording: Recording, microphone: str) -> Iterator[tuple[int, Shot | _Heard]]:
    samples = 0
    for sound in recording.sound(microphone, Stereo):
        if len(sound):
            yield samples * SECOND // RATE, _Heard(microphone, sound)
            samples += len(sound)


class _Film:
    """The pictures' stream."""

    def __init__(self, container: OutputContainer, size: tuple[int, int]) -> None:
        self._container = container
        self._stream = cast("VideoStream", _add(container, "libx264", 25, PICTURE_OPTIONS))
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = TICK
        self._last = -1

    def write(self, at_ns: int, picture: Picture) -> None:
        frame = VideoFrame.from_ndarray(picture, format="bgr24")
        frame.time_base = TICK
        frame.pts = self._last = max(self._last + 1, round(at_ns / SECOND / TICK))
        _mux(self._container, self._stream, frame)

    def close(self) -> None:
        _mux(self._container, self._stream, None)


class _Track:
    """One microphone's stream; every block follows the one before."""

    def __init__(self, container: OutputContainer, name: str) -> None:
        self._container = container
        self._stream = cast("AudioStream", _add(container, "aac", RATE, {}))
        self._stream.layout = "stereo"
        self._stream.metadata["title"] = name
        self._written = 0

    def write(self, samples: Sound) -> None:
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
        frame.pts = self._written
        self._written += len(samples)
        _mux(self._container, self._stream, frame)

    def close(self) -> None:
        _mux(self._container, self._stream, None)


def _add(container: Any, codec: str, rate: int, options: dict[str, str]) -> Any:
    """PyAV's own types leave this, and packets, partly unknown."""
    return container.add_stream(codec, rate=rate, options=options)


def _mux(container: Any, stream: Any, frame: VideoFrame | AudioFrame | None) -> None:
    """``None`` at the end: what the encoder still holds."""
    container.mux(stream.encode(frame))
