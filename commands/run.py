"""The full pipeline on one machine: hub, sources, inference, fusion and display."""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from commands.console import Console
from commands.plan import Plan, make_plan
from commands.processes import REFUSED, Process
from commands.results import Summary, print_json, utterance_record
from commands.supervisor import STARTING_S, Supervisor
from config.settings import Settings
from messaging.address import PRIVATE_PREFIX, endpoints, private_address
from messaging.errors import UserError
from messaging.node import Node
from messaging.schema import Control, Heartbeat, LogRecord, UtteranceEmotion
from messaging.topics import CONTROL, HEARTBEAT, LOG, UTTERANCES

LISTEN_S = 0.05


class Launcher:
    """Listens to a running pipeline: results, logs, heartbeats, and the wish to stop."""

    def __init__(
        self, node: Node, supervisor: Supervisor, console: Console, *, as_json: bool
    ) -> None:
        self.node = node
        self._supervisor = supervisor
        self._console = console
        self._as_json = as_json
        self.results: list[UtteranceEmotion] = []
        self.pulses: dict[int, Heartbeat] = {}
        """The last one of every process of this run, by its id: also of those that have died."""

    def listen(self) -> None:
        """Take in what has arrived."""
        ours = self._supervisor.pids
        for received in self.node.receive(LISTEN_S):
            message = received.message
            if isinstance(message, UtteranceEmotion):
                self._take(message)
            elif isinstance(message, Heartbeat) and message.pid in ours:
                self.pulses[message.pid] = message
            elif isinstance(message, LogRecord):
                self._console.say(f"{message.node}: {message.text}")
            elif isinstance(message, Control) and message.action == "stop":
                self._supervisor.end(f"{message.reader} asked to stop")

    def _take(self, result: UtteranceEmotion) -> None:
        if result.final:
            self.results.append(result)
            if self._as_json:
                print_json(utterance_record(result))

    def supervise(self) -> None:
        """Until the run is over, or somebody interrupts it."""
        while self.node.alive():
            self.listen()
            self._supervisor.check(self.pulses, up_to_date=not self.node.is_behind)
            if self._supervisor.ended_by:
                return
        self._supervisor.end("interrupted")


def run(
    settings: Settings,
    choose: Callable[[Plan], Sequence[Process]],
    *,
    as_json: bool,
) -> int:
    """Run until the sources end or somebody says stop. Returns the exit code."""
    with _private_folder() as folder:
        address = settings.bus.address or _private_address(Path(folder))
        plan = make_plan(settings, address, quiet_stdout=as_json)
        for note in plan.notes:
            print(f"emofuse: {note}", file=sys.stderr, flush=True)
        return _run(plan, choose(plan), as_json=as_json)


def _private_folder() -> "tempfile.TemporaryDirectory[str]":
    try:
        return tempfile.TemporaryDirectory(prefix=PRIVATE_PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        raise UserError(
            f"no temporary folder can be made: {error.strerror}; name a writable one in TMPDIR"
        ) from error


def _private_address(folder: Path) -> str:
    address = private_address(folder)
    try:
        endpoints(address)
    except UserError as error:
        raise UserError(
            f"{folder.parent} is too long for a socket's name; name a shorter folder in TMPDIR"
        ) from error
    return address


class _OverError(Exception):
    """The run ended before it began."""


def _run(plan: Plan, rows: Sequence[Process], *, as_json: bool) -> int:
    console = Console(taken=plan.display == "terminal")
    supervisor = Supervisor(rows, plan.settings, console.say)

    deadline = time.monotonic() + STARTING_S

    def look_after_children() -> None:
        if time.monotonic() > deadline:
            supervisor.fail(f"the hub did not start within {STARTING_S:g} s")
        supervisor.check({})
        if supervisor.ended_by:
            raise _OverError

    node = Node(
        "launcher",
        plan.settings.bus.address,
        (UTTERANCES, LOG, CONTROL, HEARTBEAT),
        plan.settings.log_level,
        connect_timeout_s=2 * STARTING_S,  # that is seen to meanwhile
        meanwhile=look_after_children,
    )
    launcher = Launcher(node, supervisor, console, as_json=as_json)
    try:
        with supervisor, node:
            launcher.supervise()
            supervisor.stop(launcher.listen)
    except _OverError:
        pass  # and was said why
    finally:
        console.free_screen()
    if supervisor.exit_code == REFUSED:
        return REFUSED
    summary = Summary(
        launcher.results,
        list(launcher.pulses.values()),
        supervisor.restarts,
        supervisor.ended_by,
        as_it_should=not supervisor.exit_code,
    )
    if as_json:
        print_json(summary.record())
    else:
        summary.print()
    return supervisor.exit_code
