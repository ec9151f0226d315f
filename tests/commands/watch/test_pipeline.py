"""Watched from all sides, the demo session plays at its own pace, and nobody is disturbed."""

import json
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from capture.demo import load_truth
from messaging.node import Node
from messaging.schema import FaceEmotions, Heartbeat, UtteranceEmotion
from messaging.topics import FACES, UTTERANCES
from tests.films import make_film
from tests.pipelines import started

PATIENCE_S = 90.0
SPOKEN = 2
"""Utterances that are waited for."""
TRIES = 4
"""A machine that is busy with other things gets some."""
NODES = {"hub", "media", "inference", "fusion", "metrics"}


@dataclass(frozen=True)
class Watched:
    """What each command told, and what the pipeline said at its end."""

    told: dict[str, str]
    metrics: dict[tuple[str, ...], float]
    """By name, and node or topic and sender."""
    summary: dict[str, Any]
    utterances: list[dict[str, Any]]
    last: Mapping[str, Heartbeat]
    """Of every node."""

    def sent(self, node: str, topic: str) -> int:
        counts = self.last[node].counts
        return sum(c.messages for c in counts if c.topic == topic and not c.sender)


@pytest.fixture(scope="module")
def watched() -> Generator[Watched]:
    """``hz`` and ``echo`` are there before the first picture, for which the witness is waited for;
    ``top`` and ``topics`` come in the middle, and the metrics are fetched then. After two
    utterances that is enough.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        address = f"ipc://{Path(folder).resolve()}/hub"
        film = make_film(Path(folder) / "film.mkv", every=1)  # lasts however long they take

        def start(*words: str) -> "subprocess.Popen[str]":
            return stack.enter_context(started(*words, "--hub", address))

        run = stack.enter_context(
            started(
                *("run", "--display", "none", "--json"),
                EMOFUSE_BUS__ADDRESS=address,
                EMOFUSE_MEDIA__FILE=str(film),
                EMOFUSE_MEDIA__WAIT_FOR="inference,fusion,witness",
                EMOFUSE_METRICS__ENABLED="1",
                EMOFUSE_METRICS__PORT="0",
            )
        )
        watchers = {"hz": start("hz", "faces"), "echo": start("echo", "utterances", "--json")}
        ready = watchers["hz"].stdout
        assert ready is not None
        assert "nothing on faces yet" in ready.readline()
        topics = (FACES, UTTERANCES)
        witness = stack.enter_context(Node("witness", address, topics, "info", PATIENCE_S))
        heard: list[Any] = []

        def until(condition: Callable[[], bool]) -> None:
            deadline = time.monotonic() + PATIENCE_S
            while not condition():
                assert time.monotonic() < deadline
                assert witness.alive()
                heard.extend(received.message for received in witness.receive(0.02))

        until(lambda: "http" in text_of(witness, "metrics"))
        until(lambda: sum(isinstance(message, FaceEmotions) for message in heard) > 50)
        told: dict[str, str] = {}

        def tell(name: str) -> None:
            until(lambda: watchers[name].poll() is not None)
            told[name], errors = watchers[name].communicate()
            assert watchers[name].returncode == 0, errors

        watchers["topics"] = start("topics")
        for _ in range(TRIES):
            watchers["top"] = start("top", "--once")
            tell("top")
            if "-" not in shown_rates(told["top"]):
                break
        tell("topics")
        metrics = scraped(text_of(witness, "metrics").removeprefix("at "))
        until(lambda: sum(isinstance(m, UtteranceEmotion) and m.final for m in heard) >= SPOKEN)
        run.send_signal(signal.SIGINT)
        until(lambda: all(witness.peers()[name].state == "closing" for name in NODES - {"hub"}))
        out, err = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 0, err
        *utterances, summary = map(json.loads, out.splitlines())
        for name in ("hz", "echo"):
            told[name], errors = watchers[name].communicate(timeout=PATIENCE_S)
            assert watchers[name].returncode == 0, errors
        yield Watched(told, metrics, summary, utterances, witness.peers())


def rows_of(top: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split() for line in top.splitlines() if line}


def shown_rates(top: str) -> list[str]:
    """Of what inference and media send, and how long inference takes."""
    rows = rows_of(top)
    return [*rows["inference"][2:5], rows["media"][2]]


def text_of(witness: Node, name: str) -> str:
    peers = witness.peers()
    return peers[name].text if name in peers else ""


def scraped(url: str) -> dict[tuple[str, ...], float]:
    """As Prometheus reads it."""
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    keys = ("node", "topic", "sender", "quantile")
    return {
        (sample.name, *(sample.labels[key] for key in keys if key in sample.labels)): sample.value
        for family in families
        for sample in family.samples
    }


def test_results_and_compression_are_as_if_nobody_watched(watched: Watched) -> None:
    truth = load_truth().utterances[:SPOKEN]
    spoken = watched.utterances[:SPOKEN]
    assert [(record["label"], record["settled"]) for record in spoken] == [
        (utterance.label, True) for utterance in truth
    ]
    assert watched.summary["restarts"] == {}
    assert set(watched.summary["nodes"]) == NODES
    for figures in watched.summary["nodes"].values():
        assert (figures["lost_events"], figures["unknown"], figures["rejected"]) == (0, 0, 0)
    assert watched.sent("media", "video") > 150
    assert watched.sent("media", "video_jpeg") == 2, "opened and closed, and no picture"


def test_top_shows_every_node_at_work(watched: Watched) -> None:
    rows = rows_of(watched.told["top"])
    assert rows.keys() >= {*NODES, "launcher", "witness"}
    _, state, rate, p50, p95, *_ = rows["inference"]
    assert state == "running"
    assert float(rate) > 0
    assert 0 < float(p50) <= float(p95)
    assert float(rows["media"][2]) > 0
    assert rows["media"][3:5] == ["-", "-"]


def test_topics_shows_what_flows_from_whom_to_whom(watched: Watched) -> None:
    rows = {line.split()[0]: line for line in watched.told["topics"].splitlines()}
    for topic, sender, reader in (
        ("video", "media", "inference"),
        ("audio", "media", "nobody"),
        ("speech", "media", "fusion"),
        ("faces", "inference", "fusion, metrics, witness"),
    ):
        assert rows[topic].split()[1] == sender
        assert rows[topic].rstrip().endswith(reader)
    assert float(rows["faces"].split()[2]) > 0
    megabytes = float(rows["video"].split()[-2].replace(",", ""))
    assert megabytes > 50 * 640 * 480 * 3 / 1e6


def test_hz_measures_every_result_until_the_hub_closes(watched: Watched) -> None:
    head, arrivals, stamps = watched.told["hz"].splitlines()[-3:]
    punctuation = 2
    sent = watched.sent("inference", "faces") - punctuation
    assert head == f"inference of demo: {sent} messages"
    assert arrivals.split()[0] == "arrivals"
    assert stamps.split()[0] == "stamps"


def test_echo_tells_each_utterance_as_the_run_itself_does(watched: Watched) -> None:
    messages = [json.loads(line) for line in watched.told["echo"].splitlines()]
    final = [told["message"] for told in messages if told["message"]["final"]]
    assert [told["sender"] for told in messages] == ["fusion"] * len(messages)
    assert final == [{key: record[key] for key in final[0]} for record in watched.utterances]


def test_prometheus_reads_the_metrics(watched: Watched) -> None:
    metrics = watched.metrics
    for name in NODES:
        assert metrics["emofuse_node_up", name] == metrics["emofuse_node_running", name] == 1
        assert metrics["emofuse_node_lost_total", name] >= 0
        assert metrics["emofuse_node_resident_memory_bytes", name] > 1e6
        assert metrics["emofuse_node_cpu_seconds_total", name] > 0
        assert metrics["emofuse_node_restarts_total", name] == 0
        assert metrics["emofuse_node_clock_bound_seconds", name] == 0
    assert metrics["emofuse_stream_messages_total", "faces", "inference"] > 50
    assert metrics["emofuse_stream_bytes_total", "video", "media"] > 50 * 640 * 480 * 3
    halves = [metrics["emofuse_node_latency_seconds", "inference", q] for q in ("0.5", "0.95")]
    assert 0 < halves[0] <= halves[1]
