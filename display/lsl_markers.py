"""Marker streams of others in the lab: each is found, opened and read without ever blocking."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from display.lsl_streams import OURS

MOST_STREAMS = 64
LONGEST = 4096
"""Characters of a marker's text."""


class LslMarker(NamedTuple):
    text: str
    seconds: float
    """On this host's LSL clock."""
    stream: str
    """Its name."""


def marker_text(row: Sequence[Any]) -> str:
    """A sample as one text: of several channels, those that say something."""
    words = (
        cell.decode(errors="replace") if isinstance(cell, bytes) else f"{cell:g}" for cell in row
    )
    return " ".join(filter(None, words))[:LONGEST]


class MarkerInlets:
    """All streams of one type but those of a pipeline like this."""

    def __init__(self, pylsl: Any, kind: str) -> None:
        self._pylsl = pylsl
        predicate = f"type='{kind}' and not(starts-with(source_id,'{OURS}'))"
        self._resolver = pylsl.ContinuousResolver(pred=predicate)
        self._inlets: dict[tuple[str, ...], Any] = {}
        """``None`` once the stream was lost."""

    def look_around(self) -> list[str]:
        """Open what is new; its names."""
        found = {_identity(info): info for info in self._resolver.results()}
        for identity, inlet in list(self._inlets.items()):
            if inlet is None and identity not in found:
                del self._inlets[identity]
        fresh = [identity for identity in found if identity not in self._inlets]
        fresh = fresh[: max(0, MOST_STREAMS - len(self._inlets))]
        for identity in fresh:
            inlet = self._inlets[identity] = self._pylsl.StreamInlet(found[identity])
            with suppress(self._pylsl.util.TimeoutError, self._pylsl.util.LostError):
                inlet.open_stream(0.0)  # from now on samples are kept
        return [found[identity].name() for identity in fresh]

    def markers(self) -> Iterator[LslMarker]:
        """What has come since; what has no time is passed over."""
        for identity, inlet in self._inlets.items():
            if inlet is None:
                continue
            try:
                # Unknown for the first half second: until then samples wait in the inlet.
                correction_s = inlet.time_correction(0.0)
                rows, times = inlet.pull_chunk(0.0, as_numpy=True)
            except self._pylsl.util.TimeoutError:
                continue
            except self._pylsl.util.LostError:
                self._inlets[identity] = None
                continue
            for row, seconds in zip(rows, times, strict=True):
                at_s = float(seconds) + correction_s
                text = marker_text(row)
                if text and math.isfinite(at_s):
                    yield LslMarker(text, at_s, identity[0])


def _identity(info: Any) -> tuple[str, ...]:
    """A stream with a source id is the same after a restart: its inlet waits for it, and what it
    sent before can still be read. One without is lost with its sender.
    """
    return info.name(), info.hostname(), info.source_id() or info.uid()
