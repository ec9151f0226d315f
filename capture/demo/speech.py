"""The demo session's voice: lines spoken by Flite, placed on one time line."""

import shutil
import subprocess
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from capture.demo import Utterance
from messaging.schema import Emotion

RATE = 16_000
"""Samples a second: what the voice was recorded with."""
VOICE = "slt"

PEAK = 0.6
SILENCE_DB = -45
"""Speech begins and ends where its level crosses this, against the line's loudest 5 ms."""
ROOM_NOISE_DB = -65
"""A trace of noise, as every microphone has; 0 dB is full scale."""
QUIET, LOUD = 0.008, 0.168
"""Levels (root mean square over 50 ms) that open the mouth not at all, and all the way."""

Sound = NDArray[np.floating[Any]]
"""Mono samples from -1 to 1."""


class Line(NamedTuple):
    onset_s: float
    label: Emotion
    text: str


class FliteMissingError(Exception):
    def __init__(self) -> None:
        super().__init__("flite is not installed; it speaks the lines (apt-get install flite)")


def level(sound: Sound, window_s: float) -> Sound:
    """Root mean square in a window around every sample."""
    window = int(window_s * RATE)
    power = np.convolve(np.square(sound), np.full(window, 1 / window), "same")
    return np.sqrt(power)


def say(text: str) -> Sound:
    """The line as Flite speaks it, without silence before and after."""
    if shutil.which("flite") is None:
        raise FliteMissingError
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "line.wav")
        subprocess.run(["flite", "-voice", VOICE, "-t", text, "-o", str(file)], check=True)
        with wave.open(str(file)) as line:
            if line.getframerate() != RATE or line.getnchannels() != 1:
                raise ValueError(f"flite's voice {VOICE} speaks at {line.getparams()}")
            samples = np.frombuffer(line.readframes(line.getnframes()), "<i2")
    speech = samples.astype(np.float32) / 2**15
    loudness = level(speech, 0.005)
    heard = np.flatnonzero(loudness > loudness.max() * 10 ** (SILENCE_DB / 20))
    speech = speech[heard[0] : heard[-1] + 1]
    return speech * (PEAK / float(np.abs(speech).max()))


def record(lines: Sequence[Line], duration_s: float) -> tuple[Sound, tuple[Utterance, ...]]:
    """All lines in one sound, and where each of them begins and ends in it."""
    random = np.random.default_rng(0)
    sound = random.normal(0, 10 ** (ROOM_NOISE_DB / 20), round(duration_s * RATE))
    utterances: list[Utterance] = []
    for onset_s, label, text in lines:
        speech = say(text)
        first = round(onset_s * RATE)
        sound[first : first + len(speech)] += speech
        offset_s = round((first + len(speech)) / RATE, 4)
        utterances.append(Utterance(onset_s, offset_s, label, text))
    return sound, tuple(utterances)


def openness(sound: Sound) -> Sound:
    """How far the voice opens the mouth, from 0 to 1, at every sample."""
    return np.clip((level(sound, 0.05) - QUIET) / (LOUD - QUIET), 0, 1) ** 0.6
