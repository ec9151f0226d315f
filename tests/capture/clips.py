"""Media files for the tests: picture ``i`` is ``shade(i)`` bright, the sound is one click."""

from collections.abc import Container, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

MS = Fraction(1, 1000)
BLOCK = 1000
"""Samples in a frame of sound, for codecs that take any number."""


def shade(index: int) -> int:
    return 40 + 3 * index % 180


def make_clip(
    path: Path,
    video: str | None = "libx264",
    audio: str | None = "aac",
    *,
    options: dict[str, str] | None = None,
    pictures_ms: Sequence[int] = range(0, 2000, 40),
    size: tuple[int, int] = (64, 48),
    b_frames: int = 0,
    rotation: int = 0,
    mirrored: bool = False,
    stretch: Fraction | None = None,
    cover: bool = False,
    rate: int = 44_100,
    sound_s: float = 2.0,
    sound_from_s: float = 0.0,
    click_s: float = 1.0,
    hole_s: tuple[float, float] = (0.0, 0.0),
) -> Path:
    """``hole_s``: sound stops at the first time and goes on at the second one.

    ``click_s`` is when the click sounds in the file, whatever else was asked for; ``options`` are
    the container's, ``stretch`` a pixel's width over its height.
    """
    with av.open(str(path), "w", options=options) as container:
        film = add_video(container, video, size, b_frames) if video else None
        if film and stretch:
            film.codec_context.sample_aspect_ratio = stretch
        if film and (rotation or mirrored):
            film.set_display_rotation(rotation, hflip=mirrored)
        sound = cast("AudioStream", add_stream(container, audio, rate)) if audio else None
        if film and cover:
            film.disposition = Disposition.attached_pic
        if sound:
            sound.layout = "stereo"
        if film:
            mux_pictures(container, film, pictures_ms, size)
        if sound:
            mux_sound(container, sound, rate, sound_s, sound_from_s, click_s, hole_s)
    return path


def add_video(
    container: OutputContainer, codec: str, size: tuple[int, int], b_frames: int
) -> VideoStream:
    stream = cast("VideoStream", add_stream(container, codec, 25))
    stream.width, stream.height = size
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    stream.codec_context.max_b_frames = b_frames
    return stream


def mux_pictures(
    container: OutputContainer, stream: VideoStream, times_ms: Sequence[int], size: tuple[int, int]
) -> None:
    if codec_has_fixed_rate := stream.codec.name.startswith("mpeg"):
        unit = Fraction(1, 25)
    else:
        unit = MS
        stream.codec_context.time_base = MS
    for index, at_ms in enumerate(times_ms):
        pixels = np.full((size[1], size[0], 3), shade(index), np.uint8)
        pixels[: size[1] // 4, : size[0] // 4] = 255  # the top left corner
        frame = VideoFrame.from_ndarray(pixels, format="bgr24")
        frame.time_base = unit
        frame.pts = at_ms // 40 if codec_has_fixed_rate else at_ms
        write(container, stream, frame)
    write(container, stream, None)


def mux_sound(
    container: OutputContainer,
    stream: AudioStream,
    rate: int,
    sound_s: float,
    from_s: float,
    click_s: float,
    hole_s: tuple[float, float],
) -> None:
    size = stream.codec_context.frame_size or BLOCK
    for start in range(0, round(sound_s * rate), size):
        at = start + round(from_s * rate)
        if hole_s[0] and at >= round(hole_s[0] * rate):
            at += round((hole_s[1] - hole_s[0]) * rate)
        block = np.zeros(size, np.float32)
        click = round(click_s * rate) - at
        if 0 <= click < size:
            block[click] = 0.9
        frame = AudioFrame.from_ndarray(
            coded(block, stream), format=stream.codec_context.format.name, layout="stereo"
        )
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), at
        write(container, stream, frame)
    write(container, stream, None)


def coded(block: NDArray[np.float32], stream: AudioStream) -> NDArray[Any]:
    """Stereo, in the form that the codec takes."""
    sample = stream.codec_context.format
    stereo = np.stack([block, block])
    if sample.name.startswith("s"):
        whole = np.int16 if sample.name.startswith("s16") else np.int32
        stereo = (stereo.astype(np.float64) * np.iinfo(whole).max).astype(whole)
    return stereo if sample.is_planar else np.ascontiguousarray(stereo.T).reshape(1, -1)


def add_stream(container: Any, codec: str, rate: int) -> Any:
    """PyAV's own types leave this, and packets, partly unknown."""
    return container.add_stream(codec, rate=rate)


def write(container: Any, stream: Any, frame: VideoFrame | AudioFrame | None) -> None:
    """``None`` at the end: what the encoder still holds."""
    container.mux(stream.encode(frame))


def spoil(path: Path, pictures_ms: Container[int]) -> None:
    """Overwrite the packets of the pictures that are shown at these times."""
    data = bytearray(path.read_bytes())
    packets: Any
    with av.open(str(path)) as container:
        packets = container.demux(video=0)
        for packet in packets:
            if packet.size and round(packet.pts * packet.time_base / MS) in pictures_ms:
                data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)
