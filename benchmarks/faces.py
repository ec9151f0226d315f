"""How long face inference takes for a picture, part by part, and the memory that it holds.

    python -m benchmarks.faces [PICTURES]

640x480, one face: the demo clip, detection in every picture (``benchmarks.following`` tells what
following saves). Nothing else should run meanwhile.
"""

import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from config.settings import InferenceSettings
from inference import crop
from inference.detector import Picture
from inference.faces import open_face_inference

CLIP = Path(__file__).parents[1] / "capture" / "demo" / "clip.mp4"
SETTINGS = [
    InferenceSettings(detector=detector, threads=threads, detect_every_s=0)
    for detector in ("blazeface", "blazeface-full", "haar")
    for threads in (1, 2)
]
Times = dict[str, list[float]]


def timed(times: Times, part: str, call: Callable[..., Any], *values: Any) -> Any:
    began = time.perf_counter_ns()
    result = call(*values)
    times.setdefault(part, []).append((time.perf_counter_ns() - began) / 1e6)
    return result


def measure(settings: InferenceSettings, pictures: list[Picture]) -> Times:
    inference, times = open_face_inference(settings), Times()
    for index, picture in enumerate(pictures):
        faces = timed(times, "detect", inference.detector, picture)
        squares = [crop.square(face) for face in faces]
        crops = timed(times, "crop", crop.cut, picture, squares)
        timed(times, "classify", inference.classifier, crops)
        timed(times, "whole", inference, "camera", index * 40_000_000, picture)
    return times


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def read(count: int) -> list[Picture]:
    video, found = cv2.VideoCapture(str(CLIP)), list[Picture]()
    while len(found) < 60:
        there, picture = video.read()
        if not there:
            raise SystemExit(f"{CLIP} is no clip of 60 pictures")
        found.append(picture.astype(np.uint8, copy=False))
    return list(islice(cycle(found), count))


def main(count: int) -> None:
    packages = ("ai-edge-litert", "opencv-python", "numpy")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(versions)
    open_face_inference(SETTINGS[0])
    print(f"resident after loading: {resident_mb():.0f} MB\n")
    pictures = read(count)
    print(f"{'detector':15} threads  ms, median / 95th percentile")
    for settings in SETTINGS:
        columns = [
            f"{part} {np.median(values):.2f} / {np.percentile(values, 95):.2f}"
            for part, values in measure(settings, pictures).items()
        ]
        print(f"{settings.detector:15} {settings.threads:7}  {'   '.join(columns)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
