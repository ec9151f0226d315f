"""Any sample rate and number of channels to what voice activity detection hears: 16 kHz mono."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import soxr
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Hz, of all sound behind the capture nodes."""

Sound = NDArray[np.int16]
"""Mono samples at ``SAMPLE_RATE``."""


class Resampler:
    """A stream of blocks at ``rate`` Hz with ``channels`` channels, as 16 kHz mono.

    Sample ``k`` that comes out is the instant ``k / 16000`` s after the first one that went in: the
    filter is symmetric, and soxr holds back what it cannot know yet (20 to 120 ms) instead of
    delaying it. What comes out does not depend on how the stream was cut into blocks.
    """

    def __init__(self, rate: float, channels: int = 1) -> None:
        if rate <= 0 or channels < 1:
            raise ValueError(f"no sound has {rate} samples a second in {channels} channels")
        self._channels = channels
        self._stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1) if rate != SAMPLE_RATE else None

    def feed(self, block: NDArray[Any]) -> Sound:
        """``block`` is ``(n, channels)`` or interleaved ``(n * channels,)``: integers of any width
        over their full range, or floats within [-1, 1].
        """
        mono = unit_range(block).reshape(-1, self._channels).mean(axis=1, dtype=np.float32)
        return to_int16(mono if self._stream is None else self._resample(mono, last=False))

    def flush(self) -> Sound:
        """What is held back, at the end of the stream; the next block starts a new one."""
        if self._stream is None:
            return np.empty(0, np.int16)
        rest = self._resample(np.empty(0, np.float32), last=True)
        self._stream.clear()
        return to_int16(rest)

    def _resample(self, mono: NDArray[np.float32], *, last: bool) -> NDArray[np.float32]:
        resample = cast(
            "Callable[[NDArray[np.float32], bool], NDArray[np.float32]]",
            self._stream.resample_chunk if self._stream else None,
        )
        return resample(mono, last)


def unit_range(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Samples of any type as floats within [-1, 1]."""
    if samples.dtype.kind == "u":
        middle = 2 ** (8 * samples.itemsize - 1)
        return ((samples.astype(np.float64) - middle) / middle).astype(np.float32)
    if samples.dtype.kind == "i":
        return (samples / 2 ** (8 * samples.itemsize - 1)).astype(np.float32)
    return samples.astype(np.float32, copy=False)


def to_int16(samples: NDArray[Any]) -> Sound:
    """Samples of any type as 16-bit integers, clipped at full scale."""
    if samples.dtype == np.int16:
        return samples
    scaled = np.rint(unit_range(samples) * np.float32(32768))
    return np.nan_to_num(np.clip(scaled, -32768, 32767)).astype(np.int16)
