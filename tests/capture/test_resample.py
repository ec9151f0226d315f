"""A sound stays where it is, at any rate and in any blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from capture.resample import SAMPLE_RATE, Resampler, Sound, to_int16, unit_range

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000]


def resampled(sound: NDArray[np.generic], rate: float, channels: int = 1, size: int = 997) -> Sound:
    resampler = Resampler(rate, channels)
    step = size * channels
    parts = [resampler.feed(sound[i : i + step]) for i in range(0, len(sound), step)]
    return np.concatenate([*parts, resampler.flush()])


def burst(rate: float, at_s: float, length_s: float = 1.0) -> NDArray[np.float64]:
    """A 1 kHz tone under a bell 2 ms wide, highest at ``at_s``."""
    time = np.arange(round(rate * length_s)) / rate - at_s
    return 0.8 * np.exp(-np.square(time / 0.002)) * np.cos(2 * np.pi * 1000 * time)


@pytest.mark.parametrize("rate", RATES)
def test_an_instant_stays_where_it_is_within_a_tenth_of_a_millisecond(rate: int) -> None:
    out = resampled(burst(rate, 0.4321), rate)
    assert abs(int(np.argmax(out)) / SAMPLE_RATE - 0.4321) < 1e-4
    assert len(out) == pytest.approx(SAMPLE_RATE, abs=1)
    assert out.max() / 32768 == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_what_is_too_high_for_16_khz_does_not_come_back_as_another_tone(rate: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 12_000 * np.arange(rate) / rate)
    assert np.abs(resampled(tone, rate)[1000:-1000]).max() < 10


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([8_000, 44_100, 48_000]), st.integers(1, 5000))
def test_blocks_of_any_size_give_the_same(rate: int, size: int) -> None:
    sound = burst(rate, 0.1, 0.2)
    assert np.array_equal(resampled(sound, rate, size=size), resampled(sound, rate, size=100_000))


def test_channels_are_averaged() -> None:
    left, right = burst(48_000, 0.3), np.zeros(48_000)
    both = np.stack([left, right], axis=1)
    mono = resampled(left / 2, 48_000)
    assert np.abs(resampled(both.ravel(), 48_000, channels=2) - mono).max() <= 1
    assert np.abs(Resampler(16_000, 2).feed(both) - to_int16(left / 2)).max() <= 1


def test_a_flushed_resampler_begins_anew() -> None:
    resampler = Resampler(48_000)
    first = np.concatenate([resampler.feed(burst(48_000, 0.5)), resampler.flush()])
    again = np.concatenate([resampler.feed(burst(48_000, 0.5)), resampler.flush()])
    assert np.array_equal(first, again)
    assert len(Resampler(48_000).flush()) == 0


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4", "f8"])
def test_every_type_of_sample_means_the_same(kind: str) -> None:
    wanted = np.array([0, 0.25, -0.25, 0.5, -0.5])
    scale = {"u1": 128, "i2": 2**15, "i4": 2**31}.get(kind, 1)
    samples = (wanted * scale + (128 if kind == "u1" else 0)).astype(kind)
    assert unit_range(samples) == pytest.approx(wanted)


def test_what_is_louder_than_full_scale_is_clipped() -> None:
    assert to_int16(np.array([1.5, -1.5, np.nan, np.inf])).tolist() == [32767, -32768, 0, 32767]


def test_sixteen_bits_pass_unchanged() -> None:
    sound = np.arange(-32768, 32768, dtype=np.int16)
    assert np.array_equal(resampled(sound, SAMPLE_RATE), sound)
    assert np.array_equal(to_int16(unit_range(sound)), sound)


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (-1, 1), (16_000, 0)])
def test_impossible_formats_are_named(rate: float, channels: int) -> None:
    with pytest.raises(ValueError, match="no sound has"):
        Resampler(rate, channels)
