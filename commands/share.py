"""Which of the nodes that the settings name run here, and with what."""

import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from capture.media_path import check
from commands.plan import LAUNCHER, RECORDER, Plan, PlannedNode, choose_display
from config.nodes import named, node_settings
from config.settings import SECTION_OF, Name, Section, Settings
from display.screen import require_screen
from messaging.address import refuse_strangers
from messaging.bus import MOST_AHEAD
from messaging.errors import UserError
from messaging.topics import VIDEO, VIDEO_JPEG

HUB = "hub"
FILES = ("media", "player")
SOURCES = ("camera", "microphone", *FILES)
DISPLAYS = ("window", "terminal")
READERS = ("inference", "window")
"""Those who read pictures, raw or as JPEG."""
WORK = ("inference", "fusion")
"""What files wait for."""
UNASKED = ("auto", "none")
"""Devices and displays that ask for no node: the default, and what is not wanted."""
FOLLOWS = ("wait_for", "credit")
"""What is made of a node's own setting rather than put in its place."""
NEAR = r"ipc://|tcp://(127\.|localhost:|\[::1\])"
"""A hub's address on the machine itself."""


@dataclass(frozen=True, slots=True)
class Share:
    tables: tuple[str, ...]
    """Of the nodes that run here."""
    has_hub: bool = True


def choose_share(settings: Settings, only: Sequence[str] | None, host: str | None) -> Share:
    """All nodes, those called ``only``, or those of a ``host``.

    Raises:
        UserError: there are no such nodes, or they could not find each other.
    """
    nodes = settings.nodes
    if only is None and host is None:
        return Share(tuple(nodes))
    if not nodes:
        raise UserError(
            "--only and --host choose among nodes, and none are named; "
            "give a file with tables [nodes.NAME] by --config"
        )
    if only is not None and host is not None:
        raise UserError("--only and --host both choose nodes; give one of them")
    if only is not None:
        for name in only:
            if name not in nodes:
                raise UserError(f"--only: no node {name!r}; there are {', '.join(sorted(nodes))}")
        tables = tuple(name for name in nodes if name in only)
    else:
        tables = tuple(name for name, node in nodes.items() if node.host == host)
        if not tables:
            hosts = sorted({node.host for node in nodes.values() if node.host})
            known = f"there are {', '.join(hosts)}" if hosts else "no node names one (host = ...)"
            raise UserError(f"--host: no node runs on {host!r}; {known}")
    if not settings.bus.address and len(tables) < len(nodes):
        raise UserError(
            "bus.address is empty, so those who start elsewhere could not meet; write, under "
            '[bus], address = "tcp://HOST:PORT", the same for all'
        )
    return Share(tables, any(nodes[table].kind == HUB for table in tables))


def plan_share(settings: Settings, share: Share, address: str, *, quiet_stdout: bool) -> Plan:
    """The plan for the nodes of a share, in the knowledge of all that there are.

    Raises:
        UserError: a node lacks what it needs, or names another one that is not there.
    """
    bus = settings.bus.model_copy(update={"address": address})
    settings = settings.model_copy(update={"bus": bus})
    every = [
        PlannedNode(own.name, node.kind, own)
        for table, node in settings.nodes.items()
        for own in (node_settings(settings, table),)
    ]
    tables = dict(zip(settings.nodes, every, strict=True))
    _check(every, [node.host for node in settings.nodes.values()])
    _check_asked(every, settings)
    _check_files(every, settings, tables)
    notes: list[str] = []
    here: list[PlannedNode] = []
    wanted = [tables[table] for table in share.tables]
    if share.has_hub and not _names(every, HUB):
        wanted.append(PlannedNode(HUB, HUB, settings))
    for one in wanted:
        node, note = _as_row(one, quiet_stdout=quiet_stdout)
        notes += [note] if note else []
        here += [node] if node else []
    launcher = LAUNCHER if share.has_hub else _launcher_name()
    seen_by = [launcher, *(node.name for node in here if node.kind in DISPLAYS)]
    recorders = [node.settings.recording for node in here if node.kind == RECORDER]
    elsewhere = settings.recording.model_copy(update={"folder": None})
    return Plan(
        settings.model_copy(update={"recording": next(iter(recorders), elsewhere)}),
        sources=(),
        display="terminal" if any(node.kind == "terminal" for node in here) else "none",
        notes=tuple(notes),
        nodes=tuple(_fitted(node, settings, tables, seen_by) for node in here),
        launcher=launcher,
    )


def rename(settings: Settings, kind: str, name: str, asked: Settings) -> Settings:
    """For a node that is started by hand: those of the table of that kind and name, where there is
    one. What is set in ``asked``, by the command line, goes before it.

    Raises:
        UserError: it is no name.
    """
    for table, node in settings.nodes.items():
        if (node.kind, node.name or table) == (kind, name):
            return _over(node_settings(settings, table), asked)
    try:
        TypeAdapter[str](Name).validate_python(name)
    except ValidationError:
        raise UserError(
            f"--name {name!r}: a name has 1 to 64 letters, digits, points, dashes and underscores"
        ) from None
    return named(settings, kind, name) if kind in SECTION_OF else settings


def _over(settings: Settings, asked: Settings) -> Settings:
    update: dict[str, Any] = {}
    for name in asked.model_fields_set:
        section: Any = getattr(asked, name)
        if isinstance(section, Section):
            chosen = {key: getattr(section, key) for key in section.model_fields_set}
            section = getattr(settings, name).model_copy(update=chosen)
        update[name] = section
    return settings.model_copy(update=update)


def _launcher_name() -> str:
    """Every machine has its own, and they meet on one bus."""
    return re.sub(r"[^\w.-]", "_", f"{LAUNCHER}-{platform.node()[:40]}-{os.getpid()}")


def _names(nodes: Iterable[PlannedNode], *kinds: str) -> list[str]:
    return [node.name for node in nodes if node.kind in kinds]


def _check(every: Sequence[PlannedNode], hosts: Sequence[str]) -> None:
    """What can be seen to be wrong before anything starts. ``hosts`` are where they run."""
    cameras = _names(every, "camera", "media")
    recorded: dict[tuple[str, Path], str] = {}
    """By machine and folder."""
    for node, host in zip(every, hosts, strict=True):
        section: Any = getattr(node.settings, SECTION_OF[node.kind])
        if node.kind == "media" and section.file is None:
            raise UserError(f'nodes.{node.name} plays no file; give it one: file = "PATH"')
        if node.kind == RECORDER and section.folder is None:
            raise UserError(f'nodes.{node.name} records nowhere; give it a folder = "PATH"')
        if node.kind == RECORDER:
            former = recorded.setdefault((host, section.folder), node.name)
            if former != node.name:
                raise UserError(
                    f"nodes.{former} and nodes.{node.name} both record into "
                    f'{section.folder}; give each a folder = "PATH" of its own'
                )
        if _names(every, "player"):
            continue  # whose cameras the session knows
        for camera in getattr(section, "cameras", ()):
            if camera not in cameras:
                raise UserError(
                    f"nodes.{node.name}.cameras names {camera!r}, and no camera or media file has "
                    f"that name; there are {', '.join(sorted(cameras)) or 'none'}"
                )


def _check_asked(every: Sequence[PlannedNode], settings: Settings) -> None:
    """With tables of nodes nothing else starts: what is asked for otherwise would never come."""
    display = settings.display.kind
    asked = {
        "camera": settings.camera.device not in UNASKED,
        "microphone": settings.microphone.device not in UNASKED,
        "media": settings.media.file is not None,
        display: display not in UNASKED,
        RECORDER: settings.recording.folder is not None,
        "lsl": settings.lsl.enabled,
        "osc": bool(settings.osc.target),
        "metrics": settings.metrics.enabled,
    }
    for kind, is_asked in asked.items():
        suited = (kind, "display") if kind in DISPLAYS else (kind,)
        if is_asked and not _names(every, *suited):
            raise UserError(
                f"{kind} is asked for, and none of the nodes is of that kind; "
                f'add a table [nodes.NAME] with kind = "{kind}"'
            )


def _as_row(node: PlannedNode, *, quiet_stdout: bool) -> tuple[PlannedNode | None, str]:
    """The node as a row of the table of processes, if it can run, and what is to be told of it."""
    if node.kind == HUB and node.settings.bus.keys is None:
        address = node.settings.bus.address
        by_hand = f"start it by hand (hub --bind {address} --insecure), without a node of kind hub,"
        refuse_strangers(address, by_hand)
    if node.kind == "media" and node.settings.media.file is not None:
        try:
            check(node.settings.media.file)
        except UserError as error:
            raise UserError(f"nodes.{node.name}.file: {error}") from None
    if node.kind == "window":
        require_screen()
    if node.kind != "display":
        return node, ""
    kind, lack = choose_display(node.settings.display, quiet_stdout=quiet_stdout)
    return (None if kind == "none" else replace(node, kind=kind)), lack


def _check_files(
    every: Sequence[PlannedNode], settings: Settings, tables: Mapping[str, PlannedNode]
) -> None:
    """No more pictures may be on their way at once than queues hold."""
    hasty = [
        node.name
        for node in every
        if (node.kind == "media" and node.settings.media.speed == "max")
        or (node.kind == "player" and node.settings.replay.speed == "max")
    ]
    readers = [node for node in every if node.kind in READERS]
    as_jpeg = _names(every, RECORDER) or any(
        _pictures(node, settings, tables) == "jpeg" for node in readers
    )
    most = MOST_AHEAD // (VIDEO_JPEG if as_jpeg else VIDEO).credit_every
    if len(hasty) > most:
        raise UserError(
            f"{len(hasty)} files are to be played at speed max, and no more than {most} can be at "
            "once without loss; play fewer, or at another speed, or use `label` for a corpus"
        )


def _fitted(
    node: PlannedNode,
    settings: Settings,
    tables: Mapping[str, PlannedNode],
    seen_by: Sequence[str],
) -> PlannedNode:
    """With what follows from the other nodes, where its own settings do not say it."""
    every, name = [*tables.values()], SECTION_OF[node.kind]
    section: Any = getattr(node.settings, name)
    update: dict[str, Any] = {}
    if node.kind in SOURCES:
        update["wait_for"] = _awaited(node.kind, section, every, seen_by)
    if node.kind == "media" and section.speed == "max":
        share = MOST_AHEAD // len(_names(every, *FILES))
        update["credit"] = max(1, min(section.credit, share))
    if node.kind in READERS:
        update["pictures"] = _pictures(node, settings, tables)
    if node.kind == "fusion":
        sources = [other for other in every if other.kind in SOURCES]
        if sources and all(other.kind in FILES for other in sources):
            update["exit_when_closed"] = not any(o.settings.replay.loop for o in sources)
            update["sources"] = tuple(_names(sources, "media"))
    chosen = {k: v for k, v in update.items() if k in FOLLOWS or k not in section.model_fields_set}
    fitted = node.settings.model_copy(update={name: section.model_copy(update=chosen)})
    return replace(node, settings=fitted)


def _awaited(
    kind: str, section: Any, every: Sequence[PlannedNode], seen_by: Sequence[str]
) -> tuple[str, ...]:
    """A file waits for all who work on it or send out what comes of it, and for those here who show
    it; whatever is recorded waits for the recorder.
    """
    awaited: list[str] = [*section.wait_for]
    if kind in FILES:
        if "wait_for" not in section.model_fields_set:
            kinds = ("fusion",) if getattr(section, "start_from", "") == "faces" else WORK
            awaited = [name for work in kinds for name in _names(every, work) or [work]]
        awaited += [*seen_by, *_names(every, "lsl", "osc")]
    return (*awaited, *_names(every, RECORDER))


def _pictures(
    node: PlannedNode, settings: Settings, tables: Mapping[str, PlannedNode]
) -> Literal["raw", "jpeg"]:
    """Raw where reader, cameras and hub are on one machine; a session holds JPEG."""
    hosts = {
        settings.nodes[table].host
        for table, other in tables.items()
        if other.kind in ("camera", "media", HUB) or other.name == node.name
    }
    knows_hub = bool(_names(tables.values(), HUB)) or re.match(NEAR, settings.bus.address)
    one_machine = len(hosts) == 1 and knows_hub and not _names(tables.values(), "player")
    return "raw" if one_machine else "jpeg"
