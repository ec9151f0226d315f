"""Several cameras and several inference workers: real processes, real media."""

import signal
from typing import Any

import pytest

from messaging.clock import monotonic_ns
from tests.haste import within_s
from tests.numbers import holes
from tests.pipelines import label
from tests.sets import LISTENER, demo, running

WORKERS = ("worker-a", "worker-b")
SET = {f"nodes.{worker}": {"kind": "inference"} for worker in WORKERS} | {
    "nodes.join": {"kind": "fusion"}
}
AWAITED = [*WORKERS, "join", LISTENER]
BACK_S = 3.0
"""From the end of a worker until another one answers for it."""
PICTURES = 450
"""Of the demo session."""
SAID = (
    *("onset_s", "offset_s", "status", "label", "probabilities", "dt_ns", "pictures", "faces"),
    *("settled", "missing"),
)
PROBABILITIES = SAID.index("probabilities")


def cameras(**keys: object) -> dict[str, dict[str, object]]:
    return {f"nodes.{name}": demo(wait_for=AWAITED, **keys) for name in ("left", "right")}


def said(records: list[dict[str, Any]], source: str) -> list[tuple[object, ...]]:
    """What must be the same however the work was shared: all but where tracks begin anew."""
    return [tuple(r[key] for key in SAID) for r in records if r["source"] == source]


def assert_same_but_for_following(
    ours: list[tuple[object, ...]], alone: list[tuple[object, ...]]
) -> None:
    """A worker that takes over begins with looking, where the other one would have followed."""
    for one, other in zip(ours, alone, strict=True):
        assert one[:PROBABILITIES] + one[PROBABILITIES + 1 :] == (
            other[:PROBABILITIES] + other[PROBABILITIES + 1 :]
        )
        assert one[PROBABILITIES] == pytest.approx(other[PROBABILITIES], abs=0.1)


@pytest.fixture(scope="module")
def alone() -> list[tuple[object, ...]]:
    """What one worker says of one camera."""
    return said(label("--speed", "max").utterances, "demo")


def test_every_picture_is_answered_once_and_labels_are_those_of_one_worker(
    alone: list[tuple[object, ...]],
) -> None:
    with running(SET | cameras(speed="max")) as nodes:
        utterances, summary = nodes.end()
    assert [said(utterances, name) for name in ("left", "right")] == [alone, alone]
    counts = nodes.answered()
    assert {name: len(of) for name, of in counts.items()} == {"left": PICTURES, "right": PICTURES}
    assert not any(map(nodes.answered_twice, counts))
    for name, of in counts.items():
        shown = [r.message.index for r in nodes.faces if r.message.source == name]
        assert shown == sorted(shown) or max(of.values()) > 1, "results overtook each other"
    assert all(nodes.answers(worker) for worker in WORKERS)
    assert all(node["lost"] == node["dropped"] == 0 for node in summary["nodes"].values())


def test_a_killed_worker_s_pictures_are_answered_by_the_other_one_and_none_is_lost(
    alone: list[tuple[object, ...]],
) -> None:
    with running(SET | cameras(speed="max")) as nodes:
        nodes.until(lambda: nodes.answers("worker-a") > PICTURES // 8)
        camera = nodes.camera_of("worker-a")
        nodes.hit("worker-a", signal.SIGKILL)
        utterances, summary = nodes.end()
    assert said(utterances, "left" if camera == "right" else "right") == alone
    assert_same_but_for_following(said(utterances, camera), alone)
    assert all(u["settled"] and not u["missing"] for u in utterances)
    counts = nodes.answered()
    assert {name: set(of) for name, of in counts.items()} == {
        name: set(range(PICTURES)) for name in ("left", "right")
    }
    assert {r.message.source for r in nodes.faces if r.sender == "worker-b"} == {"left", "right"}
    assert not nodes.answered_twice("left" if camera == "right" else "right")
    assert summary["restarts"] == {"worker-a": 1}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_live_camera_moves_when_its_worker_dies_or_stands_still(number: signal.Signals) -> None:
    """The pictures that the worker had in hand are lost. Of its answers, before and after that, and
    of the other worker's none is.
    """
    with running(SET | cameras()) as nodes:
        nodes.until(lambda: all(nodes.answers(worker) > 20 for worker in WORKERS))
        camera, hit_ns = nodes.camera_of("worker-a"), monotonic_ns()
        nodes.hit("worker-a", number)

        def moved_ns() -> int | None:
            moved = (r for r in nodes.faces if r.sender == "worker-b")
            ours = (r for r in moved if r.message.source == camera)
            return next((r.received_ns for r in ours if r.received_ns > hit_ns), None)

        nodes.until(moved_ns)
        took_s = ((moved_ns() or 0) - hit_ns) / 1e9
        print(f"{number.name}: moved after {took_s:.2f} s")
        assert took_s < within_s(BACK_S)
        back_ns = monotonic_ns()
        nodes.until(
            lambda: any(r.sender == "worker-a" and r.received_ns > back_ns for r in nodes.faces)
        )
    assert not holes(nodes.faces)
