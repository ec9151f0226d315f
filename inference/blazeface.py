"""BlazeFace, the face detector of MediaPipe.

Bazarevsky et al., BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs (2019). Anchors,
decoding and weighted suppression follow MediaPipe's graphs ``face_detection_short_range`` and
``face_detection_full_range``.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from inference import weights
from inference.detector import Box, Detection, KeyPoints, Picture
from inference.letterbox import Letterbox, Placement
from inference.litert import LiteRt


class Model(NamedTuple):
    name: str
    file: str
    side: int
    """The square input, in pixels."""
    grids: tuple[tuple[int, int], ...]
    """Stride in pixels and anchors per cell of each feature map."""


SHORT_RANGE = Model("blazeface", "blazeface_short_range.tflite", 128, ((8, 2), (16, 6)))
"""Finds faces down to about an eighth of the picture's long side (docs/accuracy.md)."""
FULL_RANGE = Model("blazeface-full", "blazeface_full_range.tflite", 192, ((4, 1),))
"""Finds faces of half that size, in three times the time."""

OVERLAP = 0.3
"""Intersection over union above which two boxes are one face (MediaPipe's figure)."""

Boxes = NDArray[np.float32]
"""Rows of 16: centre x, centre y, width, height, then six points x, y."""


def anchors(model: Model) -> NDArray[np.float32]:
    """Centres (x, y) of all anchors, in pixels of the square input."""
    maps: list[NDArray[np.float32]] = []
    for stride, per_cell in model.grids:
        centres = np.arange(stride / 2, model.side, stride, dtype=np.float32)
        y, x = np.meshgrid(centres, centres, indexing="ij")
        maps.append(np.stack((x, y), axis=-1).reshape(-1, 2).repeat(per_cell, axis=0))
    return np.concatenate(maps)


def decode(raw: Boxes, centres: NDArray[np.float32]) -> Boxes:
    """Offsets from anchors as positions: all but width and height are relative to the anchor."""
    boxes = raw.copy()
    pairs = boxes.reshape(len(boxes), 8, 2)
    pairs[:, 0] += centres
    pairs[:, 2:] += centres[:, np.newaxis]
    return boxes


def overlaps(box: NDArray[np.float32], boxes: Boxes) -> NDArray[np.float32]:
    """Intersection over union of one row with many."""
    half, halves = box[2:4] / 2, boxes[:, 2:4] / 2
    low = np.maximum(box[:2] - half, boxes[:, :2] - halves)
    high = np.minimum(box[:2] + half, boxes[:, :2] + halves)
    common = np.prod(np.maximum(high - low, 0), axis=1)
    union = box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - common
    return common / np.maximum(union, np.float32(1e-9))


def merge(boxes: Boxes, scores: NDArray[np.float32]) -> list[tuple[NDArray[np.float32], float]]:
    """Weighted suppression: a face is the mean, by score, of the boxes that overlap its best one.

    Steadier from picture to picture than keeping the best box alone. Best first.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order], scores[order]
    faces: list[tuple[NDArray[np.float32], float]] = []
    while len(boxes):
        same = overlaps(boxes[0], boxes) > OVERLAP
        same[0] = True
        weight = scores[same]
        faces.append((weight @ boxes[same] / weight.sum(), float(scores[0])))
        boxes, scores = boxes[~same], scores[~same]
    return faces


class BlazeFace:
    def __init__(self, model: Model, *, min_score: float, threads: int) -> None:
        self.name = model.name
        self._network = LiteRt(weights.checked(model.file), threads)
        self._letterbox = Letterbox(model.side)
        self._rgb = np.empty((model.side, model.side, 3), np.uint8)
        self._anchors = anchors(model)
        # The network gives logits; 80 is beyond float32's resolution of the sigmoid.
        odds = min(max(min_score, 1e-9), 1 - 1e-9)
        self._min_logit = math.log(odds / (1 - odds))

    def __call__(self, picture: Picture) -> list[Detection]:
        square, placement = self._letterbox.fill(picture)
        cv2.cvtColor(square, cv2.COLOR_BGR2RGB, dst=self._rgb)
        network_input = self._network.input()[0]
        np.multiply(self._rgb, np.float32(1 / 127.5), out=network_input)
        network_input -= 1
        del network_input
        self._network.invoke()
        boxes, scores = self._candidates()
        return [detection(face, score, placement) for face, score in merge(boxes, scores)]

    def _candidates(self) -> tuple[Boxes, NDArray[np.float32]]:
        raw, logits = (output()[0] for output in self._network.outputs)
        chosen = np.flatnonzero(logits[:, 0] >= self._min_logit)
        boxes = decode(raw[chosen], self._anchors[chosen])
        scores = 1 / (1 + np.exp(-np.minimum(logits[chosen, 0], 80)))
        real = (boxes[:, 2:4] > 0).all(axis=1)
        return boxes[real], scores[real]


def detection(face: NDArray[np.float32], score: float, placement: Placement) -> Detection:
    """A row in pixels of the square as a detection in pixels of the picture."""
    scale, shift = np.array(placement.scale), np.array(placement.shift)
    width, height = (face[2:4] * scale).tolist()
    (x, y), *points = (face.reshape(8, 2)[[0, 2, 3, 4, 5, 6, 7]] * scale + shift).tolist()
    return Detection(
        Box(x - width / 2, y - height / 2, width, height),
        min(score, 1.0),
        KeyPoints(*((px, py) for px, py in points)),
    )
