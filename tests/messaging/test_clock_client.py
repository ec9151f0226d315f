"""Nodes and a hub on different clocks: real sockets, and a clock of the hub's that is made up."""

import logging
import re
import socket as transport
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from messaging import clock_client, clock_service
from messaging.clock import clock_name, monotonic_ns
from messaging.clock_client import PROBES, ClockClient, ask
from messaging.hub import Hub
from messaging.node import Node
from messaging.packing import pack
from messaging.schema import ClockBurst, LogRecord, Stamp
from messaging.topics import CLOCK, LOG

S = 1_000_000_000
PATIENCE_S = 20.0


class HubClock:
    """What the hub takes for its clock."""

    def __init__(self) -> None:
        self.name = clock_name()
        self.ahead_ns = 0
        """Of this process's clock."""
        self.is_broken = False

    def is_elsewhere(self, ahead_ns: int, name: str = "elsewhere/1") -> None:
        self.name, self.ahead_ns = name, ahead_ns

    def shows(self) -> int:
        return monotonic_ns() + self.ahead_ns

    def pack(self, value: object) -> bytes:
        return b"\xc1" if self.is_broken else pack(value)

    def error_ns(self, stamp: Stamp) -> int:
        """Exact: both clocks are one, but for ``ahead_ns``."""
        return abs(stamp.offset_ns - self.ahead_ns)


@pytest.fixture
def hub_clock(monkeypatch: pytest.MonkeyPatch) -> HubClock:
    clock = HubClock()
    monkeypatch.setattr(clock_service, "monotonic_ns", clock.shows)
    monkeypatch.setattr(clock_service, "clock_name", lambda: clock.name)
    monkeypatch.setattr(clock_service, "pack", clock.pack)
    return clock


@pytest.fixture
def listener(address: str) -> Iterator[Node]:
    with Node("listener", address, (LOG, CLOCK)) as node:
        yield node


def is_right(node: Node, clock: HubClock) -> bool:
    stamp = node.stamp()
    return stamp.bound_ns is not None and clock.error_ns(stamp) <= stamp.bound_ns < S


def until(node: Node, is_so: Callable[[], bool]) -> None:
    """Let ``node`` live until then."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline_s
        assert node.alive()
        time.sleep(0.01)


def told(listener: Node, speaker: Node, text: str) -> str:
    """The first line of the log with ``text``."""
    lines: list[str] = []

    def is_told() -> bool:
        for received in listener.receive(0.01):
            message = received.message
            if isinstance(message, LogRecord) and text in message.text:
                lines.append(f"{message.level}: {message.text}")
        return bool(lines)

    until(speaker, is_told)
    return lines[0]


def bursts(listener: Node, speaker: Node, count: int) -> list[ClockBurst]:
    """Whole ones: on a busy machine an answer may come too late."""
    got: list[ClockBurst] = []

    def are_there() -> bool:
        got.extend(
            received.message
            for received in listener.receive(0.01)
            if isinstance(received.message, ClockBurst)
            and received.sender == speaker.name
            and len(received.message.exchanges) == PROBES
        )
        return len(got) >= count

    until(speaker, are_there)
    return got


def test_on_the_hubs_own_clock_stamps_are_exact_and_nothing_more_is_asked(
    address: str, listener: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Node("camera", address) as node:
        asked: list[object] = []
        monkeypatch.setattr(clock_client, "ask", asked.append)
        until(node, iter([False] * 50 + [True]).__next__)
        assert (node.stamp().offset_ns, node.stamp().bound_ns) == (0, 0)
        node.beat()
        got = [received.topic for received in listener.receive(0.5)]
    assert CLOCK not in got
    assert asked == []


def test_on_another_clock_every_stamp_leads_to_the_hubs_within_its_bound(
    address: str, hub_clock: HubClock, listener: Node
) -> None:
    hub_clock.is_elsewhere(-4_000 * S)
    with Node("camera", address) as node:
        line = told(listener, node, "clock:")
        assert re.fullmatch(
            r"info: clock: -(4000\.0|3999\.9)\d+ s to the hub's, within .* ms", line
        )
        for _ in range(300):
            assert is_right(node, hub_clock)
            assert node.alive()
            time.sleep(0.005)
        past = node.stamp(monotonic_ns() - 60 * S)
        assert hub_clock.error_ns(past) <= (past.bound_ns or 0)


def test_what_was_asked_and_answered_is_published(
    address: str, hub_clock: HubClock, listener: Node
) -> None:
    hub_clock.is_elsewhere(10**16)
    with Node("camera", address) as node:
        first, second = bursts(listener, node, 2)[:2]
    assert (first.hub, first.epoch, first.stamp.clock) == ("elsewhere/1", 0, clock_name())
    for burst in (first, second):
        assert hub_clock.error_ns(burst.stamp) <= (burst.stamp.bound_ns or 0)
        for sent_ns, arrived_ns, left_ns, returned_ns in burst.exchanges:
            at_hub = arrived_ns - 10**16, left_ns - 10**16
            assert sent_ns <= at_hub[0] <= at_hub[1] <= returned_ns
        assert burst.stamp.captured_ns == burst.exchanges[-1][3]
    assert first.stamp.captured_ns < second.exchanges[0][0]


def test_a_clock_that_jumps_by_a_day_is_named_and_a_new_epoch_begins(
    address: str, hub_clock: HubClock, listener: Node
) -> None:
    hub_clock.is_elsewhere(7 * S)
    with Node("camera", address) as node:
        before = node.stamp()
        hub_clock.ahead_ns += 86_400 * S
        line = told(listener, node, "epoch")
        assert line.startswith("warning: clock: one of the two stood still or was set, a new epoch")
        said = re.search(r": ([+-][\d.]+) s to the hub's, within ([\d.]+) ms$", line)
        assert said is not None
        offset_s, bound_ms = map(float, said.groups())
        rounding_s = 0.000_006  # of both, as they are written
        assert abs(offset_s - 86_407) <= bound_ms / 1000 + rounding_s
        until(node, lambda: is_right(node, hub_clock))
        again = node.stamp(before.captured_ns)
        assert abs(again.offset_ns - before.offset_ns) < S, "the past keeps its offset"
        hub_clock.ahead_ns -= 2 * 86_400 * S
        until(node, lambda: is_right(node, hub_clock))


def test_a_machine_that_was_suspended_says_so_until_it_knows_better(
    address: str, hub_clock: HubClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_clock.is_elsewhere(7 * S)
    with Node("camera", address) as node:
        assert is_right(node, hub_clock)
        hub_clock.is_broken = True  # or it may know better at once
        monkeypatch.setattr(clock_client, "suspended_ns", lambda: 10**15)
        hub_clock.ahead_ns += 3_600 * S
        assert node.stamp().bound_ns is None
        hub_clock.is_broken = False
        until(node, lambda: is_right(node, hub_clock))


def test_a_hub_whose_clock_says_nonsense_leaves_the_bound_unknown_until_it_makes_sense(
    address: str, hub_clock: HubClock, listener: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_client, "FIRST_ANSWER_S", 0.1)
    hub_clock.is_elsewhere(7 * S)
    hub_clock.is_broken = True
    with Node("camera", address) as node:
        before = node.stamp()
        assert before.bound_ns is None
        assert told(listener, node, "clock") == (
            "warning: the hub's clock does not answer: stamps have no error bound"
        )
        hub_clock.is_broken = False
        until(node, lambda: is_right(node, hub_clock))
        assert told(listener, node, "again") == "info: the hub's clock answers again"
        again = node.stamp(before.captured_ns)
        assert again == before, "what was said of an instant stands"


def test_a_hub_whose_clock_falls_silent_is_named_and_the_bound_grows(
    address: str, hub_clock: HubClock, listener: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_client, "SILENT_S", 0.5)
    hub_clock.is_elsewhere(7 * S)
    with Node("camera", address) as node:
        hub_clock.is_broken = True
        line = told(listener, node, "has not answered")
        assert line.startswith("warning: the hub's clock has not answered for")
        before, after = node.stamp(), node.stamp(monotonic_ns() + 60 * S)
        assert is_right(node, hub_clock)
        assert (before.bound_ns or 0) < (after.bound_ns or 0)
        hub_clock.is_broken = False
        told(listener, node, "answers again")


def test_a_hub_that_comes_back_on_another_clock_is_noticed(
    tmp_path: Path, hub_clock: HubClock
) -> None:
    address = f"ipc://{tmp_path}/hub"
    hub = Hub(address)
    with Node("camera", address) as node:
        assert node.stamp().bound_ns == 0
        for name, ahead_ns in (("elsewhere/1", 100 * S), ("elsewhere/2", -100 * S)):
            hub.close()
            hub_clock.is_elsewhere(ahead_ns, name)
            hub_clock.is_broken = True
            hub = Hub(address)
            until(node, iter([False] * 20 + [True]).__next__)
            hub_clock.is_broken = False
            until(node, lambda: is_right(node, hub_clock))
        hub.close()
        hub_clock.is_elsewhere(0, clock_name())
        hub = Hub(address)
        until(node, lambda: node.stamp().bound_ns == 0)
        assert node.stamp().offset_ns == 0
    hub.close()


def test_a_port_that_lets_in_and_breaks_off_again_and_again_does_not_stop_the_bus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A port forward to a hub that is gone does so. Each time is an event for who looks at the
    connection, and libzmq does nothing else any more when 1000 of them, and as many as the
    reader's mark, wait to be read.
    """
    for seconds in ("ANSWER_S", "EAGER_EVERY_S", "EVERY_S"):
        monkeypatch.setattr(clock_client, seconds, 0.01)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.rcvhwm = 1
    with transport.create_server(("127.0.0.1", 0)) as forward:
        forward.settimeout(5.0)
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.RECONNECT_IVL, 1)
        socket.connect(f"tcp://127.0.0.1:{forward.getsockname()[1]}")
        ClockClient(logging.getLogger("emofuse.test")).join(socket, 0.0)
        try:
            for _ in range(1500):
                forward.accept()[0].close()
        finally:
            context.term()  # the client closes its sockets then


def test_a_late_answer_is_not_taken_for_that_to_a_later_question() -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as hub:
        hub.bind("inproc://hub")
        with context.socket(zmq.DEALER) as node:
            node.connect("inproc://hub")

            def answer() -> None:
                who, question = hub.recv_multipart()
                for asked, at_ns in ((b"before", 1), (question, 2)):
                    hub.send_multipart([who, asked, pack([at_ns, at_ns, "elsewhere"])])

            answering = threading.Thread(target=answer)
            answering.start()
            answered = ask(node)
            answering.join()
    assert answered is not None
    assert (answered[0].arrived_ns, answered[1]) == (2, "elsewhere")
