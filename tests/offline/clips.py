"""Short pieces of the demo session, as files of their own."""

from fractions import Fraction
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

import av

from capture.demo import CLIP

FPS = 25


def cut_demo(
    path: Path, begin_s: float, seconds: float, *, video: bool = True, audio: bool = True
) -> Path:
    """The seconds from ``begin_s`` on, pictures and sound or one of them."""
    out: Any
    with av.open(path, "w") as out:
        streams: list[tuple[Any, str]] = []
        if video:
            pictures = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
            pictures.width, pictures.height, pictures.pix_fmt = 640, 480, "yuv420p"
            streams.append((pictures, "video"))
        if audio:
            codec = "pcm_s16le" if path.suffix == ".wav" else "aac"
            streams.append((out.add_stream(codec, rate=16_000, layout="mono"), "audio"))
        for stream, kind in streams:
            for frame in _between(kind, begin_s, begin_s + seconds):
                frame.pts -= round(begin_s / frame.time_base)
                if kind == "video":
                    frame.pts = round(frame.pts * frame.time_base * FPS)
                    frame.time_base = Fraction(1, FPS)
                out.mux(stream.encode(frame))
            out.mux(stream.encode())
    return path


def _between(kind: str, begin_s: float, end_s: float) -> list[Any]:
    clip: Any
    with av.open(CLIP) as clip:
        frames = clip.decode(**{kind: 0})
        late = dropwhile(lambda frame: frame.time < begin_s, frames)
        return list(takewhile(lambda frame: frame.time < end_s, late))
