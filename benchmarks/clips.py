"""Clips as long, large and crowded as a measurement wants them: the demo session, drawn anew."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from capture.demo import CLIP

SIZE = (640, 480)


def make_clip(
    path: Path, seconds: int, fps: int, *, faces: int = 1, size: tuple[int, int] = SIZE
) -> None:
    """The demo session again and again, with its pictures at ``fps`` per second; with 2 or 4
    ``faces`` it is seen so many times in each picture, of ``size`` (width, height) in pixels.
    """
    out: Any
    with av.open(path, "w") as out:
        video = out.add_stream("libx264", rate=fps, options={"preset": "veryfast"})
        (video.width, video.height), video.pix_fmt = size, "yuv420p"
        audio = out.add_stream("aac", rate=16_000, layout="mono")
        for index, picture in zip(range(seconds * fps), _frames(video=0), strict=False):
            if faces > 1 or size != SIZE:
                shown = _tiled(picture.to_ndarray(format="bgr24"), faces, size)
                picture = av.VideoFrame.from_ndarray(shown, format="bgr24")  # noqa: PLW2901
            picture.pts, picture.time_base = index, Fraction(1, fps)
            out.mux(video.encode(picture))
        samples = 0
        for sound in _frames(audio=0):
            if samples >= seconds * sound.sample_rate:
                break
            sound.pts = samples
            samples += sound.samples
            out.mux(audio.encode(sound))
        out.mux(video.encode())
        out.mux(audio.encode())


def _tiled(picture: NDArray[np.uint8], faces: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Two side by side, four in two rows."""
    across, down = {1: (1, 1), 2: (2, 1), 4: (2, 2)}[faces]
    width, height = size[0] // across, size[1] // down
    # Of the picture's middle as much as has the tile's shape, so that nobody grows thin.
    rows, columns = picture.shape[:2]
    wide = min(columns, round(rows * width / height))
    high = min(rows, round(columns * height / width))
    left, top = (columns - wide) // 2, (rows - high) // 2
    tile = cv2.resize(picture[top : top + high, left : left + wide], (width, height))
    return np.tile(tile, (down, across, 1)).astype(np.uint8, copy=False)


def _frames(**stream: int) -> Iterator[Any]:
    for _ in cycle((None,)):
        with av.open(CLIP) as clip:
            yield from clip.decode(**stream)
