"""What following faces between detections changes, beside detection in every picture.

    python -m benchmarks.following [--grid DIR] [--detect-every 0.06 0.1 0.2]

The demo clip, and all clips (*.mpg) of DIR, which show one neutral face each. The yardstick is
detection in every picture after changes that nobody would call an error: JPEG of quality 90, and
one row and one column of pixels less. Every picture is analysed in all ways one after the other, so
that a machine that slows down slows each of them.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path

import cv2
import numpy as np

from benchmarks.crop import pictures
from benchmarks.machine import describe_machine
from capture.demo import CLIP
from capture.pictures import to_jpeg
from config.settings import InferenceSettings
from inference.detector import Detection, Picture
from inference.faces import open_face_inference
from inference.jpeg import read_jpeg
from messaging.schema import Face

QUALITY = 90
SAME_FACE = 0.3
"""Overlap from which two boxes are one face."""

Faces = tuple[Face, ...]


def as_it_is(picture: Picture) -> Picture:
    return picture.copy()


def through_jpeg(picture: Picture) -> Picture:
    read = read_jpeg(to_jpeg(picture, QUALITY), (picture.shape[0], picture.shape[1], 3))
    assert read is not None
    return read


def less_a_pixel(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[1:, 1:])


@dataclass
class Way:
    """One way of finding the faces, and what it found in each picture of each clip."""

    name: str
    detect_every_s: float = 0.0
    still_s: float = 0.0
    change: Callable[[Picture], Picture] = as_it_is
    faces: list[list[Faces]] = field(default_factory=list[list[Faces]])
    searched: int = 0
    ms: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        settings = InferenceSettings(detect_every_s=self.detect_every_s, still_s=self.still_s)
        self._inference = open_face_inference(settings)
        self._detect = self._inference.detector
        self._inference.detector = self
        for _ in range(5):
            self._inference("warm-up", 0, np.zeros((480, 640, 3), np.uint8))
        self.searched = 0

    def __call__(self, picture: Picture) -> list[Detection]:
        """The detector, counted."""
        self.searched += 1
        return self._detect(picture)

    def look_at(self, clip: str, stamp_ns: int, picture: Picture) -> None:
        picture = self.change(picture)
        began = time.perf_counter_ns()
        faces = self._inference(clip, stamp_ns, picture)
        self.ms.append((time.perf_counter_ns() - began) / 1e6)
        self.faces[-1].append(faces)


def watch(clips: Sequence[Path], ways: Sequence[Way]) -> None:
    for clip in clips:
        rate = cv2.VideoCapture(str(clip)).get(cv2.CAP_PROP_FPS)
        for way in ways:
            way.faces.append([])
        for index, picture in enumerate(pictures(clip)):
            for way in ways:
                way.look_at(clip.stem, round(index * 1e9 / rate), picture)


def overlap(one: Face, other: Face) -> float:
    """Intersection over union."""
    common = 1.0
    for low in (0, 1):
        (a, b), (c, d) = ((f.box[low], f.box[low] + f.box[low + 2]) for f in (one, other))
        common *= max(0.0, min(b, d) - max(a, c))
    return common / (one.area + other.area - common)


def report(truth: Way, way: Way) -> str:
    agree, overlaps, missed, extra = list[bool](), list[float](), 0, 0
    both = zip(chain.from_iterable(truth.faces), chain.from_iterable(way.faces), strict=True)
    for expected, found in both:
        left = list(found)
        for face in expected:
            best = max(left, key=lambda other: overlap(face, other), default=None)
            if best is None or overlap(face, best) < SAME_FACE:
                missed += 1
                continue
            left.remove(best)
            agree.append(face.label == best.label)
            overlaps.append(overlap(face, best))
        extra += len(left)
    labels = [face.label for clip in way.faces for faces in clip for face in faces]
    unrest = [
        np.abs(np.subtract(now[0].probabilities, then[0].probabilities)).sum() / 2
        for clip in way.faces
        for then, now in pairwise(clip)
        if then and now
    ]
    return (
        f"{way.name:24} {np.mean(agree):6.1%}  {min(overlaps):.2f} / "
        f"{np.percentile(overlaps, 1):.2f}  {missed:3} / {extra:<3}  "
        f"{labels.count('neutral') / len(labels):6.1%}   {np.mean(unrest):.3f}   "
        f"{way.searched / len(way.ms):6.1%}  {np.median(way.ms):5.2f} / {np.mean(way.ms):.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grid", type=Path, help="a folder of talking heads (*.mpg)")
    parser.add_argument("--detect-every", type=float, nargs="+", default=[0.06, 0.1, 0.2])
    options = parser.parse_args()
    print(describe_machine())
    settings = InferenceSettings()
    heads = {"talking heads": sorted(options.grid.glob("*.mpg"))} if options.grid else {}
    for name, clips in {"demo clip": [CLIP], **heads}.items():
        ways = [
            Way("in every picture"),
            *(Way(f"every {s:g} s", s) for s in options.detect_every),
            Way("the default", settings.detect_every_s, settings.still_s),
            Way("in every one, JPEG", change=through_jpeg),
            Way("in every one, less a row", change=less_a_pixel),
        ]
        watch(clips, ways)
        print(
            f"\n{name:24} labels  box overlap  missed /  neutral  unrest  searched  ms a picture\n"
            f"{'':24}  agree  least / 1 %    extra                            median / mean"
        )
        for way in ways:
            print(report(ways[0], way))


if __name__ == "__main__":
    main()
