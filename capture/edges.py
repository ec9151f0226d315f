"""Where an utterance begins and ends, finer than the 32 ms of voice activity detection.

Silero decides whether somebody speaks, and knows it late. The edges are found again in what was
heard: the power in bands of the spectrum, every 2 ms, above the noise before (onset) or after
(offset) the utterance. The edge is the instant that best splits the sound in noise and speech (the
extremum of the summed excess over a threshold), so that a click is no onset and a plosive's closure
no offset. Noise hides the soft beginning and the fading end; the correction for it grows as speech
rises less above the noise.

The constants were fitted on RAVDESS, actors 01 to 09 (benchmarks/voice_activity.py, which measures
on actors 10 to 18; docs/accuracy.md has the figures).
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture.resample import SAMPLE_RATE

HOP = 32
"""Samples between two spectra: 2 ms."""
WINDOW = 256
"""Samples of a spectrum: 16 ms, around its instant."""

Floats = NDArray[np.float32]


def hops(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE / HOP)


@dataclass(frozen=True, slots=True)
class Edge:
    """How one kind of edge is found; times in seconds, levels in dB."""

    before: float
    after: float
    """The edge is looked for from ``before`` to ``after`` Silero's own."""
    noise_away: float
    noise: float
    """The noise is taken from a span of length ``noise``, ``noise_away`` from Silero's edge."""
    speech: float
    """The level of speech is taken from so much of the utterance."""
    excess: float
    """Over the noise's own excess: what counts as speech."""
    hidden_below: float
    hidden_per_db: float
    """Speech that rises less than ``hidden_below`` above the noise is longer than it is seen."""


ONSET = Edge(0.12, 0.064, 0.1, 0.4, 0.2, 2.0, 21.0, 0.004)
OFFSET = Edge(0.2, 0.0, 0.064, 0.4, 0.6, 3.0, 36.0, 0.0035)

DEPTH_DB = 40.0
"""Sound that is weaker than speech by more than this is no part of it: breath, room."""
LOUDEST_BANDS = 6
CLIP_DB = 6.0
"""No single instant weighs more than this in the sum."""
SPECTRUM_WEIGHT = 0.85
SILERO_LATE = 0.045
"""An offset is the weighted mean of the one seen and of Silero's, which is late by this (s)."""

REACH = round(0.2 * SAMPLE_RATE)
"""Samples by which an onset can precede the first frame that Silero hears speech in."""
ENOUGH = hops(0.05)
"""Less noise than this tells nothing."""

BAND_EDGES_HZ = (
    *(93, 200, 300, 400, 500, 630, 800, 1000, 1300),
    *(1600, 2000, 2500, 3200, 4000, 5000, 6500, 8000),
)  # fmt: skip
LEAST_POWER = 1e-10
"""Below one quantisation step of 16 bits: digital silence has a level, too."""


def band_matrix() -> Floats:
    """``(WINDOW / 2 + 1, bands)``: which line of the spectrum belongs to which band."""
    lines = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    low, high = np.array(BAND_EDGES_HZ[:-1]), np.array(BAND_EDGES_HZ[1:])
    return ((lines[:, None] >= low) & (lines[:, None] < high)).astype(np.float32)


def taper() -> Floats:
    """``(WINDOW,)``: a Hann window, scaled so that the bands' powers add up to the mean square."""
    window = np.hanning(WINDOW + 1)[:WINDOW]
    return (window / np.sqrt(np.square(window).sum() * WINDOW / 2)).astype(np.float32)


TAPER = taper()
BANDS = band_matrix()


class Edges:
    """Hears a sound, remembers the last ``memory_s`` of its spectra, and finds edges in them.

    Sample numbers count from the beginning of the sound.
    """

    def __init__(self, memory_s: float) -> None:
        self._spectra: deque[Floats] = deque()
        self._memory = hops(memory_s)
        self._heard = np.zeros(WINDOW // 2, np.float32)
        self._first = 0
        self._end = 0
        self._noise: Floats | None = None

    def hear(self, samples: Floats) -> None:
        """The next samples of the sound, at least as many as a window has."""
        heard = np.concatenate([self._heard, samples])
        hop, step = HOP * heard.itemsize, heard.itemsize
        windows: Floats = np.ndarray(
            ((len(heard) - WINDOW) // HOP + 1, WINDOW), heard.dtype, heard, strides=(hop, step)
        )
        power = np.square(np.abs(np.fft.rfft(windows * TAPER, axis=1))).astype(np.float32)
        self._spectra.append(power @ BANDS + np.float32(LEAST_POWER))
        self._end += len(windows)
        self._heard = heard[len(windows) * HOP :]
        while self._end - self._first - len(self._spectra[0]) >= self._memory:
            self._first += len(self._spectra.popleft())

    def onset(self, silero: int, earliest: int) -> int:
        """The onset of an utterance that Silero first hears in the frame at sample ``silero``."""
        at = silero // HOP
        begin, end = at - hops(ONSET.before), at + hops(ONSET.after)
        until = at - hops(ONSET.noise_away)
        noise = self._between(max(until - hops(ONSET.noise), earliest // HOP), until)
        self._noise = noise if len(noise) >= ENOUGH else None
        if self._noise is None:
            return max(silero, earliest)
        speech = self._between(at, at + hops(ONSET.speech))
        begin = max(begin, self._first, earliest // HOP)
        seen = excess(self._between(begin, end), noise, speech, ONSET)
        onset = (begin + len(seen) - int(np.argmin(total(seen)[::-1]))) * HOP
        return max(onset - hidden(noise, speech, ONSET), silero - REACH, earliest)

    def offset(self, silero: int, onset: int) -> int:
        """The offset of an utterance that Silero no longer hears in the frame at ``silero``."""
        at = silero // HOP
        away = at + hops(OFFSET.noise_away)
        noise = self._between(away, away + hops(OFFSET.noise))
        if len(noise) < ENOUGH:
            if self._noise is None:
                return silero
            noise = self._noise
        speech = self._between(max(at - hops(OFFSET.speech), onset // HOP), at)
        begin = max(at - hops(OFFSET.before), self._first, onset // HOP)
        seen = excess(self._between(begin, at + hops(OFFSET.after)), noise, speech, OFFSET)
        offset = (begin + int(np.argmax(total(seen)))) * HOP + hidden(noise, speech, OFFSET)
        late = silero - SILERO_LATE * SAMPLE_RATE
        return max(round(SPECTRUM_WEIGHT * offset + (1 - SPECTRUM_WEIGHT) * late), onset + 1)

    def _between(self, begin: int, end: int) -> Floats:
        """``(hops, bands)``: the remembered spectra in ``[begin, end)``."""
        known = np.concatenate(list(self._spectra))
        return known[max(begin - self._first, 0) : max(end - self._first, 0)]


def level(spectra: Floats) -> float:
    """The level of the loud part, as power."""
    return float(np.quantile(spectra.sum(axis=1), 0.95))


def excess(spectra: Floats, noise: Floats, speech: Floats, edge: Edge) -> Floats:
    """``(hops,)`` dB: how far each spectrum rises above the noise; below 0 it is noise itself."""
    floor = np.maximum(noise.mean(axis=0), level(speech) * 10 ** (-DEPTH_DB / 10))

    def rise(power: Floats) -> Floats:
        db = np.clip(10 * np.log10(power / floor), -10, 20)
        return np.sort(db, axis=1)[:, -LOUDEST_BANDS:].mean(axis=1)

    return np.clip(rise(spectra) - np.median(rise(noise)) - edge.excess, -CLIP_DB, CLIP_DB)


def total(values: Floats) -> Floats:
    """Sums of the first 0, 1, 2, ... values."""
    return np.concatenate([np.zeros(1, np.float32), np.cumsum(values, dtype=np.float32)])


def hidden(noise: Floats, speech: Floats, edge: Edge) -> int:
    """Samples of the utterance that the noise hides."""
    above = 10 * np.log10(level(speech) / float(noise.sum(axis=1).mean()))
    return round(max(0.0, edge.hidden_below - above) * edge.hidden_per_db * SAMPLE_RATE)
