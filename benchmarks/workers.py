"""What a second inference worker brings.

    python -m benchmarks.workers [--seconds 20] [--cameras 2] [--workers 1 2]

Plays one file as several cameras at once, without loss and as fast as it goes, through a detector
that is heavy on purpose (Haar, one thread), and counts how many pictures are answered in a second:
from the first answer to the last. With more workers than free cores there is nothing to gain.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.clips import make_clip
from benchmarks.machine import describe_machine
from messaging.node import Node
from messaging.topics import FACES

ROOT = Path(__file__).parents[1]
FPS = 30
NAME = "benchmark"
"""The first picture waits for it."""


def tables(clip: Path, address: str, cameras: int, workers: int) -> Iterator[str]:
    names = [f"worker-{number}" for number in range(workers)]
    awaited = ", ".join(f'"{name}"' for name in (*names, "join", NAME))
    yield f'[bus]\naddress = "{address}"'
    yield '[inference]\ndetector = "haar"\nthreads = 1'
    yield f'[media]\nspeed = "max"\nfile = "{clip}"\nwait_for = [{awaited}]'
    yield '[nodes.join]\nkind = "fusion"'
    for name in names:
        yield f'[nodes.{name}]\nkind = "inference"'
    for number in range(cameras):
        yield f'[nodes.camera-{number}]\nkind = "media"'


def measure(clip: Path, cameras: int, workers: int) -> tuple[float, dict[str, int]]:
    """Pictures a second, and how many of them each worker answered."""
    arrivals: list[int] = []
    shares: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        address = f"ipc://{folder}/hub"
        file = Path(folder) / "set.toml"
        file.write_text("\n".join(tables(clip, address, cameras, workers)))
        command = [sys.executable, ROOT / "run_pipeline.py", "--config", file, "--display", "none"]
        with subprocess.Popen(command, env={**os.environ}, stdout=subprocess.DEVNULL) as run:
            with Node(NAME, address, [FACES], connect_timeout_s=60) as node:
                while run.poll() is None and node.alive():
                    for received in node.receive(0.05):
                        if received.message.event == "analysed":
                            arrivals.append(received.received_ns)
                            shares[received.sender] = shares.get(received.sender, 0) + 1
            if run.wait():
                raise SystemExit(f"the pipeline ended with exit code {run.returncode}")
    return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0]) * 1e9, shares


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
            rate, shares = measure(clip, options.cameras, workers)
            answered = ", ".join(f"{name} {count}" for name, count in sorted(shares.items()))
            print(
                f"{options.cameras} cameras, {workers} workers: {rate:.1f} pictures a second "
                f"({answered})"
            )


if __name__ == "__main__":
    main()
