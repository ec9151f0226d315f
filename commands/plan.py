"""Decides before anything starts: which sources there are, and which processes they need."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from capture.demo import CLIP
from capture.media_path import check
from commands.console import is_in_background
from config.settings import SECTION_OF, DisplaySettings, Settings
from inference.network import network_of
from messaging.errors import UserError

LAUNCHER, RECORDER = "launcher", "recorder"
Source = Literal["camera", "microphone", "media", "player"]
Display = Literal["window", "terminal", "none"]


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """One of those that the settings name."""

    name: str
    kind: str
    """A row of the table of processes."""
    settings: Settings


@dataclass(frozen=True, slots=True)
class Plan:
    settings: Settings
    sources: tuple[Source, ...]
    display: Display
    notes: tuple[str, ...]
    """What its user should know before it starts."""
    nodes: tuple[PlannedNode, ...] = ()
    """Where the settings name nodes: those that run here."""
    launcher: str = LAUNCHER
    """Its name on the bus; only one that starts the hub may have the plain one."""

    @property
    def infers(self) -> bool:
        """Whether faces are yet to be found; a replay may begin behind that."""
        return self.sources != ("player",) or self.settings.replay.start_from == "capture"

    @property
    def session(self) -> Path | None:
        """Whose time is the run's: one that is played, else the one that is recorded."""
        players = [node.settings for node in self.nodes if node.kind == "player"]
        played = (one.replay.session for one in (players if self.nodes else [self.settings]))
        return next(filter(None, played), self.settings.recording.folder)

    @property
    def rows(self) -> frozenset[str]:
        """Of the table of processes, those that run where no nodes are named."""
        settings = self.settings
        wanted = {
            "inference": self.infers,
            "metrics": settings.metrics.enabled,
            RECORDER: settings.recording.folder is not None,
        }
        asked = (name for name, is_wanted in wanted.items() if is_wanted)
        return frozenset(
            ("hub", "fusion", self.display, *self.sources, *_outlets(settings), *asked)
        ) - {"none"}


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
        awaited = (*settings.media.wait_for, *_seen_by(settings, display))
        media: dict[str, Any] = {"wait_for": awaited}
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
    if sources == ("player",):
        update |= _replayed(settings, display)
    notes = (*notes, lack) if lack else notes
    planned = settings.model_copy(update=update)
    if settings.recording.folder is not None:
        planned = _waiting_for_the_recorder(planned)
    plan = Plan(planned, sources, display, notes)
    if not settings.bus.address:  # else nodes that were started by hand may join
        _refuse_unknown(plan)
    if not plan.infers:
        return plan
    return replace(plan, notes=(*notes, *network_of(settings.inference.classifier).notes))


def _outlets(settings: Settings) -> tuple[str, ...]:
    """The rows that send results out, which are their nodes' names as well."""
    wanted = {"lsl": settings.lsl.enabled, "osc": settings.osc.target}
    return tuple(name for name, is_wanted in wanted.items() if is_wanted)


def _seen_by(settings: Settings, display: Display) -> tuple[str, ...]:
    """Who shows what comes of a file or a session, from its first picture on."""
    shown = () if display == "none" else ("display",)
    return (LAUNCHER, *shown, *_outlets(settings))


def _replayed(settings: Settings, display: Display) -> dict[str, Any]:
    """A session holds JPEG pictures; who reads them asks for those."""
    replay, jpeg = settings.replay, {"pictures": "jpeg"}
    awaited = replay.wait_for
    if "wait_for" not in replay.model_fields_set and replay.start_from == "faces":
        awaited = ("fusion",)
    return {
        "replay": replay.model_copy(update={"wait_for": (*awaited, *_seen_by(settings, display))}),
        "inference": settings.inference.model_copy(update=jpeg),
        "display": settings.display.model_copy(update=jpeg),
        "fusion": settings.fusion.model_copy(update={"exit_when_closed": not replay.loop}),
    }


def _waiting_for_the_recorder(settings: Settings) -> Settings:
    """Nothing is sent before somebody is there to record it."""
    sections = {"camera": settings.camera, "microphone": settings.microphone,
                "media": settings.media, "replay": settings.replay}  # fmt: skip
    return settings.model_copy(
        update={
            name: section.model_copy(update={"wait_for": (*section.wait_for, RECORDER)})
            for name, section in sections.items()
        }
    )


def _refuse_unknown(plan: Plan) -> None:
    """A source that waits for a node which is not there would do so for ever."""
    settings = plan.settings
    shown = {"window", "terminal"} & plan.rows
    named = {"camera": settings.camera.name, "microphone": settings.microphone.name}
    known = {LAUNCHER, *(plan.rows - shown), *(["display"] if shown else [])}
    known |= {named[source] for source in plan.sources if source in named}
    for source in plan.sources:
        section = SECTION_OF[source]
        others = known - {source, named.get(source)}
        for name in getattr(settings, section).wait_for:
            if name not in others:
                raise UserError(
                    f"{section}.wait_for names {name!r}, and no other node of this pipeline has "
                    f"that name; there are {', '.join(sorted(others))}"
                )


def _choose_sources(settings: Settings) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    if settings.replay.session is not None:
        return ("player",), ()
    camera, microphone = settings.camera.device, settings.microphone.device
    if settings.media.file is not None and not _devices_go_before(settings, settings.media.file):
        _check_file(settings.media.file)
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


def _devices_go_before(settings: Settings, file: Path) -> bool:
    """A file plays as camera and microphone; of it and the devices those are meant that come from
    the place that goes before the other's.
    """
    devices = {"camera": settings.camera.device, "microphone": settings.microphone.device}
    asked = [section for section, device in devices.items() if device != "auto"]
    if not asked:
        return False
    section = min(asked, key=lambda section: settings.origin(section, "device"))
    device, played = settings.origin(section, "device"), settings.origin("media", "file")
    if device == played:
        whence = f" (both from {device[1]})" if device[1] else ""
        raise UserError(
            f"{file} plays as camera and microphone, and {section}.device = {devices[section]!r} "
            f"is asked for as well{whence}; leave out one of them"
        )
    return device < played


def _check_file(file: Path) -> None:
    try:
        check(file)
    except UserError as error:
        raise UserError(f"media.file: {error}") from None


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
    has_terminal = sys.stdout.isatty() and not quiet_stdout and not is_in_background()
    return "terminal" if has_terminal else "none", lack
