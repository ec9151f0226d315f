"""The demo session for long and busy tests: fewer pictures a second, again and again."""

import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from capture.demo import CLIP, load_truth
from capture.resample import SAMPLE_RATE
from tests.capture.talk import talk

RATE_HZ = 25
EVERY = 3
"""One of so many pictures is kept: machines that are busy with other tests keep up with it."""
TURNS = 14
"""Four minutes: whoever plays it is stopped before."""


def make_film(file: Path, every: int = EVERY) -> Path:
    """Pictures and sound."""
    once = file.with_suffix(f".once{file.suffix}")
    _thin_out(once, every)
    _repeat(once, file)
    return file


def make_talk(file: Path) -> Path:
    """Its sound alone."""
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        out.writeframes(np.tile(talk(), TURNS).tobytes())
    return file


def _thin_out(file: Path, every: int) -> None:
    with av.open(str(CLIP)) as clip, av.open(str(file), "w") as opened:
        film: Any = opened
        source = clip.streams.video[0]
        sound = film.add_stream_from_template(clip.streams.audio[0])
        pictures = film.add_stream("libx264", Fraction(RATE_HZ, every), {"preset": "ultrafast"})
        pictures.width, pictures.height = source.width, source.height
        pictures.pix_fmt = source.pix_fmt
        number = 0
        for packet in clip.demux():
            if packet.stream is not source:
                _mux(film, packet, sound)
                continue
            for picture in packet.decode():
                if number % every == 0:
                    film.mux(pictures.encode(picture))
                number += 1
        film.mux(pictures.encode())


def _repeat(once: Path, file: Path) -> None:
    length_s = load_truth().duration_s
    last: dict[int, int] = {}
    with av.open(str(once)) as turn, av.open(str(file), "w") as opened:
        film: Any = opened
        streams = {s.index: film.add_stream_from_template(s) for s in turn.streams}
        for number in range(TURNS):
            turn.seek(0)
            for packet in turn.demux():
                if packet.dts is None:
                    continue
                later = round(number * length_s / packet.time_base)
                packet.dts, packet.pts = packet.dts + later, (packet.pts or 0) + later
                index = packet.stream.index
                if packet.dts > last.get(index, -1):  # sound is a little longer than pictures
                    last[index] = packet.dts
                    _mux(film, packet, streams[index])


def _mux(film: Any, packet: Any, stream: Any) -> None:
    if packet.dts is not None:
        packet.stream = stream
        film.mux(packet)
