"""The full pipeline on one machine: hub, sources, inference, fusion and display."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from commands.plan import Plan, make_plan
from commands.processes import Process
from commands.results import print_json, print_summary, summary_record, utterance_record
from commands.supervisor import Supervisor
from config.settings import Settings
from messaging.address import private_address
from messaging.errors import UserError
from messaging.node import Node
from messaging.schema import Control, Heartbeat, LogRecord, UtteranceEmotion
from messaging.topics import CONTROL, LOG, UTTERANCES

LISTEN_S = 0.05


class Launcher:
    """Listens to a running pipeline: results, logs, heartbeats, and the wish to stop."""

    def __init__(self, node: Node, plan: Plan, *, as_json: bool) -> None:
        self.node = node
        self._as_json = as_json
        self._screen_taken = plan.display == "terminal"
        self._held_back: list[str] = []
        self.results: list[UtteranceEmotion] = []
        self.beats: dict[str, Heartbeat] = {}
        self.stop_asked_by = ""

    def listen(self) -> None:
        for received in self.node.receive(LISTEN_S):
            message = received.message
            if isinstance(message, UtteranceEmotion):
                self._take(message)
            elif isinstance(message, LogRecord):
                self.say(f"{message.node}: {message.text}")
            elif isinstance(message, Control) and message.action == "stop":
                self.stop_asked_by = message.reader
        self.beats.update(self.node.peers())

    def _take(self, result: UtteranceEmotion) -> None:
        if result.final:
            self.results.append(result)
            if self._as_json:
                print_json(utterance_record(result))

    def say(self, line: str) -> None:
        """To stderr; held back while a view owns the terminal."""
        if self._screen_taken:
            self._held_back.append(line)
        else:
            print(line, file=sys.stderr, flush=True)

    def free_screen(self) -> None:
        self._screen_taken = False
        for line in self._held_back:
            self.say(line)
        self._held_back.clear()


def run(
    settings: Settings,
    choose: Callable[[Plan], Sequence[Process]],
    *,
    as_json: bool,
) -> int:
    """Run until the sources end or somebody says stop. Returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="emofuse-") as folder:
        address = settings.bus.address or private_address(Path(folder))
        plan = make_plan(settings, address, quiet_stdout=as_json)
        for note in plan.notes:
            print(f"emofuse: {note}", file=sys.stderr, flush=True)
        return _run(plan, choose(plan), as_json=as_json)


def _run(plan: Plan, rows: Sequence[Process], *, as_json: bool) -> int:
    supervisor = Supervisor(rows, plan.settings)
    try:
        with Node(
            "launcher",
            plan.settings.bus.address,
            (UTTERANCES, LOG, CONTROL),
            plan.settings.log_level,
            connect_timeout_s=plan.settings.bus.connect_timeout_s,
        ) as node:
            launcher = Launcher(node, plan, as_json=as_json)
            _supervise(supervisor, launcher)
            supervisor.stop(launcher.listen)
    except UserError:
        # The hub says itself why it is not there.
        if not supervisor.exit_code:
            supervisor.check({})
        if supervisor.exit_code:
            return supervisor.exit_code
        raise
    finally:
        supervisor.close()
    launcher.free_screen()
    beats = {name: beat for name, beat in launcher.beats.items() if name != "launcher"}
    if as_json:
        print_json(
            summary_record(launcher.results, beats, supervisor.restarts, supervisor.ended_by)
        )
    elif supervisor.exit_code == 0:
        print_summary(launcher.results, beats, supervisor.restarts)
    return supervisor.exit_code


def _supervise(supervisor: Supervisor, launcher: Launcher) -> None:
    supervisor.log = launcher.say
    while launcher.node.alive():
        launcher.listen()
        supervisor.check(launcher.beats)
        if launcher.stop_asked_by:
            supervisor.ended_by = supervisor.ended_by or f"{launcher.stop_asked_by} asked to stop"
        if supervisor.ended_by:
            return
    supervisor.ended_by = "interrupted"
