"""A session: a folder with one MCAP file for each stretch that was recorded.

``session.json`` says what is the same for all of them. ``manifest.json`` is written where the last
one was closed properly; a session without it is read just as well, and says that it is incomplete.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from messaging.errors import UserError
from messaging.schema import Heartbeat
from messaging.topics import Topic
from messaging.wire import VERSION, Received
from recording.part import Part, refuse_later

ABOUT = "session.json"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the recorder knew at its end. Counts are by ``topic/sender``."""

    ended_ns: int
    """On the hub's clock."""
    written: dict[str, int] = field(default_factory=dict[str, int])
    unwritten: dict[str, int] = field(default_factory=dict[str, int])
    """What the disk could not take."""
    rested: dict[str, int] = field(default_factory=dict[str, int])
    """What was read while recording rested."""
    bytes: int = 0
    heartbeats: tuple[Heartbeat, ...] = ()
    """The last one of every process that was heard, the recorder's own among them."""
    hops: tuple[dict[str, Any], ...] = ()
    rejected: dict[str, int] = field(default_factory=dict[str, int])


_MANIFEST = TypeAdapter(Manifest)


def part_path(folder: Path, number: int) -> Path:
    return folder / f"part-{number:03d}.mcap"


def parts_of(folder: Path) -> list[Path]:
    """In the order in which they were recorded."""
    return sorted(folder.glob("part-*.mcap"), key=_number)


def files_of(folder: Path) -> list[Path]:
    """What was recorded: all that a session is read from."""
    manifest = folder / MANIFEST
    return [*([manifest] if manifest.exists() else []), *parts_of(folder), folder / ABOUT]


def next_part(folder: Path) -> Path:
    """One that is not there yet, and comes after all that are."""
    return part_path(folder, max(map(_number, parts_of(folder)), default=-1) + 1)


def _number(part: Path) -> int:
    digits = part.stem.removeprefix("part-")
    return int(digits) if digits.isdecimal() else -1


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """At once or not at all."""
    fresh = path.with_suffix(".new")
    text = json.dumps(value, indent=1, allow_nan=False) + "\n"
    try:
        fresh.touch(mode=0o600)
        fresh.write_text(text)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def write_manifest(folder: Path, manifest: Manifest) -> None:
    write_json(folder / MANIFEST, _MANIFEST.dump_python(manifest, mode="json"))


def create_session(folder: Path, about: Mapping[str, Any]) -> None:
    """Make the folder of a new session.

    Raises:
        UserError: it holds something already, or cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (folder / ABOUT).exists():
            raise UserError(f"{folder} holds a session already; record into another folder")
        if any(folder.iterdir()):
            raise UserError(f"{folder} is not empty; record into another folder")
        write_json(folder / ABOUT, {"wire_version": VERSION, **about})
    except FileExistsError as error:
        raise UserError(f"{folder} is a file; record into a folder") from error
    except OSError as error:
        raise UserError(
            f"nothing can be recorded into {folder}: {error.strerror}; choose another folder"
        ) from error


@dataclass(slots=True)
class Session:
    """What was recorded. ``records`` may be called any number of times."""

    path: Path
    about: Mapping[str, Any]
    """Of ``session.json``: settings, models, versions, host, clock, and wall-clock time."""
    manifest: Manifest | None
    """``None`` where it was never closed properly."""
    parts: list[Part] = field(default_factory=list[Part])

    @property
    def zero_ns(self) -> int:
        """The hub's clock at the session's time 0."""
        return int(self.about["started_ns"])

    @property
    def length_ns(self) -> int:
        """From its time 0 to the recorder's end, or to the last message where that is unknown."""
        if self.manifest is not None:
            return self.manifest.ended_ns - self.zero_ns
        for part in reversed(self.parts):
            last_ns = max(
                (received.received_ns for received in Part(part.path).records()), default=0
            )
            if last_ns:
                return last_ns - self.zero_ns
        return 0

    def setting(self, section: str, key: str, default: Any) -> Any:
        """One of those that it was recorded with."""
        found: Any = self.about
        for name in ("settings", section, key):
            if not isinstance(found, Mapping) or name not in found:
                return default
            found = cast("Mapping[str, Any]", found)[name]
        return found

    def records(self, *topics: Topic[Any]) -> Iterator[Received[Any]]:
        """The messages on these topics (all without any), in the order of arrival.

        What each of ``parts`` turned out to be is known when the end was reached.
        """
        for number, part in enumerate(self.parts):
            fresh = self.parts[number] = Part(part.path)
            yield from fresh.records(*topics)

    def sources(self, topic: Topic[Any]) -> set[str]:
        """The cameras, microphones or nodes that have messages on it. Once it was read, whatever
        topics were.
        """
        return {source for part in self.parts for source in part.sources(topic)}

    def faults(self) -> list[str]:
        """What is wrong with it, a line each; empty where it is whole. Once it was read."""
        lines = [f"{part.path.name}: {fault}" for part in self.parts for fault in part.faults()]
        if not self.parts:
            lines.append("nothing was written")
        if self.manifest is None:
            lines.append("there is no manifest: the recorder did not come to its end")
        return lines


def is_session(path: Path) -> bool:
    """Raises:
    UserError: its user has no right to look.
    """
    try:
        return (path / ABOUT).is_file()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error


def open_session(path: Path) -> Session:
    """Raises:
    UserError: there is none, it cannot be read, or it is of a later version.
    """
    if path.suffix == ".mcap" or path.name == ABOUT:
        raise UserError(f"{path} is part of a session; give its folder, {path.parent}")
    if not is_session(path):
        what = f"{path} holds no {ABOUT}" if path.is_dir() else f"no session {path}"
        raise UserError(f"{what}; give the folder that --record made")
    about = read_json(path / ABOUT)
    refuse_later(path, about)
    if not isinstance(about.get("started_ns"), int):
        raise UserError(f"{path / ABOUT} does not say when the session started; it is damaged")
    parts = [Part(part) for part in parts_of(path)]
    return Session(path, about, _manifest(path / MANIFEST), parts)


def _manifest(path: Path) -> Manifest | None:
    if not path.exists():
        return None
    try:
        return _MANIFEST.validate_python(read_json(path))
    except ValidationError as error:
        raise UserError(
            f"{path} is damaged; take it away: the session can be read without it"
        ) from error


def read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} is damaged: it holds no object")
    return value  # pyright: ignore[reportUnknownVariableType]
