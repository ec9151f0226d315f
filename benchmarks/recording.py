"""What recording costs, live.

    python -m benchmarks.recording [--minutes 1]

Plays 640 x 480 pictures at 30 per second in real time through all processes, once as it is and
once with ``--record``: the recorder's processor time, what the source needs more to make JPEG
pictures, what was lost or overtaken, and how fast the session grows.
"""

import argparse
import importlib.metadata
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clips import make_clip
from benchmarks.live import FPS
from benchmarks.machine import describe_machine
from commands.info import Contents, read
from messaging.node import Node
from messaging.schema import Heartbeat
from recording.recorder import NAME
from recording.session import open_session

ROOT = Path(__file__).parents[1]
PACKAGES = ("mcap", "lz4", "msgpack")
SOURCE = "media"
GOAL = 0.15

PLAIN_MINUTES = 2
"""Without the recorder: the share of a core does not change for longer."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Shares of one core, from the first to the last second that a node ran."""

    recorder: float
    source: float
    others: float


def measure(clip: Path, session: Path | None) -> Cost:
    beats: dict[str, Heartbeat] = {}
    record = () if session is None else ("--record", session)
    with tempfile.TemporaryDirectory() as folder:
        address = f"ipc://{folder}/hub"
        with subprocess.Popen(
            [
                sys.executable,
                ROOT / "run_pipeline.py",
                "--media",
                clip,
                "--display",
                "none",
                *record,
            ],
            env={**os.environ, "EMOFUSE_BUS__ADDRESS": address},
            stdout=subprocess.DEVNULL,
        ) as run:
            with Node("benchmark", address) as node:
                while run.poll() is None and node.alive():
                    node.receive(0.1)
                    beats.update(node.peers())
            if run.wait():
                raise SystemExit(f"the pipeline ended with exit code {run.returncode}")
    shares = {name: beat.cpu_ns / max(1, beat.uptime_ns) for name, beat in beats.items()}
    recorder, source = shares.pop(NAME, 0.0), shares.pop(SOURCE)
    return Cost(recorder, source, sum(shares.values()))


def print_session(folder: Path, minutes: float) -> Contents:
    session = open_session(folder)
    found = read(session)
    size = sum(part.path.stat().st_size for part in session.parts)
    print(f"session: {size / 1e6:.1f} MB, {size / 1e6 / minutes:.1f} MB a minute")
    for hop in found.hops:
        if hop.reader == NAME:
            print(
                f"  {hop.topic:10} from {hop.sender:9} {hop.produced} sent, {hop.processed} "
                f"recorded, {hop.dropped} overtaken, {hop.lost} lost"
            )
    verdict = "; ".join(found.faults) if found.faults else "the ledger adds up"
    print(f"  {verdict}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    minutes = parser.parse_args().minutes
    print(describe_machine())
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES))
    print(f"\n640 x 480 at {FPS} per second, {minutes:g} minutes live from a file")
    with tempfile.TemporaryDirectory() as name:
        clip, short, session = (Path(name) / part for part in ("clip.mp4", "short.mp4", "session"))
        make_clip(short, round(min(minutes, PLAIN_MINUTES) * 60), FPS)
        make_clip(clip, round(minutes * 60), FPS)
        plain, recorded = measure(short, None), measure(clip, session)
        found = print_session(session, minutes)
    extra = recorded.source - plain.source
    total = recorded.recorder + extra
    print(f"recorder: {recorded.recorder:.1%} of a core")
    print(f"source: {plain.source:.1%} as it is, {recorded.source:.1%} with JPEG for the recorder")
    print(f"all other processes: {plain.others:.1%} as it is, {recorded.others:.1%} recorded")
    print(f"recording costs {total:.1%} of a core (goal: {GOAL:.0%} at most)")
    gone = sum(hop.lost + hop.dropped for hop in found.hops if hop.reader == NAME)
    print(f"messages that were not recorded: {gone}")


if __name__ == "__main__":
    main()
