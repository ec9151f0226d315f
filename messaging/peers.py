"""The other nodes, as their heartbeats show them. Pure."""

from collections.abc import Mapping

from messaging.errors import UserError
from messaging.schema import Heartbeat
from messaging.wire import Received

LIVING_NS = 3_000_000_000
"""A node that runs is heard of within this."""
LULL_NS = 500_000_000
"""A longer silence of all does not count: the way was at fault, and after it not all come back at
once, as their connections are made anew."""


class Peers:
    """Who is silent is told by the time in which anybody was heard: a node that has been away
    itself, or whose hub has, must not take all others for dead.
    """

    def __init__(self) -> None:
        self._beats: dict[str, tuple[Received[Heartbeat], int]] = {}
        """With what ``_listened_ns`` was then."""
        self.heard_ns = self._listened_ns = 0
        """When something came last, from whomever: the own heartbeats come back as well."""

    def hear(self, now_ns: int) -> int:
        """Something has come; returns for how long nothing had."""
        silent_ns, self.heard_ns = now_ns - self.heard_ns, now_ns
        if silent_ns <= LULL_NS:
            self._listened_ns += silent_ns
        return silent_ns

    def note(self, received: Received[Heartbeat]) -> None:
        """After it was heard."""
        self._beats[received.sender] = received, self._listened_ns

    def beats(self) -> Mapping[str, Heartbeat]:
        """The newest of every one."""
        return {name: received.message for name, (received, _) in self._beats.items()}

    def running(self, kind: str, within_ns: int = LIVING_NS) -> dict[str, int]:
        """The incarnations, by name, of those of a kind that run and were heard of within that
        time.
        """
        return {
            name: received.incarnation
            for name, (received, at_ns) in self._beats.items()
            if received.message.kind == kind
            and received.message.state == "running"
            and self._listened_ns - at_ns <= within_ns
        }

    def cameras(self) -> frozenset[str]:
        """All that those who live send pictures of."""
        since_ns = self._listened_ns - LIVING_NS
        lately = (r.message for r, at_ns in self._beats.values() if at_ns >= since_ns)
        living = (beat.cameras for beat in lately if beat.state != "closing")
        return frozenset[str]().union(*living)


def require_older(own: Heartbeat, other: Heartbeat) -> None:
    """Of two nodes of one name the younger leaves.

    Raises:
        UserError: that is this one.
    """
    if _began_ns(other) < _began_ns(own):
        raise UserError(
            f"a node named {own.node!r} runs already (process {other.pid}); stop it, or give "
            "this one another name: --name, or a table [nodes.NAME] of its own"
        )


def _began_ns(beat: Heartbeat) -> tuple[int, int]:
    return beat.stamp.pipeline_ns - beat.uptime_ns, beat.pid
