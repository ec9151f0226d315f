import numpy as np
import pytest

from inference.detector import Picture
from inference.stillness import Glance

from .conftest import DEMO, read_pictures
from .people import Person, Place, paint
from .test_people import SCENES


def glance(picture: Picture) -> Glance:
    taken = Glance()
    taken.take(picture)
    return taken


def noisy(picture: Picture, seed: int, deviation: float) -> Picture:
    noise = np.random.default_rng(seed).normal(0, deviation, picture.shape)
    return (picture + noise).round().clip(0, 255).astype(np.uint8)


def at(x: float, size: float) -> Picture:
    return paint([Person("anna", (0, Place(x, 240, size)), (1, Place(x, 240, size)))], 0)


@pytest.mark.parametrize("deviation", [0, 2, 4])
def test_the_noise_of_a_sensor_changes_nothing(portrait: Picture, deviation: float) -> None:
    first = glance(noisy(portrait, 0, deviation))
    assert all(first.is_same(glance(noisy(portrait, seed, deviation))) for seed in range(1, 20))


@pytest.mark.parametrize("size", [32, 64, 110])
def test_a_face_that_comes_or_moves_by_a_quarter_is_a_change(size: float) -> None:
    there = glance(at(320, size))
    assert not there.is_same(glance(np.full((480, 640, 3), (128, 124, 112), np.uint8)))
    assert not there.is_same(glance(at(320 + size / 4, size)))


def test_a_face_that_comes_in_a_twelfth_of_the_light_is_one_too() -> None:
    dark = [picture // np.uint8(12) for picture in (at(320, 110), at(900, 110))]
    assert not glance(dark[0]).is_same(glance(dark[1]))


def test_the_pictures_size_and_shape_do_not_matter(portrait: Picture) -> None:
    for shape in ((16, 16), (1080, 1920), (640, 480)):
        picture = np.resize(portrait, (*shape, 3))
        assert glance(picture).is_same(glance(picture.copy()))


def test_people_who_move_are_no_cut_and_another_scene_is() -> None:
    for people in (SCENES["two cross"], SCENES["three cross"]):
        for t in (0.5, 1.5, 2.5):
            one, other = (glance(paint(people, t + passed)) for passed in (0, 1 / 15))
            assert not one.is_cut(other)
    assert glance(read_pictures(DEMO, 1)[0]).is_cut(glance(at(320, 110)))
