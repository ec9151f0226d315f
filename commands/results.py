"""What a run gives to its user: utterances as they come, and a summary."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from messaging.ledger import dropped, lost
from messaging.schema import Heartbeat, UtteranceEmotion


def seconds(ns: int) -> float:
    return round(ns / 1e9, 6)


def utterance_record(result: UtteranceEmotion) -> dict[str, Any]:
    """The result as on the wire, and before it what people read first."""
    return {
        "type": "utterance",
        "onset_s": seconds(result.onset.captured_ns),
        "offset_s": seconds(result.offset.captured_ns) if result.offset else None,
        "probability": probability(result),
        **asdict(result),
    }


def probability(result: UtteranceEmotion) -> float | None:
    """Of the label."""
    return max(result.probabilities) if result.probabilities else None


def summary_record(
    results: Sequence[UtteranceEmotion],
    beats: Mapping[str, Heartbeat],
    restarts: Mapping[str, int],
    ended_by: str,
) -> dict[str, Any]:
    """The run in figures: results by status and label, and what every node says of itself."""
    labels = [result.label for result in results if result.label]
    return {
        "type": "summary",
        "utterances": len(results),
        "matched": sum(result.status == "matched" for result in results),
        "settled": sum(result.settled for result in results),
        "labels": {label: labels.count(label) for label in dict.fromkeys(labels)},
        "ended_by": ended_by,
        "restarts": dict(restarts),
        "nodes": {
            name: {
                "rss_bytes": beat.rss_bytes,
                "cpu_s": round(beat.cpu_ns / 1e9, 3),
                "dropped": dropped(beat),
                "lost": lost(beat),
                "rejected": beat.rejected,
            }
            for name, beat in sorted(beats.items())
        },
    }


def print_json(record: Mapping[str, Any]) -> None:
    print(json.dumps(record, allow_nan=False), flush=True)


def print_summary(
    results: Sequence[UtteranceEmotion], beats: Mapping[str, Heartbeat], restarts: Mapping[str, int]
) -> None:
    """A table of the utterances, and a line for each thing that did not go as it should."""
    from rich.console import Console
    from rich.table import Table

    console = Console(file=sys.stdout)
    if not results:
        console.print("No utterance was heard.")
    else:
        table = Table(title="Utterances", title_justify="left")
        for column in ("onset s", "offset s", "label", "probability", "dt ms", "± ms", "status"):
            table.add_column(column, justify="left" if column in ("label", "status") else "right")
        for result in results:
            table.add_row(*_cells(result))
        console.print(table)
    for name, count in restarts.items():
        console.print(f"{name} was restarted {count} {'time' if count == 1 else 'times'}.")
    for name, beat in sorted(beats.items()):
        if losses := _losses(beat):
            console.print(f"{name}: {losses}.")


def _cells(result: UtteranceEmotion) -> list[str]:
    share = probability(result)
    bound = result.alignment_bound_ns
    return [
        f"{seconds(result.onset.captured_ns):.3f}",
        f"{seconds(result.offset.captured_ns):.3f}" if result.offset else "",
        result.label or "-",
        "" if share is None else f"{share:.2f}",
        "" if result.dt_ns is None else f"{result.dt_ns / 1e6:+.1f}",
        "" if bound is None else f"{bound / 1e6:.1f}",
        result.status if result.settled else f"{result.status}, not settled",
    ]


def _losses(beat: Heartbeat) -> str:
    """What did not go as it should; a display looks on, so its lost pictures change nothing."""
    looks_on = beat.node == "display"
    counts = {
        "pictures overtaken by newer ones": 0 if looks_on else dropped(beat),
        "messages lost": lost(beat, ("events",) if looks_on else ("bulk", "events")),
        "invalid messages rejected": beat.rejected,
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)
