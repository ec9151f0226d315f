"""What a view that owns the terminal keeps from being said."""

import os

import pytest

from commands.console import MOST_HELD_BACK, Console, is_view_shown


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
