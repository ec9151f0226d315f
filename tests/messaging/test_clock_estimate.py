"""The offset to the hub's clock on simulated links, against the truth."""

import math
from collections.abc import Callable
from dataclasses import replace
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.links import (
    FAR_NS,
    LINKS,
    MS,
    QUIET,
    US,
    Host,
    Link,
    S,
    drifting,
    middle_ns,
    round_trip_ns,
)
from messaging.clock_estimate import OWN, UNKNOWN, Estimator, Exchange, Line, Sight, Timeline, seen

MINUTES = 3


def swaying(at_ns: int) -> int:
    """A rate that changes by 40 ppm within half a minute, and back, as no crystal's does."""
    return FAR_NS + round(20e-6 * 60 * S / math.tau * math.sin(at_ns / 60 / S * math.tau))


def percentiles(errors: list[int]) -> tuple[float, float]:
    """The 50th and the 95th."""
    parts = quantiles(errors, n=20)
    return parts[9], parts[18]


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("ppm", [0, 100, -100])
def test_the_true_offset_lies_within_the_bound_of_every_stamp(link: Link, ppm: float) -> None:
    host = Host(drifting(ppm), link)
    beyond = [
        at_ns
        for at_ns, offset_ns, bound_ns in host.stamps(60 * MINUTES)
        if abs(offset_ns - host.truth(at_ns)) > bound_ns
    ]
    assert beyond == []
    assert host.estimator.epoch == 0


def test_the_bound_holds_where_the_rate_itself_changes() -> None:
    host = Host(swaying)
    stamps = list(host.stamps(60 * MINUTES))
    beyond = sum(abs(offset - swaying(at)) > bound for at, offset, bound in stamps)
    assert beyond <= len(stamps) / 1000


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("ppm", [0, 100, -100])
def test_it_is_no_worse_than_the_quickest_probe_and_under_drift_twice_as_good(
    link: Link, ppm: float
) -> None:
    """LSL's estimate: the offset of the quickest of eight probes, until the next eight."""
    host = Host(drifting(ppm), link)
    ours: list[int] = []
    theirs: list[int] = []
    for at_ns, offset_ns, _ in host.stamps(60 * MINUTES):
        quickest = min(host.burst, key=round_trip_ns)
        ours.append(abs(offset_ns - host.truth(at_ns)))
        theirs.append(abs(middle_ns(quickest) - host.truth(at_ns)))
    (our_p50, our_p95), (their_p50, their_p95) = percentiles(ours), percentiles(theirs)
    assert our_p50 <= their_p50
    assert our_p95 <= (their_p95 / 2 if ppm else their_p95)


@pytest.mark.parametrize("truth", [drifting(100), swaying], ids=["steady", "swaying"])
@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_time_never_runs_backwards_within_an_epoch(truth: Callable[[int], int], link: Link) -> None:
    last_ns = 0
    host = Host(truth, link)
    for at_ns, offset_ns, _ in host.stamps(60):
        assert at_ns + offset_ns > last_ns
        last_ns = at_ns + offset_ns
        # what is stamped late comes before it all the same
        assert at_ns - 1 + host.timeline.at(at_ns - 1)[0] < last_ns


@given(st.lists(st.tuples(st.integers(-40 * MS, 40 * MS), st.integers(2, 3 * S)), max_size=20))
def test_whatever_the_corrections_time_grows_with_the_clock(steps: list[tuple[int, int]]) -> None:
    timeline, now_ns, last_ns = Timeline().then(Line(0, 0, 0.0, MS, 1e-6), 0), 0, -1
    for offset_ns, after_ns in steps:
        timeline = timeline.then(Line(now_ns, offset_ns, 0.0, MS, 1e-6), now_ns)
        for at_ns in sorted((now_ns, now_ns + 1, now_ns + after_ns // 2, now_ns + after_ns)):
            applied_ns, bound_ns = timeline.at(at_ns)
            assert at_ns + applied_ns >= last_ns
            assert bound_ns is not None
            assert bound_ns >= abs(offset_ns - applied_ns), "the slew that is left counts"
            last_ns = at_ns + applied_ns
        now_ns += after_ns


def test_the_past_keeps_its_offset() -> None:
    timeline = (
        Timeline().then(Line(0, 10, 0.0, 1, 0.0), 0).then(Line(9, S, 0.0, 1, 0.0), 9, jumps=True)
    )
    assert (timeline.at(8), timeline.at(9)) == ((10, 1), (S, 1))
    assert timeline.at(-5) == (10, 1)


def test_what_is_not_known_is_not_guessed() -> None:
    assert Timeline().at(17) == UNKNOWN.at(17) == (0, None)


def test_what_was_not_known_of_an_instant_stays_unknown() -> None:
    timeline = UNKNOWN.then(Line(0, S, 0.0, 1, 0.0), 100)
    assert (timeline.at(99), timeline.at(100)) == ((0, None), (S, 1))


def test_the_hubs_own_clock_has_no_offset_and_no_error() -> None:
    assert Timeline().then(OWN, 5).at(10**18) == (0, 0)


def test_of_one_exchange_the_middle_is_right_to_half_the_round_trip() -> None:
    true_ns = 1_000
    for there_ns in (0, 50, 100):
        reached_ns = 100 + there_ns + true_ns
        exchange = Exchange(100, reached_ns, reached_ns + 10, 210)
        assert seen([exchange], 0.0, 0.0) == Sight(210, true_ns - 50 + there_ns, half_ns=50)


def test_of_several_the_quickest_way_there_and_the_quickest_way_back_count() -> None:
    there = Exchange(0, 1_001, 1_001, 60)
    back = Exchange(100, 1_150, 1_150, 153)
    assert seen([there, back], 0.0, 0.0) == Sight(153, 999, 2)


def test_exchanges_that_contradict_each_other_are_told() -> None:
    assert seen([Exchange(0, 10, 10, 2), Exchange(5, 1_000, 1_000, 6)], 0.0, 0.0) is None


@pytest.mark.parametrize(
    "exchange",
    [
        pytest.param(Exchange(0, 9, 7, 100), id="left before it arrived"),
        pytest.param(Exchange(0, 9, 110, 100), id="longer at the hub than away"),
    ],
)
def test_an_answer_that_cannot_be_true_is_known(exchange: Exchange) -> None:
    assert not exchange.is_possible
    assert Exchange(0, 9, 10, 100).is_possible


@pytest.mark.parametrize("by_s", [86_400, -86_400, 0.2], ids=["a day on", "a day back", "0.2 s"])
def test_a_clock_that_jumps_begins_an_epoch_and_is_right_from_the_next_burst_on(
    by_s: float,
) -> None:
    """A suspended laptop's clock stood still: the hub's is ahead by more than before."""
    jump_ns, before = 130 * S, drifting(100)
    host = Host(lambda at_ns: before(at_ns) + (round(by_s * S) if at_ns >= jump_ns else 0))
    known_ns = 0
    for at_ns, offset_ns, bound_ns in host.stamps(60):
        if host.estimator.epoch and not known_ns:
            known_ns = at_ns
        if at_ns < jump_ns or known_ns:
            assert abs(offset_ns - host.truth(at_ns)) <= bound_ns
    assert host.estimator.epoch == 1
    assert known_ns - jump_ns < 3 * S
    assert abs(host.timeline.at(jump_ns - S)[0] - before(jump_ns - S)) < MS, "the past stays"


def test_a_correction_of_less_than_50_ms_is_slewed_and_begins_no_epoch() -> None:
    step_ns = 130 * S
    host = Host(lambda at_ns: FAR_NS + 20 * MS * (at_ns >= step_ns))
    last_ns = last_offset_ns = 0
    for at_ns, offset_ns, bound_ns in host.stamps(60):
        if last_ns:
            assert abs(offset_ns - last_offset_ns) <= (at_ns - last_ns) / 80
        line = host.timeline.pieces[-1].line
        if line is not None and line.offset(at_ns) > FAR_NS + 19 * MS:
            assert abs(offset_ns - host.truth(at_ns)) <= bound_ns
        last_ns, last_offset_ns = at_ns, offset_ns
    assert host.estimator.epoch == 0
    assert abs(last_offset_ns - FAR_NS - 20 * MS) < MS


def test_a_hub_that_is_away_is_not_guessed_at_the_bound_grows() -> None:
    host = Host(drifting(100))
    list(host.stamps(60))
    now_ns = host.now_ns
    soon, late = (host.timeline.at(now_ns + away_ns) for away_ns in (S, 600 * S))
    assert soon[1] is not None
    assert late[1] is not None
    assert soon[1] < late[1]
    assert abs(late[0] - host.truth(now_ns + 600 * S)) <= late[1]
    host.now_ns += 600 * S
    for at_ns, offset_ns, bound_ns in host.stamps(30):
        assert abs(offset_ns - host.truth(at_ns)) <= bound_ns
    assert host.estimator.epoch == 0


def test_another_hub_has_another_clock() -> None:
    host = Host(drifting(0))
    list(host.stamps(30))
    host.estimator.begin_epoch()
    host.truth = lambda _: -7 * S
    host.ask()
    assert host.estimator.epoch == 1
    line = host.estimator.take(host.burst)
    assert abs(line.offset(host.now_ns) + 7 * S) <= line.bound(host.now_ns)


def test_a_slow_link_is_no_jump() -> None:
    """Round trips of half a second: bursts differ by more than 50 ms, and none contradicts."""
    far = Link(base_ns=50 * MS, there_ns=150 * MS, back_ns=20 * MS)
    host = Host(drifting(0), replace(far, outliers=0))
    for at_ns, offset_ns, bound_ns in host.stamps(60):
        assert abs(offset_ns - host.truth(at_ns)) <= bound_ns
    assert host.estimator.epoch == 0


def test_a_burst_of_one_will_do() -> None:
    line = Estimator().take([Exchange(0, 1_000 * US, 1_000 * US, 200 * US)])
    assert line.offset(200 * US) == 900 * US
    assert 100 * US <= line.bound(200 * US) < 101 * US


def test_quiet_links_have_narrow_bounds() -> None:
    bounds = [bound_ns for _, _, bound_ns in Host(drifting(100), QUIET).stamps(60)]
    assert percentiles(bounds)[1] < MS / 2
