"""One utterance against what the cameras have shown: is its label proven, and which is it?

Nothing here changes anything: what a match says follows from the utterance and the histories.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from fusion.history import History, Sighting, nearest
from fusion.label import AGGREGATES, Aggregate, mean_confidence
from fusion.microphone import Utterance
from messaging.schema import Probabilities, Status, UtteranceEmotion, most_likely

Reference = Literal["offset", "middle", "onset"]
Method = Literal["nearest"] | Aggregate

MOST = 2**63 - 1
"""That a message can count."""


class Match:
    """What labels an utterance, as far as the competing cameras' histories go by now."""

    def __init__(
        self,
        utterance: Utterance,
        histories: Sequence[History],
        reference: Reference,
        max_gap_ns: int,
    ) -> None:
        self.utterance = utterance
        self.reference: Reference = reference
        self._histories = histories
        self._max_gap_ns = max_gap_ns
        self._ends = {
            "onset": (utterance.onset,),
            "middle": (utterance.onset, utterance.offset),
            "offset": (utterance.offset,),
        }[reference]
        self._instant_ns = sum(end.pipeline_ns for end in self._ends) // len(self._ends)
        near = [s for h in histories for s in h.around(self._instant_ns, max_gap_ns)]
        self._winner = nearest(near, self._instant_ns)

    @property
    def is_proven(self) -> bool:
        """Whether no picture to come can change the result.

        Such a picture lies after its source's watermark. It could beat a candidate at distance d
        until r + d (an equally distant later one wins, at one stamp the name decides), or be the
        first candidate until r + max_gap; and before the offset it counts as one of the span. A
        hole that is yet to be found begins at the watermark or after, so it is none of these.
        """
        if not self._histories:
            return False
        watermark_ns = min(history.watermark_ns for history in self._histories)
        return watermark_ns >= self._window_ns[1]

    def provisional(self) -> UtteranceEmotion:
        """The first word, at the onset: the nearest face of those known by now."""
        status: Status = "matched" if self._winner else "pending"
        return replace(self._result(self._winner, status), offset=None)

    def final(self, method: Method, *, proven: bool) -> UtteranceEmotion:
        """The last word, with what is known."""
        if self._has_forgotten(self._label_ns(method)):
            return replace(self._result(None, "late"), final=True)
        # of two utterances with no pause between them each picture belongs to one
        span = self.utterance.onset_ns, self.utterance.offset_ns - 1
        pictures = sum(history.pictures(*span) for history in self._histories)
        missing = sum(history.missing(*self._window_ns) for history in self._histories)
        faces = [s.face.probabilities for h in self._histories for s in h.sightings(*span)]
        result = replace(
            self._result(self._winner, self._status()),
            pictures=pictures,
            faces=len(faces),
            coverage=len(faces) / pictures if pictures else 0.0,
            missing=min(missing, MOST),
            settled=proven
            and not self.utterance.cut_short
            and not self._has_forgotten(self._window_ns[0]),
            final=True,
        )
        if not faces:
            return result
        result = replace(result, confidence=mean_confidence(faces))
        if method == "nearest":
            return result
        probabilities = AGGREGATES[method](faces)
        return replace(
            result,
            status="matched",
            method=method,
            label=most_likely(probabilities),
            probabilities=probabilities,
        )

    @property
    def _reach_ns(self) -> int:
        """How far from the instant a picture could still change the winner."""
        return abs(self._winner.at_ns - self._instant_ns) if self._winner else self._max_gap_ns

    @property
    def _window_ns(self) -> tuple[int, int]:
        """The first and the last instant at which a picture could change the result."""
        return (
            min(self.utterance.onset_ns, self._instant_ns - self._reach_ns),
            max(self.utterance.offset_ns, self._instant_ns + self._reach_ns),
        )

    def _label_ns(self, method: Method) -> int:
        """The first instant at which a picture could change the label."""
        nearest_ns = self._instant_ns - self._reach_ns
        return nearest_ns if method == "nearest" else min(nearest_ns, self.utterance.onset_ns)

    def _has_forgotten(self, since_ns: int) -> bool:
        """Whether a picture or a hole from an instant on is no longer kept."""
        return any(history.forgotten_ns >= since_ns for history in self._histories)

    def _status(self) -> Status:
        if self._winner:
            return "matched"
        window = self._instant_ns - self._max_gap_ns, self._instant_ns + self._max_gap_ns
        seen = any(history.pictures(*window) for history in self._histories)
        return "no_face" if seen else "gap_exceeded"

    def _result(self, winner: Sighting | None, status: Status) -> UtteranceEmotion:
        """The fields that the utterance and the nearest picture decide."""
        utterance = self.utterance
        probabilities: Probabilities | None = winner and winner.face.probabilities
        return UtteranceEmotion(
            utterance.id,
            utterance.source,
            utterance.onset,
            utterance.offset,
            status,
            label=probabilities and most_likely(probabilities),
            probabilities=probabilities,
            reference=self.reference,
            camera=winner.source if winner else "",
            picture=winner and winner.stamp,
            dt_ns=winner and winner.at_ns - self._instant_ns,
            track=winner and winner.face.track,
            confidence=max(probabilities) if probabilities else 0.0,
            alignment_bound_ns=winner and self._bound_ns(winner),
            detector=winner.detector if winner else "",
            classifier=winner.classifier if winner else "",
        )

    def _bound_ns(self, winner: Sighting) -> int | None:
        """Both clocks' error bounds, half a picture interval, voice activity's own; ``None`` where
        one of them is unknown.
        """
        bounds = [end.bound_ns for end in (*self._ends, winner.stamp)]
        known = [bound for bound in bounds if bound is not None]
        if len(known) < len(bounds) or self.utterance.cut_short or not winner.interval_ns:
            return None
        *ends, picture = known
        total = max(ends) + picture + winner.interval_ns // 2 + self.utterance.bias_ns
        return total if total < 2**63 else None
