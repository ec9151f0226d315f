"""How fast: the pipeline beside what people use, and beside its own limit, all in one run.

    python -m benchmarks.speed [--runs 5] [--pictures 300] [--json benchmarks/results.json]

Every loop of ``benchmarks.rivals`` and the pipeline read the same clip in turn, run after run, so
that a machine that slows down slows all of them. ``fer`` is installed into a temporary folder, and
left out where that fails.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clips import make_clip
from benchmarks.live import Listener, measure
from benchmarks.machine import describe_machine, machine_record
from benchmarks.rivals import WARM_UP
from messaging.ledger import dropped, lost

FPS = 30
LIVE_S = 20
FER = ("fer", "setuptools<81", "tqdm", "pandas", "requests", "pillow", "urllib3", "idna", "certifi")
SLOW_LOOPS = {"seed": 5, "fer": 3}
"""These see so many times fewer pictures: their times vary little."""
CASES = {
    "1 face, 640x480": (1, 640, 480),
    "2 faces, 640x480": (2, 640, 480),
    "4 faces, 640x480": (4, 640, 480),
    "1 face, 1280x720": (1, 1280, 720),
    "1 face, 1920x1080": (1, 1920, 1080),
}
BASE = next(iter(CASES))


@dataclass
class Figure:
    """What was measured in every run; ``results.json`` has its median and 95th percentile."""

    unit: str
    runs: list[float] = field(default_factory=list[float])

    @property
    def median(self) -> float:
        return float(np.median(self.runs))

    @property
    def p95(self) -> float:
        return float(np.percentile(self.runs, 95))

    def record(self) -> dict[str, Any]:
        return {"unit": self.unit, "median": self.median, "p95": self.p95, "runs": self.runs}


class Results:
    def __init__(self) -> None:
        self.figures: dict[str, Figure] = {}

    def note(self, name: str, unit: str, value: float) -> None:
        self.figures.setdefault(name, Figure(unit)).runs.append(value)

    def median(self, name: str) -> float:
        return self.figures[name].median

    def ratios(self) -> dict[str, float]:
        """Of medians."""
        pipeline = self.median(f"pipeline, {BASE}")
        found = {
            f"pipeline_to_{loop}": pipeline / self.median(f"{loop} loop")
            for loop in ("seed", "fer", "bare")
            if f"{loop} loop" in self.figures
        }
        bare_ms = self.median("bare loop, a picture")
        return {**found, "latency_p95_to_bare": self.median("capture to result, p95") / bare_ms}

    def print(self) -> None:
        print(f"\n{'':40} {'median':>9} {'p95':>9}")
        for name, figure in self.figures.items():
            print(f"{name:40} {figure.median:9.2f} {figure.p95:9.2f} {figure.unit}")
        for name, ratio in self.ratios().items():
            print(f"{name:40} {ratio:9.2f}")


def loop_ms(loop: str, clip: Path, pictures: int, library: str) -> list[float]:
    """Milliseconds for each picture."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.rivals", loop, clip, str(pictures)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": library, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    if run.returncode:
        raise SystemExit(f"{loop} failed: {run.stderr.strip().splitlines()[-1]}")
    return json.loads(run.stdout.splitlines()[-1])["milliseconds"]


@contextmanager
def fer_installed() -> Generator[str]:
    """A folder to import it from; empty where it cannot be had."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        run = subprocess.run([*pip, *FER], capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"fer is left out: {run.stderr.strip().splitlines()[-1]}")
        yield "" if run.returncode else folder


def pictures_per_s(listener: Listener, name: str, expected: int) -> float:
    """From the first result after the warm-up to the last one; none may be missing."""
    times = listener.result_ns
    missing = expected - len(times)
    left_out = sum(dropped(beat) + lost(beat) for beat in listener.beats.values())
    if missing or left_out:
        print(f"{name}: {missing} of {expected} pictures have no result, {left_out} were not read")
    return (len(times) - 1 - WARM_UP) / (times[-1] - times[WARM_UP]) * 1e9


def note_live(results: Results, clip: Path) -> None:
    """At 30 pictures per second."""
    listener, start_s = measure(clip)
    for share in (50, 95, 99):
        latency = float(np.percentile(listener.result_ms, share))
        results.note(f"capture to result, p{share}", "ms", latency)
        label = float(np.percentile(listener.label_ms, share))
        results.note(f"utterance closed to label, p{share}", "ms", label)
    results.note("start to first result", "s", start_s)
    results.note("memory of all nodes", "MB", sum(listener.rss.values()) / 1e6)
    busy = listener.cpu_shares()
    for node, share in sorted(busy.items()):
        results.note(f"CPU at {FPS}/s: {node}", "%", 100 * share)
    results.note(f"CPU at {FPS}/s: all nodes", "%", 100 * sum(busy.values()))


def compare(clips: Mapping[str, Path], runs: int, pictures: int, seconds: int) -> Results:
    results = Results()
    with fer_installed() as library:
        for number in range(runs):
            for loop in ("seed", "fer", "bare") if library else ("seed", "bare"):
                times = loop_ms(loop, clips[BASE], pictures // SLOW_LOOPS.get(loop, 1), library)
                results.note(f"{loop} loop", "pictures/s", 1000 * len(times) / sum(times))
                results.note(f"{loop} loop, a picture", "ms", float(np.median(times)))
            for name, clip in clips.items():
                listener, _ = measure(clip, "--speed", "max")
                rate = pictures_per_s(listener, name, seconds * FPS)
                results.note(f"pipeline, {name}", "pictures/s", rate)
            note_live(results, clips[BASE])
            print(f"run {number + 1} of {runs} is done", flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=300, help="for the bare loop, in each run")
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("results.json"))
    options = parser.parse_args()
    seconds = max(LIVE_S, (options.pictures + WARM_UP) // FPS + 1)
    print(describe_machine())
    print(f"load before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        clips: dict[str, Path] = {}
        for number, (name, (faces, width, height)) in enumerate(CASES.items()):
            clips[name] = Path(folder) / f"clip{number}.mp4"
            make_clip(clips[name], seconds, FPS, faces=faces, size=(width, height))
        results = compare(clips, options.runs, options.pictures, seconds)
    results.print()
    record = {
        **machine_record(),
        "figures": {name: figure.record() for name, figure in results.figures.items()},
        "ratios": results.ratios(),
    }
    options.json.write_text(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
