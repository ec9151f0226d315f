"""Intervals in whole milliseconds: in order, apart, and where they were."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from offline.intervals import MS, Span, merged, separate, stands_until, whole_ms


def span(start_ns: int, length_ns: int, label: str) -> Span:
    return Span(start_ns, start_ns + length_ns, label)


spans = st.builds(
    span, st.integers(0, 10_000 * MS), st.integers(0, 500 * MS), st.sampled_from("abc")
)


@given(st.lists(spans, max_size=30))
def test_whatever_comes_one_interval_each_and_none_overlaps(given_spans: list[Span]) -> None:
    found = separate(given_spans)
    assert sorted(each.label for each in found) == sorted(each.label for each in given_spans)
    assert all(each.start_ms < each.end_ms for each in found)
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(found))


@given(st.lists(st.tuples(st.integers(0, 50 * MS), st.integers(MS, 300 * MS)), max_size=20))
def test_spans_that_lie_apart_keep_their_boundaries(steps: list[tuple[int, int]]) -> None:
    """Each lasts a millisecond at least: then rounding is all that happens to it."""
    at_ns, apart = 0, list[Span]()
    for pause, length in steps:
        apart.append(Span(at_ns + pause, at_ns + pause + length, "a"))
        at_ns = apart[-1].end_ns
    for span, interval in zip(apart, separate(apart), strict=True):
        assert interval.start_ms == whole_ms(span.start_ns)
        assert interval.end_ms == whole_ms(span.end_ns)
        assert abs(interval.start_ms * MS - span.start_ns) <= MS // 2


@given(st.lists(spans, max_size=20))
def test_the_order_of_arrival_does_not_matter(given_spans: list[Span]) -> None:
    distinct = list({(s.start_ns, s.end_ns): s for s in given_spans}.values())
    assert separate(distinct) == separate(distinct[::-1])


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from("ab")), max_size=30))
def test_merging_keeps_what_is_labelled_how(steps: list[tuple[int, str]]) -> None:
    at_ns, chain = 0, list[Span]()
    for length, label in steps:
        chain.append(Span(at_ns, at_ns + length, label))
        at_ns += length
    found = list(merged(chain))

    def label_at(these: list[Span], instant: int) -> str:
        return next(s.label for s in these if s.start_ns <= instant < s.end_ns)

    assert all(label_at(found, t) == label_at(chain, t) for t in range(at_ns))
    assert all(one.label != other.label for one, other in pairwise(found))


def test_a_hole_keeps_equal_labels_apart() -> None:
    assert list(merged([Span(0, 4, "a"), Span(5, 9, "a")])) == [Span(0, 4, "a"), Span(5, 9, "a")]


def test_an_utterance_of_one_sample_is_not_lost() -> None:
    long, short = separate(
        [Span(0, 30_000 * MS, "a"), Span(30_000 * MS, 30_000 * MS + 62_500, "b")]
    )
    assert (long.end_ms, short.start_ms, short.end_ms) == (30_000, 30_000, 30_001)


def test_a_picture_stands_until_the_next_but_not_for_ever() -> None:
    assert stands_until(0, 300 * MS, 40 * MS) == 300 * MS
    assert stands_until(0, 5_000 * MS, 40 * MS) == 40 * MS
    assert stands_until(0, 5_000 * MS, 2_000 * MS) == 5_000 * MS


def test_a_clock_that_was_set_back_takes_no_time_from_a_picture() -> None:
    assert stands_until(500 * MS, 100 * MS, 40 * MS) == 540 * MS
    assert stands_until(500 * MS, 500 * MS, 40 * MS) == 540 * MS
