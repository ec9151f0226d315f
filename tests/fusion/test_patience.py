"""What happens when proof does not come: patience, lateness, and the end of the pipeline."""

import pytest

from config.settings import FusionSettings
from fusion.align import Aligner
from tests.fusion.messages import ended, face, mark, picture, said, started

SECOND = 1_000_000_000
RULE = FusionSettings(patience_s=2)


def test_patience_gives_out_the_best_known_as_not_settled():
    aligner = Aligner(RULE)
    aligner.faces(picture(90, face("sad")))
    assert aligner.speech(ended(50, 100), 5 * SECOND) == []
    assert aligner.expire(7 * SECOND) == []
    [result] = aligner.expire(7 * SECOND + 1)
    assert (result.final, result.settled, result.label) == (True, False, "sad")
    assert aligner.expire(99 * SECOND) == []
    assert aligner.faces(picture(101, face())) == []


@pytest.mark.parametrize(("pictures", "status"), [([90], "no_face"), ([], "gap_exceeded")])
def test_patience_says_what_is_missing(pictures: list[int], status: str):
    aligner = Aligner(RULE)
    for ms in pictures:
        aligner.faces(picture(ms))
    aligner.speech(ended(50, 100), 0)
    [result] = aligner.expire(3 * SECOND)
    assert (result.status, result.settled, result.label) == (status, False, None)


def test_patience_counts_for_each_utterance_from_its_own_arrival():
    aligner = Aligner(RULE)
    aligner.speech(ended(50, 100), 0)
    aligner.speech(ended(200, 300), SECOND)
    assert [result.id for result in aligner.expire(2 * SECOND + 1)] == ["m-50"]
    assert [result.id for result in aligner.expire(3 * SECOND + 1)] == ["m-200"]


def test_a_lossless_microphone_is_waited_for_without_end():
    aligner = Aligner(RULE)
    aligner.speech(ended(50, 100, lossless=True), 0)
    assert aligner.expire(10**6 * SECOND) == []


def test_a_lossless_camera_is_waited_for_without_end_where_it_competes():
    aligner = Aligner(RULE)
    aligner.faces(mark(0, "opened", "file", lossless=True))
    aligner.speech(said(0, "opened", "other", cameras=("live",)), 0)
    aligner.speech(ended(50, 100), 0)
    aligner.speech(ended(60, 100, "other"), 0)
    assert [result.id for result in aligner.expire(10**6 * SECOND)] == ["other-60"]


def test_stopping_gives_out_all_that_is_open():
    aligner = Aligner(RULE)
    aligner.faces(picture(90, face("sad")))
    aligner.speech(ended(50, 100, lossless=True), 0)
    aligner.speech(started(120), 0)
    results = aligner.finish()
    assert [(r.id, r.label, r.final, r.settled) for r in results] == [
        ("m-50", "sad", True, False),
        ("m-120", "sad", True, False),
    ]
    assert aligner.finish() == []


def test_an_utterance_that_comes_after_its_faces_were_forgotten_is_late():
    aligner = Aligner(RULE)
    for ms in range(0, 10_000, 40):
        aligner.faces(picture(ms, face()))
    aligner.speech(said(9000, "analysed_until", "other"), 0)
    [result] = aligner.speech(ended(1000, 2000), 0)
    assert (result.status, result.settled, result.final) == ("late", False, True)
    assert (result.label, result.picture) == (None, None)


@pytest.mark.parametrize(
    ("onset", "offset", "status", "settled"),
    [
        (561, 1000, "matched", True),
        (560, 1000, "matched", False),  # a picture of the span is not counted
        (561, 581, "matched", True),
        (561, 580, "late", False),
        (500, 581, "matched", False),
        (500, 580, "late", False),
    ],
)
def test_what_was_forgotten_matters_to_the_label_where_it_could_have_won_and_else_to_the_counts(
    onset: int, offset: int, status: str, settled: bool
):
    aligner = Aligner(RULE)
    for ms in range(0, 1001, 40):
        aligner.faces(picture(ms, face()))
    aligner.speech(said(1100, "analysed_until", "other"), 0)  # 600 ms is the first that is kept
    [result] = aligner.speech(ended(onset, offset), 0)
    assert (result.status, result.settled) == (status, settled)


@pytest.mark.parametrize(
    ("onset", "offset", "label", "settled"),
    [
        (600, 1000, "sad", True),
        (600, 630, "sad", True),
        (400, 1000, "sad", False),  # pictures before it opened again count, and were forgotten
        (400, 490, None, False),
    ],
)
def test_a_camera_that_opens_again_at_an_earlier_time_has_forgotten_nothing_of_its_new_time(
    onset: int, offset: int, label: str | None, settled: bool
):
    aligner = Aligner(RULE)
    for ms in range(0, 10_000, 40):
        aligner.faces(picture(ms, face()))
    aligner.speech(said(9000, "analysed_until"), 0)
    aligner.faces(mark(9999, "closed"))
    aligner.speech(said(9999, "closed"), 0)
    aligner.faces(mark(500, "opened"))
    aligner.speech(said(500, "opened"), 0)
    for ms in range(510, 2000, 40):
        aligner.faces(picture(ms, face("sad")))
    [result] = aligner.speech(ended(onset, offset), 0)
    assert (result.label, result.settled) == (label, settled)
    assert (result.status == "late") == (label is None)


def test_an_aggregate_is_late_where_the_beginning_of_its_span_was_forgotten():
    rule = FusionSettings(method="mean", history_s=1)
    aligner = Aligner(rule)
    for ms in range(0, 4001, 40):
        aligner.faces(picture(ms, face()))
    [long] = aligner.speech(ended(500, 4000), 0)
    [short] = aligner.speech(ended(3500, 4000, "n"), 0)
    assert long.status == "late"
    assert (short.status, short.method) == ("matched", "mean")
