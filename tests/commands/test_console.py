"""What a run says to its user's terminal, also where that has gone."""

import os
from collections.abc import Callable
from typing import IO

import pytest

from commands.console import MOST_HELD_BACK, Console, is_view_shown


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


def test_of_what_a_view_holds_back_the_last_lines_are_kept_and_the_others_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = Console(taken=True)
    for number in range(MOST_HELD_BACK + 2):
        console.say(f"line {number}")
    assert capsys.readouterr().err == ""
    console.free_screen()
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == "emofuse: 2 earlier lines are left out here"
    assert (lines[0], len(lines)) == ("line 2", MOST_HELD_BACK)


def test_only_a_view_that_is_drawn_owns_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    (reader, writer), (master, slave) = os.pipe(), os.openpty()
    shown: dict[tuple[int, str], bool] = {}
    for out in (writer, slave):
        for terminal in ("xterm", "dumb"):
            monkeypatch.setattr("commands.console.VIEWS_OUT", out)
            monkeypatch.setenv("TERM", terminal)
            shown[out, terminal] = is_view_shown()
    assert [case for case, is_shown in shown.items() if is_shown] == [(slave, "xterm")]
    for file in (reader, writer, master, slave):
        os.close(file)
