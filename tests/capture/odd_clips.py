"""Media files in unusual forms: 25 pictures of one grey each, and sounds in any layout."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tests.capture.clips import add_stream, shade, write

Size = tuple[int, int]
"""Width, height."""


def make_film(
    path: Path,
    codec: str,
    pixel_format: str,
    size: Size = (64, 48),
    options: Mapping[str, str] | None = None,
    *,
    count: int = 25,
    first: int = 0,
    streams: int = 1,
) -> Path:
    """Picture ``i`` is ``shade(i)`` bright and at ``(first + i) / 25`` s; those of the second
    stream are white.
    """
    with av.open(str(path), "w", options={"loop": "-1"} if path.suffix == ".gif" else {}) as out:
        films = [cast("VideoStream", add_stream(out, codec, 25)) for _ in range(streams)]
        for film in films:
            film.width, film.height = size
            film.pix_fmt = pixel_format
            film.options = dict(options or {})
        for index in range(count):
            for number, film in enumerate(films):
                grey = 255 if number else shade(index)
                pixels = np.full((size[1], size[0], 3), grey, np.uint8)
                frame = VideoFrame.from_ndarray(pixels, format="bgr24")
                frame.pts, frame.time_base = first + index, Fraction(1, 25)
                write(out, film, frame)
        for film in films:
            write(out, film, None)
    return path


def make_sound(
    path: Path,
    codec: str,
    rate: int,
    layout: str,
    sound: Callable[[int], NDArray[np.float32]],
) -> Path:
    """``sound`` gives the ``(n, channels)`` samples within [-1, 1] of so many channels."""
    with av.open(str(path), "w") as out:
        stream = cast("AudioStream", add_stream(out, codec, rate))
        stream.layout = layout
        size = stream.codec_context.frame_size or 1000
        sample = stream.codec_context.format
        samples = typed(sound(stream.codec_context.channels), sample.name.rstrip("p"))
        for start in range(0, len(samples), size):
            block = samples[start : start + size]
            planes = block.T if sample.is_planar else block.reshape(1, -1)
            frame = AudioFrame.from_ndarray(
                np.ascontiguousarray(planes), format=sample.name, layout=layout
            )
            frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start
            write(out, stream, frame)
        write(out, stream, None)
    return path


def typed(samples: NDArray[np.float32], kind: str) -> NDArray[Any]:
    if kind == "flt":
        return samples
    if kind == "u8":
        return (samples * 127 + 128).astype(np.uint8)
    whole = {"s16": np.int16, "s32": np.int32}[kind]
    return (samples.astype(np.float64) * np.iinfo(whole).max).astype(whole)
