"""OpenCV's Haar cascade: slower and blinder than BlazeFace, and the one older work is built on."""

from pathlib import Path

import cv2
from cv2.data import haarcascades

from inference.detector import Box, Detection, Picture

SCALE_STEP = 1.1
MIN_NEIGHBOURS = 5
MIN_SIDE = 30
"""Pixels; the cascade was trained on faces of 24."""


class Haar:
    name = "haar"

    def __init__(self) -> None:
        file = Path(haarcascades, "haarcascade_frontalface_default.xml")
        self._cascade = cv2.CascadeClassifier(str(file))

    def __call__(self, picture: Picture) -> list[Detection]:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        boxes = self._cascade.detectMultiScale(
            grey, SCALE_STEP, MIN_NEIGHBOURS, minSize=(MIN_SIDE, MIN_SIDE)
        )
        found = [Detection(Box(*map(float, box)), 1.0) for box in boxes]
        return sorted(found, key=lambda face: (-face.box.area, face.box))
