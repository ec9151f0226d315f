"""Hosts with clocks of their own: namespaces of network and time, and the real hub between them."""

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from benchmarks.hosts import Host, hosts, why_not
from messaging.clock import monotonic_ns
from messaging.topics import CLOCK
from recording.session import open_session
from tests.pipelines import ROOT, environment

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


def test_stamps_of_other_hosts_lead_to_the_hubs_time_within_their_bound(
    three: list[Host], tmp_path: Path
) -> None:
    """One asks directly, the other over a way that takes 3 to 20 ms, and longer there than back.
    What they asked and were answered is recorded.
    """
    hub, near, far = three
    folder = tmp_path / "session"
    record = "run_pipeline", "node", "recorder", "--record", str(folder), "--hub", hub.hub
    stamper = "benchmarks.stamper"
    with (
        hub.running(*record) as recorder,
        near.running(stamper, "near", near.hub, SECONDS, "recorder") as quiet,
        far.running(stamper, "far", far.far_hub, SECONDS, "recorder") as jammed,
    ):
        given = {near: stamps(quiet), far: stamps(jammed)}
        recorder.terminate()
        assert recorder.wait(PATIENCE_S) == 0
    for host, lines in given.items():
        truth_ns = host.offset_ns(hub)
        assert len(lines) > 50
        beyond = [line for line in lines if abs(line[1] - truth_ns) > line[2]]
        assert len(beyond) <= len(lines) / 1000
        times = [at_ns + offset_ns for at_ns, offset_ns, _ in lines]
        assert times == sorted(times)
    assert min(bound for _, _, bound in given[far]) > 3_000_000
    truths_ns = {"near": near.offset_ns(hub), "far": far.offset_ns(hub)}
    bursts = list(open_session(folder).records(CLOCK))
    assert {burst.sender for burst in bursts} == set(truths_ns)
    for burst in bursts:
        for sent_ns, arrived_ns, left_ns, returned_ns in burst.message.exchanges:
            truth_ns = truths_ns[burst.sender]
            assert left_ns - returned_ns <= truth_ns <= arrived_ns - sent_ns


def test_a_recorder_on_another_clock_than_the_hubs_says_where_it_belongs(
    three: list[Host], tmp_path: Path
) -> None:
    _, near, _ = three
    record = "run_pipeline", "node", "recorder", "--record", str(tmp_path / "s"), "--hub", near.hub
    with near.running(*record, stderr=subprocess.PIPE) as recorder:
        _, said = recorder.communicate(timeout=PATIENCE_S)
    assert recorder.returncode == 2
    assert "this machine's clock is not the hub's; record on the one where the hub runs" in said


LABEL = "id", "status", "label", "method", "settled", "missing", "track"
INSTANT_S = 5
"""From now on, file time 0 is seen and heard: on every host at once, whatever its clock shows."""


def test_an_utterance_of_two_hosts_has_the_label_of_one(address: str) -> None:
    """Camera and inference, microphone, and fusion with the hub: all on one, and on three."""
    at_ns = monotonic_ns() + INSTANT_S * 1_000_000_000
    alone = Place(python, address, at_ns)
    with hosts([3_000, 9_000, 200]) as (hub, near, far):
        with hub.running(*HUB):
            here, there, elsewhere = (
                Place(host.command, host.hub, at_ns + host.ahead_s * 1_000_000_000)
                for host in (hub, near, far)
            )
            apart = labels(here, there, elsewhere)
        together = labels(alone, alone, alone)
    assert len(together) == 4
    assert [label(each) for each in apart] == [label(each) for each in together]
    for one, other in zip(apart, together, strict=True):
        bound_ns = one["picture"]["bound_ns"] + one["offset"]["bound_ns"]
        assert one["alignment_bound_ns"] == other["alignment_bound_ns"] + bound_ns
        if one["picture"]["captured_ns"] == other["picture"]["captured_ns"]:
            assert abs(one["dt_ns"] - other["dt_ns"]) <= bound_ns
            assert one["probabilities"] == other["probabilities"]


def python(*module: str) -> list[str]:
    return [sys.executable, "-m", *module]


class Place(NamedTuple):
    """Where a part of a pipeline runs."""

    command: Callable[..., list[str]]
    hub: str
    at_ns: int
    """The instant of file time 0 on the clock there."""


def labels(fusion: Place, camera: Place, microphone: Place) -> list[dict[str, Any]]:
    """What the listener, which is where fusion is, hears of the demo clip."""
    fusion_done = {"EMOFUSE_FUSION__EXIT_WHEN_CLOSED": "true"}
    jpeg = {"EMOFUSE_INFERENCE__PICTURES": "jpeg"}
    with ExitStack() as stack:

        def start(place: Place, *module: str, **extra: str) -> "subprocess.Popen[str]":
            process = subprocess.Popen(
                place.command(*module),
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=environment(extra, demo=False),
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            return process

        listener = start(fusion, "tests.half_media", "listener", fusion.hub)
        start(fusion, "run_pipeline", "node", "fusion", "--hub", fusion.hub, **fusion_done)
        start(camera, "run_pipeline", "node", "inference", "--hub", camera.hub, **jpeg)
        for part, place in (("camera", camera), ("microphone", microphone)):
            start(place, "tests.half_media", part, place.hub, str(place.at_ns))
        out, _ = listener.communicate(timeout=PATIENCE_S)
        assert listener.returncode == 0
    results = [json.loads(line) for line in out.splitlines()]
    return sorted(results, key=lambda result: result["onset"]["captured_ns"])


def label(result: dict[str, Any]) -> dict[str, Any]:
    return {key: result[key] for key in LABEL}
