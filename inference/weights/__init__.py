"""The networks' weights, which lie beside this file; ``weights.json`` says where each is from."""

import hashlib
import json
from pathlib import Path
from typing import TypedDict

from messaging.errors import UserError

FOLDER = Path(__file__).parent


class Origin(TypedDict):
    sha256: str
    """Of the file that lies here."""
    source: str
    """The package and the file in it."""
    source_sha256: str
    licence: str
    credit: str


def origins(folder: Path = FOLDER) -> dict[str, Origin]:
    """Every file of weights by name."""
    return json.loads((folder / "weights.json").read_text())


def checked(name: str, folder: Path = FOLDER) -> Path:
    """The path of one file, after a look at its sha256.

    Raises:
        UserError: the file is missing, or is not the one this version was tested with.
    """
    path = folder / name
    restore = "reinstall emofuse, or restore the file from its repository"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"no weights {path} ({error.strerror}): {restore}") from error
    expected, found = origins(folder)[name]["sha256"], hashlib.sha256(content).hexdigest()
    if found != expected:
        raise UserError(
            f"weights {path} have sha256 {found[:12]}..., not {expected[:12]}...: {restore}"
        )
    return path
