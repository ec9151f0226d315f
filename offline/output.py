"""Files that are either whole or not there."""

import re
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

from capture.media_path import printable
from messaging.errors import UserError
from messaging.extras import require_extra


def require(module: str, purpose: str, extra: str = "lab") -> ModuleType:
    """A library that tables, annotations and plots need; raises ``UserError`` without it."""
    return require_extra(module, extra, purpose)


ANNOTATED_VIDEO = ".emotions.mp4"
"""Takes the place of the recording's suffix."""
DRAFT_BYTES = 4
"""Of chance in a draft's name: two that write the same file do not meet."""
DRAFT = re.compile(rf"\.(.+)\.[0-9a-f]{{{2 * DRAFT_BYTES}}}(\.[^.]+)")


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """A name to write to, of the same suffix; the file gets its own when all is written.

    Raises:
        UserError: the folder cannot be made or written to, or there is no space.
    """
    draft = path.with_name(f".{path.stem}.{secrets.token_hex(DRAFT_BYTES)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.replace(path)
    except OSError as error:
        raise UserError(
            f"{printable(path)} cannot be written ({error.strerror or error}); name another folder "
            "with --out"
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def drafted(path: Path) -> str:
    """The name that the draft ``path`` of a ``whole_file`` was to get; empty where it is none."""
    found = DRAFT.fullmatch(path.name)
    return found[1] + found[2] if found and path.is_file() else ""


def named(path: Path) -> Path:
    """The same place, by a path that ends in its own name: ``.`` and ``..`` do not."""
    return path.resolve() if path.name in ("", "..") else path.absolute()


def is_same(one: Path, other: Path) -> bool:
    """Whether both are one file or folder, however they are named."""
    return one.resolve() == other.resolve() or (
        one.exists() and other.exists() and one.samefile(other)
    )
