"""Offset and bound from a burst of questions; and asked of a real hub."""

from pathlib import Path

from messaging.address import endpoints
from messaging.clock import clock_name
from messaging.clock_estimate import Exchange
from messaging.probe import probe, reading


def exchange(asked: int, there: int, back: int, offset: int, held: int = 10) -> Exchange:
    """On the way for so long there and back, to a clock that is ahead by ``offset``."""
    arrived = asked + there + offset
    left = arrived + held
    return Exchange(asked, arrived, left, left - offset + back)


def test_the_quickest_exchange_tells_the_offset() -> None:
    slow, quick = exchange(0, 500, 100, 7000), exchange(1000, 40, 60, 7000)
    known = reading("hub", [slow, quick, slow], own="here")
    assert (known.round_trip_ns, known.bound_ns) == (100, 50)
    assert abs(known.offset_ns - 7000) <= known.bound_ns


def test_the_bound_holds_however_lopsided_the_way_is() -> None:
    for there in range(0, 101, 5):
        known = reading("hub", [exchange(5, there, 100 - there, -12345)], own="here")
        assert abs(known.offset_ns + 12345) <= known.bound_ns


def test_on_the_hubs_own_clock_nothing_is_uncertain() -> None:
    known = reading("one", [exchange(0, 40, 60, 0)], own="one")
    assert (known.offset_ns, known.bound_ns, known.round_trip_ns) == (0, 0, 100)


def test_a_hub_answers_a_burst(address: str) -> None:
    known = probe(endpoints(address).clock, 5.0)
    assert known is not None
    assert known.clock == clock_name()
    assert 0 < known.round_trip_ns < 1_000_000_000
    assert (known.offset_ns, known.bound_ns) == (0, 0)


def test_where_nobody_answers_nothing_is_known(tmp_path: Path) -> None:
    assert probe(f"ipc://{tmp_path}/nobody", 0.1) is None
