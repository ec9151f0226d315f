"""Which streams flow through a hub: senders, rates, bytes and readers."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from commands.watch.columns import Column, fitted
from commands.watch.listener import listening
from commands.watch.output import Output
from config.settings import Settings
from display.palette import FAINT
from messaging.clock import monotonic_ns
from messaging.observer import BOOKKEEPING, Observer, StreamRow
from messaging.text import plain
from messaging.topics import TOPICS

LISTEN_S = 2.6
"""Every node has sent two heartbeats within this."""
LOOK_S = 0.05


def print_topics(settings: Settings, *, everything: bool) -> None:
    """What heartbeats tell: no stream is read for it."""
    console = Output(follows=True)
    with listening(settings) as listener:
        observer = Observer()
        for arrived in listener.rounds(LOOK_S, LISTEN_S):
            observer.hear_all(arrived)
        rows = observer.streams(monotonic_ns())
        console.print(render(rows, console.width, everything=everything))


def render(rows: Sequence[StreamRow], width: int, *, everything: bool) -> RenderableType:
    """The streams, and which topics nobody sends. What every node sends is shown where
    ``everything`` is.
    """
    shown = [row for row in rows if everything or row.topic not in BOOKKEEPING]
    hosts = {row.host for row in rows}
    columns = [column for column in COLUMNS if column is not HOST or len(hosts) > 1]
    silent = [
        topic.name
        for topic in TOPICS
        if (everything or topic.name not in BOOKKEEPING)
        and all(row.topic != topic.name for row in shown)
    ]
    notes = [Text(f"nobody sends: {', '.join(silent)}", style=FAINT)] if silent else []
    return Group(fitted(columns, shown, width), *notes)


def _number(value: float | None, form: str) -> Text:
    return Text("-", style=FAINT) if value is None else Text(format(value, form))


def _nominal(row: StreamRow) -> Text:
    rate_hz = next((topic.rate_hz for topic in TOPICS if topic.name == row.topic), None)
    return _number(rate_hz, "g")


def _readers(row: StreamRow) -> Text:
    names = plain(", ".join(row.readers))
    return Text(names or "nobody", style="" if names else FAINT)


HOST: Column[StreamRow] = Column("host", lambda row: Text(plain(row.host)), left=True, goes=5)
COLUMNS: tuple[Column[StreamRow], ...] = (
    Column("topic", lambda row: Text(row.topic, style="bold"), left=True),
    Column("sender", lambda row: Text(plain(row.sender)), left=True),
    HOST,
    Column("rate/s", lambda row: _number(row.rate_hz, ".1f")),
    Column("nominal", _nominal, goes=6),
    Column("messages", lambda row: Text(str(row.messages)), goes=4),
    Column("kB/s", lambda row: _number(_kilo(row.bytes_per_s), ",.1f"), goes=2),
    Column("MB", lambda row: Text(f"{row.bytes / 1e6:,.1f}"), goes=3),
    Column("read by", _readers, left=True, goes=1),
)


def _kilo(value: float | None) -> float | None:
    return None if value is None else value / 1000
