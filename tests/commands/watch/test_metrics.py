"""The metrics node on its own: restarts, silence, and what keeps it from serving."""

import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from commands.watch import metrics
from commands.watch.metrics import Exporter, Snapshot
from config.settings import BusSettings, MetricsSettings, Settings
from messaging.errors import UserError
from messaging.node import Node, State
from messaging.observer import NodeRow, Observer
from messaging.schema import Heartbeat, Stamp, TopicCounts
from messaging.topics import HEARTBEAT
from messaging.wire import Received
from tests.pipelines import emofuse, started

PATIENCE_S = 60.0


def settings(address: str, port: int) -> Settings:
    return Settings(bus=BusSettings(address=address), metrics=MetricsSettings(port=port))


def test_a_silent_node_is_down_and_an_unknown_clock_is_left_out() -> None:
    beat = Heartbeat(Stamp(1, "other", bound_ns=None), "camera", "running", 7, host="robot")
    exporter = Exporter()
    silent = NodeRow("camera", beat, 5_000_000_000, None, None, None, 0, 0, 0, 2, is_twice=False)
    exporter.snapshot = Snapshot((silent,))
    samples = {s.name: s.value for family in exporter.collect() for s in family.samples}
    assert samples["emofuse_node_up"] == samples["emofuse_node_running"] == 0
    assert samples["emofuse_node_heartbeat_age_seconds"] == 5
    assert samples["emofuse_node_restarts_total"] == 2
    assert not any("clock" in name or "latency" in name for name in samples)


def test_a_node_that_has_closed_is_not_down_but_gone() -> None:
    observer = Observer()
    said: list[tuple[str, State]] = [
        ("camera", "running"),
        ("mark", "running"),
        ("mark", "closing"),
    ]
    for name, state in said:
        counts = (TopicCounts("markers", messages=1),)
        beat = Heartbeat(Stamp(1, "hub"), name, state, 7, counts=counts)
        observer.hear(Received(HEARTBEAT, beat, memoryview(b""), name, 1, 0, 1))
    snapshot = Snapshot.of(observer, 2)
    assert [row.name for row in snapshot.nodes] == ["camera"]
    assert [row.sender for row in snapshot.streams] == ["camera"]


def test_it_serves_what_runs_at_this_machine_alone(address: str) -> None:
    with (
        Node("reader", address, [HEARTBEAT]) as reader,
        started("metrics", "--port", "0", "--hub", address) as process,
    ):
        deadline = time.monotonic() + PATIENCE_S
        while not (told := reader.peers()["metrics"].text if "metrics" in reader.peers() else ""):
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()
            reader.alive()
            reader.receive(0.05)
        url = told.removeprefix("at ")
        assert url.startswith("http://127.0.0.1:")
        page = ""
        while 'emofuse_node_up{host="' not in page or 'node="reader"' not in page:
            assert time.monotonic() < deadline
            reader.alive()
            reader.receive(0.05)
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                page = answer.read().decode()
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


def test_a_port_that_is_taken_is_named(address: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"127\.0\.0\.1:{port}: .*; another program may be"):
            metrics.run(settings(address, port))
        told = emofuse("metrics", "--port", str(port), "--hub", address)
    assert told.returncode == 2
    assert "choose another metrics.port" in told.stderr


def test_an_address_that_is_not_this_machines_is_named(address: str) -> None:
    elsewhere = Settings(
        bus=BusSettings(address=address), metrics=MetricsSettings(port=0, bind="203.0.113.1")
    )
    with pytest.raises(UserError, match=r"203\.0\.113\.1:0: .*; choose another metrics\.bind"):
        metrics.run(elsewhere)


def test_without_its_package_the_extra_is_named(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(UserError, match=r"pip install 'emofuse\[outlets\]'"):
        metrics.run(settings(address, 0))
