"""From results to what annotation formats say; times in milliseconds."""

from capture.demo import load_truth
from offline.annotations import annotations_of
from offline.intervals import Interval
from offline.recording import Recording
from tests.offline.scenes import face, film, marked, recording, said, seen


def test_a_face_has_an_interval_for_each_run_of_equal_labels() -> None:
    results = film(["happy", "happy", "sad", None, "sad"])
    assert annotations_of(recording(results)).faces == {
        ("camera", 0): (
            Interval(0, 80, "happy"),
            Interval(80, 120, "sad"),
            Interval(160, 200, "sad"),
        )
    }


def test_each_camera_and_track_has_its_own_tier() -> None:
    results = [seen(0, face("happy", 1), face("sad", 2)), seen(10, face("fear", 1), source="b")]
    found = annotations_of(recording(results)).intervals()
    assert list(found) == ["utterances", "face b #1", "face camera #1", "face camera #2"]


def test_nothing_stands_in_a_gap_of_the_pictures() -> None:
    results = [seen(0, face("sad")), seen(400, event="gap"), seen(440, face("sad")),
               seen(500, event="closed")]  # fmt: skip
    tier = annotations_of(recording(results)).faces["camera", 0]
    assert tier == (Interval(0, 40, "sad"), Interval(440, 500, "sad"))


def test_utterances_carry_their_probability_or_why_they_have_none() -> None:
    found = annotations_of(recording([said(500, 900.4), said(0, 200, None)]))
    assert [(s.start_ms, s.end_ms, s.caption) for s in found.utterances["microphone"]] == [
        (0, 200, "(no face)"),
        (500, 900, "happy 76%"),
    ]


def test_the_last_word_on_an_utterance_counts() -> None:
    found = annotations_of(recording([said(0, 200, None), said(0, 200, "sad")]))
    assert [spoken.label for spoken in found.utterances["microphone"]] == ["sad"]


def test_markers_of_one_instant_are_said_together_and_in_one_line() -> None:
    found = annotations_of(recording([marked(50, "a\nb\x00"), marked(50.2, "c"), marked(20, "d")]))
    assert [(note.at_ms, note.text) for note in found.notes] == [(20, "d"), (50, "a b; c")]


def test_the_time_line_holds_all_there_is() -> None:
    assert annotations_of(recording([], 1234)).end_ms == 1234
    assert annotations_of(recording([])).end_ms == 1
    assert annotations_of(recording([marked(70, "late"), said(10, 60)], 50)).end_ms == 71


def test_what_came_before_the_recording_is_at_its_begin() -> None:
    found = annotations_of(recording([said(-300, 100)]))
    assert found.utterances["microphone"][0].start_ms == 0


def test_the_demo_is_annotated_as_it_was_played(demo: Recording) -> None:
    truth, found = load_truth(), annotations_of(demo)
    (spoken,) = found.utterances.values()
    assert [each.label for each in spoken] == [each.label for each in truth.utterances]
    for each, true in zip(spoken, truth.utterances, strict=True):
        assert abs(each.start_ms - 1000 * true.onset_s) < 150
        assert abs(each.end_ms - 1000 * true.offset_s) < 150
    (tier,) = found.faces.values()
    for phase in truth.expressions:
        middle = 500 * (phase.start_s + truth.transition_s + phase.end_s)
        assert next(i.label for i in tier if i.start_ms <= middle < i.end_ms) == phase.label
