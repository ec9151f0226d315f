"""A run in figures, counted while it goes on: what is kept of it does not grow with it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from messaging.ledger import dropped, healed, lost, unknown
from messaging.schema import Heartbeat, UtteranceEmotion


@dataclass(slots=True)
class Results:
    """Final results, by status and label."""

    utterances: int = 0
    matched: int = 0
    settled: int = 0
    labels: Counter[str] = field(default_factory=Counter[str])

    def take(self, result: UtteranceEmotion) -> None:
        self.utterances += 1
        self.matched += result.status == "matched"
        self.settled += result.settled
        if result.label:
            self.labels[result.label] += 1


@dataclass(frozen=True, slots=True)
class Figures:
    """What a node says of itself, over all its processes; one that was killed is known up to its
    last heartbeat.
    """

    kind: str
    processes: int
    rss_bytes: int
    """Of the last one."""
    cpu_ns: int
    dropped: int
    lost: int
    lost_events: int
    healed: int
    unknown: int
    rejected: int

    @classmethod
    def of(cls, last: Heartbeat) -> Self:
        """Of one process."""
        return cls(
            last.kind or last.node,
            1,
            last.rss_bytes,
            last.cpu_ns,
            dropped(last),
            lost(last),
            lost(last, ("events",)),
            healed(last),
            unknown(last),
            last.rejected,
        )

    def then(self, later: "Figures") -> "Figures":
        """With those of a process that took this one's place."""
        return Figures(
            later.kind,
            self.processes + later.processes,
            later.rss_bytes,
            self.cpu_ns + later.cpu_ns,
            self.dropped + later.dropped,
            self.lost + later.lost,
            self.lost_events + later.lost_events,
            self.healed + later.healed,
            self.unknown + later.unknown,
            self.rejected + later.rejected,
        )

    def record(self) -> dict[str, Any]:
        """As JSON. What a process that broke off had in hand, nobody knows."""
        return {
            "rss_bytes": self.rss_bytes,
            "cpu_s": round(self.cpu_ns / 1e9, 3),
            "dropped": self.dropped,
            "lost": self.lost,
            "lost_events": self.lost_events,
            "healed": self.healed,
            "unknown": self.unknown + self.processes - 1,
            "rejected": self.rejected,
        }


class Pulses:
    """The heartbeats of a run's processes."""

    def __init__(self, beats: Iterable[Heartbeat] = ()) -> None:
        self._newest: dict[int, Heartbeat] = {}
        self._former: dict[str, Figures] = {}
        self._replaced: set[int] = set()
        for beat in beats:
            self.note(beat)

    @property
    def newest(self) -> Mapping[int, Heartbeat]:
        """By process, of those that no other one has replaced."""
        return self._newest

    @property
    def played(self) -> float | None:
        """How much of a recording is played, 0 to 1; of several, of the one with most to come."""
        shares = (beat.progress for beat in self._newest.values())
        return min((share for share in shares if share is not None), default=None)

    def note(self, beat: Heartbeat) -> None:
        """A node's new process takes the place of its former one."""
        if beat.pid in self._replaced:
            return
        if beat.pid not in self._newest:
            for pid in [pid for pid, other in self._newest.items() if other.node == beat.node]:
                self._replace(pid)
        self._newest[beat.pid] = beat

    def _replace(self, pid: int) -> None:
        last = self._newest.pop(pid)
        self._replaced.add(pid)
        self._former[last.node] = self._with_former(last)

    def _with_former(self, beat: Heartbeat) -> Figures:
        figures, former = Figures.of(beat), self._former.get(beat.node)
        return former.then(figures) if former else figures

    def figures(self) -> dict[str, Figures]:
        """By node."""
        beats = sorted(self._newest.values(), key=lambda beat: beat.node)
        return {beat.node: self._with_former(beat) for beat in beats}
