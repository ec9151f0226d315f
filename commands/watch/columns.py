"""Tables that fit: of too many columns the least important ones make room. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from display.palette import FAINT

R = TypeVar("R")
WIDE_GAP = 2


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    title: str
    """May have several lines."""
    cell: Callable[[R], Text]
    left: bool = False
    goes: int = 0
    """Those with the highest number go first where there is no room; 0 stays."""


def fitted(columns: Sequence[Column[R]], rows: Sequence[R], width: int) -> Table:
    """All ``columns`` where ``width`` characters hold them, if need be closer together; else as
    many as fit.
    """
    kept, gap = list(columns), WIDE_GAP
    going = sorted({column.goes for column in columns} - {0})
    while True:
        cells = [[column.cell(row) for column in kept] for row in rows]
        if _width(kept, cells, gap) <= width or (gap < WIDE_GAP and not going):
            return _table(kept, cells, gap)
        if gap == WIDE_GAP:
            gap = 1
        else:
            last = going.pop()
            kept = [column for column in kept if column.goes != last]


def _width(columns: Sequence[Column[R]], cells: Sequence[Sequence[Text]], gap: int) -> int:
    widths = [max(map(len, column.title.split("\n"))) for column in columns]
    for row in cells:
        widths = [max(width, cell.cell_len) for width, cell in zip(widths, row, strict=True)]
    return sum(widths) + gap * (len(widths) - 1)


def _table(
    columns: Sequence[Column[R]], cells: Sequence[Sequence[RenderableType]], gap: int
) -> Table:
    table = Table.grid(padding=(0, gap, 0, 0), pad_edge=False)
    lines = max(column.title.count("\n") for column in columns)
    for column in columns:
        table.add_column(justify="left" if column.left else "right", no_wrap=True)
    titles = ["\n" * (lines - column.title.count("\n")) + column.title for column in columns]
    table.add_row(*(Text(title, style=FAINT) for title in titles))
    for row in cells:
        table.add_row(*row)
    return table
