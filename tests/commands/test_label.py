"""``emofuse label`` as its user runs it: summary, refusals, stops, and going on afterwards."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands.label import print_report
from offline.corpus import Report
from tests.commands.test_stdio import broken_pipe
from tests.offline.clips import cut_demo
from tests.pipelines import ROOT, descendants, emofuse, environment, started, wait_until_gone

TABLES = ("utterances.parquet", "utterances.csv", "faces.parquet", "faces.csv")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    return [cut_demo(folder / f"clip{n}.mp4", n, 3) for n in range(5)]


def label(*options: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
    return emofuse("label", *options, demo=False, **extra)


def contents(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in TABLES]


def wait_for_parts(out: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(list((out / "parts").glob("[!.]*.json"))) < count:
        assert time.monotonic() < deadline, "no file is ever finished"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def undisturbed(clips: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    assert label(*clips, "--out", out, "--jobs", "1").returncode == 0
    return out


def test_the_summary_says_what_came_out_and_where_it_lies(
    clips: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad [x].mp4"
    bad.write_text("no film")
    run = label(clips[0], bad, "--out", tmp_path / "out", "--fps", "5", COLUMNS="160")
    assert run.returncode == 1
    assert f"emofuse: {bad} failed: {bad} cannot be played" in run.stderr
    assert str(clips[0]) in run.stdout
    assert "1 of 2 files labelled: 3.0 s of them in" in run.stdout
    assert f"Tables: {tmp_path / 'out' / 'utterances.parquet'}," in run.stdout
    assert all((tmp_path / "out" / name).exists() for name in TABLES)


def test_damage_is_told(tmp_path: Path) -> None:
    whole = cut_demo(tmp_path / "whole.mkv", 0, 3)
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    run = label(part, "--out", tmp_path / "out", "--fps", "5")
    assert run.returncode == 0
    assert f"emofuse: {part}: it ends at" in run.stderr


def test_what_is_wrong_with_no_file_alone_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_report(Report((), 0, ("no [lock]",)), 1.0, tmp_path, details=False)
    assert capsys.readouterr().err == "emofuse: no [lock]\n"


def test_the_summary_does_not_end_where_nobody_reads_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with broken_pipe() as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        print_report(Report((), 0, ("no [lock]",)), 1.0, tmp_path, details=False)
    assert "0 of 0 files labelled" in capsys.readouterr().out


def test_a_folder_whose_name_is_no_text_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(Report((), 0), 1.0, Path(os.fsdecode(b"caf\xe9")), details=False)
    assert r"Tables: caf\udce9/utterances.parquet, " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["none.mp4"], "no file none.mp4; check the path"),
        (["{clip}", "{clip}"], "was given twice; name it once"),
        (["{clip}", "--fps", "0"], "--fps 0 is out of range: more than 0, at most 1000"),
        (["{clip}", "--fps", "nan"], "--fps nan is out of range: more than 0, at most 1000"),
        (["{clip}", "--out", "{clip}"], "is a file; name a folder with --out"),
        (["{clip}", "--out", "/proc/out"], "/proc/out cannot be written"),
        (["{clip}", "--config", "none.toml"], "config file none.toml: No such file or directory"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    options: list[str], why: str, clips: list[Path], tmp_path: Path
) -> None:
    given = [option.format(clip=clips[0]) for option in options]
    run = label("--out", tmp_path / "out", *given)
    assert run.returncode == 2
    assert why in run.stderr
    assert run.stderr.count("\n") == 1
    assert not run.stdout


def test_without_pyarrow_the_extra_is_named(clips: list[Path], tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "pyarrow.py"
    missing.parent.mkdir()
    missing.write_text("raise ModuleNotFoundError('no pyarrow', name='pyarrow')\n")
    run = label(clips[0], "--out", tmp_path / "out", PYTHONPATH=str(missing.parent))
    assert run.returncode == 2
    assert run.stderr == (
        "emofuse: a table needs pyarrow, which is not installed: pip install 'emofuse[lab]'\n"
    )


def test_a_killed_run_goes_on_where_it_was_and_writes_the_same_bytes(
    clips: list[Path], undisturbed: Path, tmp_path: Path
) -> None:
    with started("label", *clips, "--out", tmp_path, demo=False) as driver:
        wait_for_parts(tmp_path, 2)
        children = descendants(driver.pid)
        driver.kill()
        driver.wait()
    wait_until_gone(children)
    assert not (tmp_path / "faces.parquet").exists()
    again = label(*clips, "--out", tmp_path)
    assert again.returncode == 0
    assert " of them by a former run" in again.stdout
    assert contents(tmp_path) == contents(undisturbed)
    assert not list(tmp_path.rglob(".*.parquet"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_how_to_go_on(
    number: signal.Signals, clips: list[Path], undisturbed: Path, tmp_path: Path
) -> None:
    """The terminal sends Ctrl-C to all processes of the run."""
    with subprocess.Popen(
        [sys.executable, ROOT / "run_pipeline.py", "label", *clips, "--out", tmp_path],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=environment(demo=False),
        start_new_session=True,
    ) as driver:
        wait_for_parts(tmp_path, 1)
        children = descendants(driver.pid)
        send = os.killpg if number == signal.SIGINT else os.kill
        send(driver.pid, number)
        _, stderr = driver.communicate(timeout=30)
    wait_until_gone(children)
    assert driver.returncode == 128 + number
    assert " of 5 files are finished and kept, the same command goes on from there" in stderr
    assert stderr.count("\n") == 1
    assert label(*clips, "--out", tmp_path).returncode == 0
    assert contents(tmp_path) == contents(undisturbed)


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX")
def test_where_there_is_no_space_nothing_looks_whole_and_nothing_is_lost(
    clips: list[Path], undisturbed: Path, tmp_path: Path
) -> None:
    """A limit on the size of files: it is reached as a full disk is, but by this run alone."""
    command = shlex.join(
        map(str, (sys.executable, ROOT / "run_pipeline.py", "label", *clips, "--out", tmp_path))
    )
    full = subprocess.run(
        ["bash", "-c", f"ulimit -f 12; exec {command}"],
        capture_output=True,
        text=True,
        env=environment(demo=False),
        check=False,
    )
    assert full.returncode == 2, full.stderr
    assert "cannot be written (File too large); free some space, or name another" in full.stderr
    assert full.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.rglob("*") if path.suffix == ".parquet"] == []
    assert label(*clips, "--out", tmp_path).returncode == 0
    assert contents(tmp_path) == contents(undisturbed)
