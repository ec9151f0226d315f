"""From results to intervals in whole milliseconds that never overlap. Pure.

Boundaries are rounded to the nearest millisecond, the finest that all annotation formats have.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

MS = 1_000_000
LONGEST_STAND_NS = 1_000_000_000
"""A picture stands until the next one, but no longer than this, or three nominal intervals where
that is more: beyond, nobody looked."""


@dataclass(frozen=True, slots=True)
class Interval:
    start_ms: int
    end_ms: int
    label: str


@dataclass(frozen=True, slots=True)
class Span:
    """The same before it is rounded."""

    start_ns: int
    end_ns: int
    label: str


def whole_ms(at_ns: int) -> int:
    """The nearest millisecond, a half goes up: what lies a millisecond apart stays apart."""
    return (at_ns + MS // 2) // MS


def stands_until(at_ns: int, next_ns: int, interval_ns: int) -> int:
    """How long a picture's result holds when the next word of its camera comes at ``next_ns``,
    which is before it where a clock was set back.
    """
    longest_ns = max(LONGEST_STAND_NS, 3 * interval_ns)
    if 0 < next_ns - at_ns <= longest_ns:
        return next_ns
    return at_ns + (interval_ns or LONGEST_STAND_NS)


def merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Neighbours of the same label become one; spans come in order."""
    held: Span | None = None
    for span in spans:
        if held and held.label == span.label and held.end_ns == span.start_ns:
            held = Span(held.start_ns, span.end_ns, held.label)
            continue
        if held:
            yield held
        held = span
    if held:
        yield held


def separate(spans: Iterable[Span]) -> tuple[Interval, ...]:
    """One interval for each span, in order of the starts, each at least 1 ms long.

    Where spans overlap, the earlier ends as the later begins. Of several that begin within one
    millisecond, the later ones move on.
    """
    ordered = sorted(spans, key=lambda span: (span.start_ns, span.end_ns))
    starts: list[int] = []
    for span in ordered:
        start = whole_ms(span.start_ns)
        starts.append(max(start, starts[-1] + 1) if starts else start)
    intervals: list[Interval] = []
    for span, start, limit in zip_longest(ordered, starts, starts[1:]):
        end = whole_ms(span.end_ns) if limit is None else min(whole_ms(span.end_ns), limit)
        intervals.append(Interval(start, max(end, start + 1), span.label))
    return tuple(intervals)
