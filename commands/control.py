"""Words to a pipeline that runs: stop it, record it, hold it, or mark a moment."""

import getpass
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

from messaging.address import running_address
from messaging.errors import UserError
from messaging.node import Node
from messaging.schema import Control, Marker
from messaging.topics import CONTROL, MARKERS, Topic

Action = Literal["record", "rest", "pause", "resume", "stop"]
ACTIONS: tuple[str, ...] = get_args(Action)
HEARERS = frozenset(("launcher", "recorder"))
BEAT_S = 1.5
"""Whoever runs has been heard of within this."""
STARTING_S = 10.0
LONGEST = 4096
"""Characters of a marker's text."""


def mark(text: str, address: str, keys: Path | None = None) -> None:
    """Note an event at this moment, in the pipeline's time."""
    text = text.encode(errors="backslashreplace").decode()  # a shell passes bytes of any encoding
    if not text or len(text) > LONGEST:
        raise UserError(f"a marker's text has 1 to {LONGEST} characters, not {len(text)}")
    _send(address, keys, MARKERS, lambda node: Marker(node.stamp(), text, _author()))


def control(action: str, address: str, keys: Path | None = None) -> None:
    """Raises:
    UserError: there is no such action, or nothing runs.
    """
    if action not in ACTIONS:
        raise UserError(f"no action {action!r}; there are {', '.join(ACTIONS)}")
    word: Any = action

    def say(node: Node) -> Control:
        _wait_for_hearers(node)
        return Control(node.stamp(), word, node.name)

    _send(address, keys, CONTROL, say)


def _wait_for_hearers(node: Node) -> None:
    """A hub may be there before those who would do what is asked; one that was started by hand has
    no launcher.
    """
    began_s = time.monotonic()
    while not HEARERS.intersection(beat.kind or beat.node for beat in node.peers().values()):
        waited_s = time.monotonic() - began_s
        if waited_s > STARTING_S or (waited_s > BEAT_S and node.peers().keys() - {"hub"}):
            return
        node.receive(0.05)


def _send(
    address: str, keys: Path | None, topic: Topic[Any], message: Callable[[Node], Any]
) -> None:
    try:
        with Node(
            "command",
            address or running_address(),
            connect_timeout_s=3.0,
            keys=keys,
            waits_at_door=False,
            is_unique=False,
        ) as node:
            node.publish(topic, message(node))
    except UserError as error:
        if address:
            raise
        raise UserError(
            "nothing runs that could hear it; start a pipeline (emofuse run), or name its hub "
            "with --hub"
        ) from error


def _author() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return ""
