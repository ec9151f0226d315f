"""Which files were meant: names, patterns, folders and sessions."""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.media_path import printable
from messaging.errors import UserError
from offline.output import ANNOTATED_VIDEO

PICTURES = ".3gp .asf .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm"
SOUND = ".aac .ac3 .aiff .au .flac .m4a .mka .mp3 .oga .ogg .opus .wav .wma"
SUFFIXES = frozenset(f"{PICTURES} {SOUND} .wmv".split())
"""What is taken from a folder; a file that is named is taken whatever its name ends with."""


@dataclass(frozen=True, slots=True)
class Input:
    path: Path
    name: str
    """As given; below a folder that was given, with that folder's name before."""


def find_inputs(given: Sequence[str]) -> list[Input]:
    """In the order given; below a folder by name. What a folder or a pattern finds as well, such as
    a link to a file beside it, is taken once.

    Raises:
        UserError: something is not there, holds nothing, or was named twice.
    """
    found: dict[Path, Input] = {}
    named: dict[Path, Input] = {}
    for text in given:
        for path in _readable(text):
            one, real = Input(path, printable(path)), path.resolve()
            found.setdefault(real, one)
            if path != Path(text):
                continue
            other = named.setdefault(real, one)
            if other is not one:
                also = "" if other.name == one.name else f", also as {other.name}"
                raise UserError(f"{one.name} was given twice{also}; name it once")
    return [*found.values()]


def _readable(text: str) -> Iterator[Path]:
    try:
        yield from _meant(text)
    except (OSError, ValueError, RuntimeError) as error:  # too long, a zero byte, a loop of links
        why = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{printable(Path(text))} cannot be read ({why}); check the path") from None


def _meant(text: str) -> Iterator[Path]:
    path = Path(text)
    if path.exists() or not glob.has_magic(text):
        yield from _at(path)
        return
    matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - patterns may be absolute
    if not matches:
        raise UserError(f"nothing matches {printable(path)}; check the pattern")
    for match in matches:
        yield from _at(Path(match))


def _at(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise UserError(f"no file {printable(path)}; check the path")
    if not path.is_dir() or _is_session(path):
        yield path
        return
    inside = list(_below(path))
    if not inside:
        raise UserError(f"{printable(path)} holds no media file; name another folder, or files")
    yield from inside


def _below(folder: Path) -> Iterator[Path]:
    """Media files and sessions, at any depth, but nothing hidden and no video of ours."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from [path] if _is_session(path) else _below(path)
        elif path.suffix.lower() in SUFFIXES and not path.name.endswith(ANNOTATED_VIDEO):
            yield path


def _is_session(folder: Path) -> bool:
    from recording.session import is_session  # only folders can be, and most files are none

    return is_session(folder)
