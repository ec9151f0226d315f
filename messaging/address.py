"""Where a hub is: one address, from which five neighbouring endpoints follow."""

import os
import socket
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq

from messaging.errors import UserError

LONGEST_IPC_PATH = 107
"""``sun_path`` of a Unix socket, less its ending zero."""

PRIVATE_PREFIX = "emofuse-"
"""Of a folder that was made for one pipeline alone."""

IPC = "ipc://"
HUB = "hub"
"""Of the files that a hub has in a folder, the common part."""

_PLACES = ("bulk-in", "bulk-out", "events-in", "events-out", "clock")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """``*_in`` is where a node sends to, ``*_out`` where it reads from."""

    bulk_in: str
    bulk_out: str
    events_in: str
    events_out: str
    clock: str


def endpoints(address: str) -> Endpoints:
    """The hub's five endpoints.

    Raises:
        UserError: the address is neither ``ipc:///path`` nor ``tcp://host:port``.
    """
    if address.startswith(IPC):
        places = [f"{address}.{place}" for place in _PLACES]
        longest = max(len(os.fsencode(place)) for place in places) - len(IPC)
        if longest > LONGEST_IPC_PATH:
            raise UserError(
                f"hub address {address}: the path is {longest} bytes long, {LONGEST_IPC_PATH} fit "
                "in a socket's name; choose a shorter folder"
            )
        return Endpoints(*places)
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    if not address.startswith("tcp://") or not host or not port.isdecimal():
        raise UserError(f"hub address {address!r}: expected ipc:///PATH or tcp://HOST:PORT")
    first = int(port)
    if not 0 < first <= 65536 - len(_PLACES):
        raise UserError(f"hub address {address}: the port must lie in 1 to {65536 - len(_PLACES)}")
    return Endpoints(*(f"tcp://{host}:{first + place}" for place in range(len(_PLACES))))


def refuse_strangers(address: str, way_out: str = "add --insecure") -> None:
    """For a hub without keys.

    Raises:
        UserError: it could be reached from other machines, without keys and unencrypted.
    """
    host = address.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    is_local = host in ("localhost", "::1") or host.startswith("127.")
    if address.startswith("tcp://") and not is_local:
        raise UserError(
            f"{address} is open to other machines, without keys and unencrypted; "
            "name keys with --keys (emofuse keys new makes them), or bind to 127.0.0.1, or "
            f"{way_out} in a network that you trust"
        )


def nobody_at(address: str, keys: Path | None) -> str:
    """Why no hub may answer there, and the way out; ``keys`` is the folder that this one uses."""
    start = f"start one: emofuse hub --bind {address}{f' --keys {keys}' if keys else ''}"
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    if address.startswith(IPC) or host == "*":
        return start
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)
    except OSError as error:
        return f"no host {host} is known here ({error.strerror}); check the name"
    except UnicodeError:
        return f"{host!r} is no name of a host; check it"
    if any(_is_here(family, place) for family, *_, place in found):
        return start
    return f"start one on that machine: emofuse hub --bind tcp://0.0.0.0:{port} --keys FOLDER"


def _is_here(family: int, place: Any) -> bool:
    """Whether it is an address of this machine: others cannot be bound."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((place[0], 0, *place[2:]))
        except OSError:
            return False
    return True


def shared_address() -> str:
    """Where this user's hub and single nodes meet when no address is given."""
    if not zmq.has("ipc"):
        return "tcp://127.0.0.1:5550"
    return f"{IPC}{_private_folder()}/{HUB}"


def _private_folder() -> Path:
    """Raises:
    UserError: it cannot be made, or is open to others.
    """
    if sys.platform == "win32":  # its temporary folder is the user's own
        folder = Path(tempfile.gettempdir()) / "emofuse"
        folder.mkdir(exist_ok=True)
        return folder
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime or tempfile.gettempdir()) / (
        "emofuse" if runtime else f"emofuse-{os.getuid()}"
    )
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{folder} cannot be made: {error.strerror}; name a hub address, or mend "
            f"{'XDG_RUNTIME_DIR' if runtime else 'TMPDIR'}"
        ) from error
    owner = folder.stat()
    if owner.st_uid != os.getuid() or stat.S_IMODE(owner.st_mode) & 0o077:
        raise UserError(f"{folder} is not private to this user; remove it, or name a hub address")
    return folder


def running_address() -> str:
    """The hub that this user started last and that serves, of a pipeline or of single nodes; where
    there is none, the place where single nodes meet.
    """
    folders = Path(tempfile.gettempdir()).glob(f"{PRIVATE_PREFIX}*/{HUB}.lock")
    shared = shared_address()
    locks = {*folders, Path(f"{shared.removeprefix(IPC)}.lock")}
    for lock in sorted(filter(Path.exists, locks), key=_changed, reverse=True):
        address = f"{IPC}{lock.with_suffix('')}"
        if _serves(address):
            return address
    return shared


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _serves(address: str) -> bool:
    """Whether somebody listens there, who lets this user in."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(endpoints(address).clock.removeprefix(IPC))
        except (OSError, UserError):
            return False
    return True


def private_address(folder: Path) -> str:
    """An address that no other pipeline uses, with its sockets in ``folder`` where that can be."""
    if zmq.has("ipc"):
        return f"{IPC}{folder}/{HUB}"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{min(probe.getsockname()[1], 65530)}"
