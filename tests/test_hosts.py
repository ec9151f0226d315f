"""Hosts with clocks of their own: namespaces of network and time, and the real hub between them."""

import subprocess
from collections.abc import Generator

import pytest

from benchmarks.hosts import Host, hosts, why_not

PATIENCE_S = 120
HUB = ("run_pipeline", "hub", "--bind", "tcp://0.0.0.0:5550", "--insecure")
SECONDS = "4"

pytestmark = pytest.mark.skipif(bool(reason := why_not()), reason=reason)


@pytest.fixture
def three() -> Generator[list[Host]]:
    """The hub's, on which the hub runs, and a relay; and two more."""
    with hosts([3_000, 9_000, 200]) as made:
        hub = made[0]
        with hub.running(*HUB), hub.running("benchmarks.relay", "3", "4"):
            yield made


def stamps(process: "subprocess.Popen[str]") -> list[tuple[int, int, int]]:
    """Instant, offset and bound, in the order in which they were given."""
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    lines = [line.split() for line in out.splitlines()]
    assert "None" not in {bound for _, _, bound in lines}
    return [(int(at), int(offset), int(bound)) for at, offset, bound in lines]


def test_stamps_of_other_hosts_lead_to_the_hubs_time_within_their_bound(three: list[Host]) -> None:
    """One asks directly, the other over a way that takes 3 to 20 ms, and longer there than back."""
    hub, near, far = three
    with (
        near.running("benchmarks.stamper", near.hub, SECONDS) as quiet,
        far.running("benchmarks.stamper", far.far_hub, SECONDS) as jammed,
    ):
        given = {near: stamps(quiet), far: stamps(jammed)}
    for host, lines in given.items():
        truth_ns = host.offset_ns(hub)
        assert len(lines) > 50
        beyond = [line for line in lines if abs(line[1] - truth_ns) > line[2]]
        assert len(beyond) <= len(lines) / 1000
        times = [at_ns + offset_ns for at_ns, offset_ns, _ in lines]
        assert times == sorted(times)
    assert min(bound for _, _, bound in given[far]) > 3_000_000
