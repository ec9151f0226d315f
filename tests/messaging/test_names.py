"""One name, one node: the younger of two leaves, and whoever is silent is in nobody's way."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from messaging.bus import Bus
from messaging.clock import clock_name, monotonic_ns
from messaging.errors import UserError
from messaging.node import Node
from messaging.schema import Heartbeat, Marker, Stamp
from messaging.topics import HEARTBEAT, MARKERS

PATIENCE_S = 10.0


def until(condition: Callable[[], object], *nodes: Node) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        for node in nodes:
            node.alive()
            node.receive(0.02)


def test_a_second_node_of_a_name_is_refused_and_told_the_way_out(address: str) -> None:
    with Node("left", address) as older, Node("left", address) as younger:
        with pytest.raises(UserError, match=r"'left' runs already \(process \d+\).*--name"):
            until(lambda: False, younger, older)
        older.receive(0.1)  # goes on


def test_while_two_use_one_name_what_both_say_is_read_and_counted_apart(address: str) -> None:
    said: dict[str, list[str]] = {"older": [], "younger": []}
    heard: list[str] = []

    with Node("watch", address, [MARKERS]) as watch, Node("left", address) as older:
        until(lambda: "left" in watch.peers(), watch, older)

        def goes_on(node: Node, who: str) -> None:
            text = f"{who} {len(said[who])}"
            said[who].append(text)
            node.publish(MARKERS, Marker(node.stamp(), text))
            node.alive()
            heard.extend(received.message.text for received in watch.receive(0.005))
            node.receive(0)

        def go_on_by_turns(younger: Node) -> None:
            deadline = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline:
                goes_on(older, "older")
                goes_on(younger, "younger")

        goes_on(older, "older")
        with Node("left", address) as younger, pytest.raises(UserError, match="runs already"):
            go_on_by_turns(younger)
        goes_on(older, "older")
        deadline = time.monotonic() + PATIENCE_S
        while len(heard) < sum(map(len, said.values())) and time.monotonic() < deadline:
            heard += [received.message.text for received in watch.receive(0.02)]
        of_left = [c for c in watch.heartbeat("running").counts if c.topic == MARKERS.name]
    for who, texts in said.items():
        assert [text for text in heard if text.startswith(who)] == texts
    (counts,) = of_left
    assert counts.unknown > 0
    assert (counts.messages, counts.lost) == (len(heard), 0)


def test_a_late_word_of_a_former_self_sends_nobody_away(address: str) -> None:
    early = Stamp(monotonic_ns(), clock_name(), 0, 0)
    with Node("left", address, [MARKERS]) as restarted:
        former = Bus("left", address)
        former.join(PATIENCE_S, lambda: None)
        try:
            word = Heartbeat(early, "left", "running", 1, uptime_ns=10**9)
            for _ in range(3):
                former.publish(HEARTBEAT, word)
            former.publish(MARKERS, Marker(restarted.stamp(), "behind them"))
            until(lambda: restarted.receive(0.02))
            former.publish(HEARTBEAT, replace(word, stamp=restarted.stamp(), uptime_ns=10**15))
            with pytest.raises(UserError, match="runs already"):
                until(lambda: False, restarted)
        finally:
            former.close()


def test_a_node_may_follow_one_that_fell_silent(address: str) -> None:
    with Node("left", address) as former, Node("watch", address) as watch:
        until(lambda: "left" in watch.peers(), watch, former)
        with Node("left", address) as restarted:
            since = time.monotonic()
            until(lambda: time.monotonic() - since > 0.5, restarted, watch)
            assert watch.peers()["left"].uptime_ns < 10_000_000_000


def test_several_may_share_a_name_where_that_does_no_harm(address: str) -> None:
    with (
        Node("command", address, is_unique=False) as one,
        Node("command", address, is_unique=False) as other,
    ):
        since = time.monotonic()
        until(lambda: time.monotonic() - since > 0.5, one, other)


def test_a_node_waits_for_any_of_a_kind_or_for_one_by_its_name(address: str) -> None:
    with Node("worker-a", address, kind="inference") as worker:
        for awaited in ("inference", "worker-a"):
            with Node("media", address) as media:
                until(lambda: media.running("inference"), worker, media)
                assert media.wait_for([awaited])


def test_those_who_run_are_told_by_kind_and_the_silent_ones_are_not(address: str) -> None:
    with (
        Node("worker-a", address, kind="inference", is_worker=True) as worker,
        Node("left", address, kind="camera", cameras=["left"]) as camera,
        Node("watch", address) as watch,
    ):
        until(lambda: watch.running("inference") and watch.cameras(), worker, camera, watch)
        assert set(watch.running("inference")) == {"worker-a"}
        assert watch.cameras() == {"left"}
        until(lambda: not watch.running("inference", 300_000_000), camera, watch)
