"""The way to a hub: each of its five neighbouring places connects, or does not."""

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from commands.doctor.finding import Finding
from messaging.access import TCP
from messaging.address import IPC, endpoints
from messaging.probe import is_let_in

NAME = "hub"
TIMEOUT_S = 2.0
MEANS = {
    "bulk_in": "pictures and sound, to the hub",
    "bulk_out": "pictures and sound, from the hub",
    "events_in": "everything else, to the hub",
    "events_out": "everything else, from the hub",
    "clock": "the hub's clock",
}
"""By the name that ``Endpoints`` has for it, in its order."""
Outcome = Literal["connects", "refused", "silent", "unreachable"]


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    endpoint: str
    outcome: Outcome
    error: str = ""
    """Of the system, where it is unreachable."""

    @property
    def short(self) -> str:
        """Host and port, or the name of a socket's file."""
        return self.endpoint.rpartition("/")[2]


def judge(places: Sequence[Place], address: str) -> list[Finding]:
    """A finding for each place; the way out is told by the pattern of all."""
    outcomes: set[Outcome] = {place.outcome for place in places}
    return [_judge(place, outcomes, address) for place in places]


def _judge(place: Place, outcomes: set[Outcome], address: str) -> Finding:
    told = f"{place.short} ({MEANS[place.name]})"
    if place.outcome == "connects":
        return Finding(NAME, "fine", f"{place.short} connects: {MEANS[place.name]}")
    if place.outcome == "unreachable":
        return Finding(
            NAME,
            "failure",
            f"{told} cannot be reached: {place.error}",
            "check the host's name, and that both machines are in one network",
        )
    if place.outcome == "silent":
        ports = "this port" if "connects" in outcomes else "five ports from the hub's on"
        return Finding(
            NAME,
            "failure",
            f"{told} does not answer: a firewall drops it, or that machine is off",
            f"let {ports} through the firewall of the hub's machine (TCP)",
        )
    if "connects" in outcomes:
        return Finding(
            NAME,
            "failure",
            f"{told} is refused, though others are not",
            "give the hub's own address: the first of its five places",
        )
    return Finding(
        NAME,
        "failure",
        f"{told} is refused: no hub is there",
        f"start one (emofuse hub --bind {address}), or check the address",
    )


def examine(address: str, keys: Path | None = None) -> list[Place]:
    """All five at once; ``keys`` is the folder with this machine's."""
    where = astuple(endpoints(address))
    with ThreadPoolExecutor(len(where)) as pool:
        return list(pool.map(partial(_try, keys), MEANS, where))


def _try(keys: Path | None, name: str, endpoint: str) -> Place:
    if endpoint.startswith(TCP) and is_let_in(name, endpoint, TIMEOUT_S, keys):
        return Place(name, endpoint, "connects")
    try:
        _connect(endpoint)
    except TimeoutError:
        return Place(name, endpoint, "silent")
    except (ConnectionRefusedError, FileNotFoundError):
        return Place(name, endpoint, "refused")
    except OSError as error:
        return Place(name, endpoint, "unreachable", error.strerror or str(error))
    return Place(name, endpoint, "connects")


def _connect(endpoint: str) -> None:
    if endpoint.startswith(IPC):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(TIMEOUT_S)
            probe.connect(endpoint.removeprefix(IPC))
        return
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S).close()
