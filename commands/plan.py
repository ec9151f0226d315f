"""Decides before anything starts: which sources there are, and which processes they need."""

import sys
from dataclasses import dataclass
from typing import Any, Literal

from capture.demo import CLIP
from config.settings import DisplaySettings, Settings
from messaging.errors import UserError

Source = Literal["camera", "microphone", "media"]
Display = Literal["window", "terminal", "none"]


@dataclass(frozen=True, slots=True)
class Plan:
    settings: Settings
    sources: tuple[Source, ...]
    display: Display
    notes: tuple[str, ...]
    """What its user should know before it starts."""


def make_plan(settings: Settings, address: str, *, quiet_stdout: bool) -> Plan:
    """The plan for a full pipeline.

    With nothing said about devices and one of them missing, the demo session plays instead.
    ``quiet_stdout`` keeps the terminal view away from a stdout that programs read.

    Raises:
        UserError: a device that was asked for is not there, or nothing is left to run.
    """
    display, lack = choose_display(settings.display, quiet_stdout=quiet_stdout)
    sources, notes = _choose_sources(settings)
    update: dict[str, Any] = {"bus": settings.bus.model_copy(update={"address": address})}
    if sources == ("media",):
        seen_by = () if display == "none" else ("display",)
        media: dict[str, Any] = {"wait_for": (*settings.media.wait_for, *seen_by)}
        if settings.media.file is None:
            if not CLIP.is_file():
                raise UserError(
                    f"no demo session {CLIP}; reinstall emofuse, or play a file with --media"
                )
            media |= {"file": CLIP, "name": settings.media.name or "demo"}
        update["media"] = settings.media.model_copy(update=media)
        update["fusion"] = settings.fusion.model_copy(update={"exit_when_closed": True})
    elif sources == ("camera", "microphone") and not settings.microphone.cameras:
        cameras = {"cameras": (settings.camera.name,)}
        update["microphone"] = settings.microphone.model_copy(update=cameras)
    notes = (*notes, lack) if lack else notes
    return Plan(settings.model_copy(update=update), sources, display, notes)


def _choose_sources(settings: Settings) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    camera, microphone = settings.camera.device, settings.microphone.device
    if settings.media.file is not None:
        if (camera, microphone) != ("auto", "auto"):
            raise UserError(
                f"{settings.media.file} plays as camera and microphone; leave out --camera and "
                "--microphone, or --media"
            )
        return ("media",), ()
    if (camera, microphone) == ("none", "none"):
        raise UserError(
            "camera and microphone are both none; name one of them, or a file with --media"
        )
    lacks = {
        "camera": camera_lack() if camera == "auto" else "",
        "microphone": microphone_lack() if microphone == "auto" else "",
    }
    missing = {name: lack for name, lack in lacks.items() if lack}
    if (camera, microphone) == ("auto", "auto") and missing:
        return ("media",), (*missing.values(), "playing the demo session instead")
    present: list[Source] = []
    if camera != "none" and "camera" not in missing:
        present.append("camera")
    if microphone != "none" and "microphone" not in missing:
        present.append("microphone")
    return tuple(present), tuple(missing.values())


def camera_lack() -> str:
    """Why there is no camera; empty when there is one."""
    from capture.cameras import has_camera

    return "" if has_camera() else "no camera found"


def microphone_lack() -> str:
    """Why there is no microphone; empty when there is one."""
    from capture.microphones import has_microphone

    try:
        return "" if has_microphone() else "no microphone found"
    except UserError as error:  # PortAudio itself is missing, and the way out is named
        return f"no microphone: {error}"


def choose_display(settings: DisplaySettings, *, quiet_stdout: bool) -> tuple[Display, str]:
    """And what its user should know: why it is no window, though there is a screen for one.

    Raises:
        UserError: a window is asked for, and there is no screen, or none can be opened.
    """
    from display.screen import require_screen, screen_available, window_lack

    if settings.kind == "window":
        require_screen()
    if settings.kind != "auto":
        return settings.kind, ""
    lack = ""
    if screen_available():
        lack = window_lack()
        if not lack:
            return "window", ""
    return "terminal" if sys.stdout.isatty() and not quiet_stdout else "none", lack
