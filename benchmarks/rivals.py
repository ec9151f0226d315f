"""Loops in one process, to hold the pipeline against. Each reads a clip and times every picture.

    python -m benchmarks.rivals seed|fer|bare|live CLIP PICTURES

Prints a JSON object: ``milliseconds``, for each picture after the first ``WARM_UP``.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from config.settings import InferenceSettings
from inference.detector import Picture
from messaging.schema import EMOTIONS

WARM_UP = 20

Loop = Callable[[str], Iterator[Sequence[Any]]]
"""Of a clip: what was found in each picture."""


def seed(clip: str) -> Iterator[Sequence[Any]]:
    """What one writes first: Haar's cascade, then Keras' ``predict`` for each face."""
    keras: Any = import_module("tensorflow").keras
    from inference import weights

    model = keras.models.load_model(weights.checked("mini_xception.keras"), compile=False)
    cascade = cv2.CascadeClassifier(
        f"{Path(cv2.__file__).parent}/data/haarcascade_frontalface_default.xml"
    )
    for picture in _read(clip):
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
        found: list[str] = []
        for x, y, width, height in np.asarray(cascade.detectMultiScale(grey, 1.3, 5)):
            face = cv2.resize(grey[y : y + height, x : x + width], (64, 64))
            scaled = (face.astype("float32") / 255 - 0.5) * 2
            (row,) = model.predict(scaled[np.newaxis, ..., np.newaxis], verbose=0)
            found.append(EMOTIONS[int(np.argmax(row))])
        yield found


def fer(clip: str) -> Iterator[Sequence[Any]]:
    """The package of that name, as its own page says to use it."""
    detector: Any = import_module("fer.fer").FER()
    for picture in _read(clip):
        yield [
            max(face["emotions"], key=face["emotions"].get)
            for face in detector.detect_emotions(picture)
        ]


def bare(clip: str) -> Iterator[Sequence[Any]]:
    """Our own detector, tracker and classifier, without sockets: the pipeline's limit."""
    from capture.media_file import open_media
    from inference.faces import open_face_inference

    inference = open_face_inference(InferenceSettings())
    for picture in open_media(Path(clip)).pictures():
        yield [face.probabilities for face in inference("clip", picture.at_ns, picture.pixels)]


def _read(clip: str) -> Iterator[Picture]:
    video = cv2.VideoCapture(clip)
    while True:
        there, picture = video.read()
        if not there:
            return
        yield picture.astype(np.uint8, copy=False)


def live(clip: str) -> Iterator[float]:
    """The bare loop as a live camera lets it run, 30 pictures a second, each decoded before it is
    due: milliseconds from then on. Between pictures the caches grow cold, as they do live.
    """
    from capture.media_file import open_media
    from inference.faces import open_face_inference

    inference = open_face_inference(InferenceSettings())
    due_s = time.perf_counter()
    for picture in open_media(Path(clip)).pictures():
        due_s += 1 / 30
        time.sleep(max(0.0, due_s - time.perf_counter()))
        began_ns = time.perf_counter_ns()
        inference("clip", picture.at_ns, picture.pixels)
        yield (time.perf_counter_ns() - began_ns) / 1e6


LOOPS: Mapping[str, Loop] = {"seed": seed, "fer": fer, "bare": bare}


def main(loop: str, clip: str, pictures: int) -> None:
    if loop == "live":
        times_ms = [*islice(live(clip), WARM_UP + pictures)]
        print(json.dumps({"milliseconds": times_ms[WARM_UP:]}))
        return
    times_ms: list[float] = []
    faces = 0
    began_ns = time.perf_counter_ns()
    for found in islice(LOOPS[loop](clip), WARM_UP + pictures):
        now_ns = time.perf_counter_ns()
        times_ms.append((now_ns - began_ns) / 1e6)
        faces += len(found)
        began_ns = now_ns
    if len(times_ms) <= WARM_UP or not faces:
        raise SystemExit(f"{loop} saw {len(times_ms)} pictures and {faces} faces of {clip}")
    print(json.dumps({"milliseconds": times_ms[WARM_UP:], "faces": faces}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
