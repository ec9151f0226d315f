"""Pictures with faces: the drawn portrait of the demo clip, and real heads where they are there."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import InferenceSettings
from inference.blazeface import SHORT_RANGE, BlazeFace
from inference.detector import Picture

PROJECT = Path(__file__).parents[2]
DEMO = PROJECT / "capture" / "demo" / "clip.mp4"
GRID = PROJECT.parent / "shared" / "media" / "grid"


def read_pictures(file: Path, count: int | None = None) -> list[Picture]:
    video, found = cv2.VideoCapture(str(file)), list[Picture]()
    while count is None or len(found) < count:
        there, picture = video.read()
        if not there:
            break
        found.append(picture.astype(np.uint8, copy=False))
    return found


@pytest.fixture(scope="session")
def portrait() -> Picture:
    """640x480, one face in the middle; happy."""
    return read_pictures(DEMO, 1)[0]


@pytest.fixture(scope="session")
def two_portraits(portrait: Picture) -> Picture:
    """640x480, two faces side by side, the right one smaller and lower."""
    picture = np.full_like(portrait, 120)
    half = cv2.resize(portrait, (360, 270), interpolation=cv2.INTER_AREA)
    picture[0:270, 0:320] = half[:, 20:340]
    small = cv2.resize(portrait, (320, 240), interpolation=cv2.INTER_AREA)
    picture[200:440, 320:640] = small
    return picture


@pytest.fixture(scope="session")
def blazeface() -> BlazeFace:
    return BlazeFace(SHORT_RANGE, min_score=InferenceSettings().min_score, threads=1)


def grid_clips() -> list[Path]:
    return sorted(GRID.glob("*.mpg"))
