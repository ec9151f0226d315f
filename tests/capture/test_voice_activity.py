"""Utterances in speech, in scripted probabilities, and in sounds that are no speech."""

import tracemalloc
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from capture.demo import load_truth
from capture.edges import REACH
from capture.media_file import open_media
from capture.resample import SAMPLE_RATE, Sound
from capture.voice_activity import (
    FRAME,
    AnalysedUntil,
    Ended,
    Event,
    Frame,
    Started,
    Utterances,
    VoiceActivity,
)
from config.settings import VoiceActivitySettings
from tests.capture.talk import at, talk
from tests.conftest import SHARED

DEFAULTS = VoiceActivitySettings()


def analysed(sound: NDArray[np.generic], **changes: float) -> list[Frame]:
    activity = VoiceActivity(VoiceActivitySettings.model_validate(changes))
    return [*activity.feed(sound), activity.flush()]


def events(frames: Sequence[Frame]) -> list[Event]:
    return [event for frame in frames for event in frame.events]


def utterances(found: Sequence[Event]) -> list[Ended]:
    """Those that ended; each was announced by its onset before, and they do not overlap."""
    ended = [event for event in found if isinstance(event, Ended)]
    started = [event.onset for event in found if isinstance(event, Started)]
    assert [event.onset for event in ended] == started
    assert all(event.onset < event.offset for event in ended)
    assert all(a.offset <= b.onset for a, b in pairwise(ended))
    return ended


KINDS = {"s": (0.9, 0.1), "u": (0.4, 0.1), "q": (0.0, 1e-4), "m": (0.4, 1e-4)}
"""Probability and loudness of a frame: speech, unsure, quiet, a murmur."""


def played(script: str, **changes: float) -> list[Event]:
    """What the state machine makes of a script, one letter a frame."""
    machine = Utterances(VoiceActivitySettings.model_validate(changes))
    rng = np.random.default_rng(1)
    found: list[Event] = []
    for frame, letter in enumerate(script, start=1):
        probability, loudness = KINDS[letter]
        noise = (loudness * rng.standard_normal(FRAME)).astype(np.float32)
        found += machine.hear(noise, probability, frame * FRAME)
    return [*found, *machine.no_sound(len(script) * FRAME)]


def frames_of(found: Sequence[Event]) -> list[tuple[int, int, str]]:
    return [(round(e.onset / FRAME), round(e.offset / FRAME), e.by) for e in utterances(found)]


def test_the_demo_session_has_its_four_utterances_within_60_ms() -> None:
    truth = load_truth().utterances
    found = utterances(events(analysed(talk())))
    assert len(found) == len(truth) == 4
    for utterance, true in zip(found, truth, strict=True):
        assert abs(utterance.onset - at(true.onset_s)) < at(0.06)
        assert abs(utterance.offset - at(true.offset_s)) < at(0.06)
        assert utterance.by == "silence"


@pytest.mark.parametrize("clip", ["bbaf2n", "lbax4n", "lrwp9a", "pwij3p", "sbia1a", "swiz3n"])
def test_a_spoken_sentence_is_one_utterance(clip: str) -> None:
    file = SHARED / "media" / "grid" / f"{clip}.mpg"
    if not file.exists():
        pytest.skip("the GRID clips are not beside the project")
    (utterance,) = utterances(events(analysed(np.concatenate(list(open_media(file).sound())))))
    assert at(0.8) < utterance.offset - utterance.onset < at(2.5)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=60))
def test_blocks_of_any_size_give_the_same(sizes: list[int]) -> None:
    sound = talk()[: at(3.3)]
    activity = VoiceActivity(DEFAULTS)
    found: list[Frame] = []
    begin = 0
    for size in [*sizes, len(sound)]:
        found += activity.feed(sound[begin : begin + size])
        begin += size
    found.append(activity.flush())
    whole = analysed(sound)
    assert events(found) == events(whole)
    assert [(f.first_sample, f.speech, f.level_dbfs) for f in found] == [
        (f.first_sample, f.speech, f.level_dbfs) for f in whole
    ]
    assert np.array_equal(np.concatenate([f.sound for f in found]), sound)


def test_floats_and_integers_give_the_same() -> None:
    sound = talk()[: at(4)]
    assert events(analysed(sound)) == events(analysed(sound.astype(np.float32) / 32768))


def test_sound_after_a_flush_is_new_and_counts_on() -> None:
    sound = talk()[: at(3.3)]
    activity = VoiceActivity(DEFAULTS, first_sample=1000)
    first = [*activity.feed(sound), activity.flush()]
    again = [*activity.feed(sound), activity.flush()]
    (a,), (b,) = utterances(events(first)), utterances(events(again))
    assert first[0].first_sample == 1000
    assert (b.onset - a.onset, b.offset - a.offset) == (len(sound), len(sound))


def test_sound_that_ends_within_speech_ends_the_utterance_there() -> None:
    (utterance,) = utterances(events(analysed(talk()[: at(1.5)])))
    assert (utterance.offset, utterance.by) == (at(1.5), "no_sound")


@pytest.mark.parametrize("snr_db", [20, 10])
def test_noise_moves_the_boundaries_by_less_than_150_ms(snr_db: float) -> None:
    sound = talk().astype(np.float64)
    noise = np.random.default_rng(1).standard_normal(len(sound))
    noisy = sound + noise * np.sqrt(np.square(sound[sound != 0]).mean()) * 10 ** (-snr_db / 20)
    clean = utterances(events(analysed(talk())))
    found = utterances(events(analysed(noisy.astype(np.int16))))
    for a, b in zip(clean, found, strict=True):
        assert abs(a.onset - b.onset) < at(0.15)
        assert abs(a.offset - b.offset) < at(0.15)


def unspoken() -> Iterator[tuple[str, NDArray[np.float64]]]:
    rng = np.random.default_rng(2)
    time = np.arange(at(4)) / SAMPLE_RATE
    clicks = np.zeros(at(4))
    clicks[:: at(0.37)] = 0.9
    yield "digital silence", np.zeros(at(4))
    yield "white noise", 0.1 * rng.standard_normal(at(4))
    yield "hum", 0.3 * np.sin(2 * np.pi * 50 * time)
    yield "a constant", np.full(at(4), 0.4)
    yield "full scale noise", np.sign(rng.standard_normal(at(4)))
    yield "clicks", clicks
    yield "not a number", np.full(at(4), np.nan)


@pytest.mark.parametrize(("name", "sound"), list(unspoken()))
def test_what_is_no_speech_is_no_utterance(name: str, sound: NDArray[np.float64]) -> None:
    frames = analysed(sound)
    assert utterances(events(frames)) == [], name
    assert all(-120 <= frame.level_dbfs <= 0.01 for frame in frames)


def test_levels_are_those_of_the_sound() -> None:
    half = np.full(FRAME, 0.5)
    loud, silent, last = analysed(np.concatenate([half, np.zeros(FRAME)]))
    assert loud.level_dbfs == pytest.approx(-6.02, abs=0.01)
    assert silent.level_dbfs == -120
    assert len(last.sound) == 0


def test_two_instances_side_by_side_do_not_disturb_each_other() -> None:
    alone = events(analysed(talk()[: at(4)]))
    left, right = VoiceActivity(DEFAULTS), VoiceActivity(DEFAULTS)
    found: list[Frame] = []
    for begin in range(0, at(4), FRAME):
        found += left.feed(talk()[begin : min(begin + FRAME, at(4))])
        list(right.feed(talk()[at(5) + begin : at(5) + begin + FRAME]))
    assert events([*found, left.flush()]) == alone


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param("q20 s10 q20", [(20, 30, "silence")], id="speech"),
        pytest.param("q20 s3 q20", [], id="shorter than min_speech"),
        pytest.param("q20 u10 q20", [], id="never sure"),
        pytest.param("q20 s1 u9 q20", [(20, 30, "silence")], id="unsure goes on"),
        pytest.param("q20 s9 q15 s9 q20", [(20, 53, "silence")], id="a short pause"),
        pytest.param(
            "q20 s9 q16 s9 q20", [(20, 29, "silence"), (45, 54, "silence")], id="a long pause"
        ),
        pytest.param("q20 s9 q5 m20", [(20, 29, "silence")], id="unsure does not resume"),
        pytest.param("q20 s9", [(20, 29, "no_sound")], id="the sound ends within speech"),
        pytest.param("q20 s9 q5", [(20, 29, "no_sound")], id="the sound ends within a pause"),
        pytest.param("s9 q20", [(0, 9, "silence")], id="speech from the first sample"),
        pytest.param("q20", [], id="silence"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_the_four_states(script: str, expected: list[tuple[int, int, str]]) -> None:
    assert frames_of(played(spelt(script))) == expected


def spelt(script: str) -> str:
    """``q3 s2`` as ``qqqss``."""
    return "".join(part[0] * int(part[1:]) for part in script.split())


def test_speech_that_goes_on_for_too_long_is_cut_and_goes_on() -> None:
    found = played(spelt("q20 s100 q20"), max_utterance_s=1.024)
    spans = [(e.onset, e.offset, e.by) for e in utterances(found)]
    begin = spans[0][0]
    assert [by for *_, by in spans] == ["max_length", "max_length", "max_length", "silence"]
    assert [onset for onset, *_ in spans] == [begin + k * 16384 for k in range(4)]


def test_padding_widens_an_utterance_but_not_beyond_what_is_known() -> None:
    script = spelt("q20 s10 q18 s10 q18")
    bare = utterances(played(script))
    padded = utterances(played(script, padding_s=0.064))
    assert [(e.onset, e.offset) for e in padded] == [
        (e.onset - 2 * FRAME, e.offset + 2 * FRAME) for e in bare
    ]
    wide = utterances(played(script, padding_s=10.0))
    assert wide[0].onset == 0
    assert wide[1].offset <= len(script) * FRAME


PROBABILITIES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), st.integers(1, 40)), max_size=30
)


@settings(max_examples=40, deadline=None)
@given(
    PROBABILITIES,
    st.floats(0, 0.5),
    st.floats(0, 1),
    st.floats(0, 0.3),
    st.floats(0.01, 3),
    st.integers(1, FRAME),
    st.integers(0, 2**32 - 1),
)
@example([(0.6, 1), (0.4, 4)], 0.0, 0.0, 0.0, 0.01, FRAME, 0)  # cut just where the sound ends
def test_every_utterance_was_announced_before_the_watermark_passed_its_onset(
    script: list[tuple[float, int]],
    min_speech_s: float,
    min_silence_s: float,
    padding_s: float,
    max_utterance_s: float,
    last: int,
    seed: int,
) -> None:
    """Over any probabilities, sound and settings, the last frame being cut anywhere; the watermark
    never falls back, either, and comes at least once a second.
    """
    machine = Utterances(
        VoiceActivitySettings(
            min_speech_s=min_speech_s,
            min_silence_s=min_silence_s,
            padding_s=padding_s,
            max_utterance_s=max_utterance_s,
        )
    )
    rng = np.random.default_rng(seed)
    found: list[Event] = []
    now = 0
    frames = [
        (probability, 10 ** rng.uniform(-4, 0))
        for probability, length in script
        for _ in range(length)
    ]
    for place, (probability, loudness) in enumerate(frames, start=1):
        noise = (rng.standard_normal(FRAME) * loudness).astype(np.float32)
        heard = last if place == len(frames) else FRAME
        noise[heard:] = 0
        now += heard
        found += machine.hear(noise, probability, now)
    found += machine.no_sound(now)
    utterances(found)
    passed = 0
    for event in found:
        match event:
            case Started(onset):
                assert onset >= passed
            case AnalysedUntil(sample):
                assert sample >= passed
                passed = sample
            case Ended():
                assert event.offset - event.onset <= max(1, round(max_utterance_s * SAMPLE_RATE))
    assert passed == now
    marks = [event for event in found if isinstance(event, AnalysedUntil)]
    assert len(marks) >= now // SAMPLE_RATE


def test_the_watermark_lags_by_no_more_than_an_edge_can_be_back_dated() -> None:
    marks = [e.sample for e in played("q" * 200) if isinstance(e, AnalysedUntil)]
    assert [mark - at(second) for second, mark in enumerate(marks[:-1], start=1)] == [
        pytest.approx(-REACH, abs=FRAME)
    ] * (len(marks) - 1)


def test_memory_does_not_grow_with_the_sound() -> None:
    machine = Utterances(DEFAULTS)
    silence = np.zeros(FRAME, np.float32)

    def bytes_after(frames: int) -> int:
        for frame in range(frames):
            list(machine.hear(silence, 0.0, (frame + 1) * FRAME))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        assert bytes_after(1000) - bytes_after(300) < 10_000
    finally:
        tracemalloc.stop()


def sound_of(frames: Sequence[Frame]) -> Sound:
    return np.concatenate([frame.sound for frame in frames])


def test_the_frames_are_the_sound_in_pieces_of_32_ms() -> None:
    sound = talk()[: at(1) + 100]
    frames = analysed(sound)
    assert {len(frame.sound) for frame in frames[:-1]} == {FRAME}
    assert np.array_equal(sound_of(frames), sound)
    assert [frame.first_sample for frame in frames] == list(range(0, len(sound), FRAME))
