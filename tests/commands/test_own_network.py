"""A network of the user's in whole runs: it labels, is named, and is refused at the start."""

import json
from pathlib import Path

import pytest

from inference import weights
from messaging.schema import EMOTIONS
from tests.offline.clips import cut_demo
from tests.pipelines import emofuse, label

LABELS = ("sad", "-contempt", *EMOTIONS[2:4], "anger", *EMOTIONS[5:])
"""mini_XCEPTION's with names of their own: what it takes for anger is sad here, and the reverse."""


def described(file: Path, **changes: str) -> dict[str, str]:
    keys = {"file": str(file), "size": "64", "range": "-1,1", "labels": ",".join(LABELS), **changes}
    return {f"EMOFUSE_INFERENCE__CLASSIFIER__{key.upper()}": value for key, value in keys.items()}


@pytest.fixture
def network(tmp_path: Path) -> Path:
    file = tmp_path / "lab net.tflite"
    file.write_bytes(weights.checked("mini_xception.tflite").read_bytes())
    return file


def test_a_session_is_labelled_by_it_and_says_which_it_was(network: Path, tmp_path: Path) -> None:
    session = tmp_path / "session"
    clip = cut_demo(tmp_path / "sad.mp4", 9, 4)
    run = label(
        *("--media", clip, "--speed", "max", "--record", session),
        demo=False,
        **described(network, licence="ours"),
    )
    assert [said["label"] for said in run.utterances] == ["angry"]
    assert {said["classifier"] for said in run.utterances} == {"lab net (litert)"}
    assert "lab net knows no disgust: always 0" in run.stderr
    assert "lab net knows contempt too: left out" in run.stderr
    about = json.loads((session / "session.json").read_text())
    assert about["models"]["lab net.tflite"] == weights.origins()["mini_xception.tflite"].sha256
    assert about["settings"]["inference"]["classifier"]["licence"] == "ours"

    network.write_bytes(weights.checked("mini_xception_int8.tflite").read_bytes())
    again = label("replay", session, "--speed", "max", demo=False, **described(network))
    assert "recorded with other models (lab net.tflite): labels may differ" in again.stderr


def test_label_tells_what_does_not_fit_once_and_before_it_begins(
    network: Path, tmp_path: Path
) -> None:
    clips = [cut_demo(tmp_path / f"{number}.mp4", number, 1) for number in range(2)]
    for changes, why in (
        ({"size": "48"}, "takes 1 x 64 x 64 x 1, and not, as size = 48 and"),
        ({"labels": "hapy,sad"}, "inference.classifier.labels names 'hapy', which is none of"),
        ({}, "lab net.tflite is not there; check the path"),
    ):
        if not changes:
            network.unlink()
        told = emofuse(
            *("label", *clips, "--out", tmp_path / "out"),
            demo=False,
            **described(network, **changes),
        )
        assert told.returncode == 2
        assert why in told.stderr
        assert told.stderr.splitlines()[-1].startswith("emofuse: inference.classifier")
        assert told.stderr.count("inference.classifier") == 1


def test_label_makes_its_tables_anew_for_another_network(network: Path, tmp_path: Path) -> None:
    clip, out = cut_demo(tmp_path / "clip.mp4", 0, 3), tmp_path / "out"
    own = described(network, labels=",".join(EMOTIONS))
    assert emofuse("label", clip, "--out", out, demo=False, **own).returncode == 0
    assert "lab net (litert)" in (out / "utterances.csv").read_text()
    again = emofuse("label", clip, "--out", out, demo=False, **own)
    assert "1 of them by a former run" in again.stdout + again.stderr
    network.write_bytes(weights.checked("mini_xception_int8.tflite").read_bytes())
    anew = emofuse("label", clip, "--out", out, demo=False, **own)
    assert "by a former run" not in anew.stdout + anew.stderr


def test_a_pipeline_does_not_start_with_a_network_that_does_not_fit(network: Path) -> None:
    own = described(network, labels="happy,sad")
    run = emofuse("--display", "none", "--speed", "max", demo=True, **own)
    assert run.returncode == 2
    assert "gives 7 numbers, and inference.classifier.labels names 2 (happy, sad)" in run.stderr
    assert "Traceback" not in run.stderr
