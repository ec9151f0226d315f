"""What a plot shows, as numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.demo import load_truth
from messaging.schema import EMOTIONS, FaceEmotions
from offline.recording import Recording
from offline.series import Track, in_lanes, running_mean, series_of
from tests.offline.scenes import face, film, marked, recording, said, seen

HAPPY, SAD = EMOTIONS.index("happy"), EMOTIONS.index("sad")


def track(number: int, *spans: tuple[float, float, float]) -> Track:
    """Spans of begin, end and probability of happy; the rest is sad."""
    rows = np.zeros((len(spans), len(EMOTIONS)))
    rows[:, HAPPY] = [p for _, _, p in spans]
    rows[:, SAD] = [1 - p for _, _, p in spans]
    return Track(number, np.array([s[0] for s in spans]), np.array([s[1] for s in spans]), rows)


def test_a_running_mean_weighs_pictures_by_how_long_they_stand() -> None:
    one = track(0, (0.0, 0.1, 1.0), (0.1, 1.0, 0.0))
    (mean,) = running_mean(one, np.array([0.5]), 1.0)
    assert mean[HAPPY] == pytest.approx(0.1)
    assert mean.sum() == pytest.approx(1)


def test_a_gap_is_no_part_of_any_mean_and_shows_nothing() -> None:
    broken = track(0, (0.0, 1.0, 1.0), (3.0, 4.0, 0.0))
    means = running_mean(broken, np.array([0.9, 2.0, 3.1]), 1.0)[:, HAPPY]
    assert means[[0, 2]].tolist() == [1.0, 0.0]
    assert np.isnan(means[1])


steps = st.lists(
    st.tuples(st.floats(0.01, 2), st.floats(0, 1), st.booleans()), min_size=1, max_size=20
)


@given(steps, st.floats(0.05, 5), st.floats(0, 1))
def test_a_running_mean_is_the_mean_of_what_is_seen(
    given_steps: list[tuple[float, float, bool]], window_s: float, where: float
) -> None:
    at, spans = 0.0, list[tuple[float, float, float]]()
    for length, probability, is_seen in given_steps:
        if is_seen or not spans:
            spans.append((at, at + length, probability))
        at += length
    begin, end, _ = spans[int(where * (len(spans) - 1))]
    middle = (begin + end) / 2
    grid = np.linspace(middle - window_s / 2, middle + window_s / 2, 20_001)
    seen_p = [p for t in grid for s, e, p in spans if s <= t < e]
    (mean,) = running_mean(track(0, *spans), np.array([middle]), window_s)
    assert mean[HAPPY] == pytest.approx(np.mean(seen_p), abs=2e-3 * max(1, len(spans)))


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0.1, 20)), max_size=15))
def test_lanes_are_as_few_as_faces_at_once_and_hold_each_track_once(
    spans: list[tuple[float, float]],
) -> None:
    tracks = [track(i, (begin, begin + length, 1.0)) for i, (begin, length) in enumerate(spans)]
    lanes = in_lanes("camera", tracks)
    assert sorted(t.number for lane in lanes for t in lane.tracks) == list(range(len(spans)))
    for lane in lanes:
        ends = [t.end_s[-1] for t in lane.tracks]
        assert all(end <= t.start_s[0] for end, t in zip(ends, lane.tracks[1:], strict=False))
    at_once = [sum(b <= begin < b + length for b, length in spans) for begin, _ in spans]
    assert len(lanes) == max(at_once, default=0)


def test_shares_are_of_time_and_of_labelled_utterances() -> None:
    results = [seen(0, face("happy")), seen(100, face("sad")), seen(400, event="closed"),
               said(0, 100, "sad"), said(200, 300, "sad"), said(400, 500, "fear"),
               said(600, 700, None)]  # fmt: skip
    series = series_of(recording(results))
    assert series.share_of_faces()[[HAPPY, SAD]] == pytest.approx([0.25, 0.75])
    shares, labelled = series.share_of_utterances()
    assert labelled == 3
    assert shares[SAD] == pytest.approx(2 / 3)


def test_of_nothing_there_are_no_shares() -> None:
    series = series_of(recording([]))
    assert series.share_of_faces().sum() == 0
    assert series.share_of_utterances() == (pytest.approx(np.zeros(7)), 0)


def test_gaps_are_where_nobody_looked() -> None:
    results = [*film(["sad"] * 2), *film(["sad"] * 2, start_ms=3000), seen(3080, event="closed"),
               *film([None] * 3, "other")]  # fmt: skip
    (gap,) = series_of(recording(results)).gaps
    assert (gap.camera, gap.start_s, gap.end_s) == ("camera", pytest.approx(0.08), 3.0)


def test_the_demo_is_counted_whole(demo: Recording) -> None:
    series = series_of(demo)
    results = [r for r in demo.results() if isinstance(r, FaceEmotions) and r.event == "analysed"]
    assert series.pictures == len(results) == 450
    assert series.with_face == sum(bool(r.faces) for r in results)
    assert series.duration_s == pytest.approx(load_truth().duration_s, abs=0.1)
    assert not series.gaps
    (lane,) = series.lanes
    assert len(lane.tracks) == 1
    truth = dict.fromkeys(EMOTIONS, 0.0)
    for phase in load_truth().expressions:
        truth[phase.label] += (phase.end_s - phase.start_s) / load_truth().duration_s
    assert series.share_of_faces() == pytest.approx(list(truth.values()), abs=0.03)


def test_markers_are_in_the_recordings_own_time() -> None:
    series = series_of(recording([marked(500, "b"), marked(250, "a")]))
    assert [series.seconds(m.stamp.pipeline_ns) for m in series.markers] == [0.25, 0.5]
