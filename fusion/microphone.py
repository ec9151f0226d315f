"""One microphone's speech events as utterances, each announced once and ended once."""

from dataclasses import dataclass, replace

from fusion.history import BEFORE_ALL
from messaging.schema import SpeechEvent, Stamp

NAME_LENGTH = 256
"""Of ``UtteranceEmotion.id``."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech, from its onset to its offset."""

    id: str
    source: str
    onset: Stamp
    offset: Stamp
    """The onset again, while the utterance goes on."""
    cameras: tuple[str, ...] = ()
    """Those that compete, sorted; empty: all that are known."""
    bias_ns: int = 0
    lossless: bool = False
    ended: bool = False
    cut_short: bool = False
    """Its end was never told: ``offset`` is the last instant that its microphone spoke of."""
    arrived_ns: int = 0
    """When its end became known."""

    @property
    def onset_ns(self) -> int:
        return self.onset.pipeline_ns

    @property
    def offset_ns(self) -> int:
        return self.offset.pipeline_ns


class Microphone:
    """Where one microphone's stream stands. At most one of its utterances is running."""

    def __init__(self) -> None:
        self.closed = False
        self._cameras: tuple[str, ...] = ()
        self._latest: Stamp | None = None
        self._watermark_ns = BEFORE_ALL
        """Every utterance with an onset before has been announced."""
        self._announced_ns = BEFORE_ALL
        """The onset of the last utterance announced."""
        self._running: Utterance | None = None

    @property
    def needed_ns(self) -> int:
        """No utterance that is running or to come begins before."""
        return self._running.onset_ns if self._running else self._watermark_ns

    def hear(self, message: SpeechEvent, arrived_ns: int) -> list[Utterance] | None:
        """Take the next event; give the utterances that it announces or ends.

        ``None`` where it cannot be true: an utterance without a name or an onset, one that does not
        begin after the one before, or that ended before it began.
        """
        match message.event:
            case "started":
                return self._start(message, arrived_ns)
            case "ended":
                return self._end(message, arrived_ns)
            case "opened":
                ended = self.cut_short(arrived_ns)
                self._open(message)
                return ended
            case "closed":
                self._note(message.stamp)
                self.closed = True
                return self.cut_short(arrived_ns)
            case "analysed_until" | "gap":
                self._note(message.stamp)
                self._watermark_ns = max(self._watermark_ns, message.stamp.pipeline_ns)
                return []

    def cut_short(self, arrived_ns: int) -> list[Utterance]:
        """End the running utterance where its microphone was last heard of: its true end will not
        be told any more.
        """
        running, self._running = self._running, None
        if running is None:
            return []
        offset = max(running.onset, self._latest or running.onset, key=_pipeline_ns)
        return [replace(running, offset=offset, ended=True, cut_short=True, arrived_ns=arrived_ns)]

    def _open(self, message: SpeechEvent) -> None:
        """Begin, or begin again after a restart. The clock may have been set back meanwhile."""
        at_ns = message.stamp.pipeline_ns
        self.closed = False
        self._cameras = tuple(sorted(set(message.cameras)))
        self._latest = message.stamp
        self._watermark_ns = at_ns
        self._announced_ns = min(self._announced_ns, at_ns - 1)

    def _start(self, message: SpeechEvent, arrived_ns: int) -> list[Utterance] | None:
        if not self._is_new(message, message.stamp):
            return None
        lost = self.cut_short(arrived_ns)
        self._running = self._announce(message, message.stamp)
        return [*lost, self._running]

    def _end(self, message: SpeechEvent, arrived_ns: int) -> list[Utterance] | None:
        running = self._running
        if running and running.id != message.utterance:
            running = None
        onset = message.onset or (running and running.onset)
        if (
            onset is None
            or message.stamp.pipeline_ns < onset.pipeline_ns
            or not (running or self._is_new(message, onset))
        ):
            return None
        lost: list[Utterance] = []
        if running is None:  # its start was lost, or the end of the one before
            lost = self.cut_short(arrived_ns)
            running = self._announce(message, onset)
        self._running = None
        self._note(message.stamp)
        ended = replace(
            running, onset=onset, offset=message.stamp, ended=True, arrived_ns=arrived_ns
        )
        return [*lost, ended]

    def _is_new(self, message: SpeechEvent, onset: Stamp) -> bool:
        named = 0 < len(message.utterance) <= NAME_LENGTH
        return named and onset.pipeline_ns > self._announced_ns

    def _announce(self, message: SpeechEvent, onset: Stamp) -> Utterance:
        self._note(onset)
        self.closed = False
        self._announced_ns = onset.pipeline_ns
        return Utterance(
            message.utterance,
            message.source,
            onset,
            offset=onset,
            cameras=self._cameras,
            bias_ns=message.bias_ns,
            lossless=message.lossless,
        )

    def _note(self, stamp: Stamp) -> None:
        self._latest = max(self._latest or stamp, stamp, key=_pipeline_ns)


def _pipeline_ns(stamp: Stamp) -> int:
    return stamp.pipeline_ns
