"""What each engine says of the same faces, and how long it takes.

    python -m benchmarks.engines FOLDER [--threads 1 2]

FOLDER holds clips of one upright, neutral face each. Beside them the demo clip is read, whose faces
are drawn to show a known emotion to this very network. Each engine runs in a process of its own;
nothing else should run meanwhile.
"""

import argparse
import multiprocessing
import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.crop import pictures
from benchmarks.machine import describe_machine
from capture.demo import CLIP, load_truth
from config.settings import InferenceSettings
from inference import crop
from inference.classifier import open_classifier
from inference.detector import open_detector
from messaging.schema import EMOTIONS

ENGINES = ("litert", "litert-int8", "tensorflow")
NEUTRAL = EMOTIONS.index("neutral")
TIMED, WARM_UP = 300, 20
MANY = 8
"""Faces in one call, beside one."""

Crops = NDArray[np.uint8]
Rows = NDArray[np.float64]


class Found(NamedTuple):
    rows: Rows
    ms: dict[int, float]
    """Median of a call, by the number of faces in it."""
    start_s: float


def crops_of(clip: Path) -> Crops:
    """The best face of each picture, as the product frames it."""
    detect = open_detector("blazeface", min_score=InferenceSettings().min_score, threads=1)
    seen = [(picture, detect(picture)) for picture in pictures(clip)]
    return np.concatenate(
        [crop.cut(picture, [crop.square(faces[0])]) for picture, faces in seen if faces]
    )


def truth(count: int) -> NDArray[np.int64]:
    """Which emotion each of the demo clip's pictures shows; -1 while one turns into another."""
    told = load_truth()
    labels = np.full(count, -1)
    for shown in told.expressions:
        begin, end = shown.start_s + told.transition_s, shown.end_s
        labels[round(begin * told.fps) : round(end * told.fps)] = EMOTIONS.index(shown.label)
    return labels


def run(engine: str, threads: int, crops: Crops) -> Found:
    began = time.perf_counter()
    settings = InferenceSettings.model_validate({"engine": engine, "threads": threads})
    classifier = open_classifier(settings)
    start_s = time.perf_counter() - began
    rows = np.array([classifier(one[np.newaxis])[0] for one in crops])
    ms: dict[int, float] = {}
    for faces in (1, MANY):
        times: list[float] = []
        for number in range(WARM_UP + TIMED):
            some = crops[number % (len(crops) - faces) :][:faces]
            call = time.perf_counter()
            classifier(some)
            times.append((time.perf_counter() - call) * 1e3)
        ms[faces] = float(np.median(times[WARM_UP:]))
    return Found(rows, ms, start_s)


def in_a_process(*case: Any) -> Found:
    """TensorFlow takes its number of threads once."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run, case)


def print_accuracy(found: Rows, reference: Rows, shown: NDArray[np.int64], name: str) -> None:
    """``shown`` is the truth of each crop, -1 where there is none."""
    known, first = shown >= 0, found.argmax(axis=1)
    right = (first[known] == shown[known]).mean()
    of_truth = found[known, shown[known]].mean()
    alike = (first == reference.argmax(axis=1)).mean()
    apart = np.abs(found - reference).sum(axis=1) / 2
    print(
        f"{name:12}  {right:.3f}  {of_truth:.3f}     {alike:.3f}      "
        f"{apart.mean():.6f} / {apart.max():.6f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    print(describe_machine())
    print(f"load before: {os.getloadavg()[0]:.1f}")
    real = np.concatenate([crops_of(clip) for clip in sorted(options.folder.glob("*.mpg"))])
    drawn = crops_of(CLIP)
    faces = np.concatenate([real, drawn])
    shown = np.concatenate([np.full(len(real), NEUTRAL), truth(len(drawn))])
    engines = [name for name in ENGINES if name != "tensorflow" or find_spec("tensorflow")]
    found = {
        (engine, threads): in_a_process(engine, threads, faces)
        for engine in engines
        for threads in options.threads
    }
    first = options.threads[0]
    reference = found["litert", first].rows
    for name, where in (("real, neutral", slice(len(real))), ("drawn", slice(len(real), None))):
        print(f"\n{name}: {len(faces[where])} faces")
        print("engine        right  p(truth)  as litert  distance, mean / largest")
        for engine in engines:
            rows = found[engine, first].rows
            print_accuracy(rows[where], reference[where], shown[where], engine)
    print(f"\nengine        threads  start, s  ms for 1 face  ms for {MANY} faces")
    for (engine, threads), one in found.items():
        print(
            f"{engine:12}  {threads:7}  {one.start_s:8.2f}  {one.ms[1]:13.2f}  {one.ms[MANY]:13.2f}"
        )


if __name__ == "__main__":
    main()
