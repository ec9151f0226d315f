"""The time line of a simulated sound card, against the times that it really captured at."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from capture.sample_clock import SECOND, Instant, SampleClock

MS = 1_000_000


@dataclass
class Card:
    """Captures from host time ``begin_ns`` on; its crystal runs fast by ``drift``."""

    rate: float = 48_000
    block: int = 480
    drift: float = 0.0
    latency_ns: int = 6 * MS
    jitter_ms: float = 0.0
    reports: str = "latency"
    behind_ns: int = 0
    """By how much the driver reports too much."""
    begin_ns: int = 5 * SECOND
    seed: int = 1
    count: int = 0
    clock: SampleClock = field(init=False)
    lost: int = 0

    def __post_init__(self) -> None:
        self.clock = SampleClock(self.rate)
        self.rng = np.random.default_rng(self.seed)

    def captured_ns(self, sample: float) -> int:
        return self.begin_ns + round(sample / (self.rate * (1 + self.drift)) * SECOND)

    def deliver(self, *, overflow: bool = False) -> None:
        first = self.captured_ns(self.count)
        late_ns = round(self.rng.exponential(self.jitter_ms) * MS) if self.jitter_ms else 0
        arrival_ns = self.captured_ns(self.count + self.block) + self.latency_ns + late_ns
        latency_s = {
            "latency": (arrival_ns - first + self.behind_ns) / SECOND,
            "zero": 0.0,
            "nan": float("nan"),
            "absurd": 3.0,
            "nothing": None,
        }[self.reports]
        missing_ns = self.clock.missing_ns(self.block, arrival_ns, overflow=overflow)
        missing = round(missing_ns * self.rate / SECOND)
        self.clock.skip(missing)
        self.lost += missing
        reported_s = (self.latency_ns + 10 * MS) / SECOND
        self.clock.add(self.block, arrival_ns, latency_s, reported_s)
        self.count += self.block

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * self.rate / self.block)):
            self.deliver()

    def lose(self, seconds: float) -> None:
        self.count += round(seconds * self.rate)

    def instant(self) -> Instant:
        return self.clock.at(self.clock.now_ns)

    def error_ms(self) -> float:
        """Of the newest sample's stamp."""
        return (self.instant().host_ns - self.captured_ns(self.count)) / MS


@pytest.mark.parametrize("drift", [-200e-6, -20e-6, 0.0, 100e-6, 200e-6])
@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_stamps_stay_within_a_millisecond_of_the_truth_under_jitter_and_drift(
    drift: float, rate: float
) -> None:
    card = Card(rate=rate, block=int(rate / 100), drift=drift, jitter_ms=4.0)
    card.run(3)
    for _ in range(35):
        card.run(1)
        assert abs(card.error_ms()) < 1.0


def test_the_error_stays_within_the_stated_bound_from_the_first_block_on() -> None:
    card = Card(jitter_ms=15.0, drift=80e-6)
    for _ in range(500):
        card.deliver()
        assert abs(card.error_ms()) * MS <= card.instant().bound_ns + 60 * MS * (card.count < 48000)
    assert card.instant().bound_ns < 10 * MS


@pytest.mark.parametrize("reports", ["zero", "nan", "absurd", "nothing"])
def test_an_implausible_latency_is_replaced_by_the_streams_own_with_a_larger_bound(
    reports: str,
) -> None:
    card, good = Card(reports=reports), Card()
    card.run(5)
    good.run(5)
    assert abs(card.error_ms()) * MS <= card.instant().bound_ns
    assert card.instant().bound_ns > good.instant().bound_ns
    assert abs(good.error_ms()) < 0.01


def test_a_latency_is_remembered_while_implausible_ones_come() -> None:
    card = Card(reports="absurd")
    card.run(2)
    card.reports = "latency"
    card.run(2)
    assert abs(card.error_ms()) < 1.0
    card.reports = "absurd"
    card.run(60)
    assert abs(card.error_ms()) < 1.0


def test_stamps_strictly_increase_whatever_the_arrivals_do() -> None:
    card = Card(jitter_ms=40.0, drift=-150e-6, block=64, rate=16_000)
    stamps: list[int] = []
    for step in range(2000):
        card.deliver(overflow=step % 500 == 400)
        stamps.append(card.instant().host_ns)
    assert all(a < b for a, b in pairwise(stamps))


def test_a_stamp_once_given_never_changes() -> None:
    card = Card(jitter_ms=20.0)
    card.run(0.5)
    times = range(0, card.clock.now_ns, 7 * MS)
    before = [card.clock.at(ns).host_ns for ns in times]
    card.run(20)
    assert [card.clock.at(ns).host_ns for ns in times] == before
    assert all(a < b for a, b in pairwise(before))


def test_a_flagged_overflow_moves_the_line_by_what_was_lost() -> None:
    card = Card(jitter_ms=1.0)
    card.run(5)
    card.lose(0.137)
    card.deliver(overflow=True)
    assert card.lost / card.rate == pytest.approx(0.137, abs=0.006)
    card.run(3)
    assert abs(card.error_ms()) < 1.0


def test_an_overflow_that_nobody_flags_is_found_within_a_second() -> None:
    card = Card(jitter_ms=2.0)
    card.run(5)
    card.lose(0.2)
    card.run(1)
    assert card.lost / card.rate == pytest.approx(0.2, abs=0.01)
    card.run(3)
    assert abs(card.error_ms()) < 1.0


@pytest.mark.parametrize("lost_s", [0.01, 0.03, 0.045])
def test_a_loss_that_is_too_short_to_be_made_up_for_widens_the_bound(lost_s: float) -> None:
    card = Card(jitter_ms=2.0)
    card.run(20)
    before = card.instant().bound_ns
    card.lose(lost_s)
    card.run(0.3)
    for _ in range(4000):
        card.deliver()
        assert abs(card.error_ms()) * MS <= card.instant().bound_ns
    assert card.lost == 0
    assert card.instant().bound_ns < before + 2 * MS
    assert abs(card.error_ms()) < 1.0


def test_late_blocks_are_not_taken_for_lost_ones() -> None:
    """The process stood still for 0.4 s, then all blocks came at once."""
    card = Card()
    card.run(5)
    card.latency_ns += 400 * MS
    for _ in range(40):
        card.latency_ns -= 10 * MS
        card.deliver()
    card.run(2)
    assert card.lost == 0
    assert abs(card.error_ms()) < 1.0


def test_stamps_are_right_again_seconds_after_late_blocks_were_taken_for_a_loss() -> None:
    """The machine stood still for 2 s, and the driver flagged an overflow that lost nothing."""
    card = Card()
    card.run(5)
    card.latency_ns += 2 * SECOND
    card.deliver(overflow=True)
    card.latency_ns -= 2 * SECOND
    stamps: list[int] = []
    for _ in range(300):
        card.deliver()
        stamps.append(card.instant().host_ns)
        assert abs(card.error_ms()) * MS <= card.instant().bound_ns
    assert all(a < b for a, b in pairwise(stamps))
    assert abs(card.error_ms()) < 100.0
    card.run(2)
    assert abs(card.error_ms()) < 1.0


def test_a_figure_that_follows_the_blocks_late_moves_no_stamp_far() -> None:
    """Sound comes 150 ms sooner from here on, and the driver says so after a tenth of a second."""
    card = Card(latency_ns=200 * MS)
    card.run(5)
    card.latency_ns -= 150 * MS
    card.behind_ns = 150 * MS
    for _ in range(10):
        card.deliver()
        assert abs(card.error_ms()) < 10.0
    card.behind_ns = 0
    card.run(1)
    assert abs(card.error_ms()) < 1.0


def test_a_new_run_of_the_device_goes_on_after_the_last_stamp() -> None:
    card = Card()
    card.run(1)
    last = card.instant().host_ns
    clock = SampleClock(16_000, start_ns=card.clock.now_ns, after_ns=last)
    clock.add(160, last - 30 * MS, 0.02, 0.02)
    assert clock.at(card.clock.now_ns).host_ns == last + 1
    assert clock.at(clock.now_ns).host_ns > last


def test_a_sample_that_nobody_heard_has_no_time() -> None:
    with pytest.raises(ValueError, match="no sound has come yet"):
        SampleClock(16_000).at(0)
