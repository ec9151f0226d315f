"""The node lsl beside real inlets and outlets of the Lab Streaming Layer."""

import json
import math
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pylsl")

from display.lsl import Outlets
from display.lsl_clock import measure_clock
from messaging.node import Node
from messaging.schema import EMOTIONS, Stamp
from messaging.topics import FACES, MARKERS, UTTERANCES
from tests.display.lab import inlet, lab_file, outlet, pull, pylsl, until
from tests.display.messages import face, result, utterance
from tests.pipelines import PATIENCE_S, emofuse, started

BOUND_S = 1e-4
"""Of two clocks that are one: far more than a pair of readings takes."""


@pytest.fixture
def node(address: str) -> Iterator[Node]:
    """Some other node on the bus, which hears markers."""
    with Node("tester", address, (MARKERS,)) as some:
        yield some


@pytest.fixture
def lsl(
    address: str, node: Node, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[subprocess.Popen[str]]":
    """The command ``node lsl``, once it runs."""
    file = str(lab_file(tmp_path_factory.mktemp("lab")))
    with started("node", "lsl", "--hub", address, LSLAPICFG=file) as process:
        assert node.wait_for(["lsl"])
        yield process


def end(process: "subprocess.Popen[str]") -> str:
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    return said


@pytest.mark.usefixtures("lsl")
def test_labels_and_faces_leave_with_the_time_of_their_cause(node: Node) -> None:
    words = inlet("emofuse utterances")
    assert words.info().get_channel_labels()[0] == "label"
    spoken = utterance(0, 1500, "sad").message
    onset = node.stamp()
    offset = node.stamp(onset.captured_ns + 1_500_000_000)
    node.publish(UTTERANCES, replace(spoken, onset=onset, offset=offset))
    ((row, at_s),) = pull(words, 1)
    assert row[:2] == ["sad", "1.500000"]
    assert at_s == pytest.approx(onset.pipeline_ns / 1e9, abs=BOUND_S)

    stamps = [node.stamp() for _ in range(3)]
    node.publish(FACES, replace(result(0, 0, 0, [face("fear")]).message, stamp=stamps[0]))
    faces = inlet("emofuse faces camera")
    about = faces.info()
    assert about.get_channel_labels()[:7] == [*EMOTIONS]
    assert about.get_channel_units()[:8] == ["probability"] * 8
    assert 0 <= float(about.desc().child_value("clock_bound_s")) < BOUND_S
    node.publish(FACES, replace(result(1, 0, 0, [face("happy")]).message, stamp=stamps[1]))
    node.publish(FACES, replace(result(2, 0, 0).message, stamp=stamps[2]))
    (happy, at_s), (nobody, _) = pull(faces, 2)
    assert EMOTIONS[happy.index(max(happy[:7]))] == "happy"
    assert at_s == pytest.approx(stamps[1].pipeline_ns / 1e9, abs=BOUND_S)
    assert math.isnan(nobody[0])
    assert nobody[-1] == 0


def test_markers_of_the_lab_come_in_and_labels_of_other_pipelines_do_not(
    node: Node, lsl: "subprocess.Popen[str]"
) -> None:
    keys, other = outlet("keys", "keyboard 1"), outlet("other utterances", "emofuse:elsewhere:u")
    assert keys.wait_for_consumers(PATIENCE_S)
    at_s = pylsl.local_clock() - 0.25
    keys.push_sample(["trial 7"], at_s)
    other.push_sample(["happy"])
    keys.push_sample(["trial 8"], at_s + 0.1)
    came: list[Any] = []
    until(lambda: came.extend(node.receive()) or len(came) >= 2)
    markers = [received.message for received in came]
    assert [(marker.text, marker.author) for marker in markers] == [
        ("trial 7", "keys"),
        ("trial 8", "keys"),
    ]
    assert markers[0].stamp.pipeline_ns == pytest.approx(at_s * 1e9, abs=2e-3 * 1e9)
    assert not other.have_consumers()
    assert "markers of the LSL stream keys are taken in" in end(lsl)


@pytest.mark.usefixtures("lsl")
@pytest.mark.parametrize("source_id", ["keyboard 2", ""], ids=["with an id", "without one"])
def test_a_marker_stream_that_ends_and_comes_back_is_read_again(source_id: str, node: Node) -> None:
    texts: list[str] = []

    def hear(rows: int) -> None:
        until(lambda: texts.extend(r.message.text for r in node.receive()) or len(texts) >= rows)

    for round_ in (1, 2):
        keys = outlet("keys", source_id)
        assert keys.wait_for_consumers(PATIENCE_S)
        keys.push_sample([f"round {round_}"])
        hear(round_)
        del keys
    assert texts == ["round 1", "round 2"]


def test_a_time_that_is_not_known_is_not_sent() -> None:
    outlets = Outlets(pylsl, "unknown", measure_clock(pylsl.local_clock))
    here = Stamp(5, "here")
    far = replace(utterance(0, 1500).message, onset=Stamp(5, "far", bound_ns=None))
    outlets.send(far, here)
    assert outlets.unsent == 1
    outlets.send(utterance(0, 1500).message, Stamp(5, "here", bound_ns=None))
    assert outlets.unsent == 2
    outlets.send(utterance(0, 1500).message, here)
    assert outlets.unsent == 2


def test_a_pipeline_sends_the_labels_that_it_prints(tmp_path: Path) -> None:
    """The last one too, though the pipeline ends with it."""
    file = str(lab_file(tmp_path))
    media = tmp_path / "wait.toml"
    media.write_text('[media]\nwait_for = ["inference", "fusion", "witness"]\nspeed = 4\n')
    options = ("--display", "none", "--json", "--lsl", "--config", media)
    address = f"ipc://{tmp_path}/hub"
    with started(*options, LSLAPICFG=file, EMOFUSE_BUS__ADDRESS=address) as pipeline:
        words = inlet("emofuse utterances")
        with Node("witness", address, connect_timeout_s=PATIENCE_S) as witness:
            while witness.alive() and pipeline.poll() is None:
                witness.receive()
        out, said = pipeline.communicate(timeout=PATIENCE_S)
        assert pipeline.returncode == 0, said
    *printed, summary = map(json.loads, out.splitlines())
    assert summary["nodes"]["lsl"]["lost"] == 0
    sent = [row for row, _ in pull(words, len(printed))]
    assert [row[0] for row in sent] == [record["label"] for record in printed]
    assert [row[-1] for row in sent] == [record["id"] for record in printed]


def test_without_the_library_the_way_to_get_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "pylsl.py").write_text("raise ModuleNotFoundError(name='pylsl')\n")
    refused = emofuse("--lsl", "--display", "none", PYTHONPATH=str(tmp_path))
    assert refused.returncode == 2
    assert "the Lab Streaming Layer needs pylsl, which is not installed" in refused.stderr
    assert "pip install 'emofuse[outlets]'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_without_the_library_that_it_wraps_the_way_out_is_named(tmp_path: Path) -> None:
    (tmp_path / "pylsl.py").write_text("raise RuntimeError('LSL binary library was not found')\n")
    refused = emofuse("node", "lsl", PYTHONPATH=str(tmp_path))
    assert refused.returncode == 2
    assert "name its file in PYLSL_LIB" in refused.stderr
    assert "Traceback" not in refused.stderr
