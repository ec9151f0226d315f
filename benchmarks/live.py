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
from pathlib import Path

from benchmarks.clips import make_clip
from benchmarks.machine import describe_machine, percentiles
from messaging.clock import monotonic_ns
from messaging.ledger import dropped, lost
from messaging.node import Node
from messaging.schema import FaceEmotions, Heartbeat, SpeechEvent, UtteranceEmotion
from messaging.topics import FACES, SPEECH, UTTERANCES
from tests.pipelines import label, result

ROOT = Path(__file__).parents[1]
FPS = 30
RUNS = 10
NAME = "benchmark"
"""The first picture waits for it."""


class Listener:
    """Reads beside the display what the pipeline says."""

    def __init__(self) -> None:
        self.result_ns: list[int] = []
        """When each result came."""
        self.result_ms: list[float] = []
        self.inference_ms: list[float] = []
        self.label_ms: list[float] = []
        self.beats: dict[str, Heartbeat] = {}
        self.rss: dict[str, int] = {}
        self._first_running: dict[str, Heartbeat] = {}
        self._closed: dict[str, int] = {}

    def hear(self, message: object, received_ns: int) -> None:
        if isinstance(message, FaceEmotions) and message.event == "analysed":
            self.result_ns.append(received_ns)
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
            if beat.state == "running":
                self._first_running.setdefault(name, beat)

    def cpu_shares(self) -> dict[str, float]:
        """Of one core, by node, since it runs: what its start took is left out."""
        return {
            name: (self.beats[name].cpu_ns - first.cpu_ns)
            / max(1, self.beats[name].uptime_ns - first.uptime_ns)
            for name, first in self._first_running.items()
        }


def measure(clip: Path, *options: str) -> tuple[Listener, float]:
    """Play ``clip``, in real time unless ``options`` say else; the seconds from start to the first
    face result.
    """
    listener = Listener()
    with tempfile.TemporaryDirectory() as folder:
        address = f"ipc://{folder}/hub"
        began_ns = monotonic_ns()
        with subprocess.Popen(
            [
                sys.executable,
                ROOT / "run_pipeline.py",
                *("--media", clip, "--display", "none", *options),
            ],
            env={
                **os.environ,
                "EMOFUSE_BUS__ADDRESS": address,
                "EMOFUSE_MEDIA__WAIT_FOR": f"inference,fusion,{NAME}",
            },
            stdout=subprocess.DEVNULL,
        ) as run:
            with Node(NAME, address, (FACES, SPEECH, UTTERANCES)) as node:
                while run.poll() is None and node.alive():
                    for received in node.receive(0.05):
                        listener.hear(received.message, received.received_ns)
                    listener.note(dict(node.peers()))
            if run.wait():
                raise SystemExit(f"the pipeline ended with exit code {run.returncode}")
    return listener, (listener.result_ns[0] - began_ns) / 1e9


def print_live(seconds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "live.mp4"
        make_clip(clip, seconds, FPS)
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
