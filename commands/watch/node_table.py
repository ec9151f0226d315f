"""The nodes as a table. Pure: rows in, renderable out."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from commands.watch.columns import Column, fitted
from display.palette import FAINT, WARNING
from messaging.observer import NodeRow
from messaging.text import plain

LEGEND = (
    "rate: messages/s on the busiest topic   p50, p95: ms until its result came here\n"
    "restarts: since this began to look      offset: the hub's clock minus its own"
)


def render(rows: Sequence[NodeRow], address: str, width: int) -> RenderableType:
    """For a terminal of ``width`` characters, by machine where there are several; where it is too
    narrow, what matters least makes room.
    """
    hosts = sorted({row.beat.host for row in rows if row.beat.host})
    head = Text.assemble(
        ("emofuse top", "bold"),
        (f"   {len(rows)} {'node' if len(rows) == 1 else 'nodes'}", ""),
        _on(hosts),
        (f"   hub at {plain(address)}", FAINT),
        overflow="fold",
    )
    by_host = sorted(rows, key=lambda row: row.beat.host) if len(hosts) > 1 else rows
    table = fitted(COLUMNS, by_host, width, _host if len(hosts) > 1 else lambda _: "")
    notes = [note for row in rows for note in _notes(row)]
    return Group(head, Text(), table, Text(), *notes, Text(LEGEND, style=FAINT))


def _on(hosts: Sequence[str]) -> str:
    if not hosts:
        return ""
    return f" on {plain(hosts[0])}" if len(hosts) == 1 else f" on {len(hosts)} machines"


def _host(row: NodeRow) -> str:
    return plain(row.beat.host or "an unknown machine")


def _notes(row: NodeRow) -> Iterator[Text]:
    """What does not fit into a row, or is lost where that is too narrow."""
    name = plain(row.name)
    if row.is_twice:
        yield Text(f"{name}: two nodes use this name; give one of them another", style=WARNING)
    elif row.is_silent:
        yield Text(f"{name}: no heartbeat for {row.silent_ns / 1e9:.0f} s", style=WARNING)
    elif row.beat.text and not row.is_closed:
        yield Text(f"{name}: {plain(row.beat.text)}", style=FAINT)
    if row.rejected:
        yield Text(f"{name}: {row.rejected} invalid messages were rejected", style=WARNING)


def _state(row: NodeRow) -> Text:
    if row.is_twice:
        return Text("twice", style=WARNING)
    if row.is_silent:
        return Text("silent", style=WARNING)
    return Text("closed" if row.is_closed else row.beat.state, style=FAINT)


def _number(value: float | None, form: str) -> Text:
    return Text("-", style=FAINT) if value is None else Text(format(value, form))


def _mishaps(count: int) -> Text:
    return Text(str(count), style=WARNING if count else "")


def _cpu(row: NodeRow) -> Text:
    return _number(None if row.cpu is None else row.cpu * 100, ".0f")


def _percentile(row: NodeRow, which: str) -> Text:
    ns = None if row.latency is None else getattr(row.latency, which)
    return _number(None if ns is None else ns / 1e6, ".0f")


def _offset(row: NodeRow) -> Text:
    stamp = row.beat.stamp
    if stamp.bound_ns is None:
        return Text("unknown", style=WARNING)
    if stamp.offset_ns == stamp.bound_ns == 0:
        return Text("same", style=FAINT)
    seconds = stamp.offset_ns / 1e9
    if abs(seconds) < 1:
        return Text(f"{seconds * 1e3:+.2f} ms")
    return Text(f"{seconds:+.1f} s" if abs(seconds) < 1000 else f"{seconds:+.0f} s")


def _bound(row: NodeRow) -> Text:
    bound_ns = row.beat.stamp.bound_ns
    return _number(None if bound_ns is None else bound_ns / 1e6, ".2f")


COLUMNS: tuple[Column[NodeRow], ...] = (
    Column("node", lambda row: Text(plain(row.name)), left=True),
    Column("state", _state, left=True),
    Column("rate\n/s", lambda row: _number(row.rate_hz, ".1f"), goes=1),
    Column("p50\nms", lambda row: _percentile(row, "p50_ns"), goes=4),
    Column("p95\nms", lambda row: _percentile(row, "p95_ns"), goes=3),
    Column("over-\ntaken", lambda row: Text(str(row.overtaken)), goes=9),
    Column("lost", lambda row: _mishaps(row.lost), goes=2),
    Column("re-\njected", lambda row: _mishaps(row.rejected), goes=10),
    Column("cpu\n%", _cpu, goes=6),
    Column("mem.\nMB", lambda row: _number(row.beat.rss_bytes / 1e6, ".0f"), goes=11),
    Column("clock\noffset", _offset, goes=7),
    Column("bound\n± ms", _bound, goes=8),
    Column("re-\nstarts", lambda row: _mishaps(row.restarts), goes=5),
)
