"""How many cameras one machine serves: at full speed without loss, and live at 30 a second."""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.clips import make_clip
from benchmarks.results import Results
from benchmarks.workers import measure

CAMERAS = (1, 2, 4, 6, 8)
SECONDS, FPS = 15, 30


def compare(results: Results) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        make_clip(clip, SECONDS, FPS)
        for cameras in CAMERAS:
            x = ("cameras", cameras)
            most = measure(clip, cameras, 1, "blazeface")
            results.note_point("cameras", x, ("pictures/s of all", most.pictures_per_s))
            live = measure(clip, cameras, 1, "blazeface", "1")
            asked = cameras * SECONDS * FPS
            p50, p95 = np.percentile(live.result_ms, (50, 95))
            results.note_point("cameras: latency p50, live", x, ("ms", float(p50)))
            results.note_point("cameras: latency p95, live", x, ("ms", float(p95)))
            answered = 100 * len(live.result_ns) / asked
            results.note_point("cameras: pictures analysed, live", x, ("%", answered))
            print(f"{cameras} cameras live: {live.overtaken} overtaken, {live.lost} lost")
