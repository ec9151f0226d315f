"""A hub that vanishes and comes back is told of once each, by a node that was started by hand."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from messaging.hub import Hub
from messaging.node import Node
from messaging.silence import SILENT_NS, Silence

PATIENCE_S = 20.0
STEP_NS = 100_000_000


def told(heard: Callable[[int], bool], until_ns: int, step_ns: int = STEP_NS) -> list[str]:
    silence = Silence("tcp://desk:5550")
    words = (silence.look(at, heard=heard(at)) for at in range(10**15, 10**15 + until_ns, step_ns))
    return [word for word in words if word]


def test_silence_and_its_end_are_told_once_each() -> None:
    silent = range(10**15 + STEP_NS, 10**15 + 4 * SILENT_NS)
    assert told(lambda at: at not in silent, 6 * SILENT_NS) == [
        "the hub at tcp://desk:5550 is silent; it is waited for",
        "the hub at tcp://desk:5550 is back",
    ]
    assert told(lambda at: at % SILENT_NS == 0, 6 * SILENT_NS) == []


def test_who_does_not_look_knows_of_no_silence() -> None:
    assert told(lambda _: False, 10 * SILENT_NS, 2 * SILENT_NS) == []


def test_a_node_says_that_its_hub_is_silent_and_that_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("messaging.silence.SILENT_NS", 1_500_000_000)
    address = f"ipc://{tmp_path}/hub"
    logging.getLogger("emofuse.one").addHandler(caplog.handler)
    first = Hub(address)
    with Node("one", address) as node:

        def until_told(text: str) -> None:
            deadline = time.monotonic() + PATIENCE_S
            while not any(text in record.message for record in caplog.records):
                assert time.monotonic() < deadline
                node.alive()
                node.receive(0.05)

        node.receive(0.1)
        first.close()
        until_told(f"the hub at {address} is silent; it is waited for")
        second = Hub(address)
        until_told(f"the hub at {address} is back")
        second.close()
