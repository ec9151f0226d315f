"""A day goes by in stamps: what is kept stays small."""

from functools import partial

import pytest

from config.settings import FusionSettings
from fusion.align import Aligner
from messaging.schema import UtteranceEmotion
from tests.fusion.messages import ended, face, mark, picture, said, started

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


@pytest.mark.parametrize("heard", [False, True])
def test_without_a_microphone_or_with_one_that_fell_silent_history_is_limited(heard: bool):
    aligner = Aligner(FusionSettings(history_s=60))
    if heard:
        aligner.speech(said(0, "opened"), 0)
        aligner.speech(started(10), 0)
    most = 0
    for ms in range(STEP, DAY, STEP):
        aligner.faces(picture(ms, face()))
        most = max(most, aligner.kept)
    assert 60 * SECOND / STEP <= most <= 2 * (60 * SECOND / STEP + 1)


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


def test_a_running_utterance_keeps_its_faces():
    aligner = Aligner(FusionSettings())
    aligner.speech(said(0, "opened"), 0)
    for ms in range(0, 20_000, 40):
        aligner.faces(picture(ms, face()))
        if ms == 1000:
            aligner.speech(started(ms), 0)
        if ms % 1000 == 0:
            aligner.speech(said(ms, "analysed_until"), 0)
    [result] = aligner.speech(ended(1000, 19_900), 0)
    assert (result.status, result.pictures) == ("matched", (19_900 - 1000) // 40 + 1)


def test_an_utterance_that_waits_for_a_camera_keeps_the_other_cameras_faces():
    aligner = Aligner(FusionSettings())
    aligner.speech(said(0, "opened", cameras=("a", "b")), 0)
    aligner.faces(picture(1000, face("sad")))
    aligner.speech(ended(900, 1000), 0)
    for ms in range(1040, 20_000, 40):
        aligner.faces(picture(ms, face()))
        aligner.speech(said(ms, "analysed_until"), 0)
    [result] = aligner.faces(picture(20_000, camera="b"))
    assert (result.status, result.label, result.settled) == ("matched", "sad", True)
