"""A day goes by in stamps: what is kept stays small."""

from functools import partial

import pytest

from config.settings import FusionSettings
from fusion.align import Aligner
from messaging.schema import UtteranceEmotion
from tests.fusion.messages import MS, ended, face, mark, picture, said, started

SECOND = 1000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
STEP = 2 * SECOND
"""Sparse, to be quick: the limits are seconds, so they are as many fewer pictures."""


def test_with_a_microphone_only_what_may_still_be_needed_is_kept_over_a_day():
    aligner = Aligner(FusionSettings(max_gap_s=5))
    aligner.speech(said(0, "opened"), 0)
    most = 0
    results: list[UtteranceEmotion] = []
    for ms in range(STEP, DAY, STEP):
        results += aligner.faces(picture(ms, face()))
        aligner.speech(said(ms, "analysed_until"), 0)
        if ms % MINUTE == 0:
            aligner.speech(started(ms), 0)
            aligner.speech(ended(ms, ms + SECOND), 0)
        most = max(most, aligner.kept)
    assert len(results) == DAY / MINUTE - 1
    assert all(result.settled for result in results)
    # max_gap and an utterance of a second, and at most twice of that
    assert most <= 2 * (6 * SECOND / STEP + 1)


@pytest.mark.parametrize(("heard", "limit_s"), [(False, 60), (True, 60 + 20 + 1 + 3)])
def test_without_a_microphone_or_with_one_that_fell_silent_history_is_limited(
    heard: bool, limit_s: int
):
    aligner = Aligner(FusionSettings(history_s=60, max_gap_s=1, patience_s=3), max_utterance_s=20)
    if heard:
        aligner.speech(said(0, "opened"), 0)
        aligner.speech(started(10), 0)
    most = 0
    for ms in range(STEP, DAY, STEP):
        aligner.faces(picture(ms, face()))
        most = max(most, aligner.kept)
    assert limit_s * SECOND / STEP <= most <= 2 * (limit_s * SECOND / STEP + 1)


@pytest.mark.parametrize("running", [True, False])
def test_with_an_utterance_that_never_ends_or_waits_without_end_history_is_limited(running: bool):
    """The word of the end was lost; a camera whose file is waited for shows nothing any more."""
    aligner = Aligner(FusionSettings(history_s=60, max_gap_s=1, patience_s=3), max_utterance_s=20)
    aligner.faces(mark(0, "opened", "b", lossless=True))
    aligner.speech(said(0, "opened"), 0)
    aligner.speech(started(10), 0)
    if not running:
        aligner.speech(ended(10, 20), 0)
    most = 0
    results: list[UtteranceEmotion] = []
    for ms in range(STEP, DAY, STEP):
        results += aligner.faces(picture(ms, face()))
        aligner.speech(said(ms, "analysed_until"), 0)
        assert aligner.expire(ms * MS) == []
        most = max(most, aligner.kept)
    assert most <= 2 * (84 * SECOND / STEP + 1)
    assert len(results) == (not running), "it is given out before its faces are forgotten"
    [result] = results + aligner.finish()
    assert (result.status, result.settled) == ("matched" if running else "gap_exceeded", False)


@pytest.mark.parametrize("readable", [True, False])
def test_what_is_missing_is_forgotten_with_the_pictures_around_it(readable: bool):
    aligner = Aligner(FusionSettings(history_s=60))
    most = 0
    for index, ms in enumerate(range(STEP, DAY, STEP)):
        shown = picture if readable else partial(mark, event="gap")
        aligner.faces(shown(ms, index=3 * index))
        most = max(most, aligner.kept)
    kinds = 1 + readable
    assert kinds * 60 * SECOND / STEP <= most <= 2 * kinds * (60 * SECOND / STEP + 1)
    [lately] = aligner.speech(ended(DAY - 50 * SECOND, DAY - 40 * SECOND), 0)
    [late] = aligner.speech(ended(DAY - 5 * MINUTE, DAY - 4 * MINUTE, "n"), 0)
    assert lately.missing > 0
    assert (late.status, late.settled) == ("late", False)


@pytest.mark.parametrize("history_s", [60, 0.001])
def test_a_running_utterance_keeps_its_faces(history_s: float):
    aligner = Aligner(FusionSettings(history_s=history_s))
    aligner.speech(said(0, "opened"), 0)
    for ms in range(0, 20_000, 40):
        aligner.faces(picture(ms, face()))
        if ms == 1000:
            aligner.speech(started(ms), 0)
        if ms % 1000 == 0:
            aligner.speech(said(ms, "analysed_until"), 0)
    [result] = aligner.speech(ended(1000, 19_900), 0)
    assert (result.status, result.pictures) == ("matched", (19_900 - 1000) // 40 + 1)
    assert (result.settled, result.missing) == (True, 0)


@pytest.mark.parametrize("history_s", [60, 0.001])
def test_an_utterance_that_waits_for_a_camera_keeps_the_other_cameras_faces(history_s: float):
    aligner = Aligner(FusionSettings(history_s=history_s))
    aligner.speech(said(0, "opened", cameras=("a", "b")), 0)
    aligner.faces(picture(1000, face("sad")))
    aligner.speech(ended(900, 1000), 0)
    for ms in range(1040, 20_000, 40):
        aligner.faces(picture(ms, face()))
        aligner.speech(said(ms, "analysed_until"), 0)
    [result] = aligner.faces(picture(20_000, camera="b"))
    assert (result.status, result.label, result.settled) == ("matched", "sad", True)
