"""For how long each picture's result holds, and where nobody looked. Pure."""

from collections.abc import Iterator

from messaging.schema import FaceEmotions
from offline.intervals import stands_until

LEAST_NS = 1_000_000
"""A last picture stands for so long where its camera tells no interval."""

Stood = tuple[FaceEmotions, int]
"""A picture's result, and the instant until which it holds."""


class Standing:
    """One camera's results, in order; with each comes the end of the one before."""

    def __init__(self) -> None:
        self.gaps_ns: list[tuple[int, int]] = []
        """Where there is no result, between the camera's first word and its last."""
        self._shown: FaceEmotions | None = None
        self._until_ns: int | None = None

    def take(self, message: FaceEmotions) -> Iterator[Stood]:
        """After a gap nobody knows how long the picture before would have held."""
        at_ns = message.stamp.pipeline_ns
        if self._shown is not None:
            since_ns, interval_ns = self._shown.stamp.pipeline_ns, self._shown.interval_ns
            end_ns = stands_until(since_ns, at_ns, interval_ns)
            if message.event == "gap" and interval_ns:
                end_ns = min(end_ns, since_ns + interval_ns)
            yield from self._stood(end_ns)
        if self._until_ns is not None and self._until_ns < at_ns:
            self.gaps_ns.append((self._until_ns, at_ns))
        self._until_ns = at_ns
        self._shown = message if message.event == "analysed" else None

    def close(self) -> Iterator[Stood]:
        """The results end here, whether or not they said so."""
        if self._shown is not None:
            interval_ns = self._shown.interval_ns or LEAST_NS
            yield from self._stood(self._shown.stamp.pipeline_ns + interval_ns)

    def _stood(self, end_ns: int) -> Iterator[Stood]:
        if self._shown is not None:
            self._until_ns = end_ns
            yield self._shown, end_ns
        self._shown = None
