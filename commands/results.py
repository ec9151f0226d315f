"""What a run gives to its user: utterances as they come, and a summary."""

import json
import os
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from commands.stdio import put, writing
from commands.tally import Pulses, Results
from messaging.schema import Stamp, UtteranceEmotion
from messaging.text import plain

STDOUT, STDERR = 1, 2
COLUMNS = ("source", "onset s", "offset s", "label", "probability", "dt ms", "bound ms", "status")
NARROW = 72
"""Columns: a table would have to cut its figures."""


def seconds(ns: int) -> float:
    return round(ns / 1e9, 6)


def time_s(stamp: Stamp, zero_ns: int) -> float:
    """As people read it: time in the file, or since ``zero_ns`` of the pipeline's time, so that
    what two machines say can be compared.
    """
    is_file = stamp.clock.startswith("media:")
    return seconds(stamp.captured_ns if is_file else stamp.pipeline_ns - zero_ns)


def utterance_record(result: UtteranceEmotion, zero_ns: int) -> dict[str, Any]:
    """The result as on the wire, and before it what people read first."""
    return {
        "type": "utterance",
        "onset_s": time_s(result.onset, zero_ns),
        "offset_s": time_s(result.offset, zero_ns) if result.offset else None,
        "probability": probability(result),
        **asdict(result),
    }


def probability(result: UtteranceEmotion) -> float | None:
    """Of the label."""
    return max(result.probabilities) if result.probabilities else None


@dataclass(slots=True)
class Summary:
    """The run in figures: results by status and label, and what every node says of itself."""

    shows_rows: bool = True
    """Its table has a row for each utterance; without, nothing is kept of them."""
    results: Results = field(default_factory=Results)
    pulses: Pulses = field(default_factory=Pulses)
    restarts: Mapping[str, int] = field(default_factory=dict[str, int])
    ended_by: str = ""
    as_it_should: bool = True
    _rows: list[list[str]] = field(default_factory=list[list[str]])
    """Each begins with the microphone's name."""

    def take(self, result: UtteranceEmotion, zero_ns: int) -> None:
        """Count a final result."""
        self.results.take(result)
        if self.shows_rows:
            self._rows.append([plain(result.source), *_cells(result, zero_ns)])

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "type": "summary",
            "utterances": self.results.utterances,
            "matched": self.results.matched,
            "settled": self.results.settled,
            "labels": dict(self.results.labels),
            "ended_by": self.ended_by,
            "restarts": dict(self.restarts),
            "nodes": {name: of.record() for name, of in self.pulses.figures().items()},
        }

    def print(self) -> None:
        """A table of the utterances, and a line for each thing that did not go as it should."""
        with writing():
            self._print()

    def _print(self) -> None:
        from rich.markup import escape
        from rich.table import Table

        from commands.watch.output import Output

        console = Output()
        hidden = 0 if len({source for source, *_ in self._rows}) > 1 else 1
        rows = [row[hidden:] for row in self._rows]
        if not rows:
            console.print("No utterance was heard.")
        elif console.width < NARROW:
            for row in rows:
                console.print(" ".join(filter(None, row)), markup=False, highlight=False)
        else:
            table = Table(title="Utterances", title_justify="left")
            for column in COLUMNS[hidden:]:
                justify = "left" if column in ("source", "label", "status") else "right"
                table.add_column(column, justify=justify)
            for row in rows:
                table.add_row(*map(escape, row))
            console.print(table)
        for line in self._mishaps():
            console.print(line, markup=False, highlight=False)

    def _mishaps(self) -> list[str]:
        lines = [
            f"{name} was started again {count} {'time' if count == 1 else 'times'}: "
            "what it had in hand then is lost, and how much that was is unknown."
            for name, count in self.restarts.items()
        ]
        for name, figures in self.pulses.figures().items():
            if losses := _losses(figures.record(), looks_on=figures.kind == "display"):
                lines.append(f"{name}: {losses}")
        return lines if self.as_it_should else [*lines, f"The run broke off: {self.ended_by}."]


@contextmanager
def stdout_for_json() -> Generator[None]:
    """Standard output takes JSON alone: what else is printed here, and by every process that is
    started meanwhile, goes to standard error.
    """
    if sys.__stdout__ is None:  # it is closed
        yield
        return
    kept = os.dup(STDOUT)
    try:
        os.dup2(STDERR, STDOUT)
    except OSError:  # it is closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
    former = sys.stdout
    try:
        with open(kept, "w", encoding="utf-8", closefd=False) as sys.stdout:
            yield
    finally:
        sys.stdout = former
        os.dup2(kept, STDOUT)
        os.close(kept)


def print_json(record: Mapping[str, Any]) -> bool:
    """Returns whether standard output still took it.

    Raises:
        UserError: it takes no more.
    """
    return put(json.dumps(record, allow_nan=False))


def _cells(result: UtteranceEmotion, zero_ns: int) -> list[str]:
    share = probability(result)
    bound = result.alignment_bound_ns
    return [
        f"{time_s(result.onset, zero_ns):.3f}",
        f"{time_s(result.offset, zero_ns):.3f}" if result.offset else "",
        result.label or "-",
        "" if share is None else f"{share:.2f}",
        "" if result.dt_ns is None else f"{result.dt_ns / 1e6:+.1f}",
        "" if bound is None else f"{bound / 1e6:.1f}",
        ", ".join(_standing(result)),
    ]


def _standing(result: UtteranceEmotion) -> Iterator[str]:
    """The status, and what stands in the way of calling the face the nearest that was filmed."""
    yield result.status
    if not result.settled:
        yield "not settled"
    if result.missing:
        yield f"{result.missing} missing"


def _losses(figures: Mapping[str, Any], *, looks_on: bool) -> str:
    """What did not go as it should; a display looks on, so its lost pictures change nothing."""
    counts = {
        "pictures overtaken by newer ones": 0 if looks_on else figures["dropped"],
        "messages lost": figures["lost_events" if looks_on else "lost"],
        "streams that broke off, their last messages unknown": figures["unknown"],
        "invalid messages rejected": figures["rejected"],
    }
    return ", ".join(f"{what}: {count}" for what, count in counts.items() if count)
