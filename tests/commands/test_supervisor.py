"""Real processes that crash, hang, refuse, end and stay deaf."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from commands.processes import REFUSED, Process, Stage
from commands.supervisor import HUNG_S, Supervisor
from config.settings import BusSettings, Settings
from messaging.hub import Hub
from messaging.node import Node
from tests.pipelines import wait_until_gone

PATIENCE_S = 30.0
HUB = Process("hub", "commands.hub", Stage.HUB)


def row(name: str, *, max_restarts: int = 5, ends_run: bool = False) -> Process:
    module = f"tests.commands.misbehaving.{name}"
    return Process(name, module, Stage.SOURCE, max_restarts, ends_run)


class Run:
    """A supervised set of processes, with somebody who listens to them."""

    def __init__(self, rows: Sequence[Process], settings: Settings) -> None:
        self.log: list[str] = []
        self.settings, self.has_ended = settings, False
        self.supervisor = Supervisor([HUB, *rows], settings, self.log.append)
        self.node = Node("launcher", settings.bus.address, connect_timeout_s=PATIENCE_S)
        with ExitStack() as entered:
            entered.enter_context(self.supervisor)
            entered.enter_context(self.node)
            self._entered = entered.pop_all()
        self.pids = {child.row.name: child.process.pid for child in self.supervisor.children}

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, self.log
            self.node.receive(0.05)
            self.supervisor.check({peer.pid: peer for peer in self.node.peers().values()})

    def runs(self, name: str) -> bool:
        peer = self.node.peers().get(name)
        return peer is not None and peer.state == "running"

    def pid(self, name: str) -> int:
        return self.node.peers()[name].pid

    def end(self) -> None:
        self.has_ended = True
        self.until(lambda: self.runs("hub"))  # one that still starts is not waited for
        self.supervisor.stop(lambda: self.node.receive(0.02))
        self._entered.close()
        assert not [c for c in self.supervisor.children if c.process.is_alive()]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    settings = Settings(bus=BusSettings(address=f"ipc://{tmp_path}/hub"))
    runs: list[Run] = []

    def begin(*rows: Process) -> Run:
        runs.append(Run(rows, settings))
        return runs[-1]

    yield begin
    for run in runs:
        if not run.has_ended:
            run.end()
    assert not list(tmp_path.iterdir()), "files were left behind"


def test_a_killed_node_is_started_again(start: Callable[..., Run]) -> None:
    run = start(row("works"))
    run.until(lambda: run.runs("works"))
    former = run.pid("works")
    os.kill(former, signal.SIGKILL)
    run.until(lambda: run.runs("works") and run.pid("works") != former)
    assert run.supervisor.restarts == {"works": 1}
    assert run.log == ["works was killed by signal 9; it is started again"]
    assert not run.supervisor.ended_by


def test_a_killed_hub_is_started_again_and_its_nodes_join_it(start: Callable[..., Run]) -> None:
    run = start(row("works"))
    run.until(lambda: run.runs("works") and run.runs("hub"))
    former = run.pid("hub")
    os.kill(former, signal.SIGKILL)
    run.until(lambda: run.pid("hub") != former)
    before = run.node.peers()["works"]
    run.until(lambda: run.node.peers()["works"].uptime_ns > before.uptime_ns)
    assert run.supervisor.restarts == {"hub": 1}


def test_while_the_hub_is_silent_nobody_else_is_blamed(
    start: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even who was heard of for the last time before the hub was."""
    monkeypatch.setattr("commands.supervisor.HUNG_S", 6.0)
    run = start(row("works"))
    run.until(lambda: run.runs("works") and run.runs("hub"))
    works, hub = run.pid("works"), run.pid("hub")
    os.kill(works, signal.SIGSTOP)
    later = time.monotonic() + 0.7
    run.until(lambda: time.monotonic() > later)
    os.kill(hub, signal.SIGSTOP)
    os.kill(works, signal.SIGCONT)
    run.until(lambda: run.pid("hub") != hub and run.runs("hub"))
    before = run.node.peers()["works"]
    run.until(lambda: run.node.peers()["works"].uptime_ns > before.uptime_ns)
    assert run.supervisor.restarts == {"hub": 1}


def test_whatever_becomes_of_another_machine_s_hub_a_hung_node_is_found_and_no_other_is_blamed(
    tmp_path: Path,
) -> None:
    log: list[str] = []
    hub = Hub(f"ipc://{tmp_path}/hub")
    settings = Settings(bus=BusSettings(address=f"ipc://{tmp_path}/hub"))
    began = time.monotonic()
    with Supervisor([row("works"), row("spins")], settings, log.append) as supervisor:
        works, spins = supervisor.children

        def until(condition: Callable[[], object]) -> None:
            deadline = time.monotonic() + PATIENCE_S
            while not condition():
                assert time.monotonic() < deadline
                supervisor.check({}, silent_s=time.monotonic() - began)
                time.sleep(0.05)

        until(lambda: works.has_begun and spins.has_begun)
        hub.close()
        until(lambda: supervisor.restarts)
        assert log[0].startswith("spins shows no progress for ")
        later = time.monotonic() + HUNG_S
        until(lambda: time.monotonic() > later)
        assert supervisor.restarts == {"spins": 1}


def test_a_hub_that_passes_nothing_on_is_started_again(start: Callable[..., Run]) -> None:
    run = start()
    run.until(lambda: run.runs("hub"))
    former = run.pid("hub")
    (hub,) = run.supervisor.children
    deadline = time.monotonic() + PATIENCE_S
    while not run.supervisor.restarts:
        assert time.monotonic() < deadline
        run.supervisor.check({}, silent_s=HUNG_S + 1)
        time.sleep(0.05)
    assert run.log[0].startswith("hub passes nothing on for ")
    while not hub.has_begun:  # only then it is counted anew
        assert time.monotonic() < deadline
        run.supervisor.check({}, silent_s=HUNG_S + 60)
        time.sleep(0.05)
    run.until(lambda: run.runs("hub") and run.pid("hub") != former)
    assert run.supervisor.restarts == {"hub": 1}


def test_a_hub_that_never_begins_is_hung_and_who_waits_for_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.supervisor.STARTING_S", 3.0)
    log: list[str] = []
    settings = Settings(bus=BusSettings(address=f"ipc://{tmp_path}/hub"))
    hub = Process("hub", "tests.commands.misbehaving.stuck", Stage.HUB)
    with Supervisor([hub, row("works")], settings, log.append) as supervisor:
        deadline = time.monotonic() + PATIENCE_S
        while supervisor.restarts.get("hub", 0) < 2:
            assert time.monotonic() < deadline
            supervisor.check({})
            time.sleep(0.05)
        assert supervisor.restarts == {"hub": 2}
    assert log[0].startswith("hub shows no progress for ")


def test_a_node_that_crashes_at_every_start_ends_the_run_with_its_last_error(
    start: Callable[..., Run],
) -> None:
    run = start(row("crashes", max_restarts=2))
    run.until(lambda: run.supervisor.ended_by)
    assert run.supervisor.exit_code == 1
    error = "ZeroDivisionError: as this node always does"
    assert run.supervisor.ended_by == f"crashes crashed (exit code 1) 3 times: {error}"
    assert run.log.count(error) == 3
    assert run.log[-1] == f"{run.supervisor.ended_by}; it is not started again"


def test_a_crash_outside_of_python_says_where_it_was(start: Callable[..., Run]) -> None:
    run = start(row("faults", max_restarts=0))
    run.until(lambda: run.supervisor.ended_by)
    assert run.supervisor.ended_by.startswith("faults was killed by signal 11 once")
    assert "Fatal Python error: Segmentation fault" in run.log
    assert "give results twice" in run.log[-1]


def test_a_refusal_is_shown_in_one_line_and_not_tried_again(start: Callable[..., Run]) -> None:
    run = start(row("refuses"))
    run.until(lambda: run.supervisor.ended_by)
    assert run.supervisor.exit_code == REFUSED
    assert run.supervisor.restarts == {}
    assert run.log == ["emofuse refuses: no camera 3; found none"]


def test_one_that_was_added_and_refuses_does_not_end_the_run(start: Callable[..., Run]) -> None:
    run = start(row("works"))
    child = run.supervisor.add(row("refuses"), run.settings)
    run.until(lambda: child.done)
    assert (run.supervisor.ended_by, run.supervisor.exit_code) == ("", 0)
    assert run.log == [
        "emofuse refuses: no camera 3; found none",
        "refuses cannot run; the run goes on without it",
    ]


def test_one_that_was_added_and_keeps_crashing_does_not_end_the_run(
    start: Callable[..., Run],
) -> None:
    run = start(row("works"))
    child = run.supervisor.add(row("crashes", max_restarts=1), run.settings)
    run.until(lambda: child.done or run.supervisor.ended_by)
    assert (run.supervisor.ended_by, run.supervisor.exit_code) == ("", 0)
    assert run.log[-1] == "crashes crashed (exit code 1) 2 times; the run goes on without it"


def test_a_refusal_after_a_crash_is_tried_once_more_and_then_ends_the_run(
    start: Callable[..., Run], tmp_path: Path
) -> None:
    run = start(row("gone"))
    run.until(lambda: run.supervisor.ended_by)
    (tmp_path / "crashed").unlink()
    assert run.supervisor.exit_code == 1
    assert run.supervisor.restarts == {"gone": 2}
    why = "emofuse gone: no camera 3; found none"
    assert run.supervisor.ended_by == f"gone cannot run any more: {why}"
    assert [line for line in run.log if line.startswith(("gone", "emofuse"))] == [
        "gone crashed (exit code 1); it is started again",
        why,
        "gone cannot run; it is started again",
        why,
        f"{run.supervisor.ended_by}; it is not started again",
    ]


def test_what_the_system_lacks_is_said_in_one_line(start: Callable[..., Run]) -> None:
    run = start(row("lacks"))
    run.until(lambda: run.supervisor.ended_by)
    assert run.supervisor.exit_code == REFUSED
    assert run.log == ["emofuse lacks: Too many open files; raise the limit with ulimit -n 1024"]


def test_a_node_that_has_done_is_not_started_again(start: Callable[..., Run]) -> None:
    run = start(row("ends"), row("works"))
    run.until(lambda: all(c.done for c in run.supervisor.children if c.row.name == "ends"))
    run.until(lambda: run.runs("works"))
    assert (run.supervisor.restarts, run.supervisor.ended_by) == ({}, "")


def test_the_end_of_a_node_can_be_the_end_of_the_run(start: Callable[..., Run]) -> None:
    run = start(row("ends", ends_run=True), row("works"))
    run.until(lambda: run.supervisor.ended_by)
    assert (run.supervisor.ended_by, run.supervisor.exit_code) == ("ends has done", 0)


@pytest.mark.parametrize(("hanging", "node"), [("deaf", "mute"), ("spins", "spins")])
def test_a_hung_node_is_killed_and_started_again(
    start: Callable[..., Run], hanging: str, node: str
) -> None:
    run = start(row(hanging))
    run.until(lambda: run.runs(node))
    former = run.pid(node)
    run.until(lambda: run.runs(node) and run.pid(node) != former)
    assert f"{hanging} shows no progress" in run.log[0]
    os.kill(run.pid(node), signal.SIGKILL)  # or the end waits for it


def test_a_deaf_node_is_killed_at_the_deadline(start: Callable[..., Run]) -> None:
    run = start(row("deaf"))
    run.until(lambda: run.runs("mute"))
    began = time.monotonic()
    run.supervisor.stop(lambda: run.node.receive(0.02))
    assert time.monotonic() - began < 10
    assert "deaf did not stop in time: killed" in run.log
    run.end()
    assert run.supervisor.exit_code == 1
    assert "deaf was killed by signal 9 while it was to stop" in run.supervisor.ended_by


def test_a_crash_while_a_run_stops_is_a_failure_and_said(start: Callable[..., Run]) -> None:
    run = start(row("trips"), row("works"))
    run.until(lambda: run.runs("trips") and run.runs("works"))
    run.supervisor.end("interrupted")
    run.end()
    error = "ZeroDivisionError: integer division or modulo by zero"
    why = f"trips crashed (exit code 1) while it was to stop: {error}"
    assert (run.supervisor.exit_code, run.log[-1]) == (1, why)
    assert run.supervisor.ended_by == f"interrupted; {why}"


def test_one_that_had_done_and_is_ended_is_no_failure(start: Callable[..., Run]) -> None:
    run = start(row("lingers"))
    run.until(lambda: run.runs("lingers"))
    run.until(lambda: run.node.peers()["lingers"].state == "closing")
    run.end()
    assert (run.supervisor.exit_code, run.log) == (0, [])


def test_one_that_is_ended_before_it_has_begun_is_no_failure(start: Callable[..., Run]) -> None:
    run = start(row("stuck"), row("works"))
    run.until(lambda: run.runs("works"))
    run.end()
    assert (run.supervisor.exit_code, run.log) == (0, [])


LAUNCHER = """
import sys, time
from config.settings import BusSettings, Settings
from tests.commands.test_supervisor import Run, row
if __name__ == "__main__":
    run = Run([row("works"), row("deaf")], Settings(bus=BusSettings(address=sys.argv[1])))
    run.until(lambda: run.runs("works") and run.runs("mute"))
    print(*run.pids.values(), flush=True)
    time.sleep(60)
"""


@contextmanager
def launched(folder: Path) -> Generator[list[int]]:
    """The processes of a launcher that is killed at the end, in a process of its own."""
    script = folder / "launch.py"
    script.write_text(LAUNCHER)
    with subprocess.Popen(
        [sys.executable, script, f"ipc://{folder}/hub"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as launcher:
        assert launcher.stdout is not None
        pids = [int(pid) for pid in launcher.stdout.readline().split()]
        assert len(pids) == 3
        try:
            yield pids
        finally:
            launcher.kill()
    wait_until_gone(pids)


def test_a_killed_launcher_leaves_no_orphan(tmp_path: Path) -> None:
    with launched(tmp_path):
        pass


def test_ctrl_c_is_held_from_the_first_child_on(tmp_path: Path) -> None:
    """Else one that still starts ends with a traceback."""
    with launched(tmp_path) as pids:
        for pid in pids:
            status = Path(f"/proc/{pid}/status").read_text()
            blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
            assert blocked >> (signal.SIGINT - 1) & 1
