"""The commands ``label``, ``export`` and ``info`` for notebooks, as functions.

Nothing of the project is imported here: each runs in a child process.
"""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from emofuse.app import APP

if TYPE_CHECKING:
    from pandas import DataFrame

    FileName = str | os.PathLike[str]

SOME_FAILED = 1
"""Exit code of ``label``: the other files were labelled."""
DOES_NOT_ADD_UP = 3
"""Exit code of ``info``, which says all that it knows nevertheless."""
SAID_BY = "emofuse: "


class EmofuseError(Exception):
    """What the command said: it names the thing, the value and the way out."""


@dataclass(frozen=True)
class Tables:
    """``docs/tables.md`` says what each column means. A missing value is ``pandas.NA`` or NaN."""

    utterances: "DataFrame"
    """A row for each utterance."""
    faces: "DataFrame"
    """A row for each face in each picture that was analysed."""
    notes: tuple[str, ...] = ()
    """What is wrong with single files, a sentence each."""


@dataclass(frozen=True)
class Session(Tables):
    """A recorded session."""

    info: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What ``emofuse info --json`` says of it."""


def label(
    files: "FileName | Iterable[FileName]",
    fps: float | None = None,
    out: "FileName | None" = None,
    **settings: Mapping[str, Any] | str,
) -> Tables:
    """Label media files and recorded sessions, on all cores: ``emofuse label``.

    ``files`` may be patterns and folders, too. With ``fps`` so many pictures a second are analysed.
    In the folder ``out`` the tables are kept, and a run that was stopped goes on from there.
    ``settings`` are those of the configuration, by section: ``fusion={"method": "mean"}``, also
    with sections and lists in them: ``inference={"classifier": {"labels": ["happy", "sad"]}}``.

    A file that cannot be labelled is a warning and one of the ``notes``; the others are labelled.

    Raises:
        EmofuseError: nothing could be labelled.
    """
    _require_pandas()
    names = [files] if isinstance(files, str | os.PathLike) else [*files]
    with ExitStack() as stack:
        folder = Path(out or stack.enter_context(TemporaryDirectory(prefix="emofuse-")))
        options = ["--out", os.fspath(folder), *([] if fps is None else ["--fps", str(fps)])]
        run = _run(
            ["label", *options, "--", *(os.fspath(name) for name in names)],
            _environment(settings),
            (0, SOME_FAILED),
        )
        utterances, faces = (_read(folder / f"{kind}.parquet") for kind in _KINDS)
    notes = _lines(run.stderr)
    if run.returncode == SOME_FAILED and utterances.empty and faces.empty:
        raise EmofuseError("\n".join(notes))
    _warn(notes)
    return Tables(utterances, faces, notes)


def open_session(folder: "FileName") -> Session:
    """The tables of a session that was recorded with ``emofuse run --record``, as recorded.

    Raises:
        EmofuseError: there is none, or it cannot be read.
    """
    _require_pandas()
    session = os.fspath(folder)
    info = _run(["info", "--json", "--", session], os.environ, (0, DOES_NOT_ADD_UP))
    with TemporaryDirectory(prefix="emofuse-") as out:
        run = _run(["export", "--to", "parquet", "--out", out, "--", session], os.environ, (0,))
        written = [Path(line) for line in run.stdout.splitlines()]
        utterances, faces = (
            _read(next(path for path in written if path.name.endswith(f".{kind}.parquet")))
            for kind in _KINDS
        )
    notes = _lines(run.stderr)
    _warn(notes)
    return Session(utterances, faces, notes, json.loads(info.stdout))


_KINDS = ("utterances", "faces")
Variable = tuple[str, str]
"""Of the environment: name and value."""


def _run(
    options: list[str], environment: Mapping[str, str], accepted: tuple[int, ...]
) -> subprocess.CompletedProcess[str]:
    """The launcher is run by its path: nothing of this process's ``sys.path`` is needed."""
    run = subprocess.run(
        [sys.executable, str(APP / "run_pipeline.py"), *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    if run.returncode not in accepted:
        raise EmofuseError("\n".join(_lines(run.stderr)) or f"it ended with {run.returncode}")
    return run


def _lines(said: str) -> tuple[str, ...]:
    return tuple(line.removeprefix(SAID_BY) for line in said.splitlines() if line.strip())


def _warn(notes: Iterable[str]) -> None:
    for note in notes:
        warnings.warn(note, stacklevel=3)


def _environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """Settings go by the environment, where they are checked and named as any others."""
    return {**os.environ, **dict(_variables("EMOFUSE", settings))}


def _variables(prefix: str, values: Mapping[str, Any], joint: str = "_") -> Iterator[Variable]:
    """Sections within sections are joined by two underscores."""
    for key, value in values.items():
        name = f"{prefix}{joint}{key.upper()}"
        if isinstance(value, Mapping):
            yield from _variables(name, cast("Mapping[str, Any]", value), "__")
        else:
            yield name, _text(value)


def _text(value: object) -> str:
    """A list's parts are separated by commas."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, cast("list[object]", value)))
    return str(value)


def _require_pandas() -> None:
    for library in ("pandas", "pyarrow"):
        if find_spec(library) is None:
            raise EmofuseError(
                f"data frames need {library}, which is not installed: pip install 'emofuse[lab]'"
            )


def _read(path: Path) -> "DataFrame":
    """With types that know missing values: an integer stays one."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow: Any = pa
    of: Any = {
        arrow.string(): pd.StringDtype(),
        arrow.int64(): pd.Int64Dtype(),
        arrow.bool_(): pd.BooleanDtype(),
    }
    parquet: Any = pq
    return parquet.read_table(path).to_pandas(types_mapper=of.get)
