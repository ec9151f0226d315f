"""What a session holds, and whether its ledger adds up."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from commands.results import print_json
from messaging.schema import UtteranceEmotion
from messaging.text import plain
from recording.accounts import OUTLIVE, RUNS_ON, STOPPED, Accounts, Hop
from recording.layout import channel_name, source_of
from recording.recorder import NAME as RECORDER
from recording.recorder import topics_of
from recording.session import Session, open_session

DOES_NOT_ADD_UP = 3
"""Exit code: something is missing, or cannot be known."""


@dataclass(slots=True)
class Channel:
    """A topic of one source."""

    messages: int = 0
    bytes: int = 0
    first_ns: int = 0
    last_ns: int = 0
    gaps: int = 0
    """Times at which the source itself said that it saw or heard nothing."""

    @property
    def rate_hz(self) -> float:
        span_ns = self.last_ns - self.first_ns
        return (self.messages - 1) * 1e9 / span_ns if span_ns > 0 else 0.0


@dataclass(slots=True)
class Contents:
    """A session, read once from beginning to end."""

    channels: dict[str, Channel] = field(default_factory=dict[str, Channel])
    labels: Counter[str] = field(default_factory=Counter[str])
    """Of final results; those without one by their status."""
    utterances: int = 0
    last_ns: int = 0
    hops: list[Hop] = field(default_factory=list[Hop])
    rejected: dict[str, int] = field(default_factory=dict[str, int])
    faults: list[str] = field(default_factory=list[str])
    """What is wrong or unknown, a line each."""


def read(session: Session) -> Contents:
    found, accounts = Contents(last_ns=session.zero_ns), Accounts()
    recorded: Counter[tuple[str, str]] = Counter()
    for received in session.records():
        name, message = received.topic.name, received.message
        channel = found.channels.setdefault(channel_name(name, source_of(received)), Channel())
        channel.messages += 1
        channel.bytes += len(received.header) + len(received.payload)
        channel.first_ns = channel.first_ns or received.received_ns
        channel.last_ns = found.last_ns = received.received_ns
        channel.gaps += getattr(message, "event", "") == "gap"
        recorded[name, received.sender] += 1
        accounts.hear(received)
        if isinstance(message, UtteranceEmotion) and message.final:
            found.utterances += 1
            found.labels[message.label or message.status] += 1
    for beat in session.manifest.heartbeats if session.manifest else ():
        accounts.note(beat)
    mode = session.setting("recording", "mode", "all")
    found.hops = accounts.hops(OUTLIVE, {RECORDER: {topic.name for topic in topics_of(mode)}})
    found.rejected = accounts.rejected
    found.faults = [*session.faults(), *_disagreements(session, found, recorded)]
    return found


def _disagreements(
    session: Session, found: Contents, recorded: Counter[tuple[str, str]]
) -> list[str]:
    lines = [
        f"{hop.topic} from {hop.sender} to {hop.reader}: {hop.produced} sent, "
        f"{hop.accounted} accounted for"
        for hop in found.hops
        if not hop.adds_up
    ]
    lines += [
        f"{hop.topic} from {hop.sender} to {hop.reader}: the tail is unknown, {hop.unknown}"
        for hop in found.hops
        if hop.unknown not in ("", RUNS_ON, STOPPED)
    ]
    if session.manifest is None:
        return lines
    unwritten, rested = session.manifest.unwritten, session.manifest.rested
    lines += [
        f"{stream}: {count} messages were not recorded, the disk could not take them"
        for stream, count in unwritten.items()
    ]
    for hop in found.hops:
        if hop.reader != RECORDER or hop.unknown:
            continue
        stream = channel_name(hop.topic, hop.sender)
        kept = recorded[hop.topic, hop.sender]
        if kept + unwritten.get(stream, 0) + rested.get(stream, 0) != hop.processed:
            lines.append(
                f"{hop.topic} from {hop.sender}: the recorder read {hop.processed} messages, "
                f"the session holds {kept}"
            )
    return lines


def info(path: Path, *, as_json: bool) -> int:
    """Print it; returns the exit code."""
    session = open_session(path)
    found = read(session)
    if as_json:
        print_json(_record(session, found))
    else:
        _print(session, found)
    return DOES_NOT_ADD_UP if found.faults else 0


def _record(session: Session, found: Contents) -> dict[str, Any]:
    return {
        "type": "session",
        "path": str(session.path),
        "started_at": session.about.get("started_at"),
        "duration_s": round((found.last_ns - session.zero_ns) / 1e9, 6),
        "parts": len(session.parts),
        "complete": not session.faults(),
        "adds_up": not found.faults,
        "utterances": found.utterances,
        "labels": dict(found.labels),
        "channels": {
            name: {
                "messages": channel.messages,
                "bytes": channel.bytes,
                "rate_hz": round(channel.rate_hz, 3),
                "gaps": channel.gaps,
            }
            for name, channel in sorted(found.channels.items())
        },
        "hops": [asdict(hop) for hop in found.hops],
        "rejected": found.rejected,
        "faults": found.faults,
    }


def _print(session: Session, found: Contents) -> None:
    # Rich, which JSON does without
    from rich.text import Text

    from commands.watch.columns import Column, fitted
    from commands.watch.output import Output

    console = Output()

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    about = session.about
    size = sum(part.path.stat().st_size for part in session.parts)
    parts = "1 file" if len(session.parts) == 1 else f"{len(session.parts)} files"
    say(f"{session.path}: {(found.last_ns - session.zero_ns) / 1e9:.1f} s, {_size(size)}, {parts}")
    say(f"recorded {about.get('started_at', '?')} on {about.get('host', '?')}")
    labels = ", ".join(f"{label} {count}" for label, count in found.labels.most_common())
    say(f"{found.utterances} utterances{': ' if labels else ''}{labels}")
    streams: tuple[Column[tuple[str, Channel]], ...] = (
        Column("topic", lambda row: Text(row[0].partition("/")[0]), left=True),
        Column("source", lambda row: Text(plain(row[0].partition("/")[2])), left=True),
        Column("messages", lambda row: Text(str(row[1].messages))),
        Column("per s", lambda row: Text(f"{row[1].rate_hz:.1f}"), goes=3),
        Column("size", lambda row: Text(_size(row[1].bytes)), goes=2),
        Column("gaps", lambda row: Text(str(row[1].gaps or "")), goes=1),
    )
    say("\nStreams")
    console.print(fitted(streams, sorted(found.channels.items()), console.width))
    counts: dict[str, tuple[int, Callable[[Hop], int]]] = {  # what was lost stays longest
        "sent": (3, lambda hop: hop.produced),
        "before": (5, lambda hop: hop.before),
        "read": (2, lambda hop: hop.processed),
        "overtaken": (4, lambda hop: hop.dropped),
        "lost": (1, lambda hop: hop.lost),
    }
    ledger: tuple[Column[Hop], ...] = (
        Column("topic", lambda hop: Text(hop.topic), left=True),
        Column("from", lambda hop: Text(plain(hop.sender)), left=True),
        Column("to", lambda hop: Text(plain(hop.reader)), left=True),
        *(
            Column(name, lambda hop, of=of: Text(str(of(hop) or "")), goes=goes)
            for name, (goes, of) in counts.items()
            if any(map(of, found.hops))
        ),
        Column("", lambda hop: Text(_verdict(hop)), left=True),
    )
    say("\nLedger")
    console.print(fitted(ledger, found.hops, console.width))
    for node, count in found.rejected.items():
        say(f"{node}: {count} invalid messages rejected")
    for fault in found.faults:
        say(fault)
    say("The ledger adds up." if not found.faults else "The ledger does not add up.")


def _verdict(hop: Hop) -> str:
    return hop.unknown or ("adds up" if hop.adds_up else "does not add up")


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
