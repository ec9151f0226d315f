"""The other nodes, as their heartbeats show them. Pure."""

from collections.abc import Mapping

from messaging.errors import UserError
from messaging.schema import Heartbeat
from messaging.wire import Received

LIVING_NS = 3_000_000_000
"""A node that runs is heard of within this."""
LULL_NS = 500_000_000
"""When nobody at all was heard for so long, not even the node itself, the way was at fault."""


class Peers:
    """Who is silent is told by what had come until ``heard_ns``: a node that has been away itself,
    or whose hub is, must not take all others for dead.
    """

    def __init__(self) -> None:
        self._beats: dict[str, Received[Heartbeat]] = {}
        self.heard_ns = 0
        """When something came last, from whomever: the own heartbeats come back as well."""
        self._lull = 0, 0
        """The last one: nothing came from then to then."""

    def hear(self, now_ns: int) -> int:
        """Something has come; returns for how long nothing had."""
        former_ns, self.heard_ns = self.heard_ns, now_ns
        if now_ns - former_ns > LULL_NS:
            self._lull = former_ns, now_ns
        return now_ns - former_ns

    def note(self, received: Received[Heartbeat]) -> None:
        self._beats[received.sender] = received

    def beats(self) -> Mapping[str, Heartbeat]:
        """The newest of every one."""
        return {name: received.message for name, received in self._beats.items()}

    def running(self, kind: str, within_ns: int = LIVING_NS) -> dict[str, int]:
        """The incarnations, by name, of those of a kind that run and were heard of within that
        time.
        """
        return {
            name: received.incarnation
            for name, received in self._beats.items()
            if received.message.kind == kind
            and received.message.state == "running"
            and self._silent_ns(received) <= within_ns
        }

    def cameras(self) -> frozenset[str]:
        """All that those who live send pictures of."""
        beats = self._beats.values()
        lately = (r.message for r in beats if self._silent_ns(r) <= LIVING_NS)
        living = (beat.cameras for beat in lately if beat.state != "closing")
        return frozenset[str]().union(*living)

    def _silent_ns(self, last: Received[Heartbeat]) -> int:
        """How long it could have been heard and was not. Who was heard before the lull had no
        chance in it; and after it not all come back at once, as their connections are made anew.
        """
        begin_ns, end_ns = self._lull
        silent_ns = self.heard_ns - last.received_ns
        return silent_ns - (end_ns - begin_ns) if last.received_ns <= begin_ns else silent_ns


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
