"""Standard streams that are closed, or whose reader is gone."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from commands.console import Console
from commands.stdio import telling
from tests.pipelines import PATIENCE_S, ROOT, environment, started
from tests.recording.messages import make_session, marker
from tests.recording.test_session import KEPT

COMMAND = f"exec {sys.executable} {ROOT / 'run_pipeline.py'}"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(),
        check=False,
    )


def test_a_run_needs_no_standard_stream() -> None:
    told = shell(f"{COMMAND} --speed max --json <&- 2>&-")
    assert told.returncode == 0
    assert json.loads(told.stdout.splitlines()[-1])["utterances"] == 4
    told = shell(f"{COMMAND} --speed max <&- >&-")
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_mistake_is_one_also_where_nobody_hears_of_it(closed: str) -> None:
    told = shell(f"{COMMAND} --media /no/such.mp4 {closed}")
    assert told.returncode == 2
    assert "Traceback" not in told.stdout + told.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("info", KEPT[-1]),
        ("info", KEPT[-1], "--json"),
        ("doctor", "--camera", "none", "--microphone", "none"),
        ("--speed", "max", "--display", "none"),
        ("--speed", "max", "--display", "none", "--json"),
    ],
    ids=lambda options: " ".join(o for o in options if isinstance(o, str)),
)
def test_whoever_has_read_enough_ends_a_command_in_peace(options: tuple[str | Path, ...]) -> None:
    with (
        # Else the doctor looks at the hub of another test. A socket's name has 107 bytes at most.
        tempfile.TemporaryDirectory() as folder,
        broken_pipe() as stdout,
        started(
            *options,
            into=(stdout.fileno(), subprocess.PIPE),
            TMPDIR=folder,
            XDG_RUNTIME_DIR=folder,
        ) as run,
    ):
        _, errors = run.communicate(timeout=PATIENCE_S)
    assert (run.returncode, errors) == (0, "")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_failure_is_one_also_where_nobody_reads_on(form: tuple[str, ...], tmp_path: Path) -> None:
    make_session(tmp_path / "s", [marker("1", 1)])  # without a manifest
    into = broken_pipe()
    with into, started("info", tmp_path / "s", *form, into=(into, subprocess.PIPE)) as run:
        _, errors = run.communicate(timeout=PATIENCE_S)
    assert (run.returncode, errors) == (3, "")


def test_all_formats_are_written_also_where_nobody_reads_their_names(tmp_path: Path) -> None:
    make_session(tmp_path / "s", [marker("1", 1)])
    options, into = ("--to", "csv,eaf", "--out", tmp_path / "out"), broken_pipe()
    with into, started("export", tmp_path / "s", *options, into=(into, subprocess.PIPE)) as run:
        run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".csv", ".eaf"}


def test_a_full_disk_behind_any_command_is_told_in_one_line() -> None:
    told = shell(f"{COMMAND} keys --help >/dev/full")
    assert told.returncode == 2
    assert told.stderr.count("\n") == 1
    assert "No space left" in told.stderr


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


def test_a_value_error_that_is_none_of_standard_error_is_not_swallowed() -> None:
    with pytest.raises(ValueError, match="no figure"), telling():
        raise ValueError("no figure")


def test_a_refusal_is_one_also_where_nobody_hears_of_it() -> None:
    options, errors = ("hub", "--bind", "ipc:///no/such/folder/hub"), broken_pipe()
    with errors, started(*options, into=(subprocess.PIPE, errors)) as run:
        run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 2


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
