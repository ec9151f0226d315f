"""How the crop for the classifier was chosen: fits it, and compares it with others, on real faces.

    python -m benchmarks.crop FOLDER

FOLDER holds clips, each with one upright, neutral face. There is no label beyond that, so a crop is
judged by its agreement with the Haar cascade's box, on which the classifier is right most often,
and by what the network makes of it. Constants are fitted without the clip they are judged on.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from config.settings import InferenceSettings
from inference import crop
from inference.blazeface import FULL_RANGE, SHORT_RANGE, BlazeFace
from inference.crop import Square
from inference.detector import Detection, Detector, KeyPoints, Picture
from inference.engine import open_engine
from inference.haar import Haar

MIN_SCORE = InferenceSettings().min_score
NEUTRAL = 6
TILTS = (-30, -20, -10, 10, 20, 30)
ZOOMS = (1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2)

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    clip: str
    picture: Picture
    face: Detection
    haar: Detection | None
    """The largest box of the cascade."""


class Fit(NamedTuple):
    eye_distances: float
    eyes_above_centre: float


Crop = Callable[[Sample, Fit], Square]


def pictures(file: Path) -> list[Picture]:
    video, found = cv2.VideoCapture(str(file)), list[Picture]()
    while (read := video.read())[0]:
        found.append(read[1].astype(np.uint8, copy=False))
    return found


def eyes(points: KeyPoints) -> tuple[NDArray[np.float64], float]:
    """The point between the eyes, and their distance."""
    right, left = np.array(points.right_eye), np.array(points.left_eye)
    return (right + left) / 2, float(np.hypot(*(left - right)))


def fit(samples: Sequence[Sample]) -> Fit:
    """The square below the eyes that is closest to Haar's: least squares, then the median."""
    pairs = [
        (*eyes(sample.face.points), crop.square(sample.haar))
        for sample in samples
        if sample.face.points is not None and sample.haar is not None
    ]
    distance = np.array([pair[1] for pair in pairs])
    side = float(distance @ [pair[2].side for pair in pairs] / (distance @ distance))
    drops = [(haar.y - middle[1]) / (side * apart) for middle, apart, haar in pairs]
    return Fit(side, float(np.median(drops)))


def haar_box(sample: Sample, _: Fit) -> Square:
    return crop.square(sample.haar or sample.face)


def own_box(grow: float, up: float) -> Crop:
    def square(sample: Sample, _: Fit) -> Square:
        (x, y), side = sample.face.box.centre, sample.face.box.width
        return Square(x, y - up * side, grow * side)

    return square


def below_eyes(sample: Sample, fitted: Fit) -> Square:
    assert sample.face.points is not None
    (x, y), apart = eyes(sample.face.points)
    side = fitted.eye_distances * apart
    return Square(float(x), float(y) + fitted.eyes_above_centre * side, side)


def product(sample: Sample, _: Fit) -> Square:
    return crop.square(sample.face)


CROPS: dict[str, Crop] = {
    "Haar's box": haar_box,
    "BlazeFace's box": own_box(1, 0),
    "x1.1, up 5 %": own_box(1.1, 0.05),
    "x1.2, up 10 %": own_box(1.2, 0.1),
    "below the eyes, fitted": below_eyes,
    "the product's": product,
}


def overlap(one: Square, other: Square) -> float:
    """Intersection over union; tilt is left out."""
    width, height = (
        max(
            0.0,
            min(a + one.side / 2, b + other.side / 2) - max(a - one.side / 2, b - other.side / 2),
        )
        for a, b in ((one.x, other.x), (one.y, other.y))
    )
    return width * height / (one.side**2 + other.side**2 - width * height)


def distance(one: Probabilities, other: Probabilities) -> float:
    """Mean total variation, 0 to 1."""
    return float(np.abs(one - other).sum(axis=1).mean() / 2)


class Judge:
    def __init__(self) -> None:
        self._engine = open_engine("litert", threads=1, max_batch=1)

    def __call__(self, cases: Sequence[tuple[Picture, Square]]) -> Probabilities:
        crops = np.concatenate([crop.cut(picture, [square]) for picture, square in cases])
        return self._engine(crops[..., np.newaxis] * np.float32(2 / 255) - np.float32(1))


def compare(samples: Sequence[Sample], judge: Judge) -> None:
    clips = sorted({sample.clip for sample in samples})
    print(f"{'crop':24}  IoU with Haar  distance  p(neutral)  right  unrest  p(neutral) by clip")
    for name, square in CROPS.items():
        overlaps: list[float] = []
        apart: list[float] = []
        unrest: list[float] = []
        neutral: list[Probabilities] = []
        right: list[bool] = []
        for clip in clips:
            fitted = fit([sample for sample in samples if sample.clip != clip])
            own = [sample for sample in samples if sample.clip == clip and sample.haar]
            squares = [square(sample, fitted) for sample in own]
            haar = [haar_box(sample, fitted) for sample in own]
            found = judge([(s.picture, at) for s, at in zip(own, squares, strict=True)])
            by_haar = judge([(s.picture, at) for s, at in zip(own, haar, strict=True)])
            overlaps += [overlap(a, b) for a, b in zip(squares, haar, strict=True)]
            apart.append(distance(found, by_haar))
            unrest.append(distance(found[1:], found[:-1]))
            neutral.append(found[:, NEUTRAL])
            right += (found.argmax(axis=1) == NEUTRAL).tolist()
        by_clip = " ".join(f"{values.mean():.2f}" for values in neutral)
        print(
            f"{name:24}  {np.mean(overlaps):.3f} ({np.min(overlaps):.2f})   {np.mean(apart):.3f}   "
            f"  {np.concatenate(neutral).mean():.3f}       {np.mean(right):.3f}  "
            f"{np.mean(unrest):.3f}   {by_clip}"
        )


def tilted(samples: Sequence[Sample], detect: Detector, judge: Judge) -> None:
    """The same faces turned: what the classifier says should stay."""
    print(f"\n{'tilt':>5}  found  distance to upright (p(neutral)): level square, the product's")
    upright = judge([(sample.picture, crop.square(sample.face)) for sample in samples])
    for degrees in TILTS:
        turned = [turn(sample, degrees) for sample in samples]
        faces = [detect(picture) for picture in turned]
        seen = [index for index, face in enumerate(faces) if face]
        squares = [crop.square(faces[index][0]) for index in seen]
        columns: list[str] = []
        for kept in ([at._replace(tilt=0) for at in squares], squares):
            found = judge([(turned[i], at) for i, at in zip(seen, kept, strict=True)])
            columns.append(f"{distance(found, upright[seen]):.3f} ({found[:, NEUTRAL].mean():.2f})")
        print(f"{degrees:5}  {len(seen) / len(samples):5.2f}  {'  '.join(columns)}")


def turn(sample: Sample, degrees: float) -> Picture:
    height, width = sample.picture.shape[:2]
    turning = cv2.getRotationMatrix2D(sample.face.box.centre, degrees, 1)
    return cv2.warpAffine(
        sample.picture, turning, (width, height), borderMode=cv2.BORDER_REPLICATE
    ).astype(np.uint8, copy=False)


def smallest(samples: Sequence[Sample], detectors: Sequence[Detector]) -> None:
    """Share of pictures with a face found, shrunk into 640x480."""
    print(f"\n{'face, px':>8}  {'  '.join(detector.name for detector in detectors)}")
    for zoom in ZOOMS:
        shrunk = [shrink(sample.picture, zoom) for sample in samples]
        face = np.mean([sample.face.box.width for sample in samples]) * zoom
        found = [np.mean([bool(detect(picture)) for picture in shrunk]) for detect in detectors]
        print(f"{face:8.0f}  {'  '.join(f'{share:9.2f}' for share in found)}")


def shrink(picture: Picture, zoom: float) -> Picture:
    small = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    whole = np.full((480, 640, 3), 110, np.uint8)
    whole[40 : 40 + small.shape[0], 60 : 60 + small.shape[1]] = small
    return whole


def main(folder: Path) -> None:
    cv2.setNumThreads(1)
    detect, haar, judge = BlazeFace(SHORT_RANGE, min_score=MIN_SCORE, threads=1), Haar(), Judge()
    samples: list[Sample] = []
    print("clip             pictures  exactly one face  Haar: any  Haar: more than one")
    for file in sorted(path for path in folder.iterdir() if path.suffix in {".mpg", ".mp4"}):
        frames = pictures(file)
        found, boxes = [detect(frame) for frame in frames], [haar(frame) for frame in frames]
        print(
            f"{file.name:16} {len(frames):8}  {sum(len(f) == 1 for f in found):16}  "
            f"{sum(map(bool, boxes)):9}  {sum(len(b) > 1 for b in boxes):19}"
        )
        samples += [
            Sample(file.name, frame, faces[0], box[0] if box else None)
            for frame, faces, box in zip(frames, found, boxes, strict=True)
            if faces
        ]
    print(
        f"\nfitted on all: {fit(samples)}; in use: {crop.EYE_DISTANCES}, {crop.EYES_ABOVE_CENTRE}\n"
    )
    compare(samples, judge)
    tilted(samples[::3], detect, judge)
    full = BlazeFace(FULL_RANGE, min_score=MIN_SCORE, threads=1)
    smallest(samples[::9], [detect, full, haar])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
