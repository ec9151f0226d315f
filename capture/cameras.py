"""Which cameras there are, and why one cannot be had. Cheap: no device is opened on Linux."""

import os
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from messaging.errors import UserError

SYSFS = Path("/sys/class/video4linux")
DEVICES = Path("/dev")


@dataclass(frozen=True, slots=True)
class CameraDevice:
    number: int
    name: str

    def __str__(self) -> str:
        return f'{self.number} "{self.name}"'


def list_cameras(sysfs: Path = SYSFS) -> tuple[CameraDevice, ...]:
    """By number. Only the first node of a device counts: the others carry its metadata."""
    if not sys.platform.startswith("linux"):
        return (CameraDevice(0, "default camera"),) if opens(0) else ()
    found = [
        CameraDevice(int(node.name.removeprefix("video")), text(node / "name"))
        for node in sysfs.glob("video*")
        if node.name.removeprefix("video").isdecimal() and text(node / "index") in ("0", "")
    ]
    return tuple(sorted(found, key=lambda camera: camera.number))


def has_camera() -> bool:
    return bool(list_cameras())


def text(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""


def opens(number: int) -> bool:
    """Only where the system cannot be asked which cameras there are."""
    import cv2

    capture = cv2.VideoCapture(number)
    try:
        return capture.isOpened()
    finally:
        capture.release()


def is_url(device: str) -> bool:
    return "://" in device


def without_password(device: str) -> str:
    """``rtsp://me:secret@host/`` as ``rtsp://me:***@host/``: this goes to logs and messages."""
    return re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", device)


def why_not(
    device: str, found: tuple[CameraDevice, ...] | None = None, devices: Path = DEVICES
) -> UserError:
    """The error for a camera that could not be opened: what was asked, what is there, a way out."""
    if is_url(device):
        return UserError(
            f"no camera answers at {without_password(device)}; check the address and that this "
            "machine reaches it"
        )
    others = ", ".join(map(str, list_cameras() if found is None else found)) or "none"
    path = devices / f"video{device}" if device.isdecimal() else Path(device)
    if not sys.platform.startswith("linux"):
        return UserError(
            f"camera {device} cannot be opened; close other programs that use it, and allow this "
            "one to use cameras in the system's settings"
        )
    try:
        mode = path.stat().st_mode
    except PermissionError as error:
        return UserError(f"camera {device}: {error.strerror}; found {others}; check the path")
    except (OSError, ValueError):  # a name that is too long, or holds a zero
        return UserError(
            f"no camera {device}; found {others}; connect it, or choose another by camera.device"
        )
    if stat.S_ISREG(mode):
        return UserError(f"{device} is a file, no camera; play it as media.file")
    if not stat.S_ISCHR(mode):
        return UserError(f"{device} is no camera; found {others}; choose another by camera.device")
    if not os.access(path, os.R_OK | os.W_OK):
        return UserError(
            f"no permission to use {path}; found {others}; join the group that owns it "
            "(sudo usermod -aG video $USER) and log in again"
        )
    return UserError(
        f"camera {device} gives no pictures; found {others}; close other programs that use it, or "
        "choose another by camera.device"
    )
