"""The examination: every check in turn, and what they found."""

import json
import platform
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict

from commands.doctor import clock, disk, models, places, streams
from commands.doctor.finding import Finding
from commands.doctor.report import conclude, show
from commands.requirements import NEEDED
from commands.stdio import put
from commands.watch.listener import listening
from commands.watch.output import Output
from config.settings import Settings
from messaging.access import keys_for
from messaging.address import endpoints, running_address
from messaging.clock import monotonic_ns
from messaging.errors import RefusedError, UserError
from messaging.observer import NodeRow, Observer, StreamRow
from messaging.system_packages import how_to_install, missing_packages
from messaging.topics import FACES

LOOK_S = 0.1
LISTEN_S = 3.1
"""Every node has sent three heartbeats within this."""
FILES = frozenset(("media", "player"))
"""Kinds of senders that use no device."""


def examine(settings: Settings, *, deep: bool, as_json: bool) -> int:
    """Returns the exit code: 1 where something is wrong."""
    output = Output()
    findings: list[Finding] = []
    for finding in _findings(settings, deep=deep):
        if not as_json:
            output.print(show(finding, output.width, findings[-1] if findings else None))
        findings.append(finding)
    failed = any(finding.level == "failure" for finding in findings)
    if as_json:
        found = {"fine": not failed, "findings": [asdict(finding) for finding in findings]}
        put(json.dumps(found, indent=1))
    else:
        output.print(conclude(findings))
    return int(failed)


def _findings(settings: Settings, *, deep: bool) -> Iterator[Finding]:
    lacks = missing_packages(NEEDED)
    yield _system(lacks)
    yield from models.examine()
    from commands.doctor import gpu

    yield gpu.examine(settings.inference.engine, deep=deep)
    yield disk.examine(settings.recording.folder)
    in_use: dict[str, str] = {}
    yield from _hub(settings, in_use)
    if not lacks:
        yield from _devices(settings, in_use)


def _system(lacks: Collection[str]) -> Finding:
    told = f"Python {platform.python_version()} on {platform.node()}, {platform.platform()}"
    if not lacks:
        return Finding("system", "fine", told)
    text, _, way_out = how_to_install(lacks).partition("; ")
    return Finding("system", "failure", text, way_out)


def _hub(settings: Settings, in_use: dict[str, str]) -> Iterator[Finding]:
    """Of the hub that is named, or runs here; ``in_use`` is filled."""
    named = settings.bus.address
    address = named or running_address()
    keys_for(address, settings.bus.keys)  # those that will not do are a mistake, and no finding
    found = places.examine(address, settings.bus.keys)
    if not named and all(place.outcome == "refused" for place in found):
        yield Finding("hub", "fine", "none of this user runs here; --hub names another")
        return
    yield from places.judge(found, address)
    if any(place.outcome != "connects" for place in found):
        return
    observer = Observer()
    bus = settings.bus.model_copy(update={"address": address})
    try:
        with listening(settings.model_copy(update={"bus": bus}), FACES) as listener:
            for arrived in listener.rounds(LOOK_S, LISTEN_S):
                observer.hear_all(arrived)
    except RefusedError as refusal:
        told, _, way_out = str(refusal).partition("; ")
        yield Finding("hub", "failure", told, way_out)
        return
    except UserError:
        yield Finding(
            "hub",
            "failure",
            f"{address} connects, but passes no message on within {bus.connect_timeout_s:g} s",
            "check that a hub of this version is there and nothing else, and restart it",
        )
        return
    yield clock.examine(endpoints(address).clock, settings.bus.keys)
    now_ns = monotonic_ns()
    rows = observer.streams(now_ns)
    in_use.update(_in_use(rows, observer.nodes(now_ns)))
    topics = streams.needed(settings.camera.device, settings.microphone.device)
    yield from streams.judge(rows, topics, observer.interval_ns)


def _in_use(rows: Iterable[StreamRow], nodes: Iterable[NodeRow]) -> dict[str, str]:
    """By topic the node of this machine that uses its device now, also where nobody reads it."""
    files = {node.name for node in nodes if node.beat.kind in FILES}
    return {
        row.topic.removesuffix("_jpeg"): row.sender
        for row in rows
        if row.rate_hz is not None and row.host == platform.node() and row.sender not in files
    }


def _devices(settings: Settings, in_use: dict[str, str]) -> Iterator[Finding]:
    """One that the pipeline uses cannot be opened twice; its stream was looked at."""
    from commands.doctor import camera, microphone

    if "video" in in_use:
        yield Finding("camera", "fine", f"in use by {in_use['video']}")
    else:
        yield camera.examine(settings.camera)
    if "audio" in in_use:
        yield Finding("microphone", "fine", f"in use by {in_use['audio']}")
    else:
        yield from microphone.examine(settings.microphone.device)
