"""Words to a pipeline that runs: stop it, record it, hold it, or mark a moment."""

import getpass
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, get_args

from commands.plan import LAUNCHER, RECORDER
from messaging.address import running_address
from messaging.errors import UserError
from messaging.node import Node
from messaging.schema import Control, Marker
from messaging.topics import CONTROL, MARKERS

Action = Literal["record", "rest", "pause", "resume", "stop"]
ACTIONS: tuple[str, ...] = get_args(Action)
HEARERS = frozenset((LAUNCHER, RECORDER))
BEAT_S = 1.5
"""Whoever runs has been heard of within this."""
STARTING_S = 10.0
RESTING = "resting"
"""What a recorder's heartbeats say while it is."""
AGAIN_S = 1.0
"""A word that had no effect for so long was lost, as where the hub starts anew."""
RESTING_S = 10.0
LONGEST = 4096
"""Characters of a marker's text."""


def mark(text: str, address: str, keys: Path | None = None) -> None:
    """Note an event at this moment, in the pipeline's time."""
    text = text.encode(errors="backslashreplace").decode()  # a shell passes bytes of any encoding
    if not text or len(text) > LONGEST:
        raise UserError(f"a marker's text has 1 to {LONGEST} characters, not {len(text)}")
    _join(address, keys, lambda node: node.publish(MARKERS, Marker(node.stamp(), text, _author())))


def control(action: str, address: str, keys: Path | None = None) -> None:
    """Raises:
    UserError: there is no such action, nothing runs, or a recorder that was to rest does not.
    """
    if action not in ACTIONS:
        raise UserError(f"no action {action!r}; there are {', '.join(ACTIONS)}")
    word: Any = action

    def say(node: Node) -> None:
        node.publish(CONTROL, Control(node.stamp(), word, node.name))

    def ask(node: Node) -> None:
        _wait_for_hearers(node)
        say(node)
        if action == "rest":
            _wait_for_rest(node, say)

    _join(address, keys, ask)


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


def _wait_for_rest(node: Node, say: Callable[[Node], None]) -> None:
    """Whoever is filmed is to be sure of it."""
    began_s = said_s = time.monotonic()
    while True:
        node.receive(0.05)
        now_s, peers = time.monotonic(), node.peers()
        active = [name for name in node.running(RECORDER) if peers[name].text != RESTING]
        if not active and now_s - began_s > BEAT_S:
            return
        if now_s - began_s > RESTING_S:
            raise UserError(
                f"{', '.join(active)} does not say that it rests; ask again, or stop all: "
                "emofuse control stop"
            )
        if active and now_s - said_s > AGAIN_S:
            said_s = now_s
            say(node)


def _join(address: str, keys: Path | None, say: Callable[[Node], object]) -> None:
    with ExitStack() as stack:
        try:
            node = stack.enter_context(
                Node(
                    "command",
                    address or running_address(),
                    connect_timeout_s=3.0,
                    keys=keys,
                    waits_at_door=False,
                    is_unique=False,
                )
            )
        except UserError as error:
            if address:
                raise
            raise UserError(
                "nothing runs that could hear it; start a pipeline (emofuse run), or name its hub "
                "with --hub"
            ) from error
        say(node)


def _author() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return ""
