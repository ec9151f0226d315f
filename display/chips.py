"""The parts that an overlay is made of, in sizes that follow from the picture's. Pure."""

from dataclasses import dataclass

from display.layout import Box
from display.paint import fill, text_width, write
from display.palette import PANEL, TRACK, Colour, bgr
from display.scene import Picture

PANEL_OPACITY = 0.78

Run = tuple[str, Colour, bool]
"""Text, its colour, whether it is bold."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Sizes in pixels that follow from the picture's size."""

    text: int
    pad: int
    stroke: int
    is_tiny: bool
    """Too small for more than the label."""

    @classmethod
    def of(cls, width: int, height: int) -> "Measures":
        """Text grows more slowly than the picture: 9 pixels at 320x240, 15 at 640x480, 27 at
        1920x1080.
        """
        text = max(9, round(15 * (min(width * 0.75, height) / 480) ** 0.75))
        return cls(text, max(3, round(text * 0.45)), max(2, round(text / 9)), height < 14 * text)

    @property
    def line(self) -> int:
        return round(self.text * 1.25)


def width_of(runs: list[Run], measures: Measures) -> int:
    return sum(text_width(text, measures.text, bold=bold) for text, _, bold in runs)


def chip_size(runs: list[Run], measures: Measures) -> tuple[int, int]:
    """Width and height of a chip with that text."""
    return width_of(runs, measures) + 2 * measures.pad, measures.line + measures.pad


def paint_chip(view: Picture, runs: list[Run], corner: tuple[int, int], measures: Measures) -> Box:
    """A dark panel with a line of text on it."""
    box = Box(*corner, *chip_size(runs, measures))
    paint_panel(view, box, measures)
    write_runs(view, runs, box.left + measures.pad, box.top + measures.pad // 2, measures)
    return box


def write_runs(view: Picture, runs: list[Run], left: int, top: int, measures: Measures) -> None:
    for text, colour, bold in runs:
        left = write(view, text, left, top, measures.text, colour, bold=bold)


def paint_panel(view: Picture, box: Box, measures: Measures) -> None:
    fill(view, box, bgr(PANEL), radius=measures.pad, opacity=PANEL_OPACITY)


def paint_bar(view: Picture, box: Box, share: float, colour: Colour) -> None:
    fill(view, box, bgr(TRACK), radius=box.height // 2, opacity=0.6)
    if share > 0:
        width = max(box.height, round(box.width * min(1.0, share)))
        fill(view, box._replace(width=width), colour, radius=box.height // 2)
