"""What a run says to its user's terminal, also where that has gone."""

import os
from collections.abc import Callable
from typing import IO

import pytest

from commands.console import Console


def broken_pipe() -> IO[str]:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def closed_terminal() -> IO[str]:
    master, slave = os.openpty()
    os.close(master)
    return os.fdopen(slave, "w")


@pytest.mark.parametrize("gone", [broken_pipe, closed_terminal])
def test_a_standard_error_that_is_gone_ends_nothing(
    gone: Callable[[], IO[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with gone() as stderr:  # and nothing is left in it that would fail when it is closed
        monkeypatch.setattr("sys.stderr", stderr)
        console = Console(taken=False)
        for _ in range(2):
            console.say("inference crashed")
        console.free_screen()


def test_a_bar_whose_terminal_has_closed_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        console = Console(taken=False, shows_progress=True)
        console.progress(0.1)
        os.close(master)
        console.progress(0.2)
        console.say("inference crashed")
        console.free_screen()
