"""Processes that die, hang or are refused what they need, in real pipelines."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("signals and limits of POSIX", allow_module_level=True)

import resource

from commands.run import run as run_in_this_process
from config.settings import Settings
from messaging.clock import monotonic_ns
from messaging.errors import UserError
from run_pipeline import choose_processes
from tests.capture.sound_server import needs_pulse
from tests.haste import within_s
from tests.live import SURE_NS, LivePipeline, live_pipeline
from tests.numbers import holes
from tests.pipelines import ROOT, command_name, descendants, environment, started, wait_until_gone

PATIENCE_S = 90.0
RECOVERED_S = 3.0
"""From the kill of a node until faces and speech of later instants are labelled again."""
KILLS = 3
"""Of each node; the restart budget is five. A machine that is busy with other things may be late
once: their median is what is held to that time.
"""
TRIES = 4
"""A machine that is busy with other things gets some."""
ENDED_S = 1.0
"""From the wish to stop to the end."""


@needs_pulse
def test_every_node_in_turn_is_killed_and_labelling_goes_on() -> None:
    """What the dead had in hand is lost, and said to be unknown. Of what others said nothing is
    missing but pictures and sound: not even what was in a hub.
    """
    with live_pipeline("--display", "terminal") as live:
        rows = ("hub", "camera", "microphone", "inference", "fusion", "terminal")
        took = {row: [live.hit(row, signal.SIGKILL) for _ in range(KILLS)] for row in rows}
        live.until_undisturbed()
        records, log = live.end()
    for row, seconds in took.items():
        print(f"{row} back after", *(f"{each:.2f}" for each in seconds), "s")
    summary = records[-1]
    assert live.process.returncode == 0, log
    assert summary["restarts"] == dict.fromkeys(rows, KILLS)
    for row in rows:
        assert log.count(f"{row} was killed by signal 9; it is started again") == KILLS
    for name, figures in summary["nodes"].items():
        assert figures["unknown"] > 0, f"{name} knows what was sent last by those that died"
    assert_undisturbed_is_labelled(live, records)
    assert not holes(live.received)
    for row, seconds in took.items():
        assert median(seconds) < within_s(RECOVERED_S), row


def assert_undisturbed_is_labelled(live: LivePipeline, records: list[dict[str, Any]]) -> None:
    undisturbed = [record for record in records[:-1] if not live.suffered(record)]
    sure = [record for record in undisturbed if record["offset"]["bound_ns"] < SURE_NS]
    assert {record["status"] for record in sure} == {"matched"}


@needs_pulse
def test_every_node_in_turn_is_stopped_and_found_and_started_again(tmp_path: Path) -> None:
    with live_pipeline("--display", "terminal", "--record", str(tmp_path / "s")) as live:
        rows = ("hub", "camera", "microphone", "inference", "fusion", "terminal", "recorder")
        for row in rows:
            print(f"{row} found and back after {live.hit(row, signal.SIGSTOP):.2f} s")
        live.until_undisturbed()
        records, log = live.end()
    assert live.process.returncode == 0, log
    assert records[-1]["restarts"] == dict.fromkeys(rows, 1)
    for row in rows:
        hung = log.count(f"{row} shows no progress for ")
        assert hung + log.count(f"{row} passes nothing on for ") == 1  # the hub, either way
    assert_undisturbed_is_labelled(live, records)
    assert not holes(live.received)


@needs_pulse
@pytest.mark.parametrize("row", ["inference", "fusion"])
def test_an_endless_loop_in_a_node_that_works_is_found_and_labelling_goes_on(row: str) -> None:
    with live_pipeline("--display", "none", misbehaving=f"{row}=loops") as live:
        live.until((live.folder / "looped").exists)
        looped_ns = monotonic_ns()
        live.until(lambda: live.matched_since(looped_ns))
        records, log = live.end()
    assert live.process.returncode == 0, log
    assert records[-1]["restarts"] == {row: 1}
    assert f"{row} shows no progress for " in log


def launch(replaced: str, *options: str) -> list[str | Path]:
    script = ROOT / "tests/commands/misbehaving/launch.py"
    return [sys.executable, script, replaced, *options]


IMPATIENT = """
import sys
from commands import app, run
from tests.commands.misbehaving import launch
run.STARTING_S = 3.0
launch.name, _, launch.module = sys.argv.pop(1).partition("=")
app.app(launch.PROCESSES, launch.choose)
"""
ERROR = "ZeroDivisionError: as this node always does"


@pytest.mark.parametrize("crashing", ["hub", "inference"])
def test_a_node_that_crashes_at_every_start_ends_the_run_with_its_last_error(
    crashing: str,
) -> None:
    run = subprocess.run(
        launch(f"{crashing}=crashes", "--display", "none", "--json"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment({"PYTHONPATH": str(ROOT)}),
        check=False,
    )
    assert run.returncode == 1, run.stderr
    ended_by = f"{crashing} crashed (exit code 1) 6 times: {ERROR}"
    assert run.stderr.splitlines()[-1] == f"{ended_by}; it is not started again"
    summary = json.loads(run.stdout.splitlines()[-1])
    assert (summary["ended_by"], summary["restarts"]) == (ended_by, {crashing: 5})


def test_a_run_that_breaks_off_still_says_what_it_had_labelled() -> None:
    run = subprocess.run(
        launch("metrics=leaves", "--display", "none", "--json"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment({"PYTHONPATH": str(ROOT), "EMOFUSE_METRICS__ENABLED": "1"}),
        check=False,
    )
    assert run.returncode == 2, run.stderr
    assert run.stderr == "emofuse metrics: the port was taken away; choose another one\n"
    summary = json.loads(run.stdout.splitlines()[-1])
    assert (summary["type"], summary["ended_by"]) == ("summary", "metrics cannot run")
    assert summary["utterances"] > 0


def run_with_a_hub_that_is(module: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        launch(f"hub={module}", "--display", "none", "--json", "--speed", "max"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(
            {"PYTHONPATH": str(ROOT), "EMOFUSE_BUS__CONNECT_TIMEOUT_S": "0.5", **extra}
        ),
        check=False,
    )


def test_a_pipeline_waits_for_its_hub_though_that_starts_late() -> None:
    run = run_with_a_hub_that_is("late")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1])["restarts"] == {}


def test_the_reason_of_a_hub_that_is_refused_late_is_what_is_said(free_ports: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_ports + 1))
        other.listen()
        where = f"tcp://127.0.0.1:{free_ports}"
        run = run_with_a_hub_that_is("late", EMOFUSE_BUS__ADDRESS=where)
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    taken = f"tcp://127.0.0.1:{free_ports + 1}"
    assert line.startswith(f"emofuse hub: the hub at {where} cannot bind {taken}: Address already")
    assert line.endswith("is there: end it, or choose another address with bus.address")


def test_a_hub_that_never_starts_ends_the_run_with_that_reason() -> None:
    run = subprocess.run(
        [sys.executable, "-c", IMPATIENT, "hub=stuck", "--display", "none", "--json"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=ROOT,
        env=environment(),
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr == "the hub did not start within 3 s\n"
    assert json.loads(run.stdout)["ended_by"] == "the hub did not start within 3 s"


def test_the_terminal_view_does_not_swallow_the_last_error() -> None:
    master, slave = os.openpty()
    with subprocess.Popen(
        launch("inference=crashes", "--display", "terminal"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment({"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "200"}),
    ) as process:
        os.close(slave)
        shown = read_all(master)
        assert process.wait(PATIENCE_S) == 1
    _, _, after_the_view = shown.rpartition("\x1b[?1049l")
    assert f"inference crashed (exit code 1) 6 times: {ERROR}" in after_the_view


def test_a_view_that_only_writes_lines_holds_no_error_back() -> None:
    with started("--display", "terminal", "--json") as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.readline()
        (pid,) = [p for p in descendants(run.pid) if command_name(p) == "emofuse inference"]
        os.kill(pid, signal.SIGKILL)
        while "inference was killed by signal 9" not in run.stderr.readline():
            assert run.poll() is None
        run.terminate()
        rest, _ = run.communicate(timeout=PATIENCE_S)
    assert json.loads(rest.splitlines()[-1])["ended_by"] == "interrupted", "it was told at the end"


def read_all(master: int) -> str:
    shown = b""
    try:
        while piece := os.read(master, 65536):
            shown += piece
    except OSError:  # the other end has closed
        pass
    os.close(master)
    return shown.decode()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_media_file_that_is_killed_or_hangs_ends_the_run_and_says_why(
    number: signal.Signals,
) -> None:
    with started("--display", "none", "--json") as run:
        assert run.stdout is not None
        first = run.stdout.readline()
        (media,) = [p for p in descendants(run.pid) if command_name(p) == "emofuse media"]
        os.kill(media, number)
        rest, errors = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 1
    assert json.loads(first)["label"] == "happy"
    assert json.loads(rest.splitlines()[-1])["ended_by"] == "media was killed by signal 9 once"
    *before, last = errors.splitlines()
    assert last == (
        "media was killed by signal 9 once; it is not started again "
        "(it would begin anew, and give results twice)"
    )
    hung = [line for line in before if line.startswith("media shows no progress for ")]
    assert len(hung) == (number == signal.SIGSTOP)
    wait_until_gone([media])


@pytest.mark.parametrize("row", ["hub", "inference", "fusion"])
def test_a_file_is_played_to_its_end_though_a_node_dies(row: str) -> None:
    with started("--display", "none", "--json", "--speed", "4") as run:
        assert run.stdout is not None
        run.stdout.readline()
        (pid,) = [p for p in descendants(run.pid) if command_name(p) == f"emofuse {row}"]
        os.kill(pid, signal.SIGKILL)
        rest, errors = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, errors
    summary = json.loads(rest.splitlines()[-1])
    assert summary["restarts"] == {row: 1}
    assert any(figures["unknown"] for figures in summary["nodes"].values())


@pytest.mark.parametrize("begun", [False, True], ids=["while it starts", "while it runs"])
def test_a_killed_launcher_leaves_no_process_and_no_folder(tmp_path: Path, *, begun: bool) -> None:
    with started("--display", "none", "--json", TMPDIR=str(tmp_path)) as run:
        assert run.stdout is not None
        if begun:
            run.stdout.readline()
        until(lambda: len(descendants(run.pid)) >= 5)
        children = descendants(run.pid)
        os.kill(run.pid, signal.SIGKILL)
    wait_until_gone(children)
    if begun:
        assert not list(tmp_path.iterdir()), "files were left behind"


IGNORING = "sh", "-c", "trap '' HUP INT; exec \"$@\"", "sh"


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for that signal; a node's last one is that for SIGHUP."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_heard_at_every_moment_of_the_start(
    tmp_path: Path, number: signal.Signals
) -> None:
    moments = 1, 3, 5  # processes; the first is multiprocessing's own
    took: list[float] = []
    for processes in moments * TRIES:
        if len(took) >= len(moments) and min(took) < ENDED_S:
            break
        with started("--display", "none", "--json", TMPDIR=str(tmp_path)) as run:
            until(lambda: len(descendants(run.pid)) >= processes)  # noqa: B023
            children, began = descendants(run.pid), time.monotonic()
            run.send_signal(number)
            _, errors = run.communicate(timeout=PATIENCE_S)
            took.append(time.monotonic() - began)
        assert run.returncode in (0, 128 + number), errors
        assert "Traceback" not in errors
        wait_until_gone(children)
        assert not list(tmp_path.iterdir()), "files were left behind"
    assert min(took) < ENDED_S


def test_what_a_run_was_started_to_ignore_is_ignored_and_sigterm_ends_it() -> None:
    """As ``nohup`` and the background jobs of scripts are started."""
    with subprocess.Popen(
        [*IGNORING, sys.executable, ROOT / "run_pipeline.py", "--display", "none", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as run:
        assert run.stdout is not None
        run.stdout.readline()
        run.send_signal(signal.SIGHUP)
        run.send_signal(signal.SIGINT)
        assert json.loads(run.stdout.readline())["label"] == "surprise"
        children = descendants(run.pid)
        run.terminate()
        rest, errors = run.communicate(timeout=PATIENCE_S)
    assert (run.returncode, errors) == (0, "")
    assert json.loads(rest.splitlines()[-1])["ended_by"] == "interrupted"
    wait_until_gone(children)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_heard_while_a_node_waits_for_its_hub(
    tmp_path: Path, number: signal.Signals
) -> None:
    took: list[float] = []
    while len(took) < TRIES and min(took, default=ENDED_S) >= ENDED_S:
        with started("node", "fusion", "--hub", f"ipc://{tmp_path}/hub") as node:
            assert node.stderr is not None
            assert "hub at" in node.stderr.readline()
            until(lambda: catches(node.pid, signal.SIGHUP))
            time.sleep(0.5)
            began = time.monotonic()
            node.send_signal(number)
            _, errors = node.communicate(timeout=PATIENCE_S)
            took.append(time.monotonic() - began)
        assert (node.returncode, errors) == (128 + number, "")
    assert min(took) < ENDED_S


@pytest.mark.parametrize(
    ("limit", "most", "way_out"),
    [
        (resource.RLIMIT_NOFILE, 24, "open files, 256 are needed; raise it with ulimit -n 1024"),
        (resource.RLIMIT_AS, 800 << 20, "are needed; raise it with ulimit -v unlimited"),
    ],
)
def test_a_limit_that_is_too_low_is_named_with_the_way_out(
    tmp_path: Path, limit: int, most: int, way_out: str
) -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "run_pipeline.py", "--display", "none"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment({"TMPDIR": str(tmp_path)}),
        preexec_fn=lambda: resource.setrlimit(limit, (most, most)),
        check=False,
    )
    assert run.returncode == 2, run.stderr
    (line,) = run.stderr.splitlines()
    assert line.startswith("emofuse: this shell allows ")
    assert line.endswith(way_out)


def test_without_a_temporary_folder_one_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(UserError, match=r"no temporary folder .* name a writable one in TMPDIR"):
        run_in_this_process(Settings(), choose_processes, as_json=True)


def test_a_temporary_folder_with_too_long_a_name_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with pytest.raises(UserError, match=r"is too long .* name a shorter folder in TMPDIR"):
        run_in_this_process(Settings(), choose_processes, as_json=True)


def test_a_second_hub_at_the_same_address_is_refused(tmp_path: Path) -> None:
    where = f"ipc://{tmp_path}/hub"
    with started("hub", "--bind", where) as first:
        until((tmp_path / "hub.lock").exists)
        with started("hub", "--bind", where) as second:
            _, errors = second.communicate(timeout=PATIENCE_S)
        assert second.returncode == 2
        assert errors.splitlines()[-1] == (
            f"emofuse hub: a hub runs at {where} already; join it, or choose another address "
            "with --bind"
        )
        assert first.poll() is None
