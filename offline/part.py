"""One file's rows, kept until all files are done: what a stopped run goes on from.

A part is whole or not there: the record that names its tables is written last. Its name is made of
the file (place, size, time of change) and of all that its rows depend on, so that nothing old is
taken for an answer to a new question.
"""

import hashlib
import json
import platform
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from config.settings import Settings
from inference.network import models
from messaging.errors import UserError
from messaging.schema import FaceEmotions, UtteranceEmotion
from offline.output import whole_file
from offline.rows import COLUMNS, face_rows, utterance_row
from offline.tables import OutputError, parquet_table

EDITION = 2
"""To be raised when the same file and settings give other rows than before."""


@dataclass(frozen=True, slots=True)
class PartResult:
    """What a summary says of a file; its tables lie beside the record."""

    name: str
    """As it was given."""
    key: str
    duration_s: float
    wall_s: float
    """That labelling took."""
    pictures: int = 0
    """Analysed."""
    with_face: int = 0
    """Those of them that show a face."""
    utterances: int = 0
    matched: int = 0
    labels: tuple[tuple[str, int], ...] = ()
    """Of the utterances, the most frequent first."""
    notes: tuple[str, ...] = ()
    """What of the file could not be played as it should be."""
    sizes: tuple[int, ...] = ()
    """Bytes of its tables, in the order of ``COLUMNS``."""


RECORD = TypeAdapter(PartResult)


def label_file(
    path: Path,
    name: str,
    parts: Path,
    settings: Settings,
    fps: float | None = None,
    watch: Callable[[float], None] = lambda _at_s: None,
) -> PartResult:
    """Label a file and keep its rows in the folder ``parts``; where that was done before, at once.

    Any process on any machine may do it, also two at a time: both write the same. ``watch`` is told
    how far it is, in seconds of the file.

    Raises:
        OutputError: ``parts`` takes no more.
        UserError: the file cannot be played.
    """
    from offline.results import results_of  # heavy, and who hands out the files needs none of it

    if not parts.is_dir():
        raise OutputError(
            f"no folder {parts} on {platform.node()}; with --out, name one that all machines share"
        )
    key = key_of(path, settings, fps)
    if done := finished(parts, key, name):
        return done
    began = time.monotonic()
    results = results_of(path, settings, fps)
    labels: dict[str, int] = {}
    reached_ns = results.zero_ns
    pictures = with_face = utterances = matched = 0
    with ExitStack() as stack:
        add_utterances, add_faces = (
            stack.enter_context(parquet_table(_table(parts, key, kind), columns))
            for kind, columns in COLUMNS.items()
        )
        for message in results.messages:
            if isinstance(message, FaceEmotions):
                pictures += message.event == "analysed"
                with_face += bool(message.faces)
                add_faces(face_rows(name, message, results.zero_ns))
            else:
                utterances += 1
                matched += message.status == "matched"
                if message.label:
                    labels[message.label] = labels.get(message.label, 0) + 1
                add_utterances([utterance_row(name, message, results.zero_ns)])
            reached_ns = max(reached_ns, _end_ns(message))
            watch((reached_ns - results.zero_ns) / 1e9)
    if key_of(path, settings, fps) != key:
        raise UserError(f"{name} changed while it was read; label it again when it is complete")
    result = PartResult(
        name,
        key,
        max(results.end_ns(), reached_ns - results.zero_ns) / 1e9,
        time.monotonic() - began,
        pictures,
        with_face,
        utterances,
        matched,
        tuple(sorted(labels.items(), key=lambda item: (-item[1], item[0]))),
        tuple(results.notes()),
        tuple(_table(parts, key, kind).stat().st_size for kind in COLUMNS),
    )
    _keep(parts, result)
    return result


def finished(parts: Path, key: str, name: str) -> PartResult | None:
    """What is known of a file that was labelled before, if all of it is still there."""
    try:
        result = RECORD.validate_json(_record(parts, key).read_bytes())
        sizes = tuple(_table(parts, key, kind).stat().st_size for kind in COLUMNS)
    except (OSError, ValueError):
        return None
    return replace(result, name=name) if (result.key, result.sizes) == (key, sizes) else None


def tables_of(parts: Path, key: str) -> dict[str, Path]:
    """The part's Parquet files by the names of ``COLUMNS``."""
    return {kind: _table(parts, key, kind) for kind in COLUMNS}


def key_of(path: Path, settings: Settings, fps: float | None) -> str:
    """Readable, and other wherever the file or its rows may be. Of a session what was recorded
    counts alone: its user may keep tables in the same folder.

    Raises:
        UserError: the file is not there.
    """
    try:
        place = path.resolve(strict=True)
        files = _recorded(place) if place.is_dir() else [place]
        states = [
            (str(file), stat.st_size, stat.st_mtime_ns) for file in files for stat in [file.stat()]
        ]
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path") from None
    said = json.dumps([states, recipe(settings, fps)])
    digest = hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', path.stem)[:40]}-{digest[:20]}"


def _recorded(session: Path) -> list[Path]:
    from recording.session import files_of  # most files are no session

    return files_of(session)


def recipe(settings: Settings, fps: float | None) -> list[Any]:
    """All but the file that its rows depend on."""
    return [
        EDITION,
        {kind: [column.name for column in columns] for kind, columns in COLUMNS.items()},
        settings.voice_activity.model_dump(mode="json"),
        settings.inference.model_dump(mode="json", exclude={"threads"}),
        settings.fusion.model_dump(mode="json", exclude={"patience_s", "exit_when_closed"}),
        [settings.bus.jpeg_quality, settings.bus.jpeg_width]
        if settings.inference.pictures == "jpeg"
        else None,
        settings.media.name,
        models(settings.inference),
        fps,
    ]


def _end_ns(message: FaceEmotions | UtteranceEmotion) -> int:
    stamp = message.stamp if isinstance(message, FaceEmotions) else message.offset or message.onset
    return stamp.pipeline_ns


def _table(parts: Path, key: str, kind: str) -> Path:
    """A folder for each kind: together its files are one data set for whoever reads Parquet."""
    return parts / kind / f"{key}.parquet"


def _record(parts: Path, key: str) -> Path:
    return parts / f"{key}.json"


def _keep(parts: Path, result: PartResult) -> None:
    try:
        with whole_file(_record(parts, result.key)) as draft:
            draft.write_bytes(RECORD.dump_json(result))
    except UserError as error:
        raise OutputError(str(error)) from error
