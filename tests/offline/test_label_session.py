"""A recorded session is labelled as a media file is, from its pictures and what was heard."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from commands.results import utterance_record
from config.settings import Settings
from messaging.schema import FaceEmotions, Stamp, UtteranceEmotion, VideoFrame
from messaging.topics import FACES, SPEECH, VIDEO_JPEG
from offline.corpus import label_corpus
from offline.inputs import find_inputs
from offline.part import key_of
from offline.results import Results, results_of
from offline.tables import read_table
from recording.session import Session
from tests.fusion.messages import MS, ended, face, started
from tests.fusion.messages import picture as shown
from tests.offline.clips import cut_demo
from tests.pipelines import label
from tests.recording.messages import ABOUT, arrived, make_session
from tests.recording.messages import picture as recorded_picture

JPEG = {"EMOFUSE_INFERENCE__PICTURES": "jpeg"}
"""What inference sees live is then what is recorded."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut_demo(tmp_path_factory.mktemp("clip") / "talk.mp4", 0, 4)


@pytest.fixture(scope="module")
def recorded(
    clip: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[dict[str, Any]]]:
    """A session, and what was said live."""
    folder = tmp_path_factory.mktemp("session") / "talk"
    options = ("--media", clip, "--speed", "max", "--record", folder)
    return folder, label(*options, demo=False, **JPEG).utterances


def utterances(results: Results) -> list[UtteranceEmotion]:
    return [message for message in results.messages if isinstance(message, UtteranceEmotion)]


def test_utterances_are_those_of_the_live_run(
    recorded: tuple[Path, list[dict[str, Any]]],
) -> None:
    session, live = recorded
    results = results_of(session, Settings())
    found = [json.loads(json.dumps(utterance_record(one, 0))) for one in utterances(results)]
    assert live
    assert found == live
    assert list(results.notes()) == []


def test_fewer_pictures_are_not_missing(recorded: tuple[Path, list[dict[str, Any]]]) -> None:
    results = results_of(recorded[0], Settings(), 5)
    messages = list(results.messages)
    faces = [m for m in messages if isinstance(m, FaceEmotions) and m.event == "analysed"]
    assert 18 <= len(faces) <= 22
    assert {message.interval_ns for message in faces} == {200_000_000}
    steps = [later.index - message.index for message, later in pairwise(faces)]
    assert 1 <= steps[0] <= 5, "the first picture lies anywhere in its fifth of a second"
    assert set(steps[1:]) == {5}
    assert [m.missing for m in messages if isinstance(m, UtteranceEmotion)] == [0] * len(
        recorded[1]
    )


def test_times_count_from_the_sessions_start(
    recorded: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """A session begins when its recorder does, which is before the file plays."""
    report = label_corpus(
        find_inputs([str(recorded[0].parent)]), tmp_path, Settings(), 5, 1, lambda _: None
    )
    (result,) = report.results
    assert result.name == str(recorded[0])
    faces: Any = read_table(tmp_path / "faces.parquet")
    times = faces["time_s"]
    assert 0 <= times.min() < 30
    assert times.max() - times.min() == pytest.approx(3.8, abs=0.3)
    assert result.duration_s == pytest.approx(times.max(), abs=0.5)


def test_without_pictures_the_recorded_faces_are_joined_and_that_is_said(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = tmp_path / "labels"
    options = ("--media", clip, "--speed", "max", "--record", session, "--record-mode", "labels")
    live = label(*options, demo=False).utterances
    results = results_of(session, Settings())
    found = [json.loads(json.dumps(utterance_record(one, 0))) for one in utterances(results)]
    assert found == live
    monkeypatch.delattr(Session, "records")  # it is known by now
    assert list(results.notes()) == [
        "it holds no pictures: the faces that were recorded are joined"
    ]


def test_a_session_that_went_on_is_another_one(
    recorded: tuple[Path, list[dict[str, Any]]],
) -> None:
    session = recorded[0]
    key = key_of(session, Settings(), None)
    (session / "part-999.mcap").touch()
    try:
        assert key_of(session, Settings(), None) != key
    finally:
        (session / "part-999.mcap").unlink()


def test_tables_may_lie_in_the_session_itself(tmp_path: Path) -> None:
    """What is written there while it is labelled is no change of it, and neither is a plot."""
    session = make_session(tmp_path / "s", [recorded_picture(n, n * 40) for n in range(5)]).path
    for kept in (0, 1):
        report = label_corpus(
            find_inputs([str(session)]), session, Settings(), None, 1, lambda _: None
        )
        assert report.failures == []
        assert report.kept == kept
        (session / "plot.pdf").touch()
    key = key_of(session, Settings(), None)
    (session / "manifest.json").touch()
    assert key_of(session, Settings(), None) != key


def test_a_recording_that_began_late_knows_which_cameras_a_microphone_is_assigned_to(
    tmp_path: Path,
) -> None:
    """The microphone's own word on them came before."""
    seen = [
        arrived(FACES, message, at_ms=ms)
        for ms in range(0, 2_000, 40)
        for message in (
            shown(ms, face("happy"), camera="a", index=500 + ms // 40),
            shown(ms + 5, face("angry"), camera="b", index=900 + ms // 40),
        )
    ]
    heard = [
        arrived(SPEECH, started(500, "microphone"), at_ms=520),
        arrived(SPEECH, ended(500, 1_005, "microphone"), at_ms=1_505),
    ]
    settings = {"microphone": {"name": "microphone", "cameras": ["a"]}}
    made = sorted(seen + heard, key=lambda r: r.received_ns)
    session = make_session(tmp_path / "s", made, about={**ABOUT, "settings": settings})
    (found,) = utterances(results_of(session.path, Settings()))
    assert (found.camera, found.label, found.settled, found.missing) == ("a", "happy", True, 0)


def test_where_a_clock_was_set_back_nothing_was_left_out_but_on_purpose(tmp_path: Path) -> None:
    """The camera's numbers go on behind its mark."""
    first = [recorded_picture(n, 3_000 + n * 40) for n in range(500)]
    mark = VideoFrame(Stamp(9_999 * MS, "test"), "camera", 500, "opened", interval_ns=40 * MS)
    then = [recorded_picture(500 + n, 10_000 + n * 40) for n in range(60)]
    again = [
        replace(arrived(VIDEO_JPEG, mark), received_ns=23_100 * MS),
        *(replace(each, received_ns=each.received_ns + 13_100 * MS) for each in then),
    ]
    heard = [
        arrived(SPEECH, started(9_900, "microphone"), at_ms=23_610),
        arrived(SPEECH, ended(9_900, 10_500, "microphone"), at_ms=24_010),
    ]
    made = sorted(first + again + heard, key=lambda r: r.received_ns)
    session = make_session(tmp_path / "s", made)
    (found,) = utterances(results_of(session.path, Settings(), 5))
    assert (found.status, found.missing) == ("no_face", 0)


@pytest.mark.parametrize("says_so", [True, False])
def test_a_camera_that_counts_anew_has_left_nothing_out(tmp_path: Path, *, says_so: bool) -> None:
    first = [recorded_picture(n, n * 40) for n in range(60)]
    again = [recorded_picture(n, 3_000 + n * 40) for n in range(60)]
    opened = VideoFrame(Stamp(2_990 * MS, "test"), "camera", 0, "opened", interval_ns=40 * MS)
    if says_so:
        again.insert(0, arrived(VIDEO_JPEG, opened, at_ms=2_992))
    heard = [
        arrived(SPEECH, started(4_000, "microphone"), at_ms=4_010),
        arrived(SPEECH, ended(4_000, 4_500, "microphone"), at_ms=5_010),
    ]
    made = sorted(first + again + heard, key=lambda r: r.received_ns)
    session = make_session(tmp_path / "s", made)
    messages = list(results_of(session.path, Settings(), 5).messages)
    indices = [m.index for m in messages if isinstance(m, FaceEmotions) and m.event == "analysed"]
    assert 22 <= len(indices) <= 26
    assert max(indices) < 60
    (found,) = [m for m in messages if isinstance(m, UtteranceEmotion)]
    assert (found.status, found.settled, found.missing) == ("no_face", True, 0)
