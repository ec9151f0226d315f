"""What a run says at its end."""

import pytest

from commands.results import Summary
from messaging.schema import Heartbeat, Stamp, TopicCounts

STAMP = Stamp(0, "clock")


def pulse(node: str, pid: int, *counts: TopicCounts, rejected: int = 0) -> Heartbeat:
    return Heartbeat(STAMP, node, "running", pid, 0, 1000, 10**9, rejected, counts)


def test_a_node_that_was_restarted_counts_over_all_its_processes() -> None:
    pulses = [
        pulse("fusion", 1, TopicCounts("faces", "inference", 9, 8, lost=2), rejected=1),
        pulse("fusion", 2, TopicCounts("faces", "inference", 9, 8, lost=3, unknown=1)),
    ]
    record = Summary([], pulses, {"fusion": 1}, "interrupted").record()
    fusion = record["nodes"]["fusion"]
    assert (fusion["lost"], fusion["rejected"], fusion["cpu_s"]) == (5, 1, 2.0)
    assert fusion["unknown"] == 2, "a stream that broke off, and what the first one had in hand"


def test_all_that_did_not_go_well_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    pulses = [
        pulse("inference", 1, TopicCounts("video", "camera", 9, 8, dropped=4, lost=2)),
        pulse("inference", 2, rejected=3),
    ]
    ended_by = "hub crashed (exit code 1) 6 times: [Errno 5] Input/output error"
    Summary([], pulses, {"inference": 1}, ended_by, as_it_should=False).print()
    said = " ".join(capsys.readouterr().out.split())
    assert "inference was started again 1 time: what it had in hand then is lost" in said
    assert "4 pictures overtaken by newer ones, 2 messages lost" in said
    assert "1 streams that broke off, their last messages unknown, 3 invalid" in said
    assert f"The run broke off: {ended_by}." in said


def test_a_run_without_mishaps_has_none_to_tell(capsys: pytest.CaptureFixture[str]) -> None:
    Summary([], [pulse("fusion", 1)], {}, "fusion has done").print()
    assert capsys.readouterr().out == "No utterance was heard.\n"
