"""Starts processes, watches them, restarts what crashed or hangs, and stops them in order."""

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.context import SpawnProcess

from commands.processes import REFUSED, Process, Stage, run_process
from config.settings import Settings
from messaging.schema import Heartbeat

RESTART_WINDOW_S = 60.0
HUNG_S = 3.0
"""A loop that showed no progress for so long is hung."""
STARTING_S = 60.0
"""The same for a node that still loads, or waits."""
STOP_DEADLINE_S = 5.0
"""For all processes together; who is late is killed."""

SPAWN = multiprocessing.get_context("spawn")


class Child:
    """One row of the table, and the operating system's process that is it at the moment."""

    def __init__(self, row: Process, settings: Settings) -> None:
        self.row = row
        self._settings = settings
        self._crashes: deque[float] = deque()
        self.restarts = 0
        self.done = False
        self._heard = 0.0
        self._last_pulse: Heartbeat | None = None
        self.process = self._spawn()

    def _spawn(self) -> SpawnProcess:
        process = SPAWN.Process(
            target=run_process, args=(self.row, self._settings), name=f"emofuse {self.row.name}"
        )
        with _deaf_to_ctrl_c():
            process.start()
        self._heard = time.monotonic()
        return process

    def restart(self) -> None:
        self.restarts += 1
        self._last_pulse = None
        self.process = self._spawn()

    def may_restart(self) -> bool:
        """Whether the budget allows another start after this crash."""
        now = time.monotonic()
        self._crashes.append(now)
        while now - self._crashes[0] > RESTART_WINDOW_S:
            self._crashes.popleft()
        return len(self._crashes) <= self.row.max_restarts

    def hear(self, pulse: Heartbeat | None) -> None:
        """Take note of its newest heartbeat."""
        if pulse is not None and pulse != self._last_pulse:
            self._last_pulse = pulse
            self._heard = time.monotonic()

    def forgive(self) -> None:
        """Count silence from now on: the launcher itself was away (a suspended machine)."""
        self._heard = time.monotonic()

    def silent_s(self) -> float:
        return time.monotonic() - self._heard

    def is_hung(self) -> bool:
        busy = self._last_pulse is not None and self._last_pulse.state == "running"
        return self.silent_s() > (HUNG_S if busy else STARTING_S)


class Supervisor:
    """The children of one run. ``check`` is to be called a few times a second."""

    def __init__(self, rows: Sequence[Process], settings: Settings) -> None:
        self.log: Callable[[str], None] = print
        self._last_check = time.monotonic()
        self.exit_code = 0
        self.ended_by = ""
        """Why the run is over; empty while it goes on."""
        self.children: list[Child] = []
        for row in rows:
            self.children.append(Child(row, settings))

    @property
    def restarts(self) -> dict[str, int]:
        return {child.row.name: child.restarts for child in self.children if child.restarts}

    def check(self, peers: Mapping[str, Heartbeat]) -> None:
        """Look after every child: who ended, who crashed, who hangs.

        ``peers`` are the newest heartbeats; a node may be called otherwise than its row.
        """
        now = time.monotonic()
        was_away = now - self._last_check > 1.0
        self._last_check = now
        by_pid = {pulse.pid: pulse for pulse in peers.values()}
        for child in self.children:
            child.hear(by_pid.get(child.process.pid or 0))
            if was_away:
                child.forgive()
        for child in self.children:
            if not child.done and not self.ended_by:
                self._check_exit(child)
        self._check_hung()

    def _check_exit(self, child: Child) -> None:
        code = child.process.exitcode
        if code is None:
            return
        name = child.row.name
        if code == 0:
            child.done = True
            if child.row.ends_run:
                self.ended_by = f"{name} has done"
        elif code == REFUSED:
            self.exit_code, self.ended_by = REFUSED, f"{name} cannot run"
        elif child.may_restart():
            self.log(f"{name} {_manner(code)}; it is started again")
            child.restart()
        else:
            self.exit_code = 1
            self.ended_by = f"{name} {_manner(code)} {_times(child.restarts + 1)}"
            self.log(f"{self.ended_by}: giving up; its last error stands above")

    def _check_hung(self) -> None:
        """A silent hub silences everybody: then it alone is to blame."""
        hung = [child for child in self.children if not child.done and child.is_hung()]
        for child in [child for child in hung if child.row.name == "hub"] or hung:
            self.log(f"{child.row.name} shows no progress for {child.silent_s():.1f} s: killed")
            child.process.kill()
            child.process.join()

    def stop(self, listen: Callable[[], object]) -> None:
        """Ask all but the hub, stage by stage, so that what was sent is still worked up.

        ``listen`` is called again and again meanwhile, to take in the last results.
        """
        deadline = time.monotonic() + STOP_DEADLINE_S
        for stage in Stage:
            if stage == Stage.HUB:
                break
            asked = [child.process for child in self.children if child.row.stage == stage]
            for process in asked:
                process.terminate()
            while any(process.is_alive() for process in asked) and time.monotonic() < deadline:
                listen()
            listen()
        self._kill_late(Stage.DISPLAY)

    def close(self) -> None:
        """End whatever still runs, the hub last of all."""
        for child in self.children:
            child.process.terminate()
        for child in self.children:
            child.process.join(STOP_DEADLINE_S)
        self._kill_late(Stage.HUB)

    def _kill_late(self, last: Stage) -> None:
        for child in self.children:
            if child.row.stage <= last and child.process.is_alive():
                self.log(f"{child.row.name} did not stop in time: killed")
                child.process.kill()
                child.process.join()


@contextmanager
def _deaf_to_ctrl_c() -> Generator[None]:
    """Ctrl-C reaches every process of a terminal; children leave it to the launcher, from their
    very first instruction on, or an early one would show the tracebacks of their imports.
    """
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _manner(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"crashed (exit code {code})"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
