"""A minute of the whole pipeline, in which every node is killed once, at an instant that nobody
chose. ``python -m benchmarks.soak`` does the same for an hour.
"""

import random
from statistics import median

import pytest

pytest.importorskip("pylsl")

from benchmarks.soak import NODES, soak
from benchmarks.soaked import Soaked
from tests.capture.sound_server import needs_pulse
from tests.haste import within_s
from tests.live import SURE_NS

SECONDS = 60.0
EVERY_S = 5.0
RECOVERED_S = 3.0
SETTLED_S = 5.0
"""After so long a process has what it needs."""
MARGIN = 1.25
"""What it may hold at its end, against what the smallest of its kind held when it had settled. A
picture is 1 MB, 15 come in a second, and no node has 150 MB: a worker that keeps one in ten is
found."""


@needs_pulse
def test_every_node_is_killed_and_nothing_is_left_or_leaks_or_does_not_add_up() -> None:
    victims = random.Random(1).sample([*NODES], k=len(NODES))
    soaked = soak(SECONDS, EVERY_S, victims)
    assert soaked.exit_code == 0, soaked.log
    assert {kill.node for kill in soaked.kills} == {*NODES}
    assert median(kill.back_s for kill in soaked.kills) < within_s(RECOVERED_S)
    assert_undisturbed_is_labelled(soaked)
    assert not soaked.miscounts()
    assert soaked.info_code == 3, "tails are unknown"
    assert not soaked.faults()
    assert not soaked.left_behind
    for node in NODES:
        assert_flat(soaked, node)


def assert_undisturbed_is_labelled(soaked: Soaked) -> None:
    sure = [record for record in soaked.undisturbed if record["offset"]["bound_ns"] < SURE_NS]
    assert {record["status"] for record in sure} == {"matched"}


def assert_flat(soaked: Soaked, node: str) -> None:
    settled = [
        [sample.rss_bytes for sample in life if sample.at_s > life[0].at_s + SETTLED_S]
        for life in soaked.lives(node)
    ]
    fresh = min(life[0] for life in settled if life)
    for life in filter(None, settled):
        assert life[-1] < MARGIN * fresh, f"{node}: {life}"
