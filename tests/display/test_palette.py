"""Emotions must be told apart by colour, by everybody."""

from itertools import combinations

import cv2
import numpy as np
import pytest

from display.palette import EMOTION_COLOURS, PANEL, bgr
from messaging.schema import EMOTIONS

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based Model for Simulation
# of Color Vision Deficiency", IEEE TVCG 15(6), 2009: severity 1.0, on linear RGB.
SIMULATIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def seen(hexadecimal: str, simulation: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of a colour as that eye sees it."""
    srgb = np.array(bgr(hexadecimal)[::-1], np.float64) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(simulation @ linear, 0, 1)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(cv2.cvtColor(np.float32(srgb).reshape(1, 1, 3), cv2.COLOR_RGB2Lab)).ravel()


def test_every_emotion_has_a_colour() -> None:
    assert tuple(EMOTION_COLOURS) == EMOTIONS


@pytest.mark.parametrize("vision", SIMULATIONS)
def test_any_two_colours_differ_clearly_for_every_kind_of_colour_vision(vision: str) -> None:
    """A difference of 2.3 is just noticeable; ten is seen at a glance."""
    labs = {name: seen(colour, SIMULATIONS[vision]) for name, colour in EMOTION_COLOURS.items()}
    for one, other in combinations(labs, 2):
        assert np.linalg.norm(labs[one] - labs[other]) > 10, (one, other)


def luminance(hexadecimal: str) -> float:
    srgb = np.array(bgr(hexadecimal), np.float64) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.0722, 0.7152, 0.2126))


@pytest.mark.parametrize("emotion", EMOTION_COLOURS)
def test_every_label_reads_on_its_panel(emotion: str) -> None:
    """Contrast of at least 4.5:1, as WCAG 2.2 asks for text."""
    colour = next(c for name, c in EMOTION_COLOURS.items() if name == emotion)
    assert (luminance(colour) + 0.05) / (luminance(PANEL) + 0.05) >= 4.5
