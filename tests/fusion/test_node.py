"""The fusion node on a real hub."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from config.settings import BusSettings, FusionSettings, Settings
from fusion.node import run
from messaging.hub import Hub
from messaging.node import Node
from messaging.schema import Control, UtteranceEmotion
from messaging.topics import CONTROL, CREDIT, FACES, SPEECH, UTTERANCES
from tests.fusion.messages import ended, face, mark, picture, said, started

PATIENCE_S = 10.0
AT_ONCE_S = 0.05
TRIES = 4
"""A machine that is busy with other things gets some."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a hub that serves while the test runs."""
    where = f"ipc://{tmp_path}/hub"
    hub = Hub(where)
    yield where
    hub.close()


class Running:
    """The fusion node in a thread, and a node that sends to it and hears it."""

    def __init__(self, address: str, rule: FusionSettings) -> None:
        self.peer = Node("peer", address, (UTTERANCES, CREDIT))
        settings = Settings(bus=BusSettings(address=address), fusion=rule)
        self._thread = threading.Thread(target=run, args=[settings], daemon=True)
        self.results: list[UtteranceEmotion] = []
        self.credits: list[tuple[str, int]] = []
        """Topics and numbers."""

    def __enter__(self) -> "Running":
        self.peer.__enter__()
        self._thread.start()
        self.until(lambda: "fusion" in self.peer.peers())
        return self

    def __exit__(self, *_: object) -> None:
        self.peer.publish(CONTROL, Control(self.peer.stamp(), "stop", "peer"))
        self._thread.join(PATIENCE_S)
        self.peer.__exit__(None, None, None)
        assert not self._thread.is_alive()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def until(self, enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not enough():
            assert time.monotonic() < deadline, f"{len(self.results)} results came"
            for received in self.peer.receive(0.02):
                if isinstance(received.message, UtteranceEmotion):
                    self.results.append(received.message)
                else:
                    self.credits.append((received.message.topic, received.message.seq))


def test_a_files_results_come_and_the_node_ends_with_the_file(address: str):
    with Running(address, FusionSettings(exit_when_closed=True)) as fusion:
        peer = fusion.peer
        peer.publish(SPEECH, said(0, "opened", cameras=("a",)))
        peer.publish(FACES, mark(0, "opened", lossless=True))
        peer.publish(FACES, picture(90, face("sad"), lossless=True))
        peer.publish(FACES, picture(130, face(), lossless=True))
        peer.publish(SPEECH, started(50, lossless=True))
        peer.publish(SPEECH, ended(50, 100, lossless=True))
        fusion.until(lambda: len(fusion.results) == 2)
        assert not fusion.ended
        peer.publish(FACES, mark(170, "closed", lossless=True))
        peer.publish(SPEECH, said(170, "closed"))
        fusion.until(lambda: fusion.ended and ("faces", 3) in fusion.credits)
    first, last = fusion.results
    assert (first.final, last.final, last.settled, last.label) == (False, True, True, "sad")
    speech = [seq for topic, seq in fusion.credits if topic == "speech"]
    assert sorted(set(speech)) == [1, 2]
    assert speech == sorted(speech), "the last one may be said again"
    # For the first of sixteen pictures, with each heartbeat, and for the last word.
    pictures = [seq for topic, seq in fusion.credits if topic == "faces"]
    assert pictures[0] == 0
    assert pictures[-1] == 3
    assert pictures == sorted(pictures)


def test_what_waits_too_long_is_given_out_without_any_arrival(address: str):
    with Running(address, FusionSettings(patience_s=0.2)) as fusion:
        fusion.peer.publish(SPEECH, ended(50, 100))
        fusion.until(lambda: bool(fusion.results))
    [result] = fusion.results
    assert (result.final, result.settled, result.status) == (True, False, "gap_exceeded")


def test_what_is_open_at_the_stop_is_given_out(address: str):
    with Running(address, FusionSettings(patience_s=600)) as fusion:
        peer = fusion.peer
        peer.publish(FACES, picture(60, face("fear")))
        peer.publish(SPEECH, started(50))
        fusion.until(lambda: len(fusion.results) == 1)
        peer.publish(CONTROL, Control(peer.stamp(), "stop", "peer"))
        fusion.until(lambda: len(fusion.results) == 2)
    last = fusion.results[-1]
    assert (last.id, last.final, last.settled, last.label) == ("m-50", True, False, "fear")


def test_a_label_that_needs_no_waiting_comes_at_once(address: str):
    with Running(address, FusionSettings()) as fusion:
        fusion.peer.publish(FACES, picture(100, face()))
        took: list[float] = []
        while len(took) < TRIES and min(took, default=AT_ONCE_S) >= AT_ONCE_S:
            took.append(median(answered_s(fusion) for _ in range(20)))
    assert min(took) < AT_ONCE_S


def answered_s(fusion: Running) -> float:
    """Say one more utterance; after how long its label came."""
    number, begun = len(fusion.results), time.monotonic()
    event = ended(50 + number / 100, 100)
    fusion.peer.publish(SPEECH, replace(event, stamp=picture(100).stamp))
    fusion.until(lambda: len(fusion.results) == number + 1)
    return time.monotonic() - begun
