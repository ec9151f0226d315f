"""How things grow: the join with its messages, ``label`` with the minutes of a file."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import fusion, label
from benchmarks.results import Results

MESSAGES = (10**3, 10**4, 10**5, 10**6)


def grow_fusion(results: Results) -> None:
    for messages in MESSAGES:
        found = fusion.live(messages)
        results.note_point("fusion", ("messages", found.messages), ("us a message", found.us))


def grow_label(results: Results, minutes: Sequence[int], fps: float = 8) -> None:
    with label.two_cores(), tempfile.TemporaryDirectory() as folder:
        for length, clip in label.clips(Path(folder), minutes):
            for name, chosen in (("label", None), (f"label, {fps:g} a second", fps)):
                run = label.measure(clip, length, chosen)
                x = ("min of the file", length)
                results.note_point(name, x, ("times real time", run.times_real_time))
                results.note_point(f"{name}: memory", x, ("MB", run.memory_mb))
