"""The networks' weights, which lie beside this file; ``weights.json`` says where each is from."""

import hashlib
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from messaging.errors import UserError

FOLDER = Path(__file__).parent
ORIGINS = "weights.json"
RESTORE = "reinstall emofuse, or restore the file from its repository"


@dataclass(frozen=True, slots=True)
class Origin:
    sha256: str
    """Of the file that lies here."""
    source: str
    """The package and the file in it."""
    source_sha256: str
    licence: str
    credit: str


def origins(folder: Path = FOLDER) -> dict[str, Origin]:
    """Every file of weights by name.

    Raises:
        UserError: the list of them is missing or damaged.
    """
    path = folder / ORIGINS
    try:
        return TypeAdapter(dict[str, Origin]).validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"no list of weights {path} ({error.strerror}): {RESTORE}") from error
    except ValidationError as error:
        raise UserError(f"list of weights {path} is damaged: {RESTORE}") from error


def checked(name: str, folder: Path = FOLDER) -> Path:
    """The path of one file, after a look at its sha256.

    Raises:
        UserError: the file is missing, or is not the one this version was tested with.
    """
    path = folder / name
    origin = origins(folder).get(name)
    if origin is None:
        raise UserError(f"list of weights {folder / ORIGINS} lacks {name}: {RESTORE}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"no weights {path} ({error.strerror}): {RESTORE}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != origin.sha256:
        raise UserError(
            f"weights {path} have sha256 {found[:12]}..., not {origin.sha256[:12]}...: {RESTORE}"
        )
    return path
