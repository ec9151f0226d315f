"""A recording in the formats that other programs read: which there are, and how each is written."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from capture.media_path import printable
from messaging.errors import UserError
from messaging.schema import FaceEmotions, UtteranceEmotion
from offline.annotations import annotations_of
from offline.eaf import write_eaf
from offline.output import ANNOTATED_VIDEO, is_same, named, require, whole_file
from offline.recording import Recording
from offline.rows import COLUMNS, face_rows, utterance_row
from offline.subtitles import srt, webvtt
from offline.tables import merge, parquet_table
from offline.textgrid import write_textgrid


@dataclass(frozen=True, slots=True)
class Format:
    suffixes: tuple[str, ...]
    """Of the files that it is written to, behind the recording's name."""
    write: Callable[[Recording, tuple[Path, ...]], None]
    needs: str = ""
    """The library that not every installation has."""


def _write_vtt(recording: Recording, paths: tuple[Path, ...]) -> None:
    text = webvtt(annotations_of(recording), recording.name)
    paths[0].write_text(text, encoding="utf-8", newline="\n")


def _write_srt(recording: Recording, paths: tuple[Path, ...]) -> None:
    paths[0].write_text(srt(annotations_of(recording)), encoding="utf-8", newline="\n")


def _write_textgrid(recording: Recording, paths: tuple[Path, ...]) -> None:
    write_textgrid(annotations_of(recording), paths[0])


def _write_eaf(recording: Recording, paths: tuple[Path, ...]) -> None:
    write_eaf(annotations_of(recording), recording.media, paths[0])


def _write_tables(recording: Recording, paths: tuple[Path, ...]) -> None:
    """In one pass over the results, then each table in its final form."""
    name = recording.name
    with tempfile.TemporaryDirectory(prefix="emofuse-") as folder:
        parts = {kind: Path(folder) / f"{kind}.parquet" for kind in COLUMNS}
        with ExitStack() as stack:
            add_utterances, add_faces = (
                stack.enter_context(parquet_table(parts[kind], columns))
                for kind, columns in COLUMNS.items()
            )
            for result in recording.results():
                if isinstance(result, FaceEmotions):
                    add_faces(face_rows(name, result, recording.zero_ns))
                elif isinstance(result, UtteranceEmotion):
                    add_utterances([utterance_row(name, result, recording.zero_ns)])
        for (kind, part), path in zip(parts.items(), paths, strict=True):
            with whole_file(path) as draft:
                merge([(name, part)], COLUMNS[kind], {path: draft})


def _write_video(recording: Recording, paths: tuple[Path, ...]) -> None:
    from offline.video import write_video

    write_video(recording, paths[0])


FORMATS: dict[str, Format] = {
    "vtt": Format((".vtt",), _write_vtt),
    "srt": Format((".srt",), _write_srt),
    "textgrid": Format((".TextGrid",), _write_textgrid, "praatio"),
    "eaf": Format((".eaf",), _write_eaf, "pympi"),
    "csv": Format(tuple(f".{kind}.csv" for kind in COLUMNS), _write_tables, "pyarrow"),
    "parquet": Format(tuple(f".{kind}.parquet" for kind in COLUMNS), _write_tables, "pyarrow"),
    "video": Format((ANNOTATED_VIDEO,), _write_video),
}
"""The costliest comes last: what is wrong with it does not take the others away."""


def formats_of(text: str) -> list[str]:
    """The formats in a list with commas, in the order of ``FORMATS``.

    Raises:
        UserError: one is unknown, none is named, or a library is missing.
    """
    asked = [part.strip().lower() for part in text.split(",") if part.strip()]
    for name in asked:
        if name not in FORMATS:
            raise UserError(f"no format {name!r}; there are {', '.join(FORMATS)}")
    if not asked:
        raise UserError(f"--to names no format; there are {', '.join(FORMATS)}")
    for name in asked:
        if FORMATS[name].needs:
            require(FORMATS[name].needs, f"the format {name}")
    return [name for name in FORMATS if name in asked]


def outputs(
    recording: Path, names: Sequence[str], folder: Path | None
) -> dict[str, tuple[Path, ...]]:
    """The files of each format, beside the recording or in ``folder``."""
    return {
        name: tuple(called_after(recording, suffix, folder) for suffix in FORMATS[name].suffixes)
        for name in names
    }


def called_after(recording: Path, suffix: str, folder: Path | None = None) -> Path:
    """Beside the recording, or in ``folder``."""
    place = named(recording)
    stem = place.name if recording.is_dir() else place.stem
    into = folder or (recording.parent if recording.name == place.name else place.parent)
    return into / f"{stem}{suffix}"


def refuse_overwriting(recording: Path, path: Path, *, force: bool) -> None:
    """Raises:
    UserError: ``path`` is the recording itself, or there already; it may have been worked on.
    """
    if is_same(recording, path):
        raise UserError(f"{printable(path)} is the recording itself; name another place with --out")
    if path.exists() and not force:
        raise UserError(f"{printable(path)} exists; replace it with --force, or give --out")


def export(recording: Recording, name: str, paths: tuple[Path, ...]) -> None:
    """All files of one format; each appears when it is whole.

    Raises:
        UserError: one cannot be written, or the recording lacks what the format needs.
    """
    if name in ("csv", "parquet"):
        FORMATS[name].write(recording, paths)
        return
    with whole_file(paths[0]) as draft:
        FORMATS[name].write(recording, (draft,))
