"""The node osc and a real server of Open Sound Control."""

import json
import logging
import queue
import socket
import threading
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pythonosc")

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

from display.osc import Sender
from messaging.schema import EMOTIONS
from tests.pipelines import emofuse, started

PATIENCE_S = 60.0
Heard = queue.Queue[tuple[str, tuple[Any, ...]]]


@contextmanager
def stage() -> Generator[tuple[str, Heard]]:
    """A server's HOST:PORT, and what it hears."""
    heard: Heard = queue.Queue()

    def hear(address: str, *arguments: Any) -> None:
        heard.put((address, arguments))

    dispatcher: Any = Dispatcher()
    dispatcher.set_default_handler(hear)
    with BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.02,))
        serving.start()
        yield f"localhost:{server.server_address[1]}", heard
        server.shutdown()
        serving.join()


def test_a_pipeline_plays_its_labels_to_the_stage(tmp_path: Path) -> None:
    quick = tmp_path / "quick.toml"
    quick.write_text("[media]\nspeed = 4\n")
    with stage() as (target, heard):
        options = ("--display", "none", "--json", "--osc", target, "--config", quick)
        with started(*options) as pipeline:
            out, said = pipeline.communicate(timeout=PATIENCE_S)
            assert pipeline.returncode == 0, said
        *printed, summary = map(json.loads, out.splitlines())
        assert summary["nodes"]["osc"]["lost"] == 0
        by_address: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        while len(by_address["/emofuse/utterance"]) < len(printed):
            address, arguments = heard.get(timeout=PATIENCE_S)
            by_address[address].append(arguments)
    while not heard.empty():
        address, arguments = heard.get()
        by_address[address].append(arguments)

    utterances = sorted(by_address["/emofuse/utterance"], key=str)
    expected = [("demo", record["label"], record["status"]) for record in printed]
    assert [(said[0], said[1], said[-1]) for said in utterances] == sorted(expected)
    for source, label, *shares, _duration, _status in utterances:
        assert (source, len(shares)) == ("demo", len(EMOTIONS))
        assert EMOTIONS[shares.index(max(shares))] == label
    assert [state for _, state in by_address["/emofuse/speech"]].count(1) == len(printed)
    (face,) = (address for address in by_address if address.startswith("/emofuse/face/"))
    assert face == "/emofuse/face/demo/1"
    label, *numbers = by_address[face][0]
    assert label in EMOTIONS
    assert len(numbers) == 12
    assert sum(numbers[:7]) == pytest.approx(1, abs=1e-3)
    assert len(by_address["/emofuse/faces/demo"]) >= len(by_address[face])


def test_an_unknown_host_is_named_with_the_way_out(address: str) -> None:
    run = emofuse("node", "osc", "--hub", address, "--osc", "no.such.host.invalid:9000")
    assert run.returncode == 2
    assert "no address for no.such.host.invalid" in run.stderr
    assert "name another with --osc" in run.stderr


def test_the_node_alone_asks_for_whom_it_shall_send_to(address: str) -> None:
    run = emofuse("node", "osc", "--hub", address)
    assert run.returncode == 2
    assert "name one with --osc HOST:PORT" in run.stderr


@pytest.mark.parametrize("target", ["9000", "here:", "here:70000", "here:port"])
def test_a_target_of_another_form_is_refused_before_anything_starts(target: str) -> None:
    run = emofuse("--osc", target)
    assert run.returncode == 2
    assert "osc.target" in run.stderr
    assert "expected HOST:PORT" in run.stderr


def test_without_the_library_the_way_to_get_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "pythonosc.py").write_text("raise ModuleNotFoundError(name='pythonosc')\n")
    run = emofuse("node", "osc", "--osc", "localhost:9000", PYTHONPATH=str(tmp_path))
    assert run.returncode == 2
    assert "Open Sound Control needs pythonosc, which is not installed" in run.stderr
    assert "pip install 'emofuse[outlets]'" in run.stderr


def test_what_cannot_be_sent_is_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    with SimpleUDPClient("255.255.255.255", 9000, family=socket.AF_INET) as client:
        sender = Sender(client, "all:9000", logging.getLogger("test"))
        for _ in range(3):
            sender.send(("/emofuse/faces/camera", (0,)))
    assert sender.unsent == 3
    assert len(caplog.messages) == 1
    assert "nothing gets to all:9000" in caplog.messages[0]
