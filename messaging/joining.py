"""How a process of the pipeline becomes a node: with what its settings say of the bus."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from messaging.node import Node
from messaging.topics import Topic


class BusSettings(Protocol):
    @property
    def address(self) -> str: ...
    @property
    def connect_timeout_s(self) -> float: ...
    @property
    def keys(self) -> Path | None: ...


class Settings(Protocol):
    """What a node needs of them; the wire does not know the others."""

    @property
    def name(self) -> str: ...
    @property
    def log_level(self) -> str: ...
    @property
    def bus(self) -> BusSettings: ...


def node_of(
    settings: Settings,
    kind: str,
    subscribe: Sequence[Topic[Any]] = (),
    credits_of: Sequence[Topic[Any]] = (),
    *,
    name: str = "",
    keeps_all: bool = False,
    cameras: Sequence[str] = (),
    is_worker: bool = False,
) -> Node:
    """The node of that kind, not yet joined; called ``name``, else as the settings say, else as its
    kind. The rest is as of ``Node``.
    """
    bus = settings.bus
    return Node(
        name or settings.name or kind,
        bus.address,
        subscribe,
        settings.log_level,
        bus.connect_timeout_s,
        credits_of=credits_of,
        keeps_all=keeps_all,
        kind=kind,
        cameras=cameras,
        is_worker=is_worker,
        keys=bus.keys,
    )
