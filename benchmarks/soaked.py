"""What a soak saw, and what follows from that."""

import re
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

LISTENER = "listener"
"""Who sampled all this as a node of the pipeline, and left before it."""
YOUNG_S = 20.0
"""A process that has just started still takes its memory."""
PART = 4
"""Early is the first such part of a run, late the last."""


class Sample(NamedTuple):
    """Of one heartbeat."""

    at_s: float
    """Since the soak began."""
    pid: int
    uptime_s: float
    rss_bytes: int


@dataclass(frozen=True, slots=True)
class Kill:
    node: str
    at_s: float
    back_s: float
    """After so long its successor ran, and faces and speech of later instants were labelled."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident megabytes of one node: medians over all its processes that were not young."""

    early: float
    late: float
    most: float

    @property
    def growth(self) -> float:
        """As a share of what it was."""
        return self.late / self.early - 1


@dataclass(frozen=True, slots=True)
class Soaked:
    seconds: float
    """From the first label on, until it was asked to stop."""
    kills: list[Kill]
    samples: dict[str, list[Sample]]
    """Of each node, while it ran."""
    faces: int
    """Results that show a face."""
    undisturbed: list[dict[str, Any]]
    """Utterances that no kill came near."""
    exit_code: int
    records: list[dict[str, Any]]
    """What it printed, the summary last."""
    log: str
    left_behind: list[str]
    """Processes and files."""
    info_code: int
    info: dict[str, Any]
    """What ``emofuse info`` says of the session."""

    @property
    def summary(self) -> dict[str, Any]:
        return self.records[-1]

    @property
    def hung(self) -> Counter[str]:
        """Nodes that the launcher took for hung, on a machine that has too much to do."""
        return Counter(re.findall(r"^(\S+) shows no progress for ", self.log, re.MULTILINE))

    def undisturbed_by_status(self) -> dict[str, int]:
        return dict(Counter(record["status"] for record in self.undisturbed))

    def lives(self, node: str) -> list[list[Sample]]:
        """The samples of each of its processes."""
        by_pid: dict[int, list[Sample]] = {}
        for sample in self.samples[node]:
            by_pid.setdefault(sample.pid, []).append(sample)
        return [*by_pid.values()]

    def memory(self, node: str, young_s: float = YOUNG_S) -> Memory | None:
        """``None`` where no process of the node grew old enough in both parts."""
        old = [sample for sample in self.samples[node] if sample.uptime_s > young_s]
        early = [s.rss_bytes for s in old if s.at_s - young_s < (self.seconds - young_s) / PART]
        late = [s.rss_bytes for s in old if self.seconds - s.at_s < (self.seconds - young_s) / PART]
        if not early or not late:
            return None
        most = max(sample.rss_bytes for sample in old)
        return Memory(median(early) / 1e6, median(late) / 1e6, most / 1e6)

    def miscounts(self) -> list[str]:
        """Where what was printed, what was done and what was recorded do not agree, a line each."""
        *utterances, summary = self.records
        matched = sum(record["status"] == "matched" for record in utterances)
        expected = {
            "utterances": len(utterances),
            "matched": matched,
            "labels": dict(Counter(r["label"] for r in utterances if r["label"])),
            "restarts": dict(Counter(kill.node for kill in self.kills) + self.hung),
        }
        lines = [
            f"summary: {name} {summary[name]}, not {value}"
            for name, value in expected.items()
            if summary[name] != value
        ]
        return lines + [
            f"{hop['topic']} from {hop['sender']} to {hop['reader']}: {hop}"
            for hop in self.info["hops"]
            if not hop["unknown"] and hop["produced"] != accounted(hop)
        ]

    def faults(self) -> list[str]:
        """What ``info`` finds wrong beside what a kill explains: tails of unknown length, and parts
        that a killed recorder could not close.
        """
        broke_off = {kill.node for kill in self.kills} | {*self.hung}
        excused = ["the tail is unknown"] if broke_off else [f" to {LISTENER}: the tail is unknown"]
        if "recorder" in broke_off:
            excused.append("not closed properly")
        return [f for f in self.info["faults"] if not any(excuse in f for excuse in excused)]


def accounted(hop: dict[str, Any]) -> int:
    """By the reader's count."""
    return hop["before"] + hop["processed"] + hop["dropped"] + hop["lost"]
