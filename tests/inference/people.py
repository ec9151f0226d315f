"""Drawn people in front of a wall, each on a way of their own, and where their faces truly are."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from capture.demo import hair, head, scene
from capture.demo.canvas import Array, rgb
from capture.demo.expressions import EXPRESSIONS
from capture.demo.portrait import Moment, Portrait
from inference.detector import Picture
from messaging.schema import Emotion

WIDTH, HEIGHT = 640, 480
FACE = (320.0, 261.0)
"""Where the middle of the face lies in a portrait."""
FACE_SIZE = 209.0
"""Side of the detector's box in a portrait."""
WALL = (112, 124, 128)


@dataclass(frozen=True)
class Looks:
    hair: Array
    skin: Array
    cloth: Array
    is_mirrored: bool = False


ANNA = Looks(rgb(104, 63, 42), rgb(244, 205, 179), rgb(38, 84, 116))
BRUNO = Looks(rgb(34, 30, 32), rgb(146, 98, 70), rgb(160, 60, 48), is_mirrored=True)
CLARA = Looks(rgb(214, 178, 104), rgb(252, 222, 204), rgb(60, 120, 70))


LOOKS = {"anna": ANNA, "bruno": BRUNO, "clara": CLARA}
EMOTIONS_SHOWN: tuple[Emotion, ...] = ("happy", "surprise", "sad")


@dataclass(frozen=True)
class Cutout:
    """A portrait without its room: BGR times opacity, and opacity, each from 0 to 1."""

    colour: NDArray[np.float32]
    opacity: NDArray[np.float32]


@cache
def draw(name: str, emotion: Emotion) -> Cutout:
    """In a black and in a white room: what differs is what lets the room through."""
    looks = LOOKS[name]
    moment = Moment(EXPRESSIONS[emotion])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hair, "HAIR", looks.hair)
        patch.setattr(head, "SKIN", looks.skin)
        patch.setattr(scene, "SKIN", looks.skin)
        patch.setattr(scene, "CLOTH", looks.cloth)
        patch.setattr(scene, "WALL_GLOW", rgb(0, 0, 0))
        patch.setattr(scene, "LAMP_GLOW", rgb(0, 0, 0))
        patch.setattr(scene, "WALL", rgb(0, 0, 0))
        dark = Portrait(scale=1).draw(moment)
        patch.setattr(scene, "WALL", rgb(255, 255, 255))
        light = Portrait(scale=1).draw(moment)
    if looks.is_mirrored:
        dark, light = dark[:, ::-1], light[:, ::-1]
    through = (light.astype(np.float32) - dark).mean(axis=2) / 255
    colour = dark[..., ::-1].astype(np.float32) / np.float32(255)
    return Cutout(colour, (1 - through).clip(0, 1).astype(np.float32))


@dataclass(frozen=True)
class Place:
    """Centre of the face in pixels, and the side of the detector's box."""

    x: float
    y: float
    size: float = 110.0


class Person:
    """Somebody with a name, whose face changes every second, and a way through the picture. The
    first of its emotions is that number ``phase``.

    ``way`` holds instants in seconds with the place at each of them, and goes straight between
    two; before the first and after the last the person is away, and so between two places with
    ``None`` between them.
    """

    def __init__(self, name: str, *way: tuple[float, Place | None], phase: int = 0) -> None:
        self.name = name
        self._phase = phase
        self._way = way
        self.until_s = way[-1][0]

    def place(self, t: float) -> Place | None:
        for (start, origin), (end, goal) in pairwise(self._way):
            if start <= t < end and origin is not None and goal is not None:
                share = (t - start) / (end - start)
                at = (
                    a + share * (b - a) for a, b in zip(astuple(origin), astuple(goal), strict=True)
                )
                return Place(*at)
        return None

    def emotion(self, t: float) -> Emotion:
        return EMOTIONS_SHOWN[(int(t) + self._phase) % len(EMOTIONS_SHOWN)]


def paint(people: Sequence[Person], t: float) -> Picture:
    """The farthest first: the nearer one hides the other."""
    there = [(draw(p.name, p.emotion(t)), place) for p in people if (place := p.place(t))]
    canvas = np.empty((HEIGHT, WIDTH, 3), np.float32)
    canvas[:] = [level / 255 for level in WALL]
    for cutout, place in sorted(there, key=lambda pair: pair[1].size):
        scale = place.size / FACE_SIZE
        left, top = place.x - scale * FACE[0], place.y - scale * FACE[1]
        first, last = max(0, int(left)), min(WIDTH, int(left + scale * WIDTH))
        upper, lower = max(0, int(top)), min(HEIGHT, int(top + scale * HEIGHT))
        if first >= last or upper >= lower:
            continue
        turn = np.array([[scale, 0, left - first], [0, scale, top - upper]])
        size = last - first, lower - upper
        view = canvas[upper:lower, first:last]
        view *= 1 - cv2.warpAffine(cutout.opacity, turn, size)[..., np.newaxis]
        view += cv2.warpAffine(cutout.colour, turn, size)
    return (canvas * 255).round().clip(0, 255).astype(np.uint8)
