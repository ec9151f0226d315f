"""Speech to hear: the demo session's sound."""

from functools import cache

import numpy as np

from capture.demo import CLIP
from capture.media_file import open_media
from capture.resample import SAMPLE_RATE, Sound


@cache
def talk() -> Sound:
    """Four sentences with pauses, 16 kHz."""
    return np.concatenate(list(open_media(CLIP).sound()))


def at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)
