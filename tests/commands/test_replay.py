"""What can be replayed, and what is said where it cannot."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from recording.session import ABOUT, is_session
from tests.pipelines import emofuse, label
from tests.recording.messages import ABOUT as SAID
from tests.recording.messages import MS, faces, make_session, speech, stamp
from tests.recording.test_session import KEPT
from tests.sets import demo, toml

Change = dict[tuple[str, ...], Any]


def copied(folder: Path, change: Change) -> Path:
    """The kept session, with other words on how it was recorded."""
    shutil.copytree(KEPT[-1], folder)
    about = json.loads((folder / ABOUT).read_text())
    for keys, value in change.items():
        section = about
        for key in keys[:-1]:
            section = section[key]
        section[keys[-1]] = value
    (folder / ABOUT).write_text(json.dumps(about))
    return folder


@pytest.mark.parametrize("mode", ["no-video", "labels"])
def test_without_pictures_it_is_refused_unless_it_begins_at_the_faces(
    tmp_path: Path, mode: str
) -> None:
    session = copied(tmp_path / "s", {("settings", "recording", "mode"): mode})
    told = emofuse("replay", str(session))
    assert told.returncode == 2
    assert told.stderr == (
        f"emofuse: {session} was recorded in mode {mode}, without pictures; add --from faces\n"
    )


def test_what_was_recorded_in_mode_labels_is_replayed_from_the_faces(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    live = label("--speed", "max", "--record", folder, "--record-mode", "labels").utterances
    again = label("replay", folder, "--from", "faces", "--speed", "max", demo=False).utterances
    assert again == live
    assert len(live) == 4


def test_a_replay_can_be_recorded(tmp_path: Path) -> None:
    options = ("--from", "faces", "--speed", "max", "--record", tmp_path / "s")
    again = label("replay", KEPT[-1], *options, demo=False).utterances
    assert [u["label"] for u in again] == ["happy"]
    assert is_session(tmp_path / "s")
    told = emofuse("info", str(tmp_path / "s"))
    assert told.returncode == 0, told.stdout


def test_times_of_a_replay_are_those_of_the_session(tmp_path: Path) -> None:
    """As label and export say them, and not for how long the recording host had run."""
    said = [
        speech("opened", 11_000),
        speech("started", 12_000, utterance="u"),
        speech("ended", 13_000, utterance="u", onset=stamp(12_000)),
    ]
    about = {**SAID, "started_ns": 10_000 * MS}
    session = make_session(tmp_path / "s", [faces(0, 10_500), *said], about=about)
    options = ("--from", "faces", "--speed", "max")
    (utterance,) = label("replay", session.path, *options, demo=False).utterances
    assert (utterance["onset_s"], utterance["offset_s"]) == (2, 3)


def test_nodes_that_a_file_names_stay_away_from_a_replay(tmp_path: Path) -> None:
    """They are the lab's own cameras and microphones."""
    lab = tmp_path / "lab.toml"
    kinds = ("inference", "fusion")
    lab.write_text(
        toml({f"nodes.{kind}": {"kind": kind} for kind in kinds} | {"nodes.film": demo()})
    )
    options = ("--from", "faces", "--speed", "max", "--config", lab)
    again = label("replay", KEPT[-1], *options, demo=False).utterances
    assert [u["label"] for u in again] == ["happy"]


def test_other_models_are_named(tmp_path: Path) -> None:
    session = copied(tmp_path / "s", {("models", "mini_xception.tflite"): "0" * 64})
    run = label("replay", session, "--speed", "max", demo=False)
    assert [u["label"] for u in run.utterances] == ["happy"]
    assert "recorded with other models (mini_xception.tflite): labels may differ" in run.stderr
    run = label("replay", KEPT[-1], "--speed", "max", demo=False)
    assert "other models" not in run.stderr


def test_where_nothing_would_be_played_it_is_refused(tmp_path: Path) -> None:
    for options, why in (
        (("--start", "1000"), "--start 1000 lies behind the end"),
        (("--start", "2", "--end", "1"), "--end 1 does not lie behind --start 2"),
        (("--end", "0.001"), "holds nothing to play between --start and --end"),
    ):
        told = emofuse("replay", str(KEPT[-1]), *options)
        assert told.returncode == 2
        assert why in told.stderr
        assert told.stderr.count("\n") == 1
    empty = make_session(tmp_path / "s").path
    told = emofuse("replay", str(empty))
    assert (told.returncode, told.stderr) == (2, f"emofuse: {empty} holds nothing to play\n")


def test_another_detector_can_take_the_recorded_ones_place() -> None:
    """Relabelled without recording anew."""
    found = label(
        *("replay", KEPT[-1], "--speed", "max"),
        demo=False,
        EMOFUSE_INFERENCE__DETECTOR="haar",
        EMOFUSE_FUSION__METHOD="mean",
    ).utterances
    assert [(u["detector"], u["method"]) for u in found] == [("haar", "mean")]
