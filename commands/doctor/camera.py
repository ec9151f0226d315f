"""The camera: does it open, at which rate do its pictures come, and how bright are they?"""

from dataclasses import dataclass

import numpy as np

from capture.camera_device import Camera
from capture.cameras import has_camera
from capture.pictures import Pixels
from commands.doctor.finding import Finding, of_error
from config.settings import CameraSettings
from messaging.clock import monotonic_ns
from messaging.errors import UserError

NAME = "camera"
WARM_UP = 5
"""Pictures: the first ones come in a lot, and before the exposure has settled."""
LOOK_NS = 2_000_000_000
SLOW = 0.8
"""Share of the rate that was asked for, below which a camera is slow."""
DARK, BLACK = 60, 8
"""Mean brightness, 0 to 255."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What was seen of a camera."""

    name: str
    asked_hz: float
    arrived_ns: tuple[int, ...] = ()
    width: int = 0
    height: int = 0
    brightness: float = 0.0
    """Mean of the last picture, 0 to 255."""

    @property
    def rate_hz(self) -> float:
        if len(self.arrived_ns) < 2:
            return 0.0
        return (len(self.arrived_ns) - 1) / max(1, self.arrived_ns[-1] - self.arrived_ns[0]) * 1e9


def judge(seen: Pictures) -> Finding:
    rate_hz = seen.rate_hz
    if not rate_hz:
        return Finding(
            NAME,
            "failure",
            f"{seen.name} opens, but gives no pictures",
            "close other programs that use it, or plug it in again",
        )
    told = f"{seen.name} gives {seen.width}x{seen.height} at {rate_hz:.1f}/s"
    if seen.brightness < BLACK:
        return Finding(NAME, "warning", f"{told}, all black", "take its cover off, or make light")
    if rate_hz >= SLOW * seen.asked_hz:
        return Finding(NAME, "fine", told)
    told = f"{told} instead of {seen.asked_hz:g}/s"
    if seen.brightness < DARK:
        return Finding(
            NAME,
            "warning",
            f"{told}: in the dark it exposes longer",
            "make more light, or forbid that (v4l2-ctl -c exposure_dynamic_framerate=0)",
        )
    return Finding(
        NAME,
        "warning",
        told,
        "ask for what it can do (camera.fps, camera.width, camera.height), or give it a USB port "
        "of its own",
    )


def examine(settings: CameraSettings) -> Finding:
    if settings.device == "none":
        return Finding(NAME, "fine", "none is wanted")
    if settings.device == "auto" and not has_camera():
        return Finding(
            NAME,
            "warning",
            "none found; without one the demo session plays",
            "connect one, or name one with --camera",
        )
    try:
        with Camera(settings) as camera:
            return judge(_look(camera, settings.fps))
    except UserError as error:
        return of_error(NAME, error)


def _look(camera: Camera, asked_hz: float) -> Pictures:
    shots: list[int] = []
    last: Pixels | None = None
    for _ in range(WARM_UP):
        if (shot := camera.read()) and shot.pixels is not None:
            last = shot.pixels
    began_ns = monotonic_ns()
    while monotonic_ns() - began_ns < LOOK_NS and (shot := camera.read()):
        if shot.pixels is not None:
            shots.append(shot.arrived_ns)
            last = shot.pixels
    if last is None:
        return Pictures(camera.name, asked_hz)
    height, width = last.shape[:2]
    brightness = float(np.mean(last[::8, ::8]))
    return Pictures(camera.name, asked_hz, tuple(shots), width, height, brightness)
