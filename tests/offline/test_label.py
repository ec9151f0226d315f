"""Labelling a file without sockets gives what the live pipeline gives."""

import json
import shutil
import threading
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from capture.demo import CLIP
from commands.results import utterance_record
from config.load import load_settings
from config.settings import Settings
from messaging.errors import UserError
from messaging.schema import FaceEmotions, UtteranceEmotion
from offline.label import Result, labelled
from offline.part import recipe
from offline.rate import every
from offline.results import results_of
from tests.capture.clips import spoil
from tests.conftest import SHARED
from tests.offline.clips import cut_demo
from tests.pipelines import label, result

JPEG: dict[str, dict[str, Any]] = {
    "inference": {"pictures": "jpeg"},
    "bus": {"jpeg_quality": 30, "jpeg_width": 200},
}
TALKING_HEAD = SHARED / "media" / "grid" / "bbaf2n.mpg"


@cache
def said(path: Path, fps: float | None = None) -> list[Result]:
    return list(labelled(path, Settings(), fps))


def utterances(path: Path, fps: float | None = None) -> list[UtteranceEmotion]:
    return [message for message in said(path, fps) if isinstance(message, UtteranceEmotion)]


def pictures(path: Path, fps: float | None = None) -> list[FaceEmotions]:
    faces = [message for message in said(path, fps) if isinstance(message, FaceEmotions)]
    return [message for message in faces if message.event == "analysed"]


def records(results: list[UtteranceEmotion]) -> list[dict[str, Any]]:
    """As the live run prints them."""
    return [result(json.loads(json.dumps(utterance_record(one, 0)))) for one in results]


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of its pictures cannot be decoded."""
    clip = cut_demo(tmp_path_factory.mktemp("spoiled") / "spoiled.mp4", 0, 4)
    spoil(clip, range(1000, 1200, 40))
    return clip


@pytest.mark.parametrize("clip", [CLIP, TALKING_HEAD, None], ids=lambda clip: clip and clip.stem)
def test_utterances_are_those_of_the_live_pipeline(clip: Path | None, spoiled: Path) -> None:
    clip = clip or spoiled
    if not clip.exists():
        pytest.skip(f"no {clip}")
    live = label("--media", clip, "--speed", "max", demo=False).utterances
    assert live
    assert records(utterances(clip)) == [result(record) for record in live]
    assert any(utterance.missing for utterance in utterances(clip)) == (clip is spoiled)


def test_of_films_put_end_to_end_the_first_is_labelled_and_that_is_said(tmp_path: Path) -> None:
    one = cut_demo(tmp_path / "talk.ts", 0, 4)
    (tmp_path / "films").mkdir()
    films = tmp_path / "films" / "talk.ts"
    films.write_bytes(one.read_bytes() * 3)
    results = results_of(films, Settings())
    messages = list(results.messages)
    assert utterances(one)
    assert records([m for m in messages if isinstance(m, UtteranceEmotion)]) == records(
        utterances(one)
    )
    analysed = [m for m in messages if isinstance(m, FaceEmotions) and m.event == "analysed"]
    assert [(m.index, m.stamp, m.faces) for m in analysed] == [
        (m.index, m.stamp, m.faces) for m in pictures(one)
    ]
    anew = "where times begin anew, join the parts with ffmpeg's concat"
    assert [note for note in results.notes() if "packets" not in note] == [
        f"200 pictures left out from 4.024 s on, their times do not increase; {anew}",
        f"8.192 s of sound left out from 4.096 s on, their times overlap; {anew}",
    ]


def test_pictures_go_through_jpeg_where_the_live_ones_do() -> None:
    """As small and as good as the live ones."""
    if not TALKING_HEAD.exists():
        pytest.skip(f"no {TALKING_HEAD}")
    options = {
        "EMOFUSE_INFERENCE__PICTURES": "jpeg",
        "EMOFUSE_BUS__JPEG_QUALITY": "30",
        "EMOFUSE_BUS__JPEG_WIDTH": "200",
    }
    live = label("--media", TALKING_HEAD, "--speed", "max", demo=False, **options).utterances
    settings = load_settings(JPEG)
    found = list(labelled(TALKING_HEAD, settings))
    assert records([m for m in found if isinstance(m, UtteranceEmotion)]) == [
        result(record) for record in live
    ]
    shown = [m for m in found if isinstance(m, FaceEmotions) and m.event == "analysed"]
    assert {(message.width, message.height) for message in shown} == {(200, 160)}


def test_parts_made_of_other_jpegs_are_not_taken_for_these() -> None:
    settings = load_settings(JPEG)
    for change in ({"jpeg_width": 320}, {"jpeg_quality": 90}):
        other = load_settings({**JPEG, "bus": JPEG["bus"] | change})
        assert recipe(other, None) != recipe(settings, None)


def test_every_picture_is_answered_once_and_in_order() -> None:
    analysed = pictures(CLIP)
    assert [message.index for message in analysed] == list(range(450))
    assert all(message.inference_ns > 0 for message in analysed)


def test_two_runs_say_the_same() -> None:
    again = labelled(CLIP, Settings(), 8)
    faces = [message.faces for message in again if isinstance(message, FaceEmotions)]
    assert faces == [m.faces for m in said(CLIP, 8) if isinstance(m, FaceEmotions)]


def test_fewer_pictures_keep_their_numbers_and_are_not_missing() -> None:
    analysed = pictures(CLIP, 8)
    assert len(analysed) == 8 * 18
    assert [message.index for message in analysed][:8] == [0, 3, 6, 9, 12, 16, 19, 22]
    assert {message.interval_ns for message in analysed} == {125_000_000}
    for utterance in utterances(CLIP, 8):
        assert utterance.missing == 0
        assert utterance.settled
        assert utterance.pictures > 5


@pytest.mark.parametrize("fps", [None, 8])
def test_pictures_that_cannot_be_decoded_are_missing(fps: float | None, tmp_path: Path) -> None:
    first, *_, last = utterances(CLIP)
    clip = tmp_path / "clip.mp4"
    shutil.copy(CLIP, clip)
    last_ms = last.onset.captured_ns // 1_000_000
    spoil(clip, range(last_ms, last_ms + 200))
    found = [m for m in labelled(clip, Settings(), fps) if isinstance(m, UtteranceEmotion)]
    missing = {utterance.onset: utterance.missing for utterance in found}
    assert missing[first.onset] == 0
    assert missing[last.onset] > 0


def test_fewer_pictures_show_what_all_pictures_show_there() -> None:
    """But for the tracks, which may depend on what is seen between: pictures so far apart are all
    searched. Where all pictures are looked at, faces are followed, unless each is searched.
    """
    settings = load_settings({"inference": {"detect_every_s": 0}})
    every_one = (m for m in labelled(CLIP, settings) if isinstance(m, FaceEmotions))
    full = {message.index: message for message in every_one if message.event == "analysed"}
    for message in pictures(CLIP, 8):
        assert [f.box for f in message.faces] == [f.box for f in full[message.index].faces]


@pytest.mark.parametrize("interval_ns", [40_000_000, 33_366_667, 41_708_333])
def test_at_the_files_own_rate_no_picture_is_left_out(interval_ns: int) -> None:
    wanted = every(1e9 / interval_ns, interval_ns)
    assert all(wanted(round(index * interval_ns)) for index in range(10_000))


@pytest.mark.parametrize("fps", [0.5, 1, 3, 8, 12.5, 24])
def test_about_so_many_pictures_a_second_are_chosen(fps: float) -> None:
    wanted = every(fps, 40_000_000)
    chosen = [index for index in range(25 * 60) if wanted(index * 40_000_000)]
    assert abs(len(chosen) - 60 * fps) <= 1
    assert all(abs(index * 0.04 - k / fps) <= 0.0201 for k, index in enumerate(chosen))


@pytest.mark.parametrize("fps", [0, -1, float("nan"), 1001])
def test_a_rate_that_no_file_has_is_refused(fps: float) -> None:
    with pytest.raises(UserError, match=r"--fps .* is out of range: more than 0, at most 1000"):
        next(labelled(CLIP, Settings(), fps))


def test_a_reader_that_leaves_early_leaves_no_thread_behind() -> None:
    running = labelled(CLIP, Settings())
    for _ in range(3):
        next(running)
    assert {"sound", "pictures"} <= {thread.name for thread in threading.enumerate()}
    running.close()
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"sound", "pictures"}
