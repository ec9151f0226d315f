"""What a run says at its end."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from commands.results import Summary, print_json, utterance_record
from commands.tally import Pulses
from messaging.errors import UserError
from messaging.schema import Heartbeat, Stamp, TopicCounts, UtteranceEmotion

STAMP = Stamp(0, "clock")


def pulse(node: str, pid: int, *counts: TopicCounts, rejected: int = 0) -> Heartbeat:
    return Heartbeat(STAMP, node, "running", pid, 0, 1000, 10**9, rejected, counts)


def test_a_node_that_was_restarted_counts_over_all_its_processes() -> None:
    pulses = [
        pulse("fusion", 1, TopicCounts("faces", "inference", 9, 8, lost=2), rejected=1),
        pulse("fusion", 2, TopicCounts("faces", "inference", 9, 8, lost=3, unknown=1)),
    ]
    record = Summary(pulses=Pulses(pulses), restarts={"fusion": 1}).record()
    fusion = record["nodes"]["fusion"]
    assert (fusion["lost"], fusion["rejected"], fusion["cpu_s"]) == (5, 1, 2.0)
    assert fusion["unknown"] == 2, "a stream that broke off, and what the first one had in hand"


def test_all_that_did_not_go_well_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    pulses = [
        pulse("inference", 1, TopicCounts("video", "camera", 9, 8, dropped=4, lost=2)),
        pulse("inference", 2, rejected=3),
    ]
    ended_by = "hub crashed (exit code 1) 6 times: [Errno 5] Input/output error"
    Summary(
        pulses=Pulses(pulses), restarts={"inference": 1}, ended_by=ended_by, as_it_should=False
    ).print()
    said = " ".join(capsys.readouterr().out.split())
    assert "inference was started again 1 time: what it had in hand then is lost" in said
    assert "pictures overtaken by newer ones: 4, messages lost: 2" in said
    assert "streams that broke off, their last messages unknown: 1, invalid messages rej" in said
    assert f"The run broke off: {ended_by}." in said


def show_on_a_terminal(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    for name, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "COLUMNS": columns}.items():
        monkeypatch.setenv(name, value)


def test_a_narrow_terminal_gets_lines_whose_figures_are_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show_on_a_terminal(monkeypatch, columns="40")
    sure = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    offset = Stamp(2_686_000_000, "clock")
    result = UtteranceEmotion(
        *("demo-1", "demo", STAMP, offset, "matched", "happy", sure), dt_ns=-5_812_500, settled=True
    )
    summary = Summary()
    summary.take(result, 0)
    summary.print()
    assert capsys.readouterr().out == "0.000 2.686 happy 1.00 -5.8 matched\n"


@pytest.mark.parametrize(
    ("clock", "onset_s", "offset_s"), [("host", 2.5, 4.5), ("media:talk", 1.0, 3.0)]
)
def test_times_are_those_of_the_file_or_count_from_the_runs_zero_on_the_hubs_clock(
    clock: str, onset_s: float, offset_s: float
) -> None:
    onset, offset = (Stamp(round(at_s * 1e9), clock, 5_500_000_000) for at_s in (1, 3))
    result = UtteranceEmotion("u", "mic", onset, offset, "no_face")
    record = utterance_record(result, zero_ns=4_000_000_000)
    assert (record["onset_s"], record["offset_s"]) == (onset_s, offset_s)


@pytest.mark.parametrize("columns", ["40", "100"])
def test_of_several_microphones_each_row_has_the_name(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show_on_a_terminal(monkeypatch, columns)
    summary, said = Summary(), UtteranceEmotion("u", "host", STAMP, STAMP, "no_face")
    summary.take(said, 0)
    summary.print()
    assert "host" not in capsys.readouterr().out
    summary.take(replace(said, source="[red]\x1b[2Jguest"), 0)
    summary.print()
    *_, host, guest = (line for line in capsys.readouterr().out.splitlines() if "no_face" in line)
    assert "host" in host
    assert "[red]?[2Jguest" in guest


def test_a_run_without_mishaps_has_none_to_tell(capsys: pytest.CaptureFixture[str]) -> None:
    Summary(pulses=Pulses([pulse("fusion", 1)])).print()
    assert capsys.readouterr().out == "No utterance was heard.\n"


@pytest.mark.parametrize("tell", [lambda: print_json({}), lambda: Summary().print()])
def test_a_full_disk_behind_standard_output_is_told_as_that(
    tell: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(UserError, match=r"^standard output cannot be written: No space left"):
            tell()


def test_what_is_kept_of_a_run_does_not_grow_with_its_results_and_restarts() -> None:
    summary = Summary(shows_rows=False)
    result = UtteranceEmotion("demo-1", "demo", STAMP, STAMP, "matched", "sad", settled=True)
    sizes: list[int] = []
    for number in range(3000):
        summary.take(replace(result, id=f"demo-{number}"), 0)
        counts = [TopicCounts("faces", f"sender-{n}", lost=1) for n in range(20)]
        summary.pulses.note(pulse("fusion", number, *counts))
        sizes.append(len(pickle.dumps(summary)))
    assert sizes[-1] - sizes[1000] < 10_000, "20 bytes a restart: the numbers of processes"
    record = summary.record()
    assert (record["utterances"], record["labels"]) == (3000, {"sad": 3000})
    assert record["nodes"]["fusion"]["lost"] == 60_000


def test_a_late_word_of_a_process_that_was_replaced_counts_no_second_time() -> None:
    former, later = pulse("fusion", 1, rejected=1), pulse("fusion", 2, rejected=2)
    summary = Summary(pulses=Pulses([former, later, former, later]))
    assert summary.record()["nodes"]["fusion"]["rejected"] == 3


def test_of_several_files_the_one_with_most_to_come_is_told() -> None:
    pulses = Pulses([pulse("fusion", 1)])
    assert pulses.played is None
    for file, pid, share, told in (
        ("left", 2, 0.25, 0.25),
        ("right", 3, 0.75, 0.25),
        ("left", 2, 1.0, 0.75),
    ):
        pulses.note(replace(pulse(file, pid), progress=share))
        assert pulses.played == told
