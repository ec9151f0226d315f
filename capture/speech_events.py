"""What was heard, as messages: sample numbers become stamps."""

from collections.abc import Callable
from typing import Literal

from capture.resample import SAMPLE_RATE
from capture.voice_activity import AnalysedUntil, Ended, Event, Frame, Started
from messaging.schema import AudioChunk, SpeechEvent, Stamp

BIAS_NS = 117_000_000
"""95th percentile of an offset's error, clean to 0 dB (an onset's: 104 ms); docs/accuracy.md."""

Mark = Literal["opened", "gap", "closed"]


class SoundMessages:
    """Makes the ``audio`` and ``speech`` messages of one source.

    ``stamp`` gives the instant of a sample number, in the time line of the source.
    """

    def __init__(
        self,
        source: str,
        stamp: Callable[[int], Stamp],
        *,
        cameras: tuple[str, ...] = (),
        lossless: bool = False,
    ) -> None:
        self._source = source
        self._stamp = stamp
        self._cameras = cameras
        self._lossless = lossless
        self._onset: Stamp | None = None

    def chunk(self, frame: Frame) -> AudioChunk:
        """The header of a frame; its payload is ``frame.sound``."""
        return AudioChunk(
            self._stamp(frame.first_sample),
            self._source,
            frame.first_sample,
            samples=len(frame.sound),
            sample_rate=SAMPLE_RATE,
            level_dbfs=frame.level_dbfs,
            speech=frame.speech,
            lossless=self._lossless,
        )

    def chunk_mark(
        self, event: Mark, sample: int, text: str = "", stamp: Stamp | None = None
    ) -> AudioChunk:
        """Punctuation of the ``audio`` stream at a sample; at ``stamp`` where no sound is."""
        return AudioChunk(
            stamp or self._stamp(sample),
            self._source,
            sample,
            event,
            lossless=self._lossless,
            text=text,
        )

    def speech(self, event: Event) -> SpeechEvent:
        """The message of an event of voice activity detection."""
        match event:
            case Started(onset):
                self._onset = self._stamp(onset)
                return self._speech(self._onset, "started", utterance=self._name(self._onset))
            case Ended(onset, offset, by):
                start = self._onset or self._stamp(onset)
                return self._speech(
                    self._stamp(offset),
                    "ended",
                    utterance=self._name(start),
                    onset=start,
                    ended_by=by,
                )
            case AnalysedUntil(sample):
                return self._speech(self._stamp(sample), "analysed_until")

    def speech_mark(
        self, event: Mark, sample: int, text: str = "", stamp: Stamp | None = None
    ) -> SpeechEvent:
        """Punctuation of the ``speech`` stream at a sample; at ``stamp`` where no sound is."""
        return self._speech(stamp or self._stamp(sample), event, text=text)

    def _name(self, onset: Stamp) -> str:
        return f"{self._source}-{onset.captured_ns}"

    def _speech(
        self,
        stamp: Stamp,
        event: Literal["opened", "started", "ended", "analysed_until", "gap", "closed"],
        *,
        utterance: str = "",
        onset: Stamp | None = None,
        ended_by: Literal["", "silence", "max_length", "no_sound"] = "",
        text: str = "",
    ) -> SpeechEvent:
        return SpeechEvent(
            stamp,
            self._source,
            event,
            utterance=utterance,
            onset=onset,
            ended_by=ended_by,
            bias_ns=BIAS_NS,
            cameras=self._cameras if event == "opened" else (),
            lossless=self._lossless,
            text=text,
        )
