"""What each engine says of the same faces; ``python -m benchmarks`` says how long it takes.

    python -m benchmarks.engines FOLDER

FOLDER holds clips of one upright, neutral face each. Beside them the demo clip is read, whose faces
are drawn to show a known emotion to this very network. Each engine runs in a process of its own.
"""

import argparse
import multiprocessing
from importlib.util import find_spec
from pathlib import Path

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

Crops = NDArray[np.uint8]
Rows = NDArray[np.float64]


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


def run(engine: str, crops: Crops) -> Rows:
    classifier = open_classifier(InferenceSettings.model_validate({"engine": engine}))
    return np.array([classifier(one[np.newaxis])[0] for one in crops])


def in_a_process(engine: str, crops: Crops) -> Rows:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run, (engine, crops))


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
    options = parser.parse_args()
    print(describe_machine())
    real = np.concatenate([crops_of(clip) for clip in sorted(options.folder.glob("*.mpg"))])
    drawn = crops_of(CLIP)
    faces = np.concatenate([real, drawn])
    shown = np.concatenate([np.full(len(real), NEUTRAL), truth(len(drawn))])
    engines = [name for name in ENGINES if name != "tensorflow" or find_spec("tensorflow")]
    found = {engine: in_a_process(engine, faces) for engine in engines}
    reference = found["litert"]
    for name, where in (("real, neutral", slice(len(real))), ("drawn", slice(len(real), None))):
        print(f"\n{name}: {len(faces[where])} faces")
        print("engine        right  p(truth)  as litert  distance, mean / largest")
        for engine in engines:
            print_accuracy(found[engine][where], reference[where], shown[where], engine)


if __name__ == "__main__":
    main()
