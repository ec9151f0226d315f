"""What a microphone says, made of its blocks: sound, utterances, and where sound is missing.

Pure: blocks in, messages out.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from capture.clock_jumps import jump_ns, mark_of, reason
from capture.microphone_device import Block
from capture.resample import SAMPLE_RATE, Resampler, Sound
from capture.sample_clock import SECOND, SampleClock
from capture.speech_events import Mark, SoundMessages
from capture.voice_activity import Frame, VoiceActivity
from config.settings import VoiceActivitySettings
from messaging.schema import AudioChunk, SpeechEvent, Stamp
from messaging.topics import AUDIO, SPEECH, Topic

SAMPLE_NS = SECOND // SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Said:
    topic: Topic[Any]
    message: AudioChunk | SpeechEvent
    payload: Sound | bytes = b""


class Hearing:
    """Every sample that comes has a number; a shorter loss is made up for with silence, so that
    an utterance survives it. After a longer one a new run begins, with a time line of its own.
    """

    def __init__(
        self,
        source: str,
        settings: VoiceActivitySettings,
        stamp: Callable[[int], Stamp],
        cameras: tuple[str, ...] = (),
    ) -> None:
        self._activity = VoiceActivity(settings)
        self._made = SoundMessages(source, self._stamp_of, cameras=cameras)
        self._stamp = stamp
        self._longest_loss_ns = round(settings.no_sound_s * SECOND)
        self._clock: SampleClock | None = None
        self._resampler = Resampler(SAMPLE_RATE)
        self._rate = float(SAMPLE_RATE)
        self._channels = 1
        self._samples = 0
        """That came out of the resampler."""
        self._last_ns = 0
        """No message to come is stamped before this instant."""
        self._heard: Stamp | None = None
        """Of the last block's arrival."""
        self.losses = 0
        """How often sound was missing."""

    def opened(self, now_ns: int) -> Iterator[Said]:
        """``now_ns`` is an instant before the first sample."""
        yield from self._marks("opened", now_ns)

    def starts(self, rate: float, channels: int) -> None:
        """The device was opened; its blocks follow."""
        self._rate, self._channels = rate, channels
        self._resampler = Resampler(rate, channels)
        self._clock = None

    def hear(self, block: Block) -> Iterator[Said]:
        """The next block since ``starts``."""
        arrival = self._stamp(block.arrived_ns)
        if by_ns := jump_ns(self._heard, arrival):
            yield from self._ends()
            yield from self._marks(mark_of(by_ns), block.arrived_ns, reason(by_ns))
            self.starts(self._rate, self._channels)
        self._heard = arrival
        if self._clock is None:
            self._clock = SampleClock(self._rate, self._samples * SAMPLE_NS, self._last_ns)
        clock = self._clock
        count = len(block.samples) // self._channels
        missing_ns = clock.missing_ns(count, block.arrived_ns, overflow=block.overflow)
        if missing_ns > self._longest_loss_ns:
            again_ns = clock.at(clock.now_ns).host_ns + missing_ns
            yield from self.stops(again_ns, f"{missing_ns / SECOND:.3f} s of sound are lost")
            self.starts(self._rate, self._channels)
            yield from self.hear(replace(block, overflow=False))
            return
        missing = round(missing_ns * self._rate / SECOND)
        clock.skip(missing)
        # A sound server reports the digital silence that it has in stock as latency (a monitor of
        # an idle PulseAudio sink: 0.3 to 0.6 s); no microphone is that silent.
        latency_s = block.latency_s if block.samples.any() else None
        clock.add(count, block.arrived_ns, latency_s, block.reported_s)
        if missing:
            self.losses += 1
            silence = np.zeros(missing * self._channels, np.int16)
            yield from self._analysed(self._resampler.feed(silence))
            text = f"{missing_ns / SECOND:.3f} s of sound are lost, silence instead"
            yield Said(AUDIO, self._made.chunk_mark("gap", self._samples, text))
        yield from self._analysed(self._resampler.feed(block.samples))

    def stops(self, now_ns: int, text: str) -> Iterator[Said]:
        """No sound comes: the open utterance ends, and there is a gap until ``now_ns``."""
        self.losses += self._clock is not None
        yield from self._ends()
        yield from self._marks("gap", now_ns, text)

    def closed(self, now_ns: int) -> Iterator[Said]:
        """Nothing will be heard any more."""
        yield from self._ends()
        yield from self._marks("closed", now_ns)

    def _ends(self) -> Iterator[Said]:
        if self._clock is None:
            return
        yield from self._analysed(self._resampler.flush())
        yield from self._said(self._activity.flush())
        self._clock = None

    def _analysed(self, sound: Sound) -> Iterator[Said]:
        self._samples += len(sound)
        for frame in self._activity.feed(sound):
            yield from self._said(frame)

    def _said(self, frame: Frame) -> Iterator[Said]:
        if len(frame.sound):
            yield Said(AUDIO, self._made.chunk(frame), frame.sound)
        for event in frame.events:
            yield Said(SPEECH, self._made.speech(event))

    def _marks(self, event: Mark, now_ns: int, text: str = "") -> Iterator[Said]:
        self._last_ns = max(now_ns, self._last_ns + 1)
        stamp = self._stamp(self._last_ns)
        yield Said(AUDIO, self._made.chunk_mark(event, self._samples, text, stamp))
        yield Said(SPEECH, self._made.speech_mark(event, self._samples, text, stamp))

    def _stamp_of(self, sample: int) -> Stamp:
        """The bound grows by what is not known of the sample's instant."""
        if self._clock is None:
            raise ValueError("no sound comes: a sample has no time")
        instant = self._clock.at(sample * SAMPLE_NS)
        self._last_ns = max(self._last_ns, instant.host_ns)
        stamp = self._stamp(instant.host_ns)
        if stamp.bound_ns is None:
            return stamp
        return replace(stamp, bound_ns=stamp.bound_ns + instant.bound_ns)
