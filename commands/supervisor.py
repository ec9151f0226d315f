"""Starts processes, watches them, restarts what crashed or hangs, and stops them in order."""

import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnProcess
from typing import Self

from commands.child import SPAWN, run_child
from commands.liveness import Liveness
from commands.processes import REFUSED, Process, Stage
from commands.stderr import Stderr
from config.settings import Settings
from messaging.node import TERMINAL_SIGNALS
from messaging.schema import Heartbeat
from messaging.topics import FACES, UTTERANCES

RESTART_WINDOW_S = 60.0
HUNG_S = 3.0
"""A loop that showed no progress for so long is hung, and so is a hub that passes nothing on."""
STARTING_S = 60.0
"""The same for a node that still loads, or waits."""
STOP_DEADLINE_S = 5.0
"""For all processes together; who is late is killed."""
START_DEADLINE_S = 0.5
"""The same for one that has not begun: a library may still load, or wait for a device."""
WORK_UP_S = 10.0
"""The sources have done, so all others soon will: when no result came for so long, the last word
was lost on its way."""


class Child:
    """One row of the table, and the operating system's process that is it at the moment."""

    def __init__(self, row: Process, settings: Settings, *, is_extra: bool = False) -> None:
        """The run goes on without an extra one that cannot run, or crashes again and again."""
        self.row = row
        self.is_extra = is_extra
        self._settings = settings
        self._crashes: deque[float] = deque()
        self.restarts = 0
        self.has_refused = False
        """The last of its processes said that it cannot run."""
        self.done = False
        self.pids: set[int] = set()
        """Of all the processes that it ever was."""
        self.process = self._spawn()

    def _spawn(self) -> SpawnProcess:
        self.stderr, self.liveness = Stderr(), Liveness()
        settings = self.row.settings or self._settings
        process = SPAWN.Process(
            target=run_child,
            args=(self.row, settings, self.stderr.writer, self.liveness.writer),
            name=f"emofuse {self.row.name}",
        )
        process.start()
        self.stderr.handed_over()
        self.liveness.handed_over()
        self.pids.add(process.pid or 0)
        return process

    def restart(self) -> None:
        self.restarts += 1
        with _signals_held():
            self.process = self._spawn()

    def may_restart(self) -> bool:
        """Whether the budget allows another start after this crash."""
        now = time.monotonic()
        self._crashes.append(now)
        while now - self._crashes[0] > RESTART_WINDOW_S:
            self._crashes.popleft()
        return len(self._crashes) <= self.row.max_restarts

    @property
    def has_begun(self) -> bool:
        return self.liveness.state not in ("", "starting")

    @property
    def has_failed(self) -> bool:
        """Whether it was at work, and ended otherwise than by having done. Python lets go of its
        handlers at the very end: whom SIGTERM kills, had done.
        """
        well = (None, 0, -signal.SIGTERM)
        return self.has_begun and not self.done and self.process.exitcode not in well

    def is_awaited(self, since: float) -> bool:
        """Whether it lives, and may take its time to stop; it was asked at ``since`` or later."""
        self.liveness.look()
        patience_s = STOP_DEADLINE_S if self.has_begun else START_DEADLINE_S
        return self.process.is_alive() and time.monotonic() - since < patience_s

    @property
    def is_hung(self) -> bool:
        """Whether it shows no progress, for longer than it may take."""
        is_busy = self.liveness.state == "running"
        return self.liveness.silent_s() > (HUNG_S if is_busy else STARTING_S)


class Supervisor:
    """The children of one run. ``check`` is to be called a few times a second."""

    def __init__(
        self, rows: Sequence[Process], settings: Settings, log: Callable[[str], None]
    ) -> None:
        self._rows, self._settings, self._log = rows, settings, log
        self._last_check = self._hub_since = time.monotonic()
        self._sources_done_s: float | None = None
        self._results = 0
        self.exit_code = 0
        self.ended_by = ""
        """Why the run is over; empty while it goes on."""
        self.children: list[Child] = []

    def __enter__(self) -> Self:
        """Start all. A signal that comes meanwhile is heard when every child can be stopped."""
        try:
            if sys.platform != "win32":
                # Launched with the first child, it would let go of the signals that are held.
                resource_tracker.ensure_running()
            for row in self._rows:
                with _signals_held():
                    self.children.append(Child(row, self._settings))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, error: object, *_: object) -> None:
        self.close()
        if error is None:
            self._check_ends()

    def add(self, row: Process, settings: Settings) -> Child:
        """Start one more, which the run can do without."""
        with _signals_held():
            child = Child(row, settings, is_extra=True)
            self.children.append(child)
        return child

    @property
    def restarts(self) -> dict[str, int]:
        return {child.row.name: child.restarts for child in self.children if child.restarts}

    @property
    def pids(self) -> frozenset[int]:
        """Of all processes that there ever were."""
        return frozenset(pid for child in self.children for pid in child.pids)

    def end(self, why: str) -> None:
        """The run is over; the first reason stands."""
        self.ended_by = self.ended_by or why

    def fail(self, why: str) -> None:
        """The run is over, and has failed."""
        if not self.ended_by:
            self.exit_code, self.ended_by = 1, why
            self._log(why)

    def check(self, pulses: Mapping[int, Heartbeat], *, silent_s: float = 0.0) -> None:
        """Look after every child: who ended, who crashed, who hangs.

        ``pulses`` are the newest heartbeats by process. ``silent_s`` is how long nothing at all has
        come from the hub.
        """
        now = time.monotonic()
        for child in self.children:
            child.liveness.look()
        if now - self._last_check > 1.0:  # it was away itself: a suspended machine
            for child in self.children:
                child.liveness.forgive()
            self._hub_since = now
        self._last_check = now
        for child in self.children:
            if not child.done and not self.ended_by:
                self._check_exit(child)
        self._check_hung(silent_s)
        self._check_sources(pulses)
        self._relay()

    def _relay(self) -> None:
        for child in self.children:
            for line in child.stderr.lines():
                self._log(line)

    def _check_exit(self, child: Child) -> None:
        code = child.process.exitcode
        if code is None:
            return
        self._relay()
        name, manner = child.row.name, _manner(code)
        if code == 0:
            child.done = True
            if child.row.ends_run:
                self.ended_by = f"{name} has done"
        elif code == REFUSED and child.is_extra:
            child.done = True
            self._log(f"{name} cannot run; the run goes on without it")
        elif code == REFUSED and not child.restarts:
            self.exit_code, self.ended_by = REFUSED, f"{name} cannot run"
        elif code == REFUSED and child.has_refused:
            self.exit_code, self.ended_by = 1, f"{name} cannot run any more: {child.stderr.last}"
            self._log(f"{self.ended_by}; it is not started again")
        elif child.may_restart():
            child.has_refused = code == REFUSED
            self._log(f"{name} {manner}; it is started again")
            child.restart()
        elif child.is_extra:
            child.done = True
            times = _times(child.restarts + 1)
            self._log(f"{name} {manner} {times}; the run goes on without it")
        else:
            self.exit_code = 1
            times = _times(child.restarts + 1)
            last = f": {child.stderr.last}" if child.stderr.last else ""
            self.ended_by = f"{name} {manner} {times}{last}"
            why = "" if child.row.max_restarts else " (it would begin anew, and give results twice)"
            self._log(f"{self.ended_by}; it is not started again{why}")

    def _check_sources(self, pulses: Mapping[int, Heartbeat]) -> None:
        """What was lost on its way may have been the very word that others end by."""
        sources = [child for child in self.children if child.row.stage == Stage.SOURCE]
        if self.ended_by or not sources or not all(child.done for child in sources):
            return
        now, results = time.monotonic(), _results(pulses)
        if self._sources_done_s is None or results != self._results:
            self._sources_done_s, self._results = now, results
        if now - self._sources_done_s > WORK_UP_S:
            self.ended_by = "the sources have done"

    def _check_hung(self, silent_s: float) -> None:
        """What a loop shows comes by a pipe, whatever becomes of hub and links; that the hub works
        is seen by what comes through it.
        """
        now = time.monotonic()
        hub = next((child for child in self.children if child.row.stage == Stage.HUB), None)
        for child in self.children:
            if not child.process.is_alive():
                continue
            if not (child is hub or child.has_begun or (hub and hub.has_begun)):
                child.liveness.forgive()  # it waits for the hub
            hub_s = 0.0
            if child.row.stage == Stage.HUB:
                if not child.has_begun:
                    self._hub_since = now
                hub_s = min(silent_s, now - self._hub_since)
            if hub_s > HUNG_S:
                why = f"passes nothing on for {hub_s:.1f} s"
            elif child.is_hung:
                why = f"shows no progress for {child.liveness.silent_s():.1f} s"
            else:
                continue
            self._log(f"{child.row.name} {why}: killed")
            child.process.kill()
            child.process.join()

    def stop(self, listen: Callable[[], object]) -> None:
        """Ask all but the hub, stage by stage, so that what was sent is still worked up.

        ``listen`` is called again and again meanwhile, to take in the last results.
        """
        began = time.monotonic()
        for stage in Stage:
            if stage == Stage.HUB:
                break
            asked = [child for child in self.children if child.row.stage == stage]
            for child in asked:
                child.process.terminate()
            while any(child.is_awaited(began) for child in asked):
                listen()
        listen()  # what was said last of all
        self._kill_late(Stage.RECORDER)

    def close(self) -> None:
        """End whatever still runs, the hub last of all."""
        for child in self.children:
            child.process.terminate()
        began = time.monotonic()
        while any(child.is_awaited(began) for child in self.children):
            time.sleep(0.01)
        self._kill_late(Stage.HUB)
        self._relay()

    def _check_ends(self) -> None:
        """Who crashed while stopping, or had to be killed, did not work up what it had in hand."""
        for child in self.children:
            if child.has_failed and not self.exit_code:
                manner = _manner(child.process.exitcode or 0)
                last = f": {child.stderr.last}" if child.stderr.last else ""
                why = f"{child.row.name} {manner} while it was to stop{last}"
                self._log(why)
                self.exit_code, self.ended_by = 1, f"{self.ended_by}; {why}"

    def _kill_late(self, last: Stage) -> None:
        for child in self.children:
            if child.row.stage <= last and child.process.is_alive():
                if child.has_begun:
                    self._log(f"{child.row.name} did not stop in time: killed")
                child.process.kill()
                child.process.join()


@contextmanager
def _signals_held() -> Generator[None]:
    """Being asked to stop waits until a child that starts is noted, and could be stopped too.

    The child inherits the blocked signals. It lets go of SIGTERM when it runs; Ctrl-C reaches every
    process of a terminal, and children leave that one to the launcher. Blocking is not enough here:
    the system may choose another thread, and Python still handles the signal in this one.
    """
    held = *TERMINAL_SIGNALS, signal.SIGTERM
    came: list[int] = []
    former = {number: signal.signal(number, lambda n, _: came.append(n)) for number in held}
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_UNBLOCK, held)
        for number, handler in former.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def _results(pulses: Mapping[int, Heartbeat]) -> int:
    """Messages that all nodes together have sent on what follows from the sources' own."""
    topics = (FACES.name, UTTERANCES.name)
    counts = (count for pulse in pulses.values() for count in pulse.counts)
    return sum(count.messages for count in counts if not count.sender and count.topic in topics)


def _manner(code: int) -> str:
    if code == REFUSED:
        return "cannot run"
    return f"was killed by signal {-code}" if code < 0 else f"crashed (exit code {code})"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
