"""The whole pipeline: real processes, real sockets, real weights, real media."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from capture.cameras import has_camera
from capture.demo import load_truth
from capture.microphones import has_microphone
from messaging.errors import UserError
from tests.conftest import SHARED
from tests.pipelines import (
    ROOT,
    command_name,
    descendants,
    emofuse,
    environment,
    label,
    result,
    started,
    wait_until_gone,
)

BOUNDARY_S = 0.1
PATIENCE_S = 60.0


def assert_true_to_the_script(utterances: list[dict[str, Any]]) -> None:
    truth = load_truth().utterances
    assert [record["label"] for record in utterances] == [t.label for t in truth]
    for record, expected in zip(utterances, truth, strict=True):
        assert record["onset_s"] == pytest.approx(expected.onset_s, abs=BOUNDARY_S)
        assert record["offset_s"] == pytest.approx(expected.offset_s, abs=BOUNDARY_S)


def has_devices() -> bool:
    """Whether the machine is one on which the pipeline is live."""
    try:
        return has_camera() and has_microphone()
    except UserError:
        return False


@pytest.mark.skipif(has_devices(), reason="there are a camera and a microphone")
def test_without_devices_the_demo_session_plays_and_says_so() -> None:
    outcome = label("--speed", "max", demo=False)
    assert "playing the demo session instead" in outcome.stderr
    assert_true_to_the_script(outcome.utterances)


def test_every_label_of_the_demo_session_is_right() -> None:
    outcome = label("--speed", "max")
    assert_true_to_the_script(outcome.utterances)
    for record in outcome.utterances:
        assert (record["status"], record["settled"], record["final"]) == ("matched", True, True)
        assert abs(record["dt_ns"]) <= 20_000_000, "a nearer picture was there"
        assert record["coverage"] == 1.0
    assert outcome.summary["matched"] == 4
    assert outcome.summary["restarts"] == {}
    for counts in outcome.summary["nodes"].values():
        assert (counts["lost"], counts["rejected"]) == (0, 0)
    assert outcome.summary["nodes"]["inference"]["dropped"] == 0


def test_the_example_in_the_readme_is_true() -> None:
    readme = (ROOT / "README.md").read_text()
    example = json.loads(readme.partition("```json")[2].partition("```")[0])
    record = next(
        record
        for record in label("--speed", "max").utterances
        if record["onset_s"] == example["onset_s"]
    )
    assert {key: record[key] for key in example} == example


def test_real_time_and_full_speed_give_the_same_results() -> None:
    at_once = label("--speed", "max")
    in_time = label("--speed", "4")
    assert_true_to_the_script(in_time.utterances)
    assert [result(record) for record in at_once.utterances] == [
        result(record) for record in label("--speed", "max").utterances
    ]
    for one, other in zip(at_once.utterances, in_time.utterances, strict=True):
        assert one["id"] == other["id"]
        assert one["offset"]["captured_ns"] == other["offset"]["captured_ns"]


@pytest.mark.skipif(not (SHARED / "media/grid").is_dir(), reason="the GRID clips are not here")
@pytest.mark.parametrize(
    "clip", sorted((SHARED / "media/grid").glob("*.mpg")), ids=lambda p: p.stem
)
def test_a_real_talking_head_says_one_sentence_with_its_face_seen(clip: Path) -> None:
    outcome = label("--media", clip, "--speed", "max")
    (record,) = outcome.utterances
    assert record["status"] == "matched"
    assert record["coverage"] >= 0.95
    assert record["track"] == 1


def test_the_summary_is_a_table_that_people_read() -> None:
    run = emofuse("--display", "none", "--speed", "max", COLUMNS="100")
    assert run.returncode == 0, run.stderr
    for expected in load_truth().utterances:
        assert expected.label in run.stdout
    assert "Utterances" in run.stdout


def test_beside_json_the_terminal_view_goes_to_standard_error() -> None:
    run = emofuse("--display", "terminal", "--speed", "max", "--json")
    records = [json.loads(line) for line in run.stdout.splitlines()]
    assert [record["type"] for record in records] == ["utterance"] * 4 + ["summary"]
    shown = [line.split()[3:5] for line in run.stderr.splitlines() if line.endswith("demo")]
    assert [label for _, label in shown] == [record["label"] for record in records[:-1]]


def test_every_process_has_its_name_and_ctrl_c_leaves_none(tmp_path: Path) -> None:
    with started("--display", "none", "--json", TMPDIR=str(tmp_path)) as run:
        deadline = time.monotonic() + PATIENCE_S
        names: set[str] = set()
        expected = {f"emofuse {name}" for name in ("hub", "media", "inference", "fusion")}
        while not expected <= names:
            assert time.monotonic() < deadline, names
            time.sleep(0.1)
            names = {command_name(pid) for pid in descendants(run.pid)}
        assert run.stdout is not None
        first = json.loads(run.stdout.readline())
        assert first["label"] == load_truth().utterances[0].label
        children = descendants(run.pid)
        run.send_signal(signal.SIGINT)
        rest, _ = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0
    assert json.loads(rest.splitlines()[-1])["ended_by"] == "interrupted"
    wait_until_gone(children)
    assert not list(tmp_path.iterdir()), "files were left behind"


def test_tensorflow_is_not_imported_on_the_cpu_path() -> None:
    with started("--display", "none", "--json") as run:
        assert run.stdout is not None
        run.stdout.readline()
        for pid in descendants(run.pid):
            assert "tensorflow" not in Path(f"/proc/{pid}/maps").read_text()


def test_tensorflow_gives_the_same_results_where_it_is_asked_for() -> None:
    if find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    litert = label("--speed", "max").utterances
    tensorflow = label("--speed", "max", EMOFUSE_INFERENCE__ENGINE="tensorflow").utterances
    assert {record["classifier"] for record in tensorflow} == {"mini_xception (tensorflow)"}
    assert len(tensorflow) == len(litert)
    for one, other in zip(litert, tensorflow, strict=True):
        assert (one["id"], one["label"], one["dt_ns"]) == (
            other["id"],
            other["label"],
            other["dt_ns"],
        )
        assert other["probabilities"] == pytest.approx(one["probabilities"], abs=1e-3)


def test_single_nodes_meet_at_the_shared_address(tmp_path: Path) -> None:
    where = str(tmp_path)
    with (
        started("hub", XDG_RUNTIME_DIR=where) as hub,
        started("node", "inference", XDG_RUNTIME_DIR=where) as inference,
        started(
            "node", "fusion", XDG_RUNTIME_DIR=where, EMOFUSE_FUSION__EXIT_WHEN_CLOSED="1"
        ) as fusion,
        started("node", "media", "--speed", "max", XDG_RUNTIME_DIR=where) as media,
    ):
        assert media.wait(PATIENCE_S) == 0
        assert fusion.wait(PATIENCE_S) == 0
        for node in (inference, hub):
            node.send_signal(signal.SIGTERM)
            assert node.wait(PATIENCE_S) == 0


def test_two_pipelines_on_one_machine_do_not_meet() -> None:
    with started("--display", "none", "--json", "--speed", "max") as other:
        assert_true_to_the_script(label("--speed", "max").utterances)
        rest, errors = other.communicate(timeout=PATIENCE_S)
        assert other.returncode == 0, errors
    assert_true_to_the_script([json.loads(line) for line in rest.splitlines()[:-1]])


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv (util-linux)")
@pytest.mark.parametrize("option", ["--media", "--config"])
def test_a_file_that_may_not_be_read_is_named_in_one_line(option: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"secret")
    file.chmod(0)
    as_anybody = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    run = subprocess.run(
        [
            *(as_anybody if os.geteuid() == 0 else []),
            *(sys.executable, ROOT / "run_pipeline.py", "--display", "none", option, file),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(demo=False),
        check=False,
    )
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert str(file) in line
    assert "Permission denied" in line


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--camera", "73", "--microphone", "none"), "camera"),
        (("--media", "no/such.mp4"), "no/such.mp4"),
        (("--media", __file__), Path(__file__).name),
        (("--speed", "0"), "media.speed = '0' (from the command line)"),
        (("--display", "hologram"), "display.kind = 'hologram' (from the command line)"),
        (("--config", "no/such.toml"), "config file no/such.toml: No such file"),
        (("--camera", "none", "--microphone", "none"), "both none"),
        (("node", "brain"), "no node 'brain'; there are"),
        (("hub", "--bind", "udp://x"), "bus.address = 'udp://x' (from the command line): expected"),
        (("hub", "--bind", "tcp://0.0.0.0:5990"), "is open to other machines, without keys"),
        (("--display", "window"), "no screen for a window"),
        (("--no-such-option",), "--no-such-option"),
        (("conquer",), "conquer"),
    ],
)
def test_a_mistake_gets_one_clear_line_and_exit_code_2(
    options: tuple[str, ...], error: str, tmp_path: Path
) -> None:
    run = emofuse(*options, demo=False, TMPDIR=str(tmp_path))
    assert run.returncode == 2, run.stderr
    assert error in run.stderr
    assert "Traceback" not in run.stderr
    assert not list(tmp_path.iterdir()), "files were left behind"


RUN = ("--display", "none")
FUSION = ("node", "fusion")


@pytest.mark.parametrize(
    ("options", "address", "error"),
    [
        (
            RUN,
            "tcp://0.0.0.0:5990",
            "start hub --bind tcp://0.0.0.0:5990 --insecure, and the nodes",
        ),
        (RUN, "tcp://127.0.0.1:65534", "the port must lie in 1 to"),
        (FUSION, "tcp://127.0.0.1:65534", "the port must lie in 1 to"),
        (RUN, "foo", "bus.address = 'foo' (from the environment): expected ipc:///PATH or tcp://"),
    ],
)
def test_an_address_where_no_hub_should_be_is_refused_before_anything_is_said_or_started(
    options: tuple[str, ...], address: str, error: str, tmp_path: Path
) -> None:
    run = emofuse(*options, EMOFUSE_BUS__ADDRESS=address, TMPDIR=str(tmp_path))
    assert run.returncode == 2, run.stderr
    (line,) = run.stderr.splitlines()
    assert error in line
    assert not list(tmp_path.iterdir()), "files were left behind"


def test_a_node_without_a_hub_says_where_it_looked(free_ports: int) -> None:
    where = f"tcp://127.0.0.1:{free_ports}"
    run = emofuse("node", "fusion", "--hub", where, EMOFUSE_BUS__CONNECT_TIMEOUT_S="0.5")
    assert run.returncode == 2
    assert f"no hub answers at {where} within 0.5 s" in run.stderr
    assert "Traceback" not in run.stderr


def test_devices_are_listed() -> None:
    run = emofuse("devices")
    assert run.returncode == 0, run.stderr
    assert "Cameras" in run.stdout
    assert "Microphones" in run.stdout


@pytest.mark.parametrize("command", [(), ("run",), ("node",), ("hub",), ("devices",)])
def test_help_says_what_a_command_does(command: tuple[str, ...]) -> None:
    run = emofuse(*command, "--help")
    assert run.returncode == 0
    assert "Usage:" in run.stdout


def test_a_killed_launcher_leaves_no_process() -> None:
    with started("--display", "none", "--json") as run:
        assert run.stdout is not None
        run.stdout.readline()
        children = descendants(run.pid)
        assert len(children) >= 4
        os.kill(run.pid, signal.SIGKILL)
    wait_until_gone(children)
