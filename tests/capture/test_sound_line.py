"""Sample ``n`` of the line is the instant ``n / 16000`` s, whatever the blocks' times do."""

import numpy as np
import pytest
from numpy.typing import NDArray

from capture.sound_line import SoundLine

RATE = 48_000
MS = 1_000_000


def block(first: int, last: int, channels: int = 2) -> NDArray[np.float32]:
    """Milliseconds ``first`` to ``last`` of a sound that says in every sample when it is."""
    ramp = np.arange(first * 48, last * 48, dtype=np.float32) / (10 * RATE)
    return np.repeat(ramp[:, None], channels, axis=1).astype(np.float32)


def says_ms(line: NDArray[np.int16], at_ms: int) -> float:
    return float(line[at_ms * 16]) / 32768 * 10_000


def line_of(line: SoundLine, *blocks: tuple[int | None, NDArray[np.float32]]) -> NDArray[np.int16]:
    out: list[NDArray[np.int16]] = []
    for at_ms, samples in blocks:
        out += line.feed(None if at_ms is None else at_ms * MS, samples, RATE)
    return np.concatenate([*out, *line.flush()])


@pytest.mark.parametrize("jitter", [0, 1, -1, 15])
def test_blocks_that_follow_each_other_are_left_alone(jitter: int) -> None:
    line = SoundLine()
    sound = line_of(line, (0, block(0, 300)), (300 + jitter, block(300, 600)))
    assert len(sound) == 9600
    assert [says_ms(sound, at) for at in (100, 299, 301, 500)] == pytest.approx(
        [100, 299, 301, 500], abs=0.5
    )
    assert (line.missing_ns, line.doubled_ns) == (0, 0)


def test_sound_begins_at_its_own_time() -> None:
    line = SoundLine()
    sound = line_of(line, (11, block(11, 300)))
    assert says_ms(sound, 5) == pytest.approx(0, abs=0.5)
    assert says_ms(sound, 100) == pytest.approx(100, abs=0.5)
    assert line.missing_ns == 0


def test_sound_before_the_beginning_is_left_out() -> None:
    sound = line_of(SoundLine(), (-100, block(-100, 300)))
    assert len(sound) == 4800
    assert says_ms(sound, 200) == pytest.approx(200, abs=0.5)


def test_a_hole_is_filled_with_silence() -> None:
    line = SoundLine()
    sound = line_of(line, (0, block(0, 200)), (3000, block(3000, 3200)))
    assert says_ms(sound, 1500) == 0
    assert says_ms(sound, 3100) == pytest.approx(3100, abs=0.5)
    assert line.missing_ns == 2800 * MS


def test_what_an_earlier_block_covered_is_left_out() -> None:
    line = SoundLine()
    sound = line_of(line, (0, block(0, 300)), (100, block(100, 200)), (200, block(200, 400)))
    assert len(sound) == 6400
    assert says_ms(sound, 350) == pytest.approx(350, abs=0.5)
    assert line.doubled_ns == 200 * MS


def test_a_block_without_a_time_follows_the_last_one() -> None:
    sound = line_of(SoundLine(), (0, block(0, 100)), (None, block(100, 200)))
    assert says_ms(sound, 150) == pytest.approx(150, abs=0.5)


def test_a_clock_that_drifts_is_followed() -> None:
    """One part in a thousand for 60 s: 60 ms of drift, never more than the slack of it is left."""
    line = SoundLine()
    times = range(0, 60_000, 100)
    blocks = [(round(ms * 1.001), block(ms, ms + 100, 1)) for ms in times]
    sound = line_of(line, *blocks)
    assert len(sound) / 16 == pytest.approx(60_060, abs=21)


@pytest.mark.parametrize(
    ("times_ms", "off_ms"),
    [
        ((0, 100, 200), 0),
        ((0, 107, 200), 7),
        ((0, 93, 200), 7),
        ((0, 115, 230), 15),  # put in anew: what was off before stays told
        ((50, 150, 400), 0),
    ],
)
def test_it_is_told_how_far_sound_is_off_its_own_times(
    times_ms: tuple[int, ...], off_ms: int
) -> None:
    line = SoundLine()
    line_of(line, *((at, block(0, 100)) for at in times_ms))
    assert line.off_ns == pytest.approx(off_ms * MS, abs=2)


def test_times_that_no_sample_is_at_are_off_by_less_than_one() -> None:
    line = SoundLine()
    for second in range(3):
        at_ns = round(second * 1e9) + 30_000_000 + 5_000
        list(line.feed(at_ns, np.zeros((8_000, 1), np.int16), 8_000))
    assert 4_900 < line.off_ns <= 5_000


def test_the_format_may_change_on_the_way() -> None:
    line = SoundLine()
    out = [*line.feed(0, block(0, 300), RATE)]
    out += line.feed(300 * MS, block(300, 600)[::2, :1], RATE // 2)
    sound = np.concatenate([*out, *line.flush()])
    assert len(sound) == pytest.approx(9600, abs=2)
    assert [says_ms(sound, at) for at in (100, 500)] == pytest.approx([100, 500], abs=0.5)


def test_silence_of_unsigned_sound_is_its_middle() -> None:
    line = SoundLine()
    samples = np.full((160, 1), 128, np.uint8)
    sound = np.concatenate([*line.feed(500 * MS, samples, 16_000), *line.flush()])
    assert len(sound) == 8160
    assert not sound.any()
