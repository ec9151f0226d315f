"""What runs, as heartbeats and results tell somebody who only listens. Pure."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from messaging.ledger import dropped, lost
from messaging.schema import FaceEmotions, Heartbeat, TopicCounts, UtteranceEmotion
from messaging.wire import Received

MOST_NODES = 256
"""Names that are kept; whoever comes after them is passed over."""
WINDOW_NS = 4_000_000_000
"""Rates are those of the last heartbeats within so long,"""
MOST_BEATS = 64
"""and of no more than these, twice as many as a worker's: the stamps are the node's own word."""
RESULTS = 300
"""Latencies are those of a node's last so many results."""
SILENT_NS = 3_000_000_000
"""A node that said nothing for so long is silent."""
FORGOTTEN_NS = 60_000_000_000
"""A node that said that it closes is listed for so long."""
BOOKKEEPING = frozenset(("heartbeat", "control", "credit", "log", "clock"))
"""Topics that any node may send; none of them is what a node is there for."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Of a node's last results: from their cause to their arrival here, on the hub's clock."""

    p50_ns: int
    p95_ns: int


@dataclass(frozen=True, slots=True)
class StreamRow:
    """What one node sends on one topic."""

    topic: str
    sender: str
    host: str
    messages: int
    bytes: int
    """Of both: since the sender started."""
    rate_hz: float | None
    bytes_per_s: float | None
    """``None`` for both: it is silent, or was heard once."""
    readers: tuple[str, ...]
    """Nodes that said that they have read some of it."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node. Counts are sums over all its incarnations that were heard."""

    name: str
    beat: Heartbeat
    """The newest."""
    silent_ns: int
    cpu: float | None
    """Share of one core; ``None`` until it was heard twice."""
    rate_hz: float | None
    """Messages a second on its busiest topic."""
    latency: Latency | None
    overtaken: int
    lost: int
    rejected: int
    restarts: int
    """New incarnations since looking began."""
    is_twice: bool
    """Two nodes use this name at once."""

    @property
    def is_closed(self) -> bool:
        return self.beat.state == "closing"

    @property
    def is_silent(self) -> bool:
        return self.silent_ns > SILENT_NS and not self.is_closed


@dataclass(slots=True)
class _Node:
    incarnation: int
    beats: deque[Heartbeat] = field(default_factory=lambda: deque[Heartbeat](maxlen=MOST_BEATS))
    """Of this incarnation, the newest last."""
    heard_ns: int = 0
    restarts: int = 0
    twice_ns: int | None = None
    """When an older incarnation was heard beside the newest."""
    former: tuple[int, int, int] = (0, 0, 0)
    """Overtaken, lost and rejected of the incarnations before."""

    @property
    def newest(self) -> Heartbeat:
        return self.beats[-1]


class Observer:
    """Gathers what it is told by ``hear``; rows are made when they are asked for."""

    def __init__(self, hub_offset_ns: int | None = None) -> None:
        self.hub_offset_ns = hub_offset_ns
        """The hub's clock minus the one of ``received_ns``; while it is ``None``, unknown, no
        latency is measured."""
        self._nodes: dict[str, _Node] = {}
        self._latencies: dict[str, deque[int]] = {}
        self._real_time = True
        self.interval_ns: dict[str, int] = {}
        """Nominal distance of two pictures, by camera."""

    def hear_all(self, arrived: Iterable[Received[Any]]) -> None:
        for received in arrived:
            self.hear(received)

    def hear(self, received: Received[Any]) -> None:
        """Heartbeats, faces and utterances count; all else is passed over."""
        message = received.message
        if isinstance(message, Heartbeat):
            self._hear_beat(received, message)
        elif isinstance(message, FaceEmotions):
            self._real_time = message.real_time
            if message.interval_ns and len(self.interval_ns) < MOST_NODES:
                self.interval_ns[message.source] = message.interval_ns
            if message.event == "analysed":
                self._hear_result(received, message.stamp.pipeline_ns)
        elif isinstance(message, UtteranceEmotion) and message.final and message.offset:
            self._hear_result(received, message.offset.pipeline_ns)

    def _hear_beat(self, received: Received[Any], beat: Heartbeat) -> None:
        node = self._nodes.get(received.sender)
        if node is None:
            if len(self._nodes) >= MOST_NODES:
                return
            node = self._nodes[received.sender] = _Node(received.incarnation)
        elif received.incarnation < node.incarnation and not _is_gone(node, received):
            if beat.state != "closing":
                node.twice_ns = received.received_ns
            return
        elif received.incarnation != node.incarnation:
            node.former = _sum(node.former, _counts(node.newest))
            node.incarnation = received.incarnation
            node.restarts += 1
            node.beats.clear()
        node.heard_ns = received.received_ns
        node.beats.append(beat)
        while _passed_ns(node.beats) > WINDOW_NS and len(node.beats) > 2:
            node.beats.popleft()

    def _hear_result(self, received: Received[Any], cause_ns: int) -> None:
        """Where time is a file's, and not played at its own pace, age means nothing."""
        if self.hub_offset_ns is None or not self._real_time:
            return
        if received.sender in self._nodes:
            kept = self._latencies.setdefault(received.sender, deque(maxlen=RESULTS))
            kept.append(received.received_ns + self.hub_offset_ns - cause_ns)

    def nodes(self, now_ns: int) -> tuple[NodeRow, ...]:
        """By name."""
        self._forget(now_ns)
        return tuple(self._row(name, node, now_ns) for name, node in sorted(self._nodes.items()))

    def _forget(self, now_ns: int) -> None:
        for name, node in list(self._nodes.items()):
            if node.newest.state == "closing" and now_ns - node.heard_ns > FORGOTTEN_NS:
                del self._nodes[name]
                self._latencies.pop(name, None)

    def _row(self, name: str, node: _Node, now_ns: int) -> NodeRow:
        silent_ns = max(0, now_ns - node.heard_ns)
        flows = [] if _is_quiet(node, silent_ns) else _flows(node.beats)
        passed_ns = _passed_ns(node.beats)
        overtaken, lost_ones, rejected = _sum(node.former, _counts(node.newest))
        return NodeRow(
            name,
            node.newest,
            silent_ns,
            (node.newest.cpu_ns - node.beats[0].cpu_ns) / passed_ns if passed_ns > 0 else None,
            max((rate for topic, rate, _ in flows if topic not in BOOKKEEPING), default=None),
            _latency(self._latencies.get(name, ())),
            overtaken,
            lost_ones,
            rejected,
            node.restarts,
            node.twice_ns is not None and now_ns - node.twice_ns < SILENT_NS,
        )

    def streams(self, now_ns: int) -> tuple[StreamRow, ...]:
        """By topic and sender."""
        self._forget(now_ns)
        readers = self._readers()
        rows: list[StreamRow] = []
        for name, node in self._nodes.items():
            quiet = _is_quiet(node, now_ns - node.heard_ns)
            flows = {} if quiet else {topic: flow for topic, *flow in _flows(node.beats)}
            for count in _sent(node.newest):
                rate_hz, bytes_per_s = flows.get(count.topic, (None, None))
                rows.append(
                    StreamRow(
                        count.topic,
                        name,
                        node.newest.host,
                        count.messages,
                        count.bytes,
                        rate_hz,
                        bytes_per_s,
                        tuple(sorted(readers.get((count.topic, name), ()))),
                    )
                )
        return tuple(sorted(rows, key=lambda row: (row.topic, row.sender)))

    def _readers(self) -> dict[tuple[str, str], set[str]]:
        readers: dict[tuple[str, str], set[str]] = {}
        for name, node in self._nodes.items():
            if node.newest.state != "closing":
                for count in node.newest.counts:
                    if count.sender and count.sender != name:
                        readers.setdefault((count.topic, count.sender), set()).add(name)
        return readers


def _is_gone(node: _Node, other: Received[Any]) -> bool:
    """Whether one that started earlier by its own account comes after it: a machine's wall clock
    may be behind when it starts anew.
    """
    return node.newest.state == "closing" or other.received_ns - node.heard_ns > SILENT_NS


def _sent(beat: Heartbeat) -> list[TopicCounts]:
    return [count for count in beat.counts if not count.sender]


def _flows(beats: Sequence[Heartbeat]) -> list[tuple[str, float, float]]:
    """Topic, messages and bytes a second of all that a node sends; none while it was heard once."""
    passed_s = _passed_ns(beats) / 1e9
    if passed_s <= 0:
        return []
    before = {count.topic: count for count in _sent(beats[0])}
    none = TopicCounts("none")
    return [
        (
            count.topic,
            (count.messages - before.get(count.topic, none).messages) / passed_s,
            (count.bytes - before.get(count.topic, none).bytes) / passed_s,
        )
        for count in _sent(beats[-1])
    ]


def _is_quiet(node: _Node, silent_ns: int) -> bool:
    return node.newest.state == "closing" or silent_ns > SILENT_NS


def _passed_ns(beats: Sequence[Heartbeat]) -> int:
    return beats[-1].stamp.captured_ns - beats[0].stamp.captured_ns


def _counts(beat: Heartbeat) -> tuple[int, int, int]:
    return dropped(beat), lost(beat), beat.rejected


def _sum(one: tuple[int, int, int], other: tuple[int, int, int]) -> tuple[int, int, int]:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _latency(results: Sequence[int] | deque[int]) -> Latency | None:
    """By nearest rank."""
    if not results:
        return None
    ordered = sorted(results)
    return Latency(*(ordered[math.ceil(share * len(ordered)) - 1] for share in (0.5, 0.95)))
