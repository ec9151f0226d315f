"""The way into a media file, and which of its streams can be played."""

from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from capture.media_path import printable
from capture.pictures import fits
from capture.reader import Reader
from messaging.errors import UserError

TEXT_AS_PICTURES = frozenset({"ansi", "bintext", "idf", "xbin"})
"""Codecs with which FFmpeg draws a text file: nobody means that as a film."""
MIN_RATE, MAX_RATE = Fraction(1, 10), Fraction(1000)
"""Pictures per second, outside of which what a file says is not believed."""
MOST_STRETCH = 4
"""A pixel wider or higher by more than this is not believed; films have up to 2."""
ON_THIS_MACHINE = {"protocol_whitelist": "file,crypto,data"}
"""Where a playlist may lead to."""


def open_container(reader: Reader) -> InputContainer:
    """Raises ``UserError`` for what is no media file, in one line."""
    try:
        container = av.open(reader, "r", options=ON_THIS_MACHINE, metadata_errors="ignore")
    except FFmpegError as error:
        reason = reader.broke_off or error.strerror or str(error)
        raise UserError(
            f"{printable(reader.path)} cannot be played ({reason}); give a video or sound file"
        ) from None
    reader.opened()
    return container


def decodable(stream: Stream) -> bool:
    return bool(stream.codec_context)


def playable(stream: Stream) -> bool:
    """Decodable, no cover picture of a piece of music, and no text."""
    return (
        decodable(stream)
        and not stream.disposition & Disposition.attached_pic
        and stream.codec_context.name not in TEXT_AS_PICTURES
    )


def start_of(stream: Stream) -> Fraction:
    """Seconds; 0 where the file does not tell."""
    return (stream.start_time or 0) * (stream.time_base or Fraction(0))


def rate_of(stream: VideoStream) -> Fraction | None:
    """Pictures per second; ``None`` where the file does not tell."""
    rate = stream.average_rate or stream.guessed_rate
    return rate if rate and MIN_RATE <= rate <= MAX_RATE else None


def stretch_of(stream: VideoStream) -> Fraction:
    """Width of a pixel over its height, as it is meant to be shown; 1 where the file tells none."""
    stretch = stream.sample_aspect_ratio
    return stretch if stretch and 1 / MOST_STRETCH <= stretch <= MOST_STRETCH else Fraction(1)


def check_size(path: Path, stream: VideoStream) -> None:
    """Raises ``UserError`` where pictures are larger than any message."""
    width = stretched(stream.width, stretch_of(stream))
    if not fits(stream.height, width):
        raise UserError(
            f"the pictures of {printable(path)} are too large ({width} x {stream.height}); "
            "scale them down to 7680 x 4320 or less"
        )


def stretched(width: int, stretch: Fraction) -> int:
    """In square pixels; the height stays."""
    return max(1, round(width * stretch))
