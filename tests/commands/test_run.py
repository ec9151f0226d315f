"""What a launcher makes of what it hears."""

import logging
import time
from collections.abc import Callable

import pytest

from commands.console import Console, LogHandler
from commands.run import Launcher
from commands.supervisor import Supervisor
from config.settings import Settings
from messaging.node import Node
from messaging.topics import LOG

PATIENCE_S = 30.0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline


def test_what_it_logs_itself_is_said_once(address: str, capsys: pytest.CaptureFixture[str]) -> None:
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

        node.log.warning("the clock is away")
        until(lambda: came_round(node, "the clock is away"))
        other.log.warning("that is all")
        until(lambda: came_round(other, "") or "other: that is all" in said)
    assert said == ["launcher: the clock is away", "other: that is all"]
