"""What the decoders give, as arrays: pictures the right way up, sound with its voices in front."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from capture.pictures import Pixels
from capture.resample import unit_range

HALF_POWER = 0.5**0.5
SHARES: Mapping[str, float] = {
    "FC": 1.0,
    "FL": HALF_POWER,
    "FR": HALF_POWER,
    "BL": 0.5,
    "BR": 0.5,
    "SL": 0.5,
    "SR": 0.5,
    "BC": 0.5,
}
"""Of each loudspeaker in one channel (ITU-R BS.775). Films speak from the centre: in the mean of
six channels a voice is 16 dB softer, and its soft beginnings are not heard."""

ARRAYS = frozenset(("u8", "s16", "s32", "flt", "dbl"))
"""Formats of samples that PyAV turns into an array."""


def upright(converted: VideoFrame, decoded: VideoFrame) -> Pixels:
    """The picture as it is meant to be seen: turned and mirrored as the file says."""
    pixels = cast("Pixels", converted.to_ndarray())  # its rows may have a tail
    # The frame's own ``side_data`` holds the frame that holds it: each decoded picture would stay
    # until the garbage collector comes by.
    side_data: Any = SideDataContainer
    matrix = side_data(decoded).get("DISPLAYMATRIX")
    if matrix is not None:
        pixels = displayed(pixels, np.frombuffer(matrix, np.int32))
    return np.ascontiguousarray(pixels)


def displayed(pixels: Pixels, matrix: NDArray[np.int32]) -> Pixels:
    """By quarters of a turn. FFmpeg's ``matrix`` takes a pixel's x and y to ``a x + c y`` and
    ``b x + d y``; its values in order are a, b, u, c, d, v, x, y, w.
    """
    a, b, c, d = (int(matrix[index]) for index in (0, 1, 3, 4))
    if abs(b) > abs(a):
        pixels, a, d = pixels.transpose(1, 0, 2), c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def samples_of(frame: AudioFrame) -> NDArray[Any]:
    """``(n, channels)`` of the type that the file has; surround sound is ``(n, 1)`` floats."""
    if frame.format.packed.name not in ARRAYS:  # as 64-bit integers
        (frame,) = AudioResampler(format="dbl").resample(frame)
    samples = frame.to_ndarray()
    names = [channel.name for channel in frame.layout.channels]
    samples = samples.T if frame.format.is_planar else samples.reshape(-1, len(names))
    if len(names) == 1 or "FC" not in names:
        return samples
    shares = np.array([SHARES.get(name, 0.0) for name in names], np.float32)
    return unit_range(samples) @ shares[:, np.newaxis]
