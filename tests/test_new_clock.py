"""A camera that comes again with another clock."""

from pathlib import Path

import pytest

from benchmarks.hosts import clock, on_clock, why_not
from messaging.clock import monotonic_ns
from messaging.topics import FACES
from tests.films import make_talk
from tests.haste import within_s
from tests.live import FaceCamera
from tests.shares import DESK, shares

BACK_S = 3.0
SECOND = 1_000_000_000
MAX_GAP_NS = SECOND // 2
"""Of a label's picture from the utterance's end."""
EYE = "eye"
AHEAD_S = 9_000, 200
"""Of this machine's clock: the camera's first one, and its second one."""

pytestmark = pytest.mark.skipif(bool(reason := why_not()), reason=reason)


def test_after_a_restart_on_another_clock_labels_are_those_of_the_same_time(tmp_path: Path) -> None:
    """The microphone is this machine's. Nothing of the former clock's time labels anything of the
    new one's, though the camera's own time goes back by more than two hours.
    """
    with FaceCamera() as camera, clock(AHEAD_S[0]) as first, clock(AHEAD_S[1]) as second:
        tables = {
            "nodes.hub": {"kind": "hub", "host": DESK},
            "nodes.join": {"kind": "fusion", "host": DESK},
            "nodes.worker": {"kind": "inference", "host": DESK},
            "nodes.guest": {
                "kind": "media",
                "host": DESK,
                "file": str(make_talk(tmp_path / "guest.wav")),
                "cameras": [EYE],
            },
            f"nodes.{EYE}": {"kind": "camera", "host": EYE, "device": camera.url},
        }
        with shares(tables) as lab:
            near = lab.near
            lab.start(EYE, *on_clock(first))
            lab.until(lambda: near.matched("guest", 0))
            lab.kill(EYE)
            gone_ns = monotonic_ns()
            lab.until(lambda: any(u.onset.pipeline_ns > gone_ns for u in near.finals()))
            back_ns = lab.restart(EYE, *on_clock(second))
            took_s = lab.until(lambda: near.seen(EYE, back_ns))
            print(f"back after {took_s:.2f} s")
            assert took_s < within_s(BACK_S)
            lab.until(lambda: near.matched("guest", back_ns))
            lab.end(EYE, DESK)
    shown = [r.message for r in near.of(FACES)]
    clocks = list(dict.fromkeys(message.stamp.clock for message in shown))
    assert len(clocks) == len(AHEAD_S)
    truth_ns = {name: -ahead_s * SECOND for name, ahead_s in zip(clocks, AHEAD_S, strict=True)}
    for name in clocks:
        epoch = [message for message in shown if message.stamp.clock == name]
        assert [m.event for m in epoch].index("opened") == 0
        for message in epoch:
            assert message.stamp.bound_ns is not None
            assert abs(message.stamp.offset_ns - truth_ns[name]) <= message.stamp.bound_ns
    said = [(utterance, utterance.offset) for utterance in near.finals() if utterance.offset]
    for utterance, offset in said:
        picture = utterance.picture
        if picture is not None:
            seen_ns = picture.captured_ns + truth_ns[picture.clock]
            assert abs(seen_ns - offset.pipeline_ns) <= MAX_GAP_NS + (picture.bound_ns or 0)
    again_ns = next(m.stamp.pipeline_ns for m in shown if m.stamp.clock == clocks[1])
    meanwhile = [
        utterance
        for utterance, offset in said
        if gone_ns + MAX_GAP_NS < offset.pipeline_ns < again_ns - MAX_GAP_NS
    ]
    assert meanwhile
    assert {u.status for u in meanwhile} == {"gap_exceeded"}
