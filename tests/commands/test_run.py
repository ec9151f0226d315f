"""What a launcher makes of what it hears."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from commands.console import Console, LogHandler
from commands.plan import Plan, Source
from commands.run import Launcher, speed_notes
from commands.supervisor import Supervisor
from config.settings import Settings
from messaging.node import Node
from messaging.schema import Stamp, UtteranceEmotion
from messaging.topics import LOG, UTTERANCES
from tests.commands.test_stdio import broken_pipe

PATIENCE_S = 30.0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("settings", "sources", "is_told"),
    [
        ({"media": {"speed": "max"}}, ("camera", "microphone"), True),
        ({"media": {"speed": 1}}, ("camera", "microphone"), False),
        ({"media": {"speed": "max"}}, ("media",), False),
        ({"media": {"speed": "max"}}, ("player",), False),
        ({"media": {"speed": 4}, "nodes": {"mic": {"kind": "microphone"}}}, (), True),
        ({"media": {"speed": 4}, "nodes": {"film": {"kind": "media"}}}, (), False),
    ],
)
def test_a_speed_that_nothing_is_played_at_is_told(
    settings: dict[str, Any], sources: tuple[Source, ...], *, is_told: bool
) -> None:
    notes = speed_notes(Plan(Settings.model_validate(settings), sources, "none", ()))
    assert ["is for a file (--media)" in note for note in notes] == [True] * is_told


def test_a_run_whose_results_nobody_reads_any_more_is_ended_and_not_torn_down(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    console, at = Console(taken=False), Stamp(0, "clock")
    with (
        Node("launcher", address, (UTTERANCES,)) as node,
        Node("fusion", address) as fusion,
        broken_pipe() as stdout,
    ):
        monkeypatch.setattr("sys.stdout", stdout)
        supervisor = Supervisor([], Settings(), console.say)
        launcher = Launcher(node, supervisor, console, lambda: None, as_json=True)

        def is_over() -> str:
            fusion.alive()
            launcher.listen()
            return supervisor.ended_by

        fusion.publish(UTTERANCES, UtteranceEmotion("u", "mic", at, at, "no_face", final=True))
        until(is_over)
    assert supervisor.ended_by == "nobody reads standard output any more"
    assert supervisor.exit_code == 0


def test_its_own_log_is_said_once_and_no_text_steers_the_terminal(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(taken=False)
    with (
        Node("launcher", address, (LOG,), shows_log=LogHandler(console, "launcher")) as node,
        Node("other", address, (LOG,), shows_log=logging.NullHandler()) as other,
    ):
        supervisor = Supervisor([], Settings(), console.say)
        launcher = Launcher(node, supervisor, console, lambda: None, as_json=False)
        said: list[str] = []

        def came_round(sender: Node, text: str) -> bool:
            sender.alive()
            launcher.listen()
            said.extend(capsys.readouterr().err.splitlines())
            return any(received.message.text == text for received in other.receive(0.02))

        node.log.warning("the clock is away\x1b[2J")
        until(lambda: came_round(node, "the clock is away\x1b[2J"))
        other.log.warning("that is all\x1b[2J")
        until(lambda: came_round(other, "") or "other: that is all?[2J" in said)
    assert said == ["launcher: the clock is away?[2J", "other: that is all?[2J"]
