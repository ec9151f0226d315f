"""Make the demo session's clip and truth: ``python -m capture.demo.make_clip FOLDER``.

Draws every picture (about a minute), lets Flite speak the lines and writes clip.mp4 and truth.json.
"""

import argparse
import sys
from pathlib import Path
from typing import Protocol, cast

import av
import numpy as np
from pydantic import TypeAdapter

from capture.demo import CLIP, TRUTH, Truth
from capture.demo.canvas import HEIGHT, WIDTH
from capture.demo.portrait import Portrait
from capture.demo.script import DURATION_S, FPS, FRAMES, LINES, PHASES, TRANSITION_S, Performance
from capture.demo.speech import RATE, FliteMissingError, Sound, record

PICTURES = {
    "width": WIDTH,
    "height": HEIGHT,
    "pix_fmt": "yuv420p",
    "options": {"crf": "22", "preset": "slow", "threads": "1"},
}
"""One thread, so that the same pictures give the same file."""
SOUND = {"layout": "mono", "bit_rate": 48_000}

ORIGIN = (
    "Drawn and animated by this project's own code, without any photograph, recording or data of a "
    "person; under the project's licence. The voice, slt, was synthesised with Flite (Carnegie "
    "Mellon University), whose licence allows every use."
)


class Encoder(Protocol):
    """What is needed here of a PyAV stream, whose own annotations are incomplete."""

    def encode(self, frame: av.VideoFrame | av.AudioFrame | None = None) -> list[object]: ...


class Container(Protocol):
    """What is needed here of a PyAV output container."""

    def add_stream(self, codec_name: str, rate: int, **attributes: object) -> Encoder: ...

    def mux(self, packets: list[object]) -> None: ...


def write(container: Container, performance: Performance, sound: Sound) -> None:
    """Picture by picture, each with the sound of its time."""
    pictures = container.add_stream("libx264", FPS, **PICTURES)
    voice = container.add_stream("aac", RATE, **SOUND)
    portrait = Portrait()
    samples = np.rint(np.clip(sound, -1, 1) * (2**15 - 1)).astype(np.int16)
    for index, heard in enumerate(np.split(samples, FRAMES)):
        seen = portrait.draw(performance.moment(index))
        container.mux(pictures.encode(av.VideoFrame.from_ndarray(seen, format="rgb24")))
        block = av.AudioFrame.from_ndarray(heard[np.newaxis], format="s16", layout="mono")
        block.sample_rate, block.pts = RATE, index * len(heard)
        container.mux(voice.encode(block))
    container.mux(pictures.encode())
    container.mux(voice.encode())


def make(folder: Path) -> None:
    """Write both files into the folder.

    Raises ``FliteMissingError`` before anything is drawn.
    """
    sound, utterances = record(LINES, DURATION_S)
    truth = Truth(FPS, DURATION_S, TRANSITION_S, PHASES, utterances, ORIGIN)
    folder.mkdir(parents=True, exist_ok=True)
    options = {"movflags": "+faststart"}
    with av.open(str(folder / CLIP.name), "w", options=options) as container:
        write(cast("Container", container), Performance(sound, utterances), sound)
    (folder / TRUTH.name).write_bytes(TypeAdapter(Truth).dump_json(truth, indent=1) + b"\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the demo session's clip.mp4 and truth.json.")
    parser.add_argument("folder", type=Path, help="where both are written")
    try:
        make(parser.parse_args().folder)
    except FliteMissingError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
