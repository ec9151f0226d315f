"""The real terminal view, in a terminal of its own."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

if sys.platform == "win32":
    pytest.skip("there are no such terminals on Windows", allow_module_level=True)

import termios

from display.terminal import NAME
from messaging.node import Node
from messaging.schema import Control
from messaging.topics import CONTROL, FACES, UTTERANCES
from tests.display.conftest import StartDisplay
from tests.display.messages import face, result, utterance

PATIENCE_S = 60.0
LEAVES_SCREEN = b"\x1b[?1049l"
SHOWS_CURSOR = b"\x1b[?25h"


@dataclass
class Terminal:
    master: int
    slave: int
    shown: bytes = b""

    @property
    def name(self) -> str:
        return os.ttyname(self.slave)

    def settings(self) -> list[Any]:
        return termios.tcgetattr(self.slave)

    def read(self) -> bytes:
        """All that was ever written to it."""
        try:
            while chunk := os.read(self.master, 65536):
                self.shown += chunk
        except BlockingIOError:
            pass
        return self.shown


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    os.set_blocking(master, False)
    yield Terminal(master, slave)
    os.close(master)
    os.close(slave)


def play_until(node: Node, condition: Callable[[], bool]) -> None:
    """Play inference and fusion until ``condition``."""
    deadline = time.monotonic() + PATIENCE_S
    index = 0
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        node.publish(FACES, result(index, index * 33, 0, [face("surprise")]).message)
        node.publish(UTTERANCES, utterance(500, 1750, "disgust").message)
        index += 1
        time.sleep(1 / 30)


def asks_to_stop(node: Node) -> bool:
    return any(
        isinstance(received.message, Control)
        and (received.message.action, received.message.reader) == ("stop", NAME)
        for received in node.receive(0)
    )


@pytest.mark.parametrize("way", ["q", "SIGTERM"])
def test_the_view_is_drawn_and_the_terminal_is_left_as_it_was(
    way: str, terminal: Terminal, address: str, start_display: StartDisplay
) -> None:
    before = terminal.settings()
    with (
        Node("pipeline", address, (CONTROL,)) as node,
        start_display("terminal", terminal=terminal.name) as process,
    ):
        play_until(node, lambda: all(word in terminal.read() for word in (b"surprise", b"matched")))
        play_until(node, lambda: terminal.settings() != before)
        if way == "q":
            os.write(terminal.master, b"q")
            play_until(node, lambda: asks_to_stop(node))
        else:
            process.send_signal(signal.SIGTERM)
        play_until(node, lambda: bool(terminal.read()) and process.poll() is not None)
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, b"")
    assert terminal.settings() == before
    assert LEAVES_SCREEN in terminal.read()
    assert SHOWS_CURSOR in terminal.read()


def test_without_a_terminal_each_utterance_is_a_line(
    address: str, start_display: StartDisplay
) -> None:
    with Node("pipeline", address) as node, start_display("terminal") as process:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        lines: list[bytes] = []
        play_until(node, lambda: bool(lines.append(process.stdout.read() or b"") or lines[-1]))  # pyright: ignore[reportOptionalMemberAccess]
        assert lines[-1].split()[4:8] == [b"disgust", b"70%", b"+12", b"ms"]
        process.terminate()
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, errors) == (0, b"")


def test_a_reader_that_has_enough_ends_it_in_peace(
    address: str, start_display: StartDisplay
) -> None:
    with Node("pipeline", address) as node, start_display("terminal") as process:
        assert process.stdout is not None
        process.stdout.close()
        play_until(node, lambda: process.poll() is not None)
        assert process.stderr is not None
        assert (process.returncode, process.stderr.read()) == (0, b"")
