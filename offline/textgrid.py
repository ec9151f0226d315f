"""Praat's TextGrid: interval tiers of utterances and faces, a point tier of markers."""

from pathlib import Path
from typing import Any

from offline.annotations import Annotations
from offline.output import require


def write_textgrid(annotations: Annotations, path: Path) -> None:
    """In Praat's long text form, UTF-8."""
    textgrid: Any = require("praatio.textgrid", "the TextGrid format")
    end_s = annotations.end_ms / 1000
    grid = textgrid.Textgrid(0, end_s)
    for name, tier in annotations.intervals().items():
        entries = [(each.start_ms / 1000, each.end_ms / 1000, each.label) for each in tier]
        grid.addTier(textgrid.IntervalTier(name, entries, 0, end_s))
    points = [(note.at_ms / 1000, note.text) for note in annotations.notes]
    grid.addTier(textgrid.PointTier("markers", points, 0, end_s))
    grid.save(
        str(path), format="long_textgrid", includeBlankSpaces=True, minimumIntervalLength=None
    )
