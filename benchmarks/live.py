"""The running pipeline, live from a file.

    python -m benchmarks.live [--seconds 60] [--grid DIR]

Plays 640 x 480 pictures at 30 per second in real time through all processes, and listens beside
them: what was overtaken, how late results are, how soon the first one comes, and what memory the
processes hold. With ``--grid``, every clip there is labelled ten times at full speed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from typing import Any

import av

from benchmarks.machine import describe_machine, percentiles
from capture.demo import CLIP
from messaging.clock import monotonic_ns
from messaging.ledger import dropped, lost
from messaging.node import Node
from messaging.schema import FaceEmotions, Heartbeat, SpeechEvent, UtteranceEmotion
from messaging.topics import FACES, SPEECH, UTTERANCES
from tests.pipelines import label, result

ROOT = Path(__file__).parents[1]
FPS = 30
RUNS = 10


def make_clip(path: Path, seconds: int, fps: int = FPS) -> None:
    """The demo session again and again, with its pictures at ``fps`` per second."""
    out: Any
    with av.open(path, "w") as out:
        video = out.add_stream("libx264", rate=fps, options={"preset": "veryfast"})
        video.width, video.height, video.pix_fmt = 640, 480, "yuv420p"
        audio = out.add_stream("aac", rate=16_000, layout="mono")
        for index, picture in zip(range(seconds * fps), _frames(video=0), strict=False):
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


def _frames(**stream: int) -> Iterator[Any]:
    for _ in cycle((None,)):
        with av.open(CLIP) as clip:
            yield from clip.decode(**stream)


class Listener:
    """Reads beside the display what the pipeline says."""

    def __init__(self) -> None:
        self.first_result_ns = 0
        self.result_ms: list[float] = []
        self.inference_ms: list[float] = []
        self.label_ms: list[float] = []
        self.beats: dict[str, Heartbeat] = {}
        self.rss: dict[str, int] = {}
        self._closed: dict[str, int] = {}

    def hear(self, message: object, received_ns: int) -> None:
        if isinstance(message, FaceEmotions) and message.event == "analysed":
            self.first_result_ns = self.first_result_ns or received_ns
            self.result_ms.append((received_ns - message.stamp.pipeline_ns) / 1e6)
            self.inference_ms.append(message.inference_ns / 1e6)
        elif isinstance(message, SpeechEvent) and message.event == "ended":
            self._closed[message.utterance] = received_ns
        elif isinstance(message, UtteranceEmotion) and message.final:
            closed_ns = self._closed.get(message.id, received_ns)
            self.label_ms.append((received_ns - closed_ns) / 1e6)

    def note(self, beats: dict[str, Heartbeat]) -> None:
        self.beats.update(beats)
        for name, beat in beats.items():
            self.rss[name] = max(self.rss.get(name, 0), beat.rss_bytes)


def measure(clip: Path) -> tuple[Listener, float]:
    """Play ``clip`` in real time; the seconds from start to the first face result."""
    listener = Listener()
    with tempfile.TemporaryDirectory() as folder:
        address = f"ipc://{folder}/hub"
        began_ns = monotonic_ns()
        with subprocess.Popen(
            [sys.executable, ROOT / "run_pipeline.py", "--media", clip, "--display", "none"],
            env={**os.environ, "EMOFUSE_BUS__ADDRESS": address},
            stdout=subprocess.DEVNULL,
        ) as run:
            with Node("benchmark", address, (FACES, SPEECH, UTTERANCES)) as node:
                while run.poll() is None and node.alive():
                    for received in node.receive(0.05):
                        listener.hear(received.message, received.received_ns)
                    listener.note(dict(node.peers()))
            if run.wait():
                raise SystemExit(f"the pipeline ended with exit code {run.returncode}")
    return listener, (listener.first_result_ns - began_ns) / 1e9


def print_live(seconds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "live.mp4"
        make_clip(clip, seconds)
        listener, start_s = measure(clip)
    expected = seconds * FPS
    print(f"\n640 x 480 at {FPS} per second, {seconds} s live from a file")
    print(f"pictures analysed: {len(listener.result_ms)} of {expected}")
    for name, beat in sorted(listener.beats.items()):
        print(
            f"  {name:9} {listener.rss[name] / 1e6:6.0f} MB, {beat.cpu_ns / 1e9:5.1f} s of CPU, "
            f"overtaken {dropped(beat)}, lost {lost(beat)}, rejected {beat.rejected}"
        )
    print(f"resident memory of all: {sum(listener.rss.values()) / 1e6:.0f} MB")
    print(f"start to first face result: {start_s:.2f} s")
    print(f"capture to face result: {percentiles(listener.result_ms, 'ms')}")
    print(f"  of which inference: {percentiles(listener.inference_ms, 'ms')}")
    print(f"utterance closed to final label: {percentiles(listener.label_ms, 'ms')}")


def print_grid(folder: Path) -> None:
    print(f"\ntalking heads, {RUNS} runs each at full speed")
    for clip in sorted(folder.glob("*.mpg")):
        began = time.monotonic()
        runs = [label("--media", clip, "--speed", "max").utterances for _ in range(RUNS)]
        same = all([result(r) for r in run] == [result(r) for r in runs[0]] for run in runs)
        (record,) = runs[0]
        print(
            f"  {clip.stem}: {len(runs[0])} utterance {record['onset_s']:.3f}-"
            f"{record['offset_s']:.3f} s, {record['label']} {record['probability']:.2f}, "
            f"face in {record['coverage']:.1%} of its pictures, "
            f"{'the same in all runs' if same else 'RUNS DIFFER'} "
            f"({(time.monotonic() - began) / RUNS:.1f} s a run)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--grid", type=Path, help="a folder of talking heads (*.mpg)")
    options = parser.parse_args()
    print(describe_machine())
    print_live(options.seconds)
    if options.grid:
        print_grid(options.grid)


if __name__ == "__main__":
    main()
