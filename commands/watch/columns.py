"""Tables that fit: names are folded, and of too many columns the least important ones make room;
nothing is ever cut. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from display.palette import FAINT

R = TypeVar("R")
Line = Sequence[Text]
WIDE_GAP = 2
FOLDED = 16
"""Characters that a column of names keeps at least before other columns make room."""


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    title: str
    """May have several lines."""
    cell: Callable[[R], Text]
    left: bool = False
    """Of names, which may be folded where there is no room; numbers are not."""
    goes: int = 0
    """Those with the highest number go first where there is no room; 0 stays."""


def fitted(
    columns: Sequence[Column[R]],
    rows: Sequence[R],
    width: int,
    heading: Callable[[R], str] = lambda _: "",
) -> Table:
    """All ``columns`` where ``width`` characters hold them, if need be closer together and with
    names folded; else as many as fit. A new ``heading`` takes a line of its own.
    """
    kept = list(columns)
    going = sorted({column.goes for column in columns} - {0})
    while True:
        lines = list(_lines(kept, rows, heading))
        for gap in (WIDE_GAP, 1):
            if sum(_widths(kept, lines)) + gap * (len(kept) - 1) <= width:
                return _table(kept, lines, gap)
        if not going or sum(_widths(kept, lines, FOLDED)) + len(kept) - 1 <= width:
            return _table(kept, lines, 1)
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


def _widths(
    columns: Sequence[Column[R]], lines: Sequence[Line], folded: int | None = None
) -> list[int]:
    """Of the columns, with names ``folded`` to so many characters."""
    widths = [max(map(len, column.title.split("\n"))) for column in columns]
    for line in lines:
        widths = [max(width, cell.cell_len) for width, cell in zip(widths, line, strict=True)]
    if folded is None:
        return widths
    return [
        min(width, folded) if column.left else width
        for width, column in zip(widths, columns, strict=True)
    ]


def _table(columns: Sequence[Column[R]], lines: Sequence[Line], gap: int) -> Table:
    table = Table.grid(padding=(0, gap, 0, 0), pad_edge=False)
    height = max(column.title.count("\n") for column in columns)
    for column in columns:
        justify: JustifyMethod = "left" if column.left else "right"
        table.add_column(justify=justify, no_wrap=not column.left, overflow="fold")
    titles = ["\n" * (height - column.title.count("\n")) + column.title for column in columns]
    table.add_row(*(Text(title, style=FAINT) for title in titles))
    for line in lines:
        table.add_row(*line)
    return table
