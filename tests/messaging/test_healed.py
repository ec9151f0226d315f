"""What is lost on its way is sent again: nodes, real sockets, and a hub that loses or goes away."""

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from messaging import kept
from messaging.bus import Bus
from messaging.healing import ASK_NS
from messaging.hub import Hub
from messaging.node import Node
from messaging.schema import Marker, TopicCounts
from messaging.topics import MARKERS
from messaging.wire import Received
from tests.losing import Loses, LosingHub

PATIENCE_S = 30.0
SENT = 300


@contextmanager
def losing(address: str, loses: Loses) -> Generator[LosingHub]:
    hub = LosingHub(address, loses)
    try:
        yield hub
    finally:
        hub.close()


@contextmanager
def serving(address: str) -> Generator[None]:
    hub = Hub(address)
    try:
        yield
    finally:
        hub.close()


def say(sender: Node, numbers: range) -> None:
    for number in numbers:
        sender.publish(MARKERS, Marker(sender.stamp(), str(number)))


def turn(*nodes: Node) -> list[Received[Any]]:
    """One turn of each node's loop; what the first one receives."""
    got: list[Received[Any]] = []
    for node in nodes:
        assert node.alive()
        received = node.receive(0.005)
        got += received if node is nodes[0] else []
    return got


def until(enough: Callable[[], object], *nodes: Node) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not enough():
        assert time.monotonic() < deadline
        turn(*nodes)


@contextmanager
def acquainted(folder: Path, loses: Loses) -> Generator[tuple[Node, Node]]:
    """A reader of markers and a sender whom it has heard of, on a hub that loses some."""
    address = f"ipc://{folder}/hub"
    with (
        losing(address, loses),
        Node("reader", address, [MARKERS]) as reader,
        Node("sender", address) as sender,
    ):
        until(lambda: "sender" in reader.peers(), reader, sender)
        yield reader, sender


def heard(reader: Node, *senders: Node, last: int) -> list[int]:
    """The numbers of the markers that ``reader`` gets, until the ``last`` one."""
    numbers: list[int] = []
    deadline = time.monotonic() + PATIENCE_S
    while not numbers or numbers[-1] != last:
        assert time.monotonic() < deadline, f"the last one is {numbers[-1:]}"
        numbers += [int(received.message.text) for received in turn(reader, *senders)]
    return numbers


def counts(reader: Node) -> TopicCounts:
    (found,) = (
        count
        for count in reader.heartbeat("running").counts
        if count.topic == "markers" and count.sender
    )
    return found


class EachOnce:
    """Loses messages on a topic by their numbers, each when it comes for the first time."""

    def __init__(self, topic: str, numbers: range) -> None:
        self._topic, self._left = topic, set(numbers)

    def __call__(self, topic: str, header: dict[str, Any]) -> bool:
        if topic != self._topic or header["seq"] not in self._left:
            return False
        self._left.remove(header["seq"])
        return True


@pytest.mark.parametrize(
    "lost",
    [range(1, SENT, 3), range(50, 250), range(200, SENT), range(SENT)],
    ids=["every third one", "a long gap", "the end", "all"],
)
def test_what_is_lost_on_its_way_comes_in_order_all_the_same(tmp_path: Path, lost: range) -> None:
    with acquainted(tmp_path, EachOnce("markers", lost)) as (reader, sender):
        say(sender, range(SENT))
        assert heard(reader, sender, last=SENT - 1) == list(range(SENT))
        assert (counts(reader).lost, counts(reader).messages) == (0, SENT)
        assert counts(reader).healed == len(lost)
        assert reader.heartbeat("running").rejected == 0


def test_a_lost_question_is_asked_again(tmp_path: Path) -> None:
    asked: list[int] = []
    times: list[int] = []

    def loses(topic: str, header: dict[str, Any]) -> bool:
        is_ask = topic == "control" and header["body"]["action"] == "resend"
        if is_ask:
            asked.append(header["body"]["seq"])
            times.append(header["body"]["stamp"]["captured_ns"])
        return (is_ask and len(asked) < 3) or (topic == "markers" and not asked)

    with acquainted(tmp_path, loses) as (reader, sender):
        say(sender, range(3))
        assert heard(reader, sender, last=2) == [0, 1, 2]
    assert len(asked) >= 3
    assert set(asked) == {0}
    assert all(later - earlier >= ASK_NS // 2 for earlier, later in pairwise(times))


def test_what_is_not_kept_any_more_is_lost_at_once_and_the_rest_is_healed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 10)
    with acquainted(tmp_path, EachOnce("markers", range(5, 95))) as (reader, sender):
        say(sender, range(100))
        assert heard(reader, sender, last=99) == [*range(5), *range(90, 100)]
        assert (counts(reader).lost, counts(reader).healed) == (85, 5)


def test_what_a_dead_sender_did_not_get_through_is_lost_and_what_came_is_handed_on(
    tmp_path: Path,
) -> None:
    address = f"ipc://{tmp_path}/hub"
    with (
        losing(address, EachOnce("markers", range(1, 2))),
        Node("reader", address, [MARKERS]) as reader,
    ):
        sender = Node("sender", address).__enter__()
        say(sender, range(3))
        assert heard(reader, last=2) == [0, 2], "it lives, but does not come to answer"
        assert (counts(reader).lost, counts(reader).healed) == (1, 0)
        sender.__exit__()


def test_while_a_hub_is_away_nothing_is_lost(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/hub"
    with ExitStack() as hub:
        hub.enter_context(serving(address))
        with (
            Node("reader", address, [MARKERS]) as reader,
            Node("other", address, [MARKERS]) as other,
            Node("sender", address) as sender,
        ):
            until(
                lambda: "sender" in reader.peers() and "sender" in other.peers(),
                reader,
                other,
                sender,
            )
            for round_ in range(3):
                say(sender, range(round_ * 100, round_ * 100 + 40))
                hub.close()
                say(sender, range(round_ * 100 + 40, round_ * 100 + 60))
                hub.enter_context(serving(address))
                say(sender, range(round_ * 100 + 60, round_ * 100 + 100))
            others: list[int] = []
            heard_here: list[int] = []
            deadline = time.monotonic() + PATIENCE_S
            while [heard_here[-1:], others[-1:]] != [[299], [299]]:
                assert time.monotonic() < deadline
                heard_here += [int(r.message.text) for r in turn(reader, sender)]
                others += [int(r.message.text) for r in turn(other, sender)]
            assert heard_here == others == list(range(300))
            assert counts(reader).lost == counts(other).lost == 0


def test_who_only_listens_neither_asks_nor_waits_nor_takes_a_resent_one_for_junk(
    tmp_path: Path,
) -> None:
    address = f"ipc://{tmp_path}/hub"
    with (
        losing(address, EachOnce("markers", range(1, 2))),
        Node("reader", address, [MARKERS]) as reader,
        Node("sender", address) as sender,
    ):
        listener = Bus("listener", address, [MARKERS], asks=False)
        listener.join(PATIENCE_S, lambda: turn(sender))
        until(lambda: "sender" in reader.peers(), reader, sender)
        say(sender, range(3))
        assert heard(reader, sender, last=2) == [0, 1, 2]
        say(sender, range(3, 4))  # comes behind what was sent again
        seen: list[int] = []
        deadline = time.monotonic() + PATIENCE_S
        while seen[-1:] != [3]:
            assert time.monotonic() < deadline
            seen += [int(received.message.text) for received in listener.receive(0.02)]
        listener.close()
        assert seen == [0, 2, 3]
        assert listener.ledger.rejected == 0
