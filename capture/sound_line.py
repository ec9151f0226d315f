"""Blocks of sound that carry their own times, as one line of samples without holes.

Sample ``n`` of the line is the instant ``n / 16000`` s: whoever counts samples knows the time, and
the count never drifts away from the times that the blocks came with. How far it is off is told.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from capture.resample import Resampler, Sound

SECOND = 1_000_000_000
SLACK_NS = 20_000_000
"""Blocks may be off their place by so much before samples are put in or left out. Containers round
times to a millisecond, browsers' recordings jitter by several."""


class Converter(Protocol):
    """Blocks of one format in, samples of the line out; may hold some back until ``flush``."""

    def feed(self, block: NDArray[Any]) -> Sound: ...
    def flush(self) -> Sound: ...


class SoundLine:
    """The line starts at instant 0: silence stands where no sound is, there and between blocks.

    ``convert`` makes the converter of a rate and a number of channels; the default one's samples
    are what voice activity detection hears.
    """

    def __init__(self, convert: Callable[[int, int], Converter] = Resampler) -> None:
        self._convert = convert
        self.missing_ns = 0
        """Silence put in after the first block."""
        self.doubled_ns = 0
        """Sound left out because an earlier block had covered its time."""
        self.doubled_from_ns = 0
        """Where the line was when that was first so."""
        self.off_ns = 0
        """By how much at most a block so far lies off its own time."""
        self._resampler: Converter | None = None
        self._format = (0, 0)
        self._start_ns = 0
        self._fed = 0
        self._begun = False

    def feed(self, at_ns: int | None, block: NDArray[Any], rate: int) -> Iterator[Sound]:
        """``block`` is ``(n, channels)`` at ``rate`` Hz; without a time it follows the last one."""
        if self._format != (rate, block.shape[1]):
            yield from self._change_format(rate, block.shape[1])
        shift = self._shift(at_ns, rate)
        if shift > 0:
            self.missing_ns += shift * SECOND // rate if self._begun else 0
            yield from self._silence(shift, block)
        elif shift < 0:
            left_out = min(-shift, len(block))
            if not self.doubled_ns:
                self.doubled_from_ns = self.end_ns
            self.doubled_ns += left_out * SECOND // rate
            block = block[left_out:]
        self._begun = True
        yield self._put(block)

    @property
    def end_ns(self) -> int:
        """The instant up to which blocks have come."""
        rate = self._format[0]
        return self._start_ns + (self._fed * SECOND // rate if rate else 0)

    def flush(self) -> Iterator[Sound]:
        """What the resampler still holds, at the end."""
        if self._resampler is not None:
            yield self._resampler.flush()

    def _change_format(self, rate: int, channels: int) -> Iterator[Sound]:
        yield from self.flush()
        self._start_ns = self.end_ns
        self._fed = 0
        self._format = (rate, channels)
        self._resampler = self._convert(rate, channels)

    def _shift(self, at_ns: int | None, rate: int) -> int:
        """Samples between the line's end and the block: of silence, or (negative) that overlap."""
        if at_ns is None:
            return 0
        hole_ns = at_ns - self.end_ns
        follows = self._begun and abs(hole_ns) <= SLACK_NS
        shift = 0 if follows else round(hole_ns * rate / SECOND)
        off_ns = abs(hole_ns - shift * SECOND // rate)
        self.off_ns = max(self.off_ns, off_ns - 2)  # both instants are rounded
        return shift

    def _silence(self, samples: int, block: NDArray[Any]) -> Iterator[Sound]:
        rate = self._format[0]
        middle = 128 if block.dtype == np.uint8 else 0
        for start in range(0, samples, rate):
            length = min(rate, samples - start)
            yield self._put(np.full((length, block.shape[1]), middle, block.dtype))

    def _put(self, block: NDArray[Any]) -> Sound:
        if self._resampler is None:
            raise RuntimeError("a block came before its format")
        self._fed += len(block)
        return self._resampler.feed(block)
