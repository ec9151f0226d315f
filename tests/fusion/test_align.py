"""The join, told in arrivals (``notation``)."""

from dataclasses import replace
from typing import Literal

import pytest

from config.settings import FusionSettings
from fusion.align import Aligner
from messaging.schema import Emotion, SpeechEvent, Stamp, UtteranceEmotion
from tests.fusion.messages import MS, ended, face, mark, picture, said, stamp, started
from tests.fusion.notation import arrive


def brief(results: list[UtteranceEmotion]) -> list[str]:
    """``10=a8``: the utterance that ended at 10 ms got camera a's face of 8 ms."""
    told: list[str] = []
    for result in results:
        assert result.settled
        assert result.offset is not None
        won = (
            f"{result.camera}{result.picture.pipeline_ns // MS}"
            if result.picture
            else result.status
        )
        told.append(f"{result.offset.pipeline_ns // MS}={won}")
    return told


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        # the nearest, and what it takes to know it
        ("U10 F12", ["10=a12"]),
        ("U10 F8", []),
        ("U10 F8 F11", ["10=a11"]),
        ("U10 F8 E11", []),
        ("U10 F8 E12", ["10=a8"]),
        ("U10 F8 F12", ["10=a12"]),  # a tie goes to the later one
        ("U10 F8 F13", ["10=a8"]),
        ("U10 F10", ["10=a10"]),
        ("F8 F11 U10", ["10=a11"]),
        ("F8 U10 F11", ["10=a11"]),
        ("F10 U10", ["10=a10"]),
        ("F12 U10", ["10=a12"]),
        ("F2 F4 F6 F8 U10 F20", ["10=a8"]),
        # max_gap
        ("U10 F900", ["10=gap_exceeded"]),
        ("U10 F510", ["10=a510"]),
        ("U10 F511", ["10=gap_exceeded"]),
        ("F10 U510 F1100", ["510=a10"]),
        ("F10 U511 F1100", ["511=gap_exceeded"]),
        ("U10 E400 F900", ["10=no_face"]),
        ("U10 E510", ["10=no_face"]),
        ("U10 E509", []),
        ("U10 E509 F511", ["10=no_face"]),
        # a gap proves what lies before it, and is no picture
        ("U10 F8 G12", []),
        ("U10 F8 G13", ["10=a8"]),
        ("U10 G511", ["10=gap_exceeded"]),
        ("U10 G510 F510", ["10=a510"]),
        # nothing comes after closed, nothing before opened
        ("U10 F8 C9", ["10=a8"]),
        ("F8 C9 U10", ["10=a8"]),
        ("C9 U10", ["10=gap_exceeded"]),
        ("U10 O600", ["10=gap_exceeded"]),
        ("U10 O510", []),
        ("U10 O510 F510", ["10=a510"]),
        ("U10 F8 O13", ["10=a8"]),
        ("C9 O12 U10", []),
        ("C9 O12 U10 F13", ["10=a13"]),
        ("U10", []),
        # several cameras
        ("aO0 bO0 U10 F8 bF12", []),
        ("aO0 bO0 U10 bF12 F8 E12", ["10=b12"]),
        ("aO0 bO0 U10 F12 bF12", ["10=a12"]),
        ("aO0 bO0 U10 bF12 F12", ["10=a12"]),
        ("aO0 bO0 U10 F8", []),
        ("aO0 bO0 U10 F8 F12 bE11", []),
        ("aO0 bO0 U10 F8 F12 bE12", ["10=a12"]),
        ("aO0 bO0 U10 F12 bF10", ["10=b10"]),
        ("aO0 bO0 U10 F12 bC5", ["10=a12"]),
        ("aO0 bO0 U10 E600 bE300 bE600", ["10=no_face"]),
        ("aO0 bO0 U10 E600 bG600", ["10=gap_exceeded"]),
        # several utterances
        ("U10 U20 F15", ["10=a15"]),
        ("U10 U20 F15 F25", ["10=a15", "20=a25"]),
        ("U10 U20 U30 C0", ["10=gap_exceeded", "20=gap_exceeded", "30=gap_exceeded"]),
    ],
)
def test_an_utterance_gets_the_nearest_face_as_soon_as_it_is_proven(
    arrivals: str, expected: list[str]
):
    assert brief(arrive(Aligner(FusionSettings()), arrivals)) == expected


def test_a_microphone_waits_for_its_cameras_before_they_open_and_for_no_other():
    aligner = Aligner(FusionSettings())
    aligner.speech(said(0, "opened", cameras=("b",)), 0)
    assert brief(arrive(aligner, "aO0 U10 aF10 aF20 aC30")) == []
    assert brief(arrive(aligner, "bO0 bF13")) == ["10=b13"]


def test_without_assignment_a_camera_that_was_only_named_is_not_waited_for():
    aligner = Aligner(FusionSettings())
    aligner.speech(said(0, "opened", "other", cameras=("b",)), 0)
    aligner.speech(started(5, "other"), 0)
    assert brief(arrive(aligner, "aO0 U10 F10")) == ["10=a10"]


def test_of_several_faces_the_largest_wins_then_the_lowest_track():
    aligner = Aligner(FusionSettings())
    aligner.faces(
        picture(
            10,
            face("sad", track=5, size=60),
            face("fear", track=1, size=20),
            face("angry", track=3, size=60),
        )
    )
    [result] = arrive(aligner, "U10")
    assert (result.label, result.track) == ("angry", 3)


def test_stamps_that_do_not_increase_are_counted_and_ignored():
    aligner = Aligner(FusionSettings())
    results = arrive(aligner, "F8 F8 F6 G7 U10 E12")
    assert brief(results) == ["10=a8"]
    assert results[0].pictures == 1
    assert aligner.ignored == 3


def test_a_camera_whose_clock_was_set_back_starts_anew_when_it_opens():
    aligner = Aligner(FusionSettings())
    assert brief(arrive(aligner, "F8000 F8040 O5 F8 U10")) == []
    assert brief(arrive(aligner, "F12")) == ["10=a12"]


@pytest.mark.parametrize("later", ["", "F8010"])
def test_what_waits_where_a_camera_s_clock_was_set_back_is_not_settled(later: str):
    aligner = Aligner(FusionSettings())
    assert arrive(aligner, "F8000 U8010") == []
    [result] = arrive(aligner, f"O7000 {later}")
    assert result.picture is not None
    assert (result.picture.pipeline_ns, result.settled) == (8000 * MS, False)


def test_what_waits_beyond_a_clock_that_was_set_back_waits_on():
    aligner = Aligner(FusionSettings())
    assert arrive(aligner, "bE7000 F8000 U8010 bO6000") == []
    assert brief(arrive(aligner, "F8021 bE8021")) == ["8010=a8000"]


@pytest.mark.parametrize(
    ("reference", "label"), [("onset", "sad"), ("middle", "fear"), ("offset", "happy")]
)
def test_the_reference_is_the_instant_of_the_utterance_that_counts(
    reference: Literal["onset", "middle", "offset"], label: str
):
    aligner = Aligner(FusionSettings(reference=reference))
    shown: dict[int, Emotion] = {100: "sad", 200: "fear", 300: "happy"}
    for ms, emotion in shown.items():
        aligner.faces(picture(ms, face(emotion)))
    [result] = aligner.speech(ended(100, 300), 0)
    assert (result.label, result.reference, result.dt_ns) == (label, reference, 0)


def test_the_span_is_counted_to_its_end_also_where_the_label_is_known_earlier():
    aligner = Aligner(FusionSettings(reference="onset"))
    aligner.speech(ended(100, 300), 0)
    assert aligner.faces(picture(100, face())) == []
    assert aligner.faces(picture(200)) == []
    assert aligner.faces(picture(299, face(probability=0.9))) == []
    [result] = aligner.faces(picture(300, face()))
    assert (result.pictures, result.faces) == (3, 2)
    assert result.coverage == pytest.approx(2 / 3)
    assert result.confidence == pytest.approx(0.8)
    assert result.settled


@pytest.mark.parametrize("method", ["mean", "vote"])
def test_a_picture_where_one_utterance_is_cut_into_two_counts_once(
    method: Literal["mean", "vote"],
):
    aligner = Aligner(FusionSettings(method=method))
    shown: list[tuple[int, Emotion]] = [(100, "sad"), (300, "happy"), (500, "happy")]
    for at_ms, label in shown:
        aligner.faces(picture(at_ms, face(label)))
    [first] = aligner.speech(ended(100, 300), 0)
    [second] = aligner.speech(ended(300, 500), 0)
    assert (first.label, first.faces) == ("sad", 1)
    assert (second.label, second.faces) == ("happy", 1)
    assert first.dt_ns == second.dt_ns == 0


def test_a_provisional_label_comes_at_the_onset():
    aligner = Aligner(FusionSettings())
    aligner.faces(picture(90, face("sad"), bound_ns=3))
    [result] = aligner.speech(started(100), 0)
    assert (result.label, result.status, result.reference) == ("sad", "matched", "onset")
    assert (result.final, result.settled, result.offset) == (False, False, None)
    assert result.dt_ns == -10 * MS
    assert result.alignment_bound_ns == 3 + 20 * MS + MS


def test_a_provisional_result_without_a_face_is_pending():
    [result] = Aligner(FusionSettings()).speech(started(100), 0)
    assert (result.label, result.status, result.final) == (None, "pending", False)


def test_the_bound_of_the_alignment_adds_clocks_interval_and_voice_activity():
    aligner = Aligner(FusionSettings())
    aligner.faces(picture(300, face(), bound_ns=7))
    [result] = aligner.speech(ended(100, 300), 0)
    assert result.alignment_bound_ns == 7 + 20 * MS + MS


@pytest.mark.parametrize(
    ("shown", "interval_ms"),
    [
        ([(at, at // 40) for at in range(0, 401, 40)], 40),
        ([(at, at // 20) for at in range(0, 401, 20)], 40),  # never less than the nominal one
        ([(at, at // 66) for at in range(0, 463, 66)], 66),  # a webcam in dim light
        ([(at, at // 40) for at in range(0, 401, 80)], 40),  # every other one was overtaken
        ([(at, at // 40) for at in (0, 40, 80, 320, 360, 400)], 40),  # a pause
        ([(at, n) for n, at in enumerate((0, 40, 80, 320, 360, 400))], 40),  # that took no pictures
        ([(at, n) for n, at in enumerate((*range(0, 400, 40), *range(400, 801, 80)))], 80),
    ],
)
def test_the_bound_has_the_true_distance_of_the_pictures_where_it_is_longer(
    shown: list[tuple[int, int]], interval_ms: int
):
    aligner = Aligner(FusionSettings())
    for at_ms, index in shown:
        aligner.faces(picture(at_ms, face(), index=index))
    last_ms = shown[-1][0]
    [result] = aligner.speech(ended(last_ms - 100, last_ms), 0)
    assert result.dt_ns == 0
    assert result.alignment_bound_ns == interval_ms * MS // 2 + MS


def test_a_camera_without_a_nominal_rate_has_a_bound_once_it_has_shown_two_pictures():
    aligner = Aligner(FusionSettings())
    for index, at_ms in enumerate((300, 350)):
        aligner.faces(replace(picture(at_ms, face(), index=index), interval_ns=0))
        [result] = aligner.speech(ended(at_ms - 10, at_ms), 0)
        assert result.alignment_bound_ns == (25 * MS + MS if index else None)


def test_a_camera_that_opens_again_may_have_another_rate():
    aligner = Aligner(FusionSettings())
    for index, at_ms in enumerate(range(0, 600, 100)):
        aligner.faces(picture(at_ms, face(), index=index))
    aligner.faces(mark(1000, "opened"))
    aligner.faces(picture(1000, face()))
    aligner.faces(picture(1040, face(), index=1))
    [result] = aligner.speech(ended(1000, 1040), 0)
    assert result.alignment_bound_ns == 20 * MS + MS


def test_the_bound_of_the_alignment_is_unknown_where_a_clock_is():
    aligner = Aligner(FusionSettings())
    aligner.faces(picture(300, face(), bound_ns=None))
    [result] = aligner.speech(ended(100, 300), 0)
    assert result.alignment_bound_ns is None
    assert result.status == "matched"


def test_other_clocks_are_compared_on_the_pipelines():
    aligner = Aligner(FusionSettings())
    far = Stamp(5, "elsewhere", offset_ns=300 * MS - 5)
    aligner.faces(replace(picture(0, face()), stamp=far))
    [result] = aligner.speech(ended(100, 300), 0)
    assert (result.dt_ns, result.picture) == (0, far)


@pytest.mark.parametrize("method", ["mean", "max", "vote"])
def test_an_aggregate_without_a_face_in_the_span_is_the_nearest(
    method: Literal["mean", "max", "vote"],
):
    aligner = Aligner(FusionSettings(method=method))
    aligner.faces(picture(310, face("sad")))
    [result] = aligner.speech(ended(100, 300), 0)
    assert (result.method, result.label, result.faces) == ("nearest", "sad", 0)


def test_an_aggregate_needs_no_face_near_the_reference():
    aligner = Aligner(FusionSettings(method="mean"))
    aligner.faces(picture(200, face("sad")))
    aligner.faces(mark(5000, "gap"))
    [result] = aligner.speech(ended(100, 3000), 0)
    assert (result.status, result.method, result.label) == ("matched", "mean", "sad")
    assert (result.picture, result.dt_ns, result.camera) == (None, None, "")


def test_an_utterance_whose_start_was_lost_still_gets_its_label():
    aligner = Aligner(FusionSettings())
    aligner.speech(started(100), 0)
    aligner.faces(picture(500, face()))
    first, second = aligner.speech(ended(400, 500), 0)
    assert (first.id, first.settled, first.offset) == ("m-100", False, stamp(100))
    assert (second.id, second.settled, second.offset) == ("m-400", True, stamp(500))


@pytest.mark.parametrize("event", ["opened", "closed"])
def test_an_utterance_whose_end_is_never_told_gets_its_last_word(
    event: Literal["opened", "closed"],
):
    aligner = Aligner(FusionSettings())
    aligner.faces(picture(1000, face("sad")))
    aligner.faces(picture(2000, face("happy")))
    aligner.speech(started(900), 0)
    aligner.speech(said(1000, "analysed_until"), 0)
    [result] = aligner.speech(said(2000, event), 0)
    assert (result.final, result.settled, result.alignment_bound_ns) == (True, False, None)
    # the sound went on to where it closed; what a restarted microphone missed nobody knows
    assert result.label == ("happy" if event == "closed" else "sad")
    assert aligner.speech(ended(900, 2100), 0) == []
    assert aligner.ignored == 1


@pytest.mark.parametrize(
    "event",
    [
        replace(started(100), utterance=""),
        replace(started(100), utterance="x" * 300),
        replace(ended(100, 200), onset=None),
        ended(200, 100),
    ],
)
def test_an_utterance_that_cannot_be_is_counted_and_ignored(event: SpeechEvent):
    aligner = Aligner(FusionSettings())
    aligner.faces(picture(100, face()))
    aligner.faces(mark(100, "closed"))
    assert aligner.speech(event, 0) == []
    assert aligner.finish() == []
    assert aligner.ignored == 1


def test_an_utterance_is_told_once():
    aligner = Aligner(FusionSettings())
    assert brief(arrive(aligner, "F8 C9 U10 U10")) == ["10=a8"]
    assert aligner.ignored == 2


def test_all_is_done_when_every_source_has_closed_and_nothing_waits():
    aligner = Aligner(FusionSettings())
    assert not aligner.done
    aligner.faces(mark(0, "opened"))
    assert not aligner.done
    aligner.faces(mark(50, "closed"))
    assert aligner.done
    aligner.speech(said(0, "opened", cameras=("a", "b")), 0)
    aligner.speech(started(10), 0)
    aligner.speech(said(60, "closed"), 0)
    assert not aligner.done  # the utterance waits for camera b
    [result] = aligner.faces(mark(70, "closed", "b"))
    assert result.final
    assert aligner.done
    aligner.faces(mark(80, "opened", "b"))
    assert not aligner.done


def test_sound_alone_waits_for_no_picture_once_it_has_closed():
    aligner = Aligner(FusionSettings())
    assert aligner.speech(ended(100, 200, lossless=True), 0) == []
    [result] = aligner.speech(said(300, "closed"), 0)
    assert (result.status, result.final, result.settled) == ("gap_exceeded", True, False)
    assert aligner.done


def test_what_waits_for_a_camera_that_died_is_given_out_before_its_faces_are_forgotten() -> None:
    """Offline nobody loses patience, and a's faces are kept for 92.5 s."""
    aligner = Aligner(FusionSettings())
    results: list[UtteranceEmotion] = []
    for ms in range(0, 300_000, 40):
        results += aligner.faces(picture(ms, face(), camera="a"))
        if ms < 20_000:
            results += aligner.faces(picture(ms, face(), camera="b"))
        if ms % 10_000 == 2_000:
            results += aligner.speech(started(ms - 1_000), 0)
            results += aligner.speech(ended(ms - 1_000, ms), 0)
    results += aligner.finish()
    final = [result for result in results if result.final]
    assert [result.status for result in final] == ["matched"] * 30
    assert [result.settled for result in final] == [True] * 2 + [False] * 28
    onsets = [result.onset.pipeline_ns for result in final]
    assert onsets == sorted(onsets)


def test_a_lossless_camera_that_has_closed_is_waited_for_no_more() -> None:
    aligner = Aligner(FusionSettings(patience_s=2))
    aligner.faces(mark(0, "closed", "clip", lossless=True))
    aligner.faces(picture(100, face()))
    aligner.speech(started(50), 0)
    assert [r for r in aligner.speech(ended(50, 200), 0) if r.final] == []
    assert aligner.expire(1_000 * MS) == []
    (result,) = aligner.expire(2_001 * MS)
    assert (result.status, result.settled) == ("matched", False)
