"""The metrics node: what heartbeats and results tell, for Prometheus to fetch over HTTP."""

import errno
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from config.settings import MetricsSettings, Settings
from messaging.clock import monotonic_ns
from messaging.errors import UserError
from messaging.extras import require_extra
from messaging.joining import node_of
from messaging.observer import NodeRow, Observer, StreamRow
from messaging.topics import FACES, HEARTBEAT, UTTERANCES

if TYPE_CHECKING:
    from prometheus_client.core import Metric

LOOK_S = 0.1
REFRESH_NS = 500_000_000
NODE, STREAM = ("node", "host"), ("topic", "sender", "host")


@dataclass(frozen=True, slots=True)
class Snapshot:
    nodes: tuple[NodeRow, ...] = ()
    streams: tuple[StreamRow, ...] = ()

    @classmethod
    def of(cls, observer: Observer, now_ns: int) -> Self:
        """Without those who said that they close: they are not down, they are not there."""
        nodes = tuple(row for row in observer.nodes(now_ns) if not row.is_closed)
        names = {row.name for row in nodes}
        return cls(nodes, tuple(row for row in observer.streams(now_ns) if row.sender in names))


class Exporter:
    """Prometheus' collector: its server asks from threads of its own, so it is given snapshots."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()

    def collect(self) -> "Iterable[Metric]":
        snapshot = self.snapshot
        yield from _of_nodes(snapshot.nodes)
        yield from _of_latencies(snapshot.nodes)
        yield from _of_streams(snapshot.streams)


def _of_nodes(nodes: Iterable[NodeRow]) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    up = GaugeMetricFamily("emofuse_node_up", "1 while it is heard", labels=NODE)
    running = GaugeMetricFamily("emofuse_node_running", "1 while it does its work", labels=NODE)
    age = GaugeMetricFamily(
        "emofuse_node_heartbeat_age_seconds", "Since its last heartbeat", labels=NODE
    )
    memory = GaugeMetricFamily("emofuse_node_resident_memory_bytes", "Held now", labels=NODE)
    cpu = CounterMetricFamily("emofuse_node_cpu_seconds", "Of its process", labels=NODE)
    overtaken = CounterMetricFamily(
        "emofuse_node_overtaken", "Messages that newer ones replaced, on purpose", labels=NODE
    )
    lost = CounterMetricFamily("emofuse_node_lost", "Messages that never reached it", labels=NODE)
    rejected = CounterMetricFamily("emofuse_node_rejected", "No valid messages", labels=NODE)
    restarts = CounterMetricFamily(
        "emofuse_node_restarts", "New incarnations since this exporter began", labels=NODE
    )
    offset = GaugeMetricFamily(
        "emofuse_node_clock_offset_seconds", "The hub's clock minus its own", labels=NODE
    )
    bound = GaugeMetricFamily(
        "emofuse_node_clock_bound_seconds", "Error bound of that, where it is known", labels=NODE
    )
    for row in nodes:
        labels, beat = (row.name, row.beat.host), row.beat
        is_up = not row.is_silent
        up.add_metric(labels, is_up)
        running.add_metric(labels, is_up and beat.state == "running")
        age.add_metric(labels, row.silent_ns / 1e9)
        memory.add_metric(labels, beat.rss_bytes)
        cpu.add_metric(labels, beat.cpu_ns / 1e9)
        overtaken.add_metric(labels, row.overtaken)
        lost.add_metric(labels, row.lost)
        rejected.add_metric(labels, row.rejected)
        restarts.add_metric(labels, row.restarts)
        if beat.stamp.bound_ns is not None:
            offset.add_metric(labels, beat.stamp.offset_ns / 1e9)
            bound.add_metric(labels, beat.stamp.bound_ns / 1e9)
    yield from (up, running, age, memory, cpu, overtaken, lost, rejected, restarts, offset, bound)


def _of_latencies(nodes: Iterable[NodeRow]) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    latency = GaugeMetricFamily(
        "emofuse_node_latency_seconds",
        "From a picture, or an utterance's end, until its result was heard by this exporter",
        labels=(*NODE, "quantile"),
    )
    for row in nodes:
        if row.latency is not None:
            latency.add_metric((row.name, row.beat.host, "0.5"), row.latency.p50_ns / 1e9)
            latency.add_metric((row.name, row.beat.host, "0.95"), row.latency.p95_ns / 1e9)
    yield latency


def _of_streams(streams: Iterable[StreamRow]) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily

    messages = CounterMetricFamily("emofuse_stream_messages", "Sent", labels=STREAM)
    size = CounterMetricFamily("emofuse_stream_bytes", "Sent, with headers", labels=STREAM)
    for row in streams:
        labels = (row.topic, row.sender, row.host)
        messages.add_metric(labels, row.messages)
        size.add_metric(labels, row.bytes)
    yield from (messages, size)


def run(settings: Settings) -> None:
    """Serve metrics until asked to stop.

    Raises:
        UserError: a package is missing, or the port cannot be had.
    """
    require_extra("prometheus_client", "outlets", "metrics")
    exporter = Exporter()
    with (
        _served(exporter, settings.metrics) as place,
        node_of(settings, "metrics", (FACES, UTTERANCES, HEARTBEAT)) as node,
    ):
        node.text = f"at http://{place}/metrics"
        node.log.info(node.text)
        observer = Observer()
        refreshed_ns = 0
        while node.alive():
            observer.hear_all(node.receive(LOOK_S))
            now_ns = monotonic_ns()
            if now_ns - refreshed_ns >= REFRESH_NS:
                stamp = node.stamp()
                observer.hub_offset_ns = None if stamp.bound_ns is None else stamp.offset_ns
                exporter.snapshot = Snapshot.of(observer, now_ns)
                refreshed_ns = now_ns


@contextmanager
def _served(exporter: Exporter, settings: MetricsSettings) -> Generator[str]:
    from prometheus_client import CollectorRegistry, start_http_server

    registry: Any = CollectorRegistry(auto_describe=False)
    registry.register(exporter)
    try:
        server, thread = start_http_server(settings.port, settings.bind, registry)
    except OSError as error:
        way_out = (
            "another program may be there: choose another metrics.port"
            if error.errno == errno.EADDRINUSE
            else "choose another metrics.bind or metrics.port"
        )
        raise UserError(
            f"metrics cannot be served at {settings.bind}:{settings.port}: "
            f"{error.strerror}; {way_out}"
        ) from error
    try:
        yield f"{settings.bind}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
