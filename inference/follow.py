"""Between detections faces are followed, which costs a twentieth of finding them anew."""

import math
from collections.abc import Callable, Sequence
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.detector import Box, Detection, KeyPoints, Picture
from inference.stillness import Glance

SECOND = 1_000_000_000
ACROSS = 32
"""Cells to which the width of a face's box is reduced. With 64 it is followed no better."""
TOP, BOTTOM = -0.1, 0.7
"""Which part of its height is followed: brows, eyes and nose, from which the classifier's square is
built, and not the mouth, which moves by itself."""
REACH = 0.25
"""How far a face may move from where it was detected, in widths of its box: 2.7 a second."""
ALIKE = 0.9
"""Correlation below which it is doubtful that this is still the face: talking heads have .96 and
more, a drawn one that changes its expression within a picture .90."""
SURE = 0.75
"""Faces of lower scores come and go from picture to picture (docs/accuracy.md): they are not
followed."""
APART = 1.5
"""Faces nearer to each other, in sizes, may hide one another: they are not followed."""
EDGE = 2
"""Cells that a followed face keeps from the picture's edge at least."""


class Follower:
    """Gives the faces of each picture of one camera; asks the detector no more often than needed.

    A picture is searched when ``detect_every_s`` have passed since the last one that was, or
    ``still_s`` where nothing has changed since; when the picture before is that long ago or later;
    when the last search found nobody, unless nothing has changed; and whenever a face cannot be
    followed for sure. What is followed has the score of its detection. Time is the pictures' own:
    the same pictures give the same faces at any speed.
    """

    def __init__(
        self,
        detect: Callable[[Picture], list[Detection]],
        *,
        detect_every_s: float,
        still_s: float,
    ) -> None:
        self._detect = detect
        self._detect_every_ns = round(detect_every_s * SECOND)
        self._still_ns = round(still_s * SECOND)
        self._now, self._then = Glance(), Glance()
        """Of this picture, and of the last one that was searched."""
        self._shape = (0, 0)
        self._found_ns = self._seen_ns = 0
        self._count = 0
        self._patches: list[_Patch] | None = None
        """Of the faces that were found; ``None`` where they cannot be followed."""

    def forget(self) -> None:
        """The stream begins anew: its first picture is searched."""
        self._patches, self._count = None, 0

    def __call__(self, stamp_ns: int, picture: Picture) -> list[Detection]:
        if not self._detect_every_ns:
            return self._detect(picture)
        self._now.take(picture)
        faces = self._follow(stamp_ns, picture)
        if faces is None:
            faces = self._find(stamp_ns, picture)
        self._seen_ns = stamp_ns
        return faces

    def _follow(self, stamp_ns: int, picture: Picture) -> list[Detection] | None:
        if self._patches is None or picture.shape[:2] != self._shape:
            return None
        if not 0 < stamp_ns - self._seen_ns < self._detect_every_ns:
            return None
        passed_ns = stamp_ns - self._found_ns
        is_due = passed_ns >= self._detect_every_ns or not self._patches
        is_still = passed_ns < self._still_ns and self._now.is_same(self._then)
        if (is_due and not is_still) or self._now.is_cut(self._then):
            return None
        faces: list[Detection] = []
        for patch in self._patches:
            face = patch.follow(picture)
            if face is None:
                return None
            faces.append(face)
        return faces

    def _find(self, stamp_ns: int, picture: Picture) -> list[Detection]:
        faces = self._detect(picture)
        # Who was there a picture ago and is not found may have been missed: look again at once.
        can_be_followed = (
            len(faces) >= self._count
            and all(_can_be_followed(face, picture) for face in faces)
            and _are_apart(faces)
        )
        self._patches = [_Patch(picture, face) for face in faces] if can_be_followed else None
        self._count = len(faces)
        self._shape = picture.shape[0], picture.shape[1]
        self._found_ns = stamp_ns
        self._now, self._then = self._then, self._now
        return faces


class _Patch:
    """What of a face is looked for, and the part of the picture in which it is, both reduced."""

    def __init__(self, picture: Picture, face: Detection) -> None:
        self._face = face
        left, top, width, height = face.box
        top, bottom, reach = top + TOP * height, top + BOTTOM * height, REACH * width
        rows, columns = picture.shape[:2]
        x0, x1 = max(0, round(left - reach)), min(columns, round(left + width + reach))
        y0, y1 = max(0, round(top - reach)), min(rows, round(bottom + reach))
        self._region = slice(y0, y1), slice(x0, x1)
        across, down = (round(length * ACROSS / width) for length in (x1 - x0, y1 - y0))
        self._cell = (x1 - x0) / across, (y1 - y0) / down
        self._coloured = np.empty((down, across, 3), np.uint8)
        self._grey = np.empty((down, across), np.uint8)
        self._left = round((left - x0) / self._cell[0])
        self._top = round((top - y0) / self._cell[1])
        high = round((bottom - top) / self._cell[1])
        part = slice(self._top, self._top + high), slice(self._left, self._left + ACROSS)
        self._sought = self._reduced(picture)[part].copy()
        self._found = np.empty((down - high + 1, across - ACROSS + 1), np.float32)

    def follow(self, picture: Picture) -> Detection | None:
        """The face where it is now, to a fraction of a pixel; ``None`` where that is not sure."""
        found = self._found
        cv2.matchTemplate(self._reduced(picture), self._sought, cv2.TM_CCOEFF_NORMED, result=found)
        _, correlation, _, (x, y) = cv2.minMaxLoc(found)
        is_inside = 0 < x < found.shape[1] - 1 and 0 < y < found.shape[0] - 1
        if correlation < ALIKE or not is_inside:
            return None
        right = x - self._left + _peak(*found[y, x - 1 : x + 2].tolist())
        down = y - self._top + _peak(*found[y - 1 : y + 2, x].tolist())
        return _moved(self._face, right * self._cell[0], down * self._cell[1])

    def _reduced(self, picture: Picture) -> NDArray[np.uint8]:
        down, across = self._grey.shape
        cv2.resize(picture[self._region], (across, down), dst=self._coloured)
        cv2.cvtColor(self._coloured, cv2.COLOR_BGR2GRAY, dst=self._grey)
        return self._grey


def _can_be_followed(face: Detection, picture: Picture) -> bool:
    """It is surely one, and wholly within the picture."""
    (left, top, width, height), (rows, columns) = face.box, picture.shape[:2]
    edge = EDGE * width / ACROSS
    return (
        face.score >= SURE
        and edge <= left <= columns - width - edge
        and edge <= top + TOP * height
        and top + height <= rows - edge
    )


def _are_apart(faces: Sequence[Detection]) -> bool:
    return all(
        math.dist(one.box.centre, other.box.centre) > APART * max(one.box.size, other.box.size)
        for one, other in combinations(faces, 2)
    )


def _peak(before: float, most: float, after: float) -> float:
    """Of the parabola through three neighbours, from the middle one: -0.5 to 0.5."""
    bend = before - 2 * most + after
    return 0.5 * (before - after) / bend if bend else 0.0


def _moved(face: Detection, x: float, y: float) -> Detection:
    left, top, width, height = face.box
    points = face.points and KeyPoints(*((px + x, py + y) for px, py in face.points))
    return Detection(Box(left + x, top + y, width, height), face.score, points)
