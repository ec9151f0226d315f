"""The other nodes, as their heartbeats show them. Pure."""

from collections.abc import Mapping

from messaging.errors import UserError
from messaging.schema import Heartbeat
from messaging.wire import Received

LIVING_NS = 3_000_000_000
"""A node that runs is heard of within this."""


class Peers:
    """Who is silent is told by what had come until ``heard_ns``: a node that has been away itself
    must not take all others for dead.
    """

    def __init__(self) -> None:
        self._beats: dict[str, Received[Heartbeat]] = {}
        self.heard_ns = 0
        """Of the last look at what has come."""

    def note(self, received: Received[Heartbeat]) -> None:
        self._beats[received.sender] = received

    def beats(self) -> Mapping[str, Heartbeat]:
        """The newest of every one."""
        return {name: received.message for name, received in self._beats.items()}

    def running(self, kind: str, within_ns: int = LIVING_NS) -> dict[str, int]:
        """The incarnations, by name, of those of a kind that run and were heard of within that
        time.
        """
        since_ns = self.heard_ns - within_ns
        return {
            name: received.incarnation
            for name, received in self._beats.items()
            if received.message.kind == kind
            and received.message.state == "running"
            and received.received_ns >= since_ns
        }

    def cameras(self) -> frozenset[str]:
        """All that those who live send pictures of."""
        since_ns = self.heard_ns - LIVING_NS
        lately = (r.message for r in self._beats.values() if r.received_ns >= since_ns)
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
