"""The join of faces and utterances: by proof, not by luck. Pure: no socket, no clock.

``docs/concepts.md`` says what is proven and what is guaranteed.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable
from operator import attrgetter

from config.settings import FusionSettings, VoiceActivitySettings
from fusion.history import BEFORE_ALL, History
from fusion.match import Match, Method, Reference
from fusion.microphone import Microphone, Utterance
from messaging.schema import FaceEmotions, SpeechEvent, UtteranceEmotion

SECOND = 1_000_000_000
LONGEST_S = VoiceActivitySettings().max_utterance_s

_onset_ns = attrgetter("onset_ns")


class Aligner:
    """Takes face results and speech events, gives out the utterances' labels.

    Messages of one source come in the order in which it sent them; between sources any order will
    do.
    """

    def __init__(self, settings: FusionSettings, max_utterance_s: float = LONGEST_S) -> None:
        """Of utterances longer than ``max_utterance_s`` the first faces may be forgotten."""
        self._reference: Reference = settings.reference
        self._method: Method = settings.method
        self._max_gap_ns = round(settings.max_gap_s * SECOND)
        self._patience_ns = round(settings.patience_s * SECOND)
        self._history_ns = round(settings.history_s * SECOND)
        self._heard_ns = (
            self._history_ns
            + round(max_utterance_s * SECOND)
            + self._max_gap_ns
            + self._patience_ns
        )
        """The limit while somebody is heard: an utterance that came within ``history_s`` of its
        end, and waits for no longer than patience allows, finds all that is near it.
        """
        self._histories: defaultdict[str, History] = defaultdict(History)
        self._microphones: defaultdict[str, Microphone] = defaultdict(Microphone)
        self._waiting: dict[tuple[str, ...], list[Utterance]] = {}
        """By competing cameras, in the order of their onsets."""
        self.ignored = 0
        """Messages that cannot be true; above all stamps of a source that do not increase."""
        self.repeated = 0
        """Those of them that had come before, as from another worker."""

    @property
    def kept(self) -> int:
        """Pictures, and holes between them, of all cameras."""
        return sum(len(history) for history in self._histories.values())

    @property
    def sources(self) -> frozenset[str]:
        """The microphones and cameras that have said something."""
        cameras = (name for name, history in self._histories.items() if history.seen)
        return frozenset((*self._microphones, *cameras))

    @property
    def done(self) -> bool:
        """Whether every source that is known has closed, and no utterance waits."""
        known = [*self._microphones.values(), *self._competing(())]
        closed = bool(known) and all(source.closed for source in known)
        return closed and not any(self._waiting.values())

    def faces(self, message: FaceEmotions) -> list[UtteranceEmotion]:
        """Take a picture's faces, or punctuation; give out what is proven by it."""
        history = self._histories[message.source]
        if history.has(message):
            self.repeated += 1
            self.ignored += 1
            return []
        results = self._set_back(history, message) if message.event == "opened" else []
        if not history.add(message):
            self.ignored += 1
            return []
        results += [
            result
            for cameras in self._waiting
            if not cameras or message.source in cameras
            for result in self._proven(cameras)
        ]
        results += self._before_it_is_forgotten(history, message.source)
        self._forget([history])
        return results

    def _before_it_is_forgotten(self, history: History, source: str) -> list[UtteranceEmotion]:
        """What has waited for another camera until the first faces of this one that it needs are
        beyond the limit is given out while they are known, not settled.
        """
        first_ns = history.shown_ns - self._heard_ns + self._max_gap_ns
        results: list[UtteranceEmotion] = []
        for cameras, waiting in self._waiting.items():
            if not cameras or source in cameras:
                while waiting and waiting[0].onset_ns < first_ns:
                    results.append(self._unproven(waiting.pop(0)))
        return results

    def _set_back(self, history: History, message: FaceEmotions) -> list[UtteranceEmotion]:
        """A camera opens: where its clock is set back, the time that comes again had pictures
        already. What waits there is given out while they are known, not settled.
        """
        at_ns = message.stamp.pipeline_ns
        if at_ns >= history.shown_ns:
            return []
        results: list[UtteranceEmotion] = []
        for cameras, waiting in self._waiting.items():
            if not cameras or message.source in cameras:
                for utterance in waiting[:]:
                    first_ns = utterance.onset_ns - self._max_gap_ns
                    last_ns = utterance.offset.pipeline_ns + self._max_gap_ns
                    if first_ns <= history.shown_ns and at_ns <= last_ns:
                        waiting.remove(utterance)
                        results.append(self._unproven(utterance))
        return results

    def speech(self, message: SpeechEvent, arrived_ns: int) -> list[UtteranceEmotion]:
        """Take a speech event; give out a provisional result, and what is proven by now.

        ``arrived_ns`` is on the clock of ``expire``: patience counts from there.
        """
        microphone = self._microphones[message.source]
        utterances = microphone.hear(message, arrived_ns)
        if utterances is None:
            self.ignored += 1
            return []
        results = self._take(utterances)
        if not self._competing(()) and all(m.closed for m in self._microphones.values()):
            results += self._give_up(())  # sound alone
        self._forget(self._histories.values())
        return results

    def expire(self, now_ns: int) -> list[UtteranceEmotion]:
        """Give out what has waited for longer than patience allows, not settled.

        A lossless source is waited for, however long it takes, until it closes.
        """
        results: list[UtteranceEmotion] = []
        for cameras, waiting in self._waiting.items():
            competing = self._competing(cameras)
            if any(history.lossless and not history.closed for history in competing):
                continue
            overdue = [
                utterance
                for utterance in waiting
                if not utterance.lossless and utterance.arrived_ns + self._patience_ns < now_ns
            ]
            for utterance in overdue:
                waiting.remove(utterance)
                results.append(self._unproven(utterance))
        return results

    def finish(self) -> list[UtteranceEmotion]:
        """Give out all that is still open, so that nothing vanishes when the pipeline stops."""
        results: list[UtteranceEmotion] = []
        for microphone in self._microphones.values():
            results += self._take(microphone.cut_short(arrived_ns=0))
        for cameras in self._waiting:
            results += self._give_up(cameras)
        return results

    def _take(self, utterances: Iterable[Utterance]) -> list[UtteranceEmotion]:
        results: list[UtteranceEmotion] = []
        for utterance in utterances:
            if utterance.ended:
                waiting = self._waiting.setdefault(utterance.cameras, [])
                insort(waiting, utterance, key=_onset_ns)
                results += self._proven(utterance.cameras)
            else:
                results.append(self._match(utterance, "onset").provisional())
        return results

    def _proven(self, cameras: tuple[str, ...]) -> list[UtteranceEmotion]:
        """Give out what is proven of the utterances that these cameras compete for."""
        waiting = self._waiting[cameras]
        histories = self._competing(cameras) if waiting else []
        if not histories:
            return []
        watermark_ns = min(history.watermark_ns for history in histories)
        reached = bisect_right(waiting, watermark_ns, key=_onset_ns)
        results: list[UtteranceEmotion] = []
        unproven: list[Utterance] = []
        for utterance in waiting[:reached]:
            match = Match(utterance, histories, self._reference, self._max_gap_ns)
            if match.is_proven:
                results.append(match.final(self._method, proven=True))
            else:
                unproven.append(utterance)
        waiting[:reached] = unproven
        return results

    def _give_up(self, cameras: tuple[str, ...]) -> list[UtteranceEmotion]:
        waiting = self._waiting.get(cameras, [])
        results = [self._unproven(utterance) for utterance in waiting]
        waiting.clear()
        return results

    def _unproven(self, utterance: Utterance) -> UtteranceEmotion:
        return self._match(utterance, self._reference).final(self._method, proven=False)

    def _match(self, utterance: Utterance, reference: Reference) -> Match:
        histories = self._competing(utterance.cameras)
        return Match(utterance, histories, reference, self._max_gap_ns)

    def _competing(self, cameras: tuple[str, ...]) -> list[History]:
        """The named ones are waited for also before they opened."""
        if cameras:
            return [self._histories[name] for name in cameras]
        return [history for history in self._histories.values() if history.seen]

    def _forget(self, histories: Iterable[History]) -> None:
        """Let go of pictures that all microphones have passed, with all their utterances, and of
        those beyond the limit.
        """
        listening = [m.needed_ns for m in self._microphones.values() if not m.closed]
        waiting = [waiting[0].onset_ns for waiting in self._waiting.values() if waiting]
        limit_ns = self._heard_ns if listening or waiting else self._history_ns
        # where none listens, one may open again
        passed_ns = min(listening + waiting) - self._max_gap_ns if listening else BEFORE_ALL
        for history in histories:
            history.forget(max(passed_ns, history.shown_ns - limit_ns))
