"""Drawn people through the real detector: does everybody keep their number?"""

import math
from collections import Counter

import numpy as np
import pytest

from config.settings import InferenceSettings
from inference.detector import Box, Detection, Detector, Picture
from inference.faces import FaceInference, open_face_inference
from messaging.schema import Face

from .people import Person, Place, paint

AWAY = None
RATE_HZ = 15
WATCHERS = {"all seen": (1, 0.0), "one in ten missed": (1, 0.1), "every second picture": (2, 0.0)}
"""Of how many pictures one is looked at, and which share of the faces is missed."""
CLEAR = 0.8
"""Nearer to each other, in sizes, two people are not told apart by where a box is."""

SCENES = {
    "two cross": (
        Person("anna", (0, Place(100, 230)), (3, Place(540, 230))),
        Person("bruno", (0, Place(540, 240, 125)), (3, Place(100, 240, 125))),
    ),
    "two cross slowly": (
        Person("anna", (0, Place(100, 230)), (6, Place(540, 230))),
        Person("clara", (0, Place(540, 240, 125)), (6, Place(100, 240, 125))),
    ),
    "two meet and turn back": (
        Person("anna", (0, Place(120, 230)), (1.5, Place(300, 230)), (3, Place(120, 230))),
        Person("bruno", (0, Place(520, 240, 120)), (1.5, Place(340, 240, 120)),
               (3, Place(520, 240, 120))),
    ),
    "one passes in front of another": (
        Person("anna", (0, Place(320, 230, 105)), (4, Place(320, 230, 105))),
        Person("bruno", (0, Place(80, 240, 130)), (4, Place(560, 240, 130))),
    ),
    "one is hidden for two seconds": (
        Person("anna", (0, Place(320, 230, 105)), (6, Place(320, 230, 105))),
        Person("bruno", (0, Place(80, 240, 130)), (1, Place(80, 240, 130)),
               (2, Place(320, 240, 130)), (4, Place(320, 240, 130)), (5, Place(560, 240, 130)),
               (6, Place(560, 240, 130))),
    ),
    "three cross": (
        Person("anna", (0, Place(100, 200, 100)), (4, Place(540, 200, 100))),
        Person("bruno", (0, Place(540, 240, 125)), (4, Place(100, 240, 125))),
        Person("clara", (0, Place(320, 150, 90)), (2, Place(320, 290)), (4, Place(320, 150, 90))),
    ),
    "one leaves and returns": (
        Person("anna", (0, Place(400, 230)), (1.5, Place(700, 230)), (1.5, AWAY), (2.5, AWAY),
               (2.5, Place(700, 230)), (4, Place(400, 230))),
    ),
    "one leaves and another comes": (
        Person("anna", (0, Place(400, 230)), (1.5, Place(700, 230))),
        Person("clara", (2, Place(700, 230)), (3.5, Place(400, 230))),
    ),
}  # fmt: skip


class Forgetful:
    """A detector that misses faces now and then, the same ones in every run."""

    def __init__(self, detector: Detector, share: float) -> None:
        self.name = detector.name
        self._detector, self._share = detector, share
        self._random = np.random.default_rng(11)

    def __call__(self, picture: Picture) -> list[Detection]:
        found = self._detector(picture)
        return [face for face in found if self._random.uniform() >= self._share]


@pytest.fixture(scope="module")
def watchers() -> dict[str, FaceInference]:
    one = open_face_inference(InferenceSettings(engine="litert"))
    return {
        name: FaceInference(Forgetful(one.detector, missed), one.classifier, max_faces=8)
        for name, (_, missed) in WATCHERS.items()
    }


def tell_who(face: Face, people: dict[str, Place]) -> str:
    """Whose face it truly is; empty where that cannot be said from the box."""
    x, y = Box(*face.box).centre
    away = sorted(
        (math.hypot(x - place.x, y - place.y) / place.size, name) for name, place in people.items()
    )
    is_clear = away[0][0] < CLEAR / 2 and all(distance > CLEAR for distance, _ in away[1:])
    return away[0][1] if is_clear else ""


@pytest.mark.parametrize("scene", SCENES)
def test_everybody_keeps_a_number_of_their_own(
    scene: str, watchers: dict[str, FaceInference]
) -> None:
    people = SCENES[scene]
    numbers: Counter[tuple[str, str, int]] = Counter()
    for index in range(round(max(person.until_s for person in people) * RATE_HZ)):
        t = index / RATE_HZ
        places = {p.name: place for p in people if (place := p.place(t)) is not None}
        picture = paint(people, t)
        for name, watcher in watchers.items():
            if index % WATCHERS[name][0] == 0:
                faces = watcher(scene, round(t * 1e9), picture)
                numbers.update((name, tell_who(face, places), face.track) for face in faces)
    for name in watchers:
        had = {(who, number) for watcher, who, number in numbers if watcher == name and who}
        assert sorted(who for who, _ in had) == sorted(person.name for person in people), numbers
        assert len({number for _, number in had}) == len(people), numbers
