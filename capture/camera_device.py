"""The device behind a camera: OpenCV's capture, opened, read, and opened again after a loss."""

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Self, cast

import cv2

from capture.cameras import is_url, list_cameras, why_not, without_password
from capture.pictures import Pixels
from config.settings import CameraSettings
from messaging.clock import monotonic_ns
from messaging.errors import UserError

OPEN_TIMEOUT_MS = 5_000
READ_TIMEOUT_S = 2
"""A device or stream that is silent for so long is lost."""
UNREADABLE = 10
"""So many broken pictures in a row are a lost camera."""
BACK_OFF_S = (0.1, 0.5, 1.0, 2.0, 5.0)
"""Pauses before the tries to open a lost camera; the last one repeats."""
STEADY_NS = 5_000_000_000
"""A camera that gave pictures for so long is well: its next loss is a new one. Others, such as one
that closes after each picture, would be opened ten times a second."""
COMPRESSED_FROM = 640 * 480 + 1
"""Pixels from which MJPEG is asked of a local device: raw ones do not fit through USB 2 at 30/s."""


@dataclass(frozen=True, slots=True)
class Shot:
    arrived_ns: int
    """This host's monotonic clock when the picture was grabbed, before it was decoded."""
    driver_ns: int | None
    """What the driver says when it was taken, on the same clock; ``None`` where it says nothing."""
    pixels: Pixels | None
    """``None`` where the picture cannot be read."""


class Camera:
    """A number, a path such as ``/dev/video0``, or the URL of a stream.

    Raises:
        UserError: on entering, when it cannot be opened.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self.name = without_password(settings.device)
        self._settings = settings
        self._capture: cv2.VideoCapture | None = None
        self._search: Search | None = None
        self._pauses = back_off()
        self._opened_ns = 0
        self._unreadable = 0
        """Pictures in a row."""

    def __enter__(self) -> Self:
        hush()
        self._capture = open_capture(self._settings)
        if self._capture is None:
            raise why_not(chosen_device(self._settings))
        self._opened_ns = monotonic_ns()
        return self

    def __exit__(self, *_: object) -> None:
        if self._search is not None:
            self._search.give_up()
        if self._capture is not None:
            self._capture.release()

    @property
    def interval_ns(self) -> int:
        """Nominal distance of two pictures: the driver's word, else what was asked for."""
        fps = self._capture.get(cv2.CAP_PROP_FPS) if self._capture else 0.0
        return round(1e9 / (fps if 0 < fps <= 1000 else self._settings.fps))

    def read(self) -> Shot | None:
        """The next picture; ``None`` when the camera is lost. Blocks while there is none."""
        if self._capture is None or self._unreadable == UNREADABLE:
            return None
        try:
            if not self._grab(self._capture):
                return None
            arrived_ns, driver_ns = monotonic_ns(), driver_time(self._capture)
            readable, pixels = self._capture.retrieve()
        except cv2.error:
            return None
        self._unreadable = 0 if readable else self._unreadable + 1
        return Shot(arrived_ns, driver_ns, cast("Pixels", pixels) if readable else None)

    def _grab(self, capture: cv2.VideoCapture) -> bool:
        """FFmpeg gives the half of a picture that had come before it lost patience, as a whole."""
        began_ns = monotonic_ns()
        return capture.grab() and monotonic_ns() - began_ns < READ_TIMEOUT_S * 1_000_000_000

    def reopen(self, timeout_s: float) -> bool:
        """Wait for a lost camera to be back; it is tried again and again in the background."""
        if self._search is None:
            if self._capture is not None:
                self._capture.release()
            if monotonic_ns() - self._opened_ns >= STEADY_NS:
                self._pauses = back_off()
            self._search = Search(self._settings, self._pauses)
        self._capture = self._search.wait(timeout_s)
        if self._capture is None:
            return False
        self._search = None
        self._opened_ns = monotonic_ns()
        self._unreadable = 0
        return True


def back_off() -> Iterator[float]:
    return chain(BACK_OFF_S, repeat(BACK_OFF_S[-1]))


class Search:
    """Tries to open a camera in a thread of its own: a dead address takes seconds to say no."""

    def __init__(self, settings: CameraSettings, pauses: Iterator[float]) -> None:
        self._settings = settings
        self._pauses = pauses
        self._over = threading.Event()
        self._done = threading.Event()
        self._found: cv2.VideoCapture | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        for pause_s in self._pauses:
            if self._over.wait(pause_s):
                return
            self._found = open_capture(self._settings)
            if self._found is not None:
                self._done.set()
                return

    def wait(self, timeout_s: float) -> cv2.VideoCapture | None:
        return self._found if self._done.wait(timeout_s) else None

    def give_up(self) -> None:
        self._over.set()


def chosen_device(settings: CameraSettings) -> str:
    """The device that is asked for, or with ``auto`` the first that is there."""
    if settings.device in ("none", ""):
        told = settings.device or "empty"
        raise UserError(f"camera.device is {told}; choose a camera (see: emofuse devices)")
    if settings.device.startswith("file:"):
        raise UserError(f"{settings.device} is a file, no camera; play it as media.file")
    if settings.device != "auto":
        return settings.device
    cameras = list_cameras()
    return str(cameras[0].number) if cameras else "0"


def open_capture(settings: CameraSettings) -> cv2.VideoCapture | None:
    """``None`` when it cannot be opened."""
    device = chosen_device(settings)
    try:
        capture = open_stream(device) if is_url(device) else open_local(device, settings)
    except cv2.error:
        return None
    return capture if capture.isOpened() else None


def open_stream(url: str) -> cv2.VideoCapture:
    timeouts = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS)
    patience = (cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_S * 1000)
    return cv2.VideoCapture(url, cv2.CAP_FFMPEG, (*timeouts, *patience))


def open_local(device: str, settings: CameraSettings) -> cv2.VideoCapture:
    """A device may give another size or rate than it is asked for: the nearest that it has."""
    backend = cv2.CAP_V4L2 if sys.platform.startswith("linux") else cv2.CAP_ANY
    source = int(device) if device.isdecimal() else device
    capture = cv2.VideoCapture(source, backend)
    if settings.width * settings.height >= COMPRESSED_FROM:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
    capture.set(cv2.CAP_PROP_FPS, settings.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def driver_time(capture: cv2.VideoCapture) -> int | None:
    """When the driver says that the grabbed picture was taken, monotonic.

    V4L2 alone: OpenCV's ``cap_v4l.cpp`` gives the buffer's ``timeval``, in ms, where its other
    backends give a position in the stream.
    """
    if capture.getBackendName() != "V4L2":
        return None
    return round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1000) * 1000


def hush() -> None:
    """OpenCV and its FFmpeg tell every failed try to the terminal; we say it in one line."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(READ_TIMEOUT_S))
