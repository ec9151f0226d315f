"""How fast: the pipeline beside what people use, and beside its own limit, all in one run.

Every loop of ``benchmarks.rivals`` and the pipeline read the same clip in turn, run after run, so
that a machine that slows down slows all of them. ``fer`` is installed into a temporary folder, and
left out where that fails.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.clips import make_clip
from benchmarks.live import Listener, measure
from benchmarks.packages import installed
from benchmarks.results import Results
from benchmarks.rivals import WARM_UP
from messaging.ledger import dropped, lost

FPS = 30
SECONDS = 20
FER = ("fer", "setuptools<81", "tqdm", "pandas", "requests", "pillow", "urllib3", "idna", "certifi")
PICTURES = {"seed": 60, "fer": 100, "bare": 500, "live": 300}
"""Of each loop, in each run."""


@dataclass(frozen=True, slots=True)
class Case:
    faces: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.faces} face{'s' * (self.faces > 1)}, {self.width}x{self.height}"


BASE = Case(1, 640, 480)
CASES = (BASE, Case(2, 640, 480), Case(4, 640, 480), Case(1, 1280, 720), Case(1, 1920, 1080))


def loop_ms(loop: str, clip: Path, library: str) -> list[float]:
    """Milliseconds for each picture."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.rivals", loop, clip, str(PICTURES[loop])],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": library, "TF_CPP_MIN_LOG_LEVEL": "2"},
    )
    if run.returncode:
        raise SystemExit(f"{loop} failed: {run.stderr.strip().splitlines()[-1]}")
    return json.loads(run.stdout.splitlines()[-1])["milliseconds"]


def pictures_per_s(listener: Listener, name: str, expected: int) -> float:
    """From the first result after the warm-up to the last one; none may be missing."""
    times = listener.result_ns
    missing = expected - len(times)
    left_out = sum(dropped(beat) + lost(beat) for beat in listener.beats.values())
    if missing or left_out:
        print(f"{name}: {missing} of {expected} pictures have no result, {left_out} were not read")
    return (len(times) - 1 - WARM_UP) / (times[-1] - times[WARM_UP]) * 1e9


def note_loops(results: Results, clip: Path, library: str) -> None:
    for loop in ("seed", "fer", "bare") if library else ("seed", "bare"):
        times = loop_ms(loop, clip, library)
        results.note(f"{loop} loop", "pictures/s", 1000 * len(times) / sum(times))
        results.note(f"{loop} loop, a picture", "ms", float(np.mean(times)))
    times = loop_ms("live", clip, library)
    for share in (50, 95):
        results.note(f"bare loop at 30/s, p{share}", "ms", float(np.percentile(times, share)))
    results.note_samples("bare loop at 30/s, a picture", times)


def note_live(results: Results, clip: Path) -> None:
    """At 30 pictures per second."""
    listener, start_s = measure(clip)
    latencies = {
        "capture to result": listener.result_ms,
        "of which inference": listener.inference_ms,
        "utterance closed to label": listener.label_ms,
    }
    for name, times in latencies.items():
        for share in (50, 95, 99):
            results.note(f"{name}, p{share}", "ms", float(np.percentile(times, share)))
        results.note_samples(name, times)
    results.note("start to first result", "s", start_s)
    for node, size in sorted(listener.rss.items()):
        results.note(f"memory: {node}", "MB", size / 1e6)
    results.note("memory: all nodes", "MB", sum(listener.rss.values()) / 1e6)
    busy = listener.cpu_shares()
    for node, share in sorted(busy.items()):
        results.note(f"CPU at {FPS}/s: {node}", "% of a core", 100 * share)
    results.note(f"CPU at {FPS}/s: all nodes", "% of a core", 100 * sum(busy.values()))


def compare(results: Results, runs: int) -> None:
    with installed(*FER) as library, tempfile.TemporaryDirectory() as folder:
        clips = {case: Path(folder) / f"clip{number}.mp4" for number, case in enumerate(CASES)}
        for case, clip in clips.items():
            size = case.width, case.height
            make_clip(clip, SECONDS, FPS, faces=case.faces, size=size)
        for number in range(runs):
            note_loops(results, clips[BASE], library)
            for case, clip in clips.items():
                name = "pipeline" if case == BASE else f"pipeline, {case}"
                listener, _ = measure(clip, "--speed", "max")
                rate = pictures_per_s(listener, name, SECONDS * FPS)
                results.note(name, "pictures/s", rate)
            note_live(results, clips[BASE])
            print(f"comparison: run {number + 1} of {runs} is done", flush=True)
