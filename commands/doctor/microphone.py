"""PortAudio and the microphone: is it heard, how loud, and does it clip?"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture.microphone_device import Microphone
from capture.microphones import list_microphones
from commands.doctor.finding import Finding, of_error
from messaging.clock import monotonic_ns
from messaging.errors import UserError

NAME = "microphone"
LISTEN_NS = 2_000_000_000
FIRST_S = 3.0
"""Sound servers and headsets that sleep take so long to wake up."""
WAIT_S = 0.5
SHORT_S = 0.5
FULL_SCALE = 32768
QUIET_DBFS = -65.0
"""Below a quiet room with a microphone at a usual gain."""
CLIPS = 0.001
"""Share of samples at full scale: speech that is loud enough touches it now and then."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What was heard of a microphone."""

    name: str
    rate: float
    channels: int
    seconds: float = 0.0
    peak: float = 0.0
    """0 to 1, of full scale."""
    level_dbfs: float = -120.0
    """Root mean square."""
    clipped: float = 0.0
    """Share of samples at full scale."""
    overflows: int = 0
    """How often sound was lost."""


def judge(heard: Sound) -> Finding:
    told = f"{heard.name} at {heard.rate:.0f} Hz"
    if heard.seconds < SHORT_S:
        return Finding(
            NAME,
            "failure",
            f"{heard.name} opens, but gives no sound",
            "plug it in again, or choose another (see: emofuse devices)",
        )
    if heard.peak == 0:
        return Finding(
            NAME,
            "failure",
            f"{told} is silent: every sample is 0",
            "unmute it, let this program use it in the system's settings, or choose another",
        )
    told = f"{told}, level {heard.level_dbfs:.0f} dBFS, peak {heard.peak:.2f}"
    if heard.clipped > CLIPS:
        return Finding(
            NAME, "warning", f"{told}: {heard.clipped:.1%} of it is clipped", "lower its gain"
        )
    if heard.level_dbfs < QUIET_DBFS:
        return Finding(
            NAME, "warning", f"{told}: hardly anything is heard", "raise its gain, and speak"
        )
    if heard.overflows:
        return Finding(
            NAME,
            "warning",
            f"{told}: sound was lost {heard.overflows} times in {heard.seconds:.0f} s",
            "end other programs: this machine is too busy",
        )
    return Finding(NAME, "fine", told)


def examine(device: str) -> list[Finding]:
    """PortAudio first; without it no microphone can be looked at."""
    if device == "none":
        return [Finding(NAME, "fine", "none is wanted")]
    lack = "warning" if device == "auto" else "failure"
    try:
        found = list_microphones()
    except UserError as error:
        return [of_error("portaudio", error, lack)]
    inputs = f"{len(found)} input{'' if len(found) == 1 else 's'}"
    portaudio = Finding("portaudio", "fine", inputs)
    if device == "auto" and not found:
        none = Finding(
            NAME,
            "warning",
            "none found; without one the demo session plays",
            "connect one, or name one with --microphone",
        )
        return [portaudio, none]
    try:
        with Microphone(device) as microphone:
            return [portaudio, judge(_listen(microphone))]
    except UserError as error:
        return [portaudio, of_error(NAME, error)]


def _listen(microphone: Microphone) -> Sound:
    first = microphone.read(FIRST_S)
    blocks: list[NDArray[np.int16]] = [] if first is None else [first.samples]
    overflows = 0
    began_ns = monotonic_ns()
    while first is not None and monotonic_ns() - began_ns < LISTEN_NS:
        if (block := microphone.read(WAIT_S)) is not None:
            blocks.append(block.samples)
            overflows += block.overflow
    samples = np.concatenate(blocks) if blocks else np.empty(0, np.int16)
    return measure(microphone.name, microphone.rate, microphone.channels, samples, overflows)


def measure(
    name: str, rate: float, channels: int, samples: NDArray[np.int16], overflows: int = 0
) -> Sound:
    """``samples`` are interleaved."""
    if not len(samples):
        return Sound(name, rate, channels)
    size = np.abs(samples.astype(np.int32))
    power = float(np.mean(np.square(samples / FULL_SCALE)))
    return Sound(
        name,
        rate,
        channels,
        len(samples) / channels / rate,
        float(size.max()) / FULL_SCALE,
        10 * math.log10(power) if power else -120.0,
        float(np.mean(size >= FULL_SCALE - 1)),
        overflows,
    )
