"""Findings as lines. Pure."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from commands.doctor.finding import Finding, Level
from display.palette import FAINT, WARNING
from messaging.text import plain

SIGNS: dict[Level, tuple[str, str]] = {
    "fine": ("ok", "green"),
    "warning": ("warning", WARNING),
    "failure": ("WRONG", "red"),
}
"""A word as well as a colour."""


def show(finding: Finding, width: int, former: Finding | None = None) -> RenderableType:
    """The way out is said once where it is that of the ``former`` finding too."""
    sign, colour = SIGNS[finding.level]
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=7)
    table.add_column(width=13)
    table.add_column(max_width=max(20, width - 26), overflow="fold")
    told = Text(plain(finding.text))
    if finding.way_out and (former is None or former.way_out != finding.way_out):
        told.append(f"\n-> {plain(finding.way_out)}", style=FAINT)
    table.add_row(Text(sign, style=f"bold {colour}"), Text(finding.name, style="bold"), told)
    return table


def conclude(findings: Sequence[Finding]) -> Text:
    wrong, warned = (
        sum(finding.level == level for finding in findings) for level in ("failure", "warning")
    )
    if wrong:
        return Text(f"{wrong} wrong, {_warnings(warned)}", style="bold red")
    return Text(f"fine, {_warnings(warned)}", style="bold")


def _warnings(count: int) -> str:
    return f"{count or 'no'} warning{'' if count == 1 else 's'}"
