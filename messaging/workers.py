"""Which inference node answers a camera's pictures: whoever sends them decides, and names it.

So there is one who decides, and no picture has two who answer it, also while cameras move.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from hashlib import blake2b
from itertools import product
from math import ceil
from typing import Any

from messaging.clock import monotonic_ns
from messaging.node import Node
from messaging.schema import VideoFrame
from messaging.topics import VIDEO, VIDEO_JPEG
from messaging.wire import Received

WORKER = "inference"
"""The kind of node that answers pictures."""
DEAD_NS = 750_000_000
"""Workers show themselves every 125 ms, or between two pictures; one that fell silent for so long
has its cameras taken."""
LOOK_NS = 20_000_000
"""Who lives is looked at no more often, or at full speed it would cost more than to send."""


def preference(camera: str, worker: str) -> int:
    """Thaler and Ravishankar, A Name-Based Mapping Scheme for Rendezvous (1996): the same
    everywhere, and untouched by who else is there.
    """
    return int.from_bytes(blake2b(f"{camera}\0{worker}".encode(), digest_size=8).digest())


def share_out(cameras: Collection[str], workers: Collection[str]) -> dict[str, str]:
    """Each camera's worker: the one it prefers among those that have room, for no worker has more
    than its share, rounded up. The strongest preferences come first.
    """
    owners: dict[str, str] = {}
    if not workers:
        return owners
    most, loads = ceil(len(cameras) / len(workers)), Counter[str]()
    pairs = sorted(product(cameras, workers), key=lambda pair: (-preference(*pair), pair))
    for camera, worker in pairs:
        if camera not in owners and loads[worker] < most:
            owners[camera] = worker
            loads[worker] += 1
    return owners


class Owners:
    """Whose one sender's cameras are, as workers come and go. Pure.

    A camera stays where it is, with the tracks of its faces, until its worker dies, or others come
    with whom work is to be shared anew. A worker that was restarted knows nothing of what its
    former self had in hand: it counts as one that died and, from the next look on, one that came.
    """

    def __init__(self) -> None:
        self.cameras: set[str] = set()
        self.owners: dict[str, str] = {}
        self.planned: dict[str, str] = {}
        """Moves from one living worker to another, for the sender to do when it sees fit."""
        self._incarnations: dict[str, int] = {}
        self._known: frozenset[tuple[str, int]] = frozenset()
        self._known_cameras: frozenset[str] = frozenset()

    def look(self, alive: Mapping[str, int], cameras: Collection[str]) -> set[str]:
        """Take note of the workers that live (names to incarnations) and of all cameras there are.

        Returns the dead, whose work others do from now on; with nobody there, all is left as it is.
        """
        cameras = self.cameras.union(cameras)
        used = set(self.owners.values())
        dead = {name for name in used if alive.get(name) != self._incarnations[name]}
        if dead and alive:
            others = {name: alive[name] for name in alive if name not in dead} or dict(alive)
            shares = share_out(cameras, others)
            for camera, owner in self.owners.items():
                if owner in dead:
                    self._move(camera, shares[camera], others)
            self._known, self.planned = frozenset(others.items()), {}
            return dead - others.keys()
        if alive and not (
            self._known.issuperset(alive.items()) and self._known_cameras.issuperset(cameras)
        ):
            self._known, self._known_cameras = frozenset(alive.items()), frozenset(cameras)
            shares = share_out(cameras, alive)
            self.planned = {c: shares[c] for c in self.cameras if shares[c] != self.owners.get(c)}
            self._incarnations |= alive
        return set()

    def move(self) -> None:
        """Do what was planned."""
        self.owners |= self.planned
        self.planned = {}

    def _move(self, camera: str, worker: str, alive: Mapping[str, int]) -> None:
        self.owners[camera] = worker
        self._incarnations[worker] = alive[worker]


class Sharing:
    """The same for a node: it names the workers in the pictures that the node sends."""

    def __init__(
        self, node: Node, hear: Callable[[list[Received[Any]]], object] = lambda _: None
    ) -> None:
        """``hear`` is given what arrives while it waits."""
        self._node = node
        self._hear = hear
        self._owners = Owners()
        self._looked_ns = 0
        self._last: dict[str, VideoFrame] = {}

    def look(self, _arrived: object = None) -> None:
        """Who lives? The credit of the dead is waited for no more, where others do their work."""
        node = self._node
        for name in self._owners.look(node.running(WORKER, DEAD_NS), node.cameras()):
            node.forget_reader(name)

    def settle(self, camera: str, *, lossless: bool) -> None:
        """To be called before each message of a camera. Of a lossless source nothing is on its way
        when a camera moves, or results could overtake each other.
        """
        now_ns = monotonic_ns()
        if camera not in self._owners.cameras or now_ns - self._looked_ns >= LOOK_NS:
            self._owners.cameras.add(camera)
            self._looked_ns = now_ns
            self.look()
        if lossless and self._owners.owners and self._owners.planned:
            self._wait_for_all()
        self._owners.move()

    def named(self, frame: VideoFrame) -> VideoFrame:
        """The message as it is sent."""
        named = replace(frame, worker=self._owners.owners.get(frame.source, ""))
        self._last[frame.source] = named
        return named

    def finish(self) -> None:
        """After the last message of a lossless source: until its workers have done. When one dies
        now, the last word says once more who does the rest.
        """
        while self._wait_for_all():
            owners = self._owners.owners
            moved = [f for f in self._last.values() if owners.get(f.source, "") != f.worker]
            for frame in moved:
                for topic in (VIDEO, VIDEO_JPEG):
                    self._node.publish(topic, self.named(frame))
            if not moved:
                return

    def _wait_for_all(self) -> bool:
        """Until all readers have done with all that was sent; ``False`` when asked to stop."""
        awaited = [topic for topic in (VIDEO, VIDEO_JPEG) if self._node.is_awaited(topic)]
        return all(self._node.wait_until_done(topic, self._look_and_hear) for topic in awaited)

    def _look_and_hear(self, arrived: list[Received[Any]]) -> None:
        self.look()
        self._hear(arrived)
