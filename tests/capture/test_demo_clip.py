"""The shipped demo clip and its truth, against the script and the drawing that made them."""

from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from capture.demo import CLIP, Utterance, load_truth
from capture.demo.canvas import HEIGHT, WIDTH
from capture.demo.make_clip import ORIGIN
from capture.demo.portrait import Picture, Portrait
from capture.demo.script import DURATION_S, FPS, FRAMES, LINES, PHASES, TRANSITION_S, Performance
from capture.demo.speech import RATE, Sound
from messaging.schema import EMOTIONS

LABEL_MARGIN_S = 0.5
"""The truth holds for so long before and after the end of an utterance."""


class Clip(NamedTuple):
    pictures: list[Picture]
    times_s: list[float]
    sound: Sound
    """From 0 s on."""


@cache
def clip() -> Clip:
    with av.open(str(CLIP)) as container:
        frames = list(container.decode(video=0))
    pictures = [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in frames]
    with av.open(str(CLIP)) as container:
        blocks = list(container.decode(audio=0))
    assert {block.sample_rate for block in blocks} == {RATE}
    sound = np.concatenate([block.to_ndarray()[0] for block in blocks]).astype(np.float32)
    first = round(float(blocks[0].time or 0) * RATE)
    return Clip(pictures, [float(frame.time or 0) for frame in frames], sound[-min(first, 0) :])


def seconds(sound: Sound, start_s: float, end_s: float) -> Sound:
    return sound[round(start_s * RATE) : round(end_s * RATE)]


def level_db(sound: Sound) -> float:
    """Root mean square against full scale."""
    return 10 * float(np.log10(np.mean(np.square(sound)) + 1e-12))


def silences() -> list[tuple[float, float]]:
    """What lies between the utterances, before the first and after the last."""
    utterances = load_truth().utterances
    starts = [0.0, *(utterance.offset_s for utterance in utterances)]
    ends = [*(utterance.onset_s for utterance in utterances), DURATION_S]
    return list(zip(starts, ends, strict=True))


def likeness_db(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio."""
    error = np.mean(np.square(one.astype(np.float32) - other.astype(np.float32)))
    return 10 * float(np.log10(255**2 / max(float(error), 1e-9)))


@cache
def portrait() -> Portrait:
    return Portrait()


def drawn(frame: int) -> Picture:
    """The script's picture, its mouth moved by the sound of the shipped clip."""
    return portrait().draw(Performance(clip().sound, load_truth().utterances).moment(frame))


def test_the_truth_is_the_scripts() -> None:
    truth = load_truth()
    assert (truth.fps, truth.duration_s, truth.transition_s) == (FPS, DURATION_S, TRANSITION_S)
    assert truth.expressions == PHASES
    assert truth.origin == ORIGIN
    spoken = [(u.onset_s, u.label, u.text) for u in truth.utterances]
    assert spoken == [tuple(line) for line in LINES]


def test_phases_follow_each_other_without_a_gap() -> None:
    for phase, following in pairwise(PHASES):
        assert phase.end_s == following.start_s
        assert phase.label != following.label
    assert {phase.label for phase in PHASES} <= set(EMOTIONS)


def test_each_utterance_ends_well_within_the_expression_that_it_is_labelled_with() -> None:
    for utterance in load_truth().utterances:
        (phase,) = [p for p in PHASES if p.start_s <= utterance.offset_s < p.end_s]
        assert phase.label == utterance.label
        assert phase.start_s + TRANSITION_S <= utterance.offset_s - LABEL_MARGIN_S
        assert utterance.offset_s + LABEL_MARGIN_S <= phase.end_s


def test_utterances_are_separated_by_more_than_a_second_of_silence() -> None:
    inner = silences()[1:-1]
    assert len(inner) == len(LINES) - 1
    assert min(end - start for start, end in inner) >= 1.2


def test_the_clip_is_small() -> None:
    assert CLIP.stat().st_size <= 1_000_000


def test_every_scripted_picture_is_there_at_its_time() -> None:
    assert len(clip().pictures) == FRAMES
    assert {picture.shape for picture in clip().pictures} == {(HEIGHT, WIDTH, 3)}
    assert clip().times_s == pytest.approx([k / FPS for k in range(FRAMES)], abs=1e-4)


def test_the_sound_is_as_long_as_the_pictures() -> None:
    assert len(clip().sound) / RATE == pytest.approx(DURATION_S, abs=0.1)


@pytest.mark.parametrize("utterance", load_truth().utterances, ids=lambda u: u.label)
def test_speech_fills_the_utterance_from_its_onset_to_its_offset(utterance: Utterance) -> None:
    onset, offset = utterance.onset_s, utterance.offset_s
    assert level_db(seconds(clip().sound, onset, offset)) > -25
    assert level_db(seconds(clip().sound, onset, onset + 0.1)) > -45
    assert level_db(seconds(clip().sound, offset - 0.1, offset)) > -45


@pytest.mark.parametrize("silence", silences(), ids=str)
def test_there_is_no_speech_outside_the_utterances(silence: tuple[float, float]) -> None:
    """But for 20 ms on either side: compression smears sound."""
    start, end = silence
    assert level_db(seconds(clip().sound, start + 0.02, end - 0.02)) < -55


@pytest.mark.parametrize("frame", [20, 110, 240], ids=["happy", "neutral", "sad"])
def test_drawing_a_frame_twice_gives_the_same_picture(frame: int) -> None:
    again = Portrait().draw(Performance(clip().sound, load_truth().utterances).moment(frame))
    assert np.array_equal(drawn(frame), again)


@pytest.mark.parametrize("frame", [3, 60, 110, 185, 290, 323, 375, 440])
def test_the_clip_shows_what_is_drawn(frame: int) -> None:
    """Blinks, changes, speech and rest: the drawing is the picture, and no other of the clip."""
    picture = drawn(frame)
    assert likeness_db(picture, clip().pictures[frame]) > 36
    likeness = [likeness_db(picture[::4, ::4], shown[::4, ::4]) for shown in clip().pictures]
    assert abs(int(np.argmax(likeness)) - frame) <= 1
