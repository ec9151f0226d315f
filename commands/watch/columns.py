"""Tables that fit: of too many columns the least important ones make room. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.table import Table
from rich.text import Text

from display.palette import FAINT

R = TypeVar("R")
Line = Sequence[Text]
WIDE_GAP = 2


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    title: str
    """May have several lines."""
    cell: Callable[[R], Text]
    left: bool = False
    goes: int = 0
    """Those with the highest number go first where there is no room; 0 stays."""


def fitted(
    columns: Sequence[Column[R]],
    rows: Sequence[R],
    width: int,
    heading: Callable[[R], str] = lambda _: "",
) -> Table:
    """All ``columns`` where ``width`` characters hold them, if need be closer together; else as
    many as fit. A new ``heading`` takes a line of its own.
    """
    kept, gap = list(columns), WIDE_GAP
    going = sorted({column.goes for column in columns} - {0})
    while True:
        lines = list(_lines(kept, rows, heading))
        if _width(kept, lines, gap) <= width or (gap < WIDE_GAP and not going):
            return _table(kept, lines, gap)
        if gap == WIDE_GAP:
            gap = 1
        else:
            last = going.pop()
            kept = [column for column in kept if column.goes != last]


def _lines(
    columns: Sequence[Column[R]], rows: Sequence[R], heading: Callable[[R], str]
) -> Iterator[Line]:
    former = ""
    for row in rows:
        if (name := heading(row)) != former:
            yield [Text(name, style="bold"), *(Text() for _ in columns[1:])]
            former = name
        yield [column.cell(row) for column in columns]


def _width(columns: Sequence[Column[R]], lines: Sequence[Line], gap: int) -> int:
    widths = [max(map(len, column.title.split("\n"))) for column in columns]
    for line in lines:
        widths = [max(width, cell.cell_len) for width, cell in zip(widths, line, strict=True)]
    return sum(widths) + gap * (len(widths) - 1)


def _table(columns: Sequence[Column[R]], lines: Sequence[Line], gap: int) -> Table:
    table = Table.grid(padding=(0, gap, 0, 0), pad_edge=False)
    height = max(column.title.count("\n") for column in columns)
    for column in columns:
        table.add_column(justify="left" if column.left else "right", no_wrap=True)
    titles = ["\n" * (height - column.title.count("\n")) + column.title for column in columns]
    table.add_row(*(Text(title, style=FAINT) for title in titles))
    for line in lines:
        table.add_row(*line)
    return table
