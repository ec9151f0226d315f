"""What one call of each network takes, with one thread and with two: each in a process of its own,
since TensorFlow takes their number once.

    python -m benchmarks.models THREADS

Prints a JSON object: milliseconds by network.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice

import cv2
import numpy as np

from benchmarks.results import Results
from capture.demo import CLIP
from capture.media_file import open_media
from config.settings import InferenceSettings
from inference import crop
from inference.classifier import Classifier
from inference.detector import open_detector
from inference.engine import open_engine

CALLS = 300
THREADS = (1, 2)
FACES = (1, 4)


def milliseconds(call: Callable[[], object]) -> float:
    """Median of ``CALLS``, after a first one."""
    call()
    times_ns: list[int] = []
    for _ in range(CALLS):
        began_ns = time.perf_counter_ns()
        call()
        times_ns.append(time.perf_counter_ns() - began_ns)
    return float(np.median(times_ns)) / 1e6


def networks(threads: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every detector on a picture of the demo session, every engine on its face's crops."""
    picture = next(islice(open_media(CLIP).pictures(), 30, None)).pixels
    score = InferenceSettings().min_score
    for name in ("blazeface", "blazeface-full", "haar"):
        detector = open_detector(name, min_score=score, threads=threads)
        yield name, lambda detector=detector: detector(picture)
    (face, *_) = open_detector("blazeface", min_score=score, threads=1)(picture)
    for name in ("litert", "litert-int8", "tensorflow"):
        engine = open_engine(name, threads=threads, max_batch=max(FACES))
        classifier = Classifier(engine)
        for faces in FACES:
            crops = crop.cut(picture, [crop.square(face)] * faces)
            called = f"mini_xception ({name}), {faces} face{'s' * (faces > 1)}"
            yield called, lambda classifier=classifier, crops=crops: classifier(crops)


def compare(results: Results) -> None:
    for threads in THREADS:
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks.models", str(threads)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        plural = "s" * (threads > 1)
        for name, took_ms in json.loads(run.stdout).items():
            results.note(f"{name}, {threads} thread{plural}", "ms", took_ms)


def main(threads: int) -> None:
    cv2.setNumThreads(threads)
    print(json.dumps({name: milliseconds(call) for name, call in networks(threads)}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
