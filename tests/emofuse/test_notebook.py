"""The functions for notebooks: the command's tables as data frames, and a host left as it was."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import emofuse
from offline.tables import read_table
from tests.pipelines import ROOT, environment
from tests.pipelines import label as run_live


def column(frame: Any, name: str) -> list[Any]:
    return list(frame[name])


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[emofuse.Tables, Path]:
    out = tmp_path_factory.mktemp("out")
    return emofuse.label(emofuse.DEMO, fps=5, out=out), out


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("recorded") / "session"
    run = run_live("--speed", "max", "--record", folder, "--record-mode", "labels")
    return folder, run.utterances


def test_label_returns_the_tables_that_the_command_writes(
    tables: tuple[emofuse.Tables, Path],
) -> None:
    found, out = tables
    assert_frame_equal(found.utterances, read_table(out / "utterances.parquet"))
    assert_frame_equal(found.faces, read_table(out / "faces.parquet"))
    assert column(found.utterances, "label") == ["happy", "surprise", "sad", "angry"]
    assert len(found.faces) == 90
    assert found.notes == ()


def test_integers_stay_integers_also_where_some_are_missing(
    tables: tuple[emofuse.Tables, Path],
) -> None:
    frame: Any = tables[0].utterances
    types = frame.dtypes
    assert types["track"] == types["end_ns"] == pd.Int64Dtype()
    assert types["settled"] == pd.BooleanDtype()
    assert types["label"] == pd.StringDtype()
    assert types["start_s"] == "float64"


def test_settings_are_given_by_section() -> None:
    found = emofuse.label([str(emofuse.DEMO)], fps=2, fusion={"method": "mean"})
    assert set(column(found.utterances, "method")) == {"mean"}


def test_settings_may_hold_sections_and_lists(tmp_path: Path) -> None:
    network = {"file": tmp_path / "own.onnx", "labels": ["happy", "sad"], "size": 48,
               "range": (0.0, 1.0), "mean": [0.5], "logits": True}  # fmt: skip
    with pytest.raises(emofuse.EmofuseError) as refused:
        emofuse.label(emofuse.DEMO, inference={"classifier": network, "max_faces": 2})
    assert str(refused.value) == (
        f"inference.classifier.file {tmp_path / 'own.onnx'} is not there; check the path"
    )


@pytest.mark.parametrize(
    ("files", "settings", "why"),
    [
        ("none.mp4", {}, "no file none.mp4; check the path"),
        ("--help", {}, "no file --help; check the path"),
        (emofuse.DEMO, {"fusion": {"method": "x"}}, "fusion.method = 'x'"),
        (emofuse.DEMO, {"log_level": "x"}, "log_level = 'x'"),
    ],
)
def test_what_the_command_refuses_is_an_exception_with_its_line(
    files: Any, settings: dict[str, Any], why: str
) -> None:
    with pytest.raises(emofuse.EmofuseError) as refused:
        emofuse.label(files, **settings)
    assert str(refused.value).startswith(why)


def test_one_bad_file_is_a_warning_and_nothing_but_bad_files_an_error(tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("no film")
    with pytest.warns(UserWarning, match=r"bad\.mp4 failed: ") as warned:
        found = emofuse.label([emofuse.DEMO, bad], fps=2)
    assert len(found.utterances) == 4
    assert found.notes == tuple(str(warning.message) for warning in warned)
    assert warned[0].filename == __file__
    with pytest.raises(emofuse.EmofuseError, match=r"bad\.mp4 failed: "):
        emofuse.label(bad)


def test_a_session_opens_as_it_was_recorded(
    recorded: tuple[Path, list[dict[str, Any]]],
) -> None:
    folder, live = recorded
    session = emofuse.open_session(folder)
    assert column(session.utterances, "label") == [said["label"] for said in live]
    assert session.info["utterances"] == len(live)
    assert session.info["adds_up"] is True
    assert session.info["channels"]["faces/demo"]["messages"] >= len(session.faces) > 100
    assert sorted(path.name for path in folder.parent.iterdir()) == ["session"]


def test_no_session_is_an_exception_with_the_commands_line(tmp_path: Path) -> None:
    with pytest.raises(
        emofuse.EmofuseError, match=r"no session .*none; give the folder that --rec"
    ):
        emofuse.open_session(tmp_path / "none")


def test_without_pandas_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(emofuse.EmofuseError, match=r"pandas, .*: pip install 'emofuse\[lab\]'"):
        emofuse.label(emofuse.DEMO)


def test_the_host_stays_as_it_was(tmp_path: Path) -> None:
    """A foreign ``config`` is the host's own, and its working folder no place to import from."""
    for name in ("config", "offline"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('a foreign module')")
    script = (
        "import sys, emofuse\n"
        "assert 'pandas' not in sys.modules\n"
        "import pandas, pyarrow.parquet\n"
        "path, modules = list(sys.path), set(sys.modules)\n"
        "print(len(emofuse.label(emofuse.DEMO, fps=2).utterances))\n"
        "assert sys.path == path\n"
        "fresh = {name.split('.')[0] for name in set(sys.modules) - modules}\n"
        "assert not fresh & {'config', 'messaging', 'offline', 'commands', 'run_pipeline'}, fresh\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment({"PYTHONPATH": str(ROOT)}, demo=False),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "4\n"
