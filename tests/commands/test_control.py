"""Words to a pipeline that runs, from other terminals."""

import json
import os
import tempfile
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from commands.control import control
from messaging.errors import UserError
from messaging.node import Node
from messaging.topics import CONTROL, MARKERS
from recording.session import open_session
from tests.pipelines import emofuse, started
from tests.sets import toml

PATIENCE_S = 60.0


@pytest.fixture
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """No pipeline is found but those of the test."""
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is too long for a socket's name
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("words", [("mark", "hello"), ("control", "stop")], ids=" ".join)
@pytest.mark.usefixtures("nothing_else")
def test_where_nothing_runs_one_line_says_so(words: tuple[str, ...]) -> None:
    told = emofuse(*words)
    assert told.returncode == 2
    assert told.stderr.count("\n") == 1
    assert "nothing runs" in told.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("mark", ""), "a marker's text has 1 to 4096 characters, not 0"),
        (("mark", "x" * 4097), "a marker's text has 1 to 4096 characters, not 4097"),
        (("control", "dance"), "no action 'dance'; there are record, rest, pause, resume, stop"),
    ],
)
@pytest.mark.usefixtures("nothing_else")
def test_what_cannot_be_said_is_refused(words: tuple[str, ...], why: str) -> None:
    told = emofuse(*words)
    assert (told.returncode, told.stderr) == (2, f"emofuse: {why}\n")


@pytest.mark.usefixtures("nothing_else")
def test_a_run_is_marked_rested_recorded_and_stopped(tmp_path: Path) -> None:
    """They find it without being told where it is."""
    folder = tmp_path / "s"
    slow = "--speed", "0.2"  # it is not to end before all has been said
    options = ("run", "--display", "none", "--json", "--record", str(folder), *slow)
    with started(*options) as run:

        def say(*words: str) -> None:
            told = emofuse(*words)
            assert told.returncode == 0, told.stderr

        def parts() -> int:
            return len(list(folder.glob("part-*.mcap")))

        until(lambda: parts() == 1)
        say("mark", "first stimulus")
        say("control", "rest")
        say("mark", "said in the rest")
        say("control", "record")
        until(lambda: parts() == 2)
        say("mark", os.fsdecode(b"b\xe4r"))
        say("control", "stop")
        out, log = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, log
    assert "somebody" not in log, "the hub took its own user for a stranger"
    assert json.loads(out.splitlines()[-1])["ended_by"] == "command asked to stop"
    session = open_session(folder)
    noted: list[Any] = [received.message for received in session.records(MARKERS)]
    assert [m.text for m in noted] == ["first stimulus", r"b\udce4r"]
    assert noted[0].stamp.pipeline_ns < noted[1].stamp.pipeline_ns
    assert session.faults() == []
    told = emofuse("info", str(folder), "--json")
    assert told.returncode == 0, told.stdout
    markers = next(h for h in json.loads(told.stdout)["hops"] if h["topic"] == "markers")
    assert (markers["produced"], markers["processed"]) == (3, 3)


@pytest.mark.parametrize("deaf_to", [0, 1])
def test_rest_is_said_until_the_recorder_rests(address: str, deaf_to: int) -> None:
    """A word may be lost."""
    heard = 0
    with (
        Node("tape", address, [CONTROL], kind="recorder") as recorder,
        ThreadPoolExecutor() as pool,
    ):
        asked = pool.submit(control, "rest", address)
        while not asked.done():
            recorder.alive()
            heard += sum(r.message.action == "rest" for r in recorder.receive(0.02))
            if heard > deaf_to and not recorder.text:
                recorder.text = "resting"
                recorder.beat()
        asked.result()
    assert heard == deaf_to + 1


def test_a_recorder_that_goes_on_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.control.RESTING_S", 2.0)
    with Node("tape", address, kind="recorder") as recorder, ThreadPoolExecutor() as pool:
        asked = pool.submit(control, "rest", address)
        while not asked.done():
            recorder.alive()
            recorder.receive(0.02)
        with pytest.raises(UserError, match="tape does not say that it rests"):
            asked.result()


def test_a_run_that_was_not_recorded_is_from_the_moment_that_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into a new folder, where it was started."""
    monkeypatch.chdir(tmp_path)
    address = f"ipc://{tmp_path}/hub"
    options = ("run", "--display", "none", "--json", "--speed", "0.2")
    with started(*options, EMOFUSE_BUS__ADDRESS=address) as run:
        until((tmp_path / "hub.events-out").exists)
        told = emofuse("control", "record", "--hub", address)
        assert told.returncode == 0, told.stderr
        until(lambda: list(tmp_path.glob("emofuse-*/part-000.mcap")))
        emofuse("mark", "it is on", "--hub", address)
        emofuse("control", "stop", "--hub", address)
        _, log = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, log
    (folder,) = tmp_path.glob("emofuse-*")
    assert f"recording into {folder.name}" in log
    assert [r.message.text for r in open_session(folder).records(MARKERS)] == ["it is on"]
    told = emofuse("info", str(folder))
    assert told.returncode == 0, told.stdout


def test_a_recorder_that_was_started_by_hand_is_the_one_that_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second one of that name would refuse, and end a live run."""
    monkeypatch.chdir(tmp_path)
    address, folder = f"ipc://{tmp_path}/hub", tmp_path / "s"
    with started("run", "--display", "none", "--json", EMOFUSE_BUS__ADDRESS=address) as run:
        until((tmp_path / "hub.events-out").exists)
        with started("node", "recorder", "--hub", address, "--record", str(folder)) as recorder:
            until((folder / "part-000.mcap").exists)
            for words in (("control", "rest"), ("control", "record"), ("mark", "it is on")):
                assert emofuse(*words, "--hub", address).returncode == 0
            recorder.terminate()
            assert recorder.wait(PATIENCE_S) == 0
        emofuse("control", "stop", "--hub", address)
        out, log = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, log
    assert json.loads(out.splitlines()[-1])["ended_by"] == "command asked to stop"
    assert [*tmp_path.glob("emofuse-*")] == []
    assert [r.message.text for r in open_session(folder).records(MARKERS)] == ["it is on"]


@pytest.mark.usefixtures("nothing_else")
def test_nodes_without_a_recorder_cannot_be_recorded_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "set.toml"
    file.write_text(toml({"nodes.hub": {"kind": "hub"}, "nodes.join": {"kind": "fusion"}}))
    with started("--config", str(file), "--display", "none", demo=False) as run:
        until(lambda: emofuse("control", "record").returncode == 0)
        assert run.stderr is not None
        assert run.stderr.readline() == (
            "nothing is recorded: none of the nodes is a recorder; "
            'add a table [nodes.NAME] with kind = "recorder"\n'
        )
        assert emofuse("control", "stop").returncode == 0
        run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0
    assert [*tmp_path.glob("emofuse-*")] == []


def test_a_recorder_joins_a_hub_of_its_own_accord_and_goes_on_when_started_again(
    tmp_path: Path,
) -> None:
    address, folder = f"ipc://{tmp_path}/hub", tmp_path / "s"
    with started("hub", "--bind", address) as hub:
        for number in range(2):
            with started("node", "recorder", "--hub", address, "--record", str(folder)) as node:
                until((folder / f"part-{number:03d}.mcap").exists)
                node.terminate()
                assert node.wait(PATIENCE_S) == 0
        hub.terminate()
        hub.wait(PATIENCE_S)
    session = open_session(folder)
    assert len(list(session.records())) > 0
    assert (len(session.parts), session.faults()) == (2, [])
