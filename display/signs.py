"""The signs of a session over the pictures: recording, pause, progress, markers, keys. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from display.chips import Measures, Run, chip_size, paint_chip, width_of, write_runs
from display.layout import Box, best_place
from display.paint import elide, fill, text_width, write
from display.palette import FAINT, INK, PANEL, RECORDING, TRACK, WARNING, bgr
from display.scene import Picture, SessionScene

NO_BOX = Box(0, 0, 0, 0)
MOST_LETTERS = 80
"""Of a marker; it may be 4096 long, and measuring text takes time."""


def clock(seconds: float) -> str:
    """``m:ss``, from an hour on ``h:mm:ss``."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def recorder_warning(silent_s: float) -> str:
    return f"recorder silent for {silent_s:.0f} s"


@dataclass(frozen=True, slots=True)
class Sign:
    """A chip with an icon, its place fixed before the faces get theirs."""

    box: Box
    runs: list[Run]
    icon: Literal["", "dot", "pause"]
    measures: Measures

    def paint(self, canvas: Picture) -> None:
        """Opaque: it is to be seen on any picture."""
        pad, size = self.measures.pad, self.measures.text
        fill(canvas, self.box, bgr(PANEL), radius=pad)
        icon = Box(self.box.left + pad, self.box.top + (self.box.height - size) // 2, size, size)
        left = icon.left
        if self.icon == "dot":
            fill(canvas, icon, bgr(RECORDING), radius=size // 2)
        elif self.icon == "pause":
            bar_width = max(2, round(size * 0.3))
            fill(canvas, icon._replace(width=bar_width), bgr(INK))
            fill(canvas, icon._replace(left=icon.right - bar_width, width=bar_width), bgr(INK))
        if self.icon:
            left = icon.right + pad
        write_runs(canvas, self.runs, left, self.box.top + pad // 2, self.measures)


def standing_signs(
    session: SessionScene, bounds: Box, floor: int, measures: Measures
) -> tuple[Sign, ...]:
    """What must be seen for as long as it lasts: recording top right, pause above ``floor``."""
    signs: list[Sign] = []
    right, top = bounds.right - measures.pad, bounds.top + measures.pad
    if session.recorded_s is not None:
        large = replace(measures, text=round(measures.text * 1.25))
        runs = [(f"REC {clock(session.recorded_s)}", bgr(INK), True)]
        signs.append(_sign(runs, "dot", large, bounds, right=right, top=top))
    elif session.recorder_silent_s is not None:
        text = recorder_warning(session.recorder_silent_s)
        text = elide(text, measures.text, bounds.width - 4 * measures.pad, bold=True)
        runs = [(text, bgr(WARNING), True)]
        signs.append(_sign(runs, "", measures, bounds, right=right, top=top))
    if session.is_paused:
        top = floor - 2 * measures.pad - measures.line
        runs = [("paused", bgr(INK), True)]
        signs.append(_sign(runs, "pause", measures, bounds, left=measures.pad, top=top))
    return tuple(signs)


def _sign(
    runs: list[Run],
    icon: Literal["", "dot", "pause"],
    measures: Measures,
    bounds: Box,
    *,
    top: int,
    left: int = 0,
    right: int | None = None,
) -> Sign:
    """Inside ``bounds``; where there is no room for the words, the icon alone."""
    pad, height = measures.pad, measures.line + measures.pad
    for words in (runs, []):
        inside = (measures.text if icon else 0) + (pad if icon and words else 0)
        width = inside + width_of(words, measures) + 2 * pad
        if width <= bounds.width:
            break
    corner = left if right is None else right - width
    return Sign(Box(corner, top, width, height).moved_into(bounds), words, icon, measures)


def progress_height(session: SessionScene, measures: Measures) -> int:
    """Of the progress bar along the lower edge; 0 where nothing is played."""
    return 0 if session.played is None else max(3, measures.text // 3)


def paint_progress(canvas: Picture, session: SessionScene, box: Box) -> None:
    if session.played is not None:
        fill(canvas, box, bgr(TRACK))
        fill(canvas, box._replace(width=round(box.width * session.played)), bgr(INK))


def paint_marker(
    canvas: Picture, text: str, floor: int, measures: Measures, taken: Sequence[Box]
) -> None:
    """Where it hides least: low in the middle or at the sides, or at the upper edge."""
    bounds = Box(0, 0, canvas.shape[1], canvas.shape[0])
    room = bounds.width - 4 * measures.pad - text_width("> ", measures.text, bold=True)
    text = elide(text[:MOST_LETTERS], measures.text, room, bold=True)
    runs: list[Run] = [("> ", bgr(WARNING), True), (text, bgr(INK), True)]
    width, height = chip_size(runs, measures)
    low, high = floor - measures.pad - height, measures.pad
    middle, far = (bounds.width - width) // 2, bounds.width - measures.pad - width
    places = [Box(left, top, width, height) for top in (low, high, low - height - measures.pad)
              for left in (middle, measures.pad, far)]  # fmt: skip
    place, _ = best_place(places, bounds, NO_BOX, (), taken)
    paint_chip(canvas, runs, (place.left, place.top), measures)


def paint_help(canvas: Picture, lines: Sequence[tuple[str, str]], measures: Measures) -> None:
    """Keys and what they do, in the middle; lines that do not fit are left out."""
    bounds = Box(0, 0, canvas.shape[1], canvas.shape[0])
    pad, row = 2 * measures.pad, measures.line + measures.pad // 2
    lines = lines[: max(0, (bounds.height - 2 * pad) // row)]
    if not lines:
        return
    keys = max(text_width(key, measures.text, bold=True) for key, _ in lines)
    what = max(text_width(text, measures.text) for _, text in lines)
    width = min(bounds.width, keys + what + 3 * pad)
    height = len(lines) * row + 2 * pad
    box = Box((bounds.width - width) // 2, (bounds.height - height) // 2, width, height)
    fill(canvas, box, bgr(PANEL), radius=pad, opacity=0.92)
    for number, (key, text) in enumerate(lines):
        top = box.top + pad + number * row
        write(canvas, key, box.left + pad, top, measures.text, bgr(INK), bold=True)
        left = box.left + pad + keys + pad
        words = elide(text, measures.text, box.right - pad - left)
        write(canvas, words, left, top, measures.text, bgr(FAINT))
