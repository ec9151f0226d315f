"""The keys of one machine: a folder with its own key pair, the hub's public key, and those that a
hub lets in. Text that can be read, copied and mended; each line is ``NAME KEY``, a key in Z85.
"""

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from messaging.errors import UserError

SECRET = "secret.key"
HUB = "hub.key"
KNOWN = "known.keys"

_SECRET_LINE = re.compile(r"(?P<name>\w[\w.-]{0,63}) +secret +(?P<key>\S{40})")
_PUBLIC_LINE = re.compile(r"(?P<name>\w[\w.-]{0,63}) +(?P<key>\S{40})")
_SHAPE = "NAME KEY (a name, and 40 characters)"
_SECRET_NOTE = "# emofuse: this machine's secret key. Show it to nobody.\n"
_HUB_NOTE = "# emofuse: the public key of the hub that this machine connects to.\n"
_KNOWN_NOTE = "# emofuse: public keys that the hub lets in, a line each.\n"


@dataclass(frozen=True, slots=True)
class Keys:
    """What a machine holds. All keys are Z85 text."""

    folder: Path
    name: str
    secret: str = field(repr=False)
    public: str
    hub: str
    """The hub's public key; this machine's own where none is named: then the hub is here."""
    hub_name: str = ""
    """Empty where the hub is here."""

    @property
    def line(self) -> str:
        """What other machines are given."""
        return f"{self.name} {self.public}"


def make_keys(folder: Path, name: str) -> Keys:
    """A new key pair, in a folder for this user alone.

    Raises:
        UserError: there are keys already, or the folder or the name will not do.
    """
    if not _PUBLIC_LINE.fullmatch(f"{name} {'0' * 40}"):
        raise UserError(f"no name for keys: {name!r}; take up to 64 letters, digits, _, - and .")
    file = folder / SECRET
    _, secret = zmq.curve_keypair()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_open(folder, "700")
        _write_new(file, f"{_SECRET_NOTE}{name} secret {secret.decode()}\n")
    except FileExistsError:
        raise UserError(
            f"{file} is there already, and a hub may know it; name another folder, or delete it"
        ) from None
    except OSError as error:
        raise UserError(f"{folder}: no keys can be made there: {error.strerror}") from None
    return read_keys(folder)


def read_keys(folder: Path) -> Keys:
    """Raises:
    UserError: there are none, they are open to others, or damaged.
    """
    file = folder / SECRET
    text = _read(file)
    if text is None:
        raise UserError(f"{folder} holds no keys; make them: emofuse keys new --keys {folder}")
    _refuse_open(folder, "700")
    _refuse_open(file, "600")
    name, secret = _only_line(file, text, _SECRET_LINE, "NAME secret KEY")
    public = zmq.curve_public(secret.encode()).decode()
    hub_name, hub = "", public
    if (told := _read(folder / HUB)) is not None:
        hub_name, hub = _only_line(folder / HUB, told, _PUBLIC_LINE, _SHAPE)
    return Keys(folder, name, secret, public, hub, hub_name)


def read_known(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Names by public key, and what is wrong with other lines."""
    known: dict[str, str] = {}
    wrong: list[str] = []
    file = folder / KNOWN
    for number, line in _lines(_read(file) or ""):
        match = _PUBLIC_LINE.fullmatch(line)
        if match and _is_key(match["key"]):
            known[match["key"]] = match["name"]
        else:
            wrong.append(f"{file}, line {number}: expected {_SHAPE}; mend or delete it")
    return known, wrong


def parse_public(text: str) -> tuple[str, str]:
    """Name and key of a line, or of a file that holds one; what ``keys new`` prints on another
    machine.

    Raises:
        UserError: it is none.
    """
    with_name = f"{text!r}: expected {_SHAPE}, as emofuse keys show prints it, or a file with it"
    file = Path(text)
    try:
        found = _read(file) if file.name and "\n" not in text else None
    except UserError:  # too long for a name, or a folder
        found = None
    lines = [line for _, line in _lines(text if found is None else found)]
    if any(map(_SECRET_LINE.fullmatch, lines)):  # which must not stand in a terminal or a log
        raise UserError(
            "that is a machine's secret key, which nobody else may have; give the line that "
            "emofuse keys show prints there"
        )
    match = _PUBLIC_LINE.fullmatch(lines[0]) if len(lines) == 1 else None
    if match is None or not _is_key(match["key"]):
        raise UserError(with_name)
    return match["name"], match["key"]


def let_in(keys: Keys, name: str, public: str) -> str:
    """Add to those whom the hub of this folder knows. Returns the name by which it knew that key;
    empty where the key is new.

    Raises:
        UserError: the list is damaged, or the name has another key there.
    """
    file = keys.folder / KNOWN
    known, wrong = read_known(keys.folder)
    if wrong:
        raise UserError("\n".join(wrong))
    if public in known:
        return known[public]
    if name in known.values():
        raise UserError(f"{file} has another key for {name}; delete that line first")
    try:
        if not file.exists():
            _write_new(file, _KNOWN_NOTE)
        with file.open("r+", encoding="utf-8") as out:
            text = out.read()
            out.write(f"{'' if text.endswith(chr(10)) else chr(10)}{name} {public}\n")
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from None
    return ""


def set_hub(keys: Keys, name: str, public: str) -> None:
    """Connect to that hub from now on."""
    file = keys.folder / HUB
    new = file.with_name(f"{HUB}.new")
    try:
        new.unlink(missing_ok=True)
        _write_new(new, f"{_HUB_NOTE}{name} {public}\n")
        new.replace(file)
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from None


def _write_new(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)


def _read(file: Path) -> str | None:
    """``None``: it is not there."""
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError:
        raise UserError(f"{file} is damaged: it is no text") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None


def _lines(text: str) -> list[tuple[int, str]]:
    """All that say something, with their numbers. No name begins with ``#``."""
    numbered = enumerate((line.strip() for line in text.splitlines()), start=1)
    return [(number, line) for number, line in numbered if line and not line.startswith("#")]


def _only_line(file: Path, text: str, pattern: re.Pattern[str], shape: str) -> tuple[str, str]:
    lines = _lines(text)
    match = pattern.fullmatch(lines[0][1]) if len(lines) == 1 else None
    if match is None or not _is_key(match["key"]):
        raise UserError(
            f"{file} is damaged: expected one line {shape}; restore it, or delete it and make or "
            "add the key anew (emofuse keys --help)"
        )
    return match["name"], match["key"]


def _is_key(text: str) -> bool:
    """Whether it is Z85 of 32 bytes; the transport decodes it as it will when it is used."""
    try:
        zmq.curve_public(text.encode())
    except (ValueError, zmq.ZMQError):
        return False
    return True


def _refuse_open(path: Path, mode: str) -> None:
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise UserError(
            f"{path} is open to others (mode {stat.S_IMODE(path.stat().st_mode):o}); "
            f"close it: chmod {mode} {path}; who may have read it can come in with it"
        )
