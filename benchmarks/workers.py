"""What a second inference worker brings.

    python -m benchmarks.workers [--seconds 20] [--cameras 2] [--workers 1 2]

Plays one file as several cameras at once, without loss and as fast as it goes, through a detector
that is heavy on purpose (Haar, one thread), and counts how many pictures are answered in a second:
from the first answer to the last. With more workers than free cores there is nothing to gain.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.clips import make_clip
from benchmarks.machine import describe_machine
from messaging.ledger import dropped, lost
from messaging.node import Node
from messaging.schema import Heartbeat
from messaging.topics import FACES

ROOT = Path(__file__).parents[1]
FPS = 30
NAME = "benchmark"
"""The first picture waits for it."""


@dataclass
class Served:
    """What several cameras got."""

    result_ns: list[int] = field(default_factory=list[int])
    """When each result came."""
    result_ms: list[float] = field(default_factory=list[float])
    """How long after its picture, where the file plays in real time."""
    shares: Counter[str] = field(default_factory=Counter[str])
    """Pictures that each worker answered."""
    beats: dict[str, Heartbeat] = field(default_factory=dict[str, Heartbeat])

    @property
    def pictures_per_s(self) -> float:
        return (len(self.result_ns) - 1) / (self.result_ns[-1] - self.result_ns[0]) * 1e9

    @property
    def overtaken(self) -> int:
        return sum(map(dropped, self.beats.values()))

    @property
    def lost(self) -> int:
        return sum(map(lost, self.beats.values()))


def tables(
    clip: Path, address: str, cameras: int, workers: int, detector: str, speed: str
) -> Iterator[str]:
    names = [f"worker-{number}" for number in range(workers)]
    awaited = ", ".join(f'"{name}"' for name in (*names, "join", NAME))
    yield f'[bus]\naddress = "{address}"'
    yield f'[inference]\ndetector = "{detector}"\nthreads = 1'
    yield f'[media]\nspeed = {speed}\nfile = "{clip}"\nwait_for = [{awaited}]'
    yield '[nodes.join]\nkind = "fusion"'
    for name in names:
        yield f'[nodes.{name}]\nkind = "inference"'
    for number in range(cameras):
        yield f'[nodes.camera-{number}]\nkind = "media"'


def measure(
    clip: Path, cameras: int, workers: int, detector: str = "haar", speed: str = '"max"'
) -> Served:
    """``speed`` as in the settings' file: 1 is real time."""
    served = Served()
    with tempfile.TemporaryDirectory() as folder:
        address = f"ipc://{folder}/hub"
        file = Path(folder) / "set.toml"
        file.write_text("\n".join(tables(clip, address, cameras, workers, detector, speed)))
        command = [sys.executable, ROOT / "run_pipeline.py", "--config", file, "--display", "none"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
            with Node(NAME, address, [FACES], connect_timeout_s=60) as node:
                while run.poll() is None and node.alive():
                    for received in node.receive(0.05):
                        if received.message.event == "analysed":
                            came_ns = received.received_ns
                            late_ns = came_ns - received.message.stamp.pipeline_ns
                            served.result_ns.append(came_ns)
                            served.result_ms.append(late_ns / 1e6)
                            served.shares[received.sender] += 1
                    served.beats.update(node.peers())
            if run.wait():
                raise SystemExit(f"the pipeline ended with exit code {run.returncode}")
    return served


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--cameras", type=int, default=2)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        make_clip(clip, options.seconds, FPS)
        for workers in options.workers:
            found = measure(clip, options.cameras, workers)
            answered = ", ".join(f"{name} {count}" for name, count in sorted(found.shares.items()))
            print(
                f"{options.cameras} cameras, {workers} workers: "
                f"{found.pictures_per_s:.1f} pictures a second ({answered})"
            )


if __name__ == "__main__":
    main()
