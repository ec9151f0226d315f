"""Which spans of a sound are utterances: onset and offset, to the sample.

Pure: samples in, frames and events out. The same samples give the same events, however they
were cut into blocks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from capture.resample import Sound
from config.settings import VoiceActivitySettings

FRAME = 512
"""Samples that Silero hears at once: 32 ms."""


@dataclass(frozen=True, slots=True)
class Started:
    onset: int


@dataclass(frozen=True, slots=True)
class Ended:
    onset: int
    offset: int
    """The first sample that no longer belongs to the utterance."""
    by: Literal["silence", "max_length", "no_sound"]


@dataclass(frozen=True, slots=True)
class AnalysedUntil:
    """Every utterance with an onset before this sample has been announced."""

    sample: int


Event = Started | Ended | AnalysedUntil


@dataclass(frozen=True, slots=True)
class Frame:
    """``FRAME`` samples (fewer at the end of a sound), and what was found once they were heard."""

    first_sample: int
    sound: Sound
    speech: float
    """Silero's probability that somebody speaks in it."""
    level_dbfs: float
    """Root mean square, dB below full scale; at least -120."""
    events: tuple[Event, ...]


class VoiceActivity:
    """Finds the utterances of one source in its 16 kHz mono sound.

    ``first_sample`` is the number of the first sample that is fed; all events count on from it.
    """

    def __init__(self, settings: VoiceActivitySettings, first_sample: int = 0) -> None:
        raise NotImplementedError

    def feed(self, samples: NDArray[Any]) -> Iterator[Frame]:
        """16 kHz mono samples, ``(n,)`` of int16 or of floats within [-1, 1], any n."""
        raise NotImplementedError

    def flush(self) -> Frame:
        """The sound ends here: the last, shorter frame (of 0 to 511 samples), with the events that
        close the open utterance. What is fed next is a new sound, and counts on.
        """
        raise NotImplementedError
