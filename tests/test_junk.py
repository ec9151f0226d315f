"""Junk into every socket of the hub while the demo session is labelled: nothing comes of it."""

import os
import random
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import astuple
from typing import Any

import pytest
import zmq

if not zmq.has("ipc"):
    pytest.skip("the sockets of this test are files", allow_module_level=True)

from messaging.address import Endpoints, endpoints
from messaging.clock import clock_name
from messaging.node import Node
from messaging.schema import Heartbeat
from messaging.topics import (
    AUDIO,
    CONTROL,
    CREDIT,
    FACES,
    HEARTBEAT,
    LOG,
    MARKERS,
    SPEECH,
    UTTERANCES,
    VIDEO,
    VIDEO_JPEG,
    Topic,
)
from messaging.wire import Received
from tests.junk import Forgery, Junk
from tests.pipelines import Outcome, label, label_within, result

EVENTS = int(os.environ.get("EMOFUSE_TEST_JUNK", "100000"))
"""Messages into the socket of results; the others get their share."""
SEED = int(os.environ.get("EMOFUSE_TEST_SEED", "1"))
PATIENCE_S = 120.0
FLOODED_S = 900.0
"""For the whole run, which is no faster than the junk."""
WINDOW = 5_000
"""Junk that may wait for a node: half of what a queue holds, since what is true waits there too."""
PER_PICTURE = 2
"""The same for pictures, whose queues hold 16."""
PICTURES = 400
"""The demo session has a few more."""
FORGED_NS = 600_000_000_000
"""A heartbeat whose sender started so long before this test, or after it, is forged."""
GROWTH_BYTES = 6_000_000
"""What a node may take while half of the junk arrives; as much junk measures 30 MB and more."""
TELLING = 100_000
"""Events from which on the junk is more than what a node takes to get going: a media file alone
40 MB for its first 200 pictures.
"""
READERS: dict[str, tuple[Topic[Any], ...]] = {
    "hub": (HEARTBEAT, CONTROL),
    "media": (HEARTBEAT, CONTROL, CREDIT),
    "inference": (HEARTBEAT, CONTROL, CREDIT, VIDEO),
    "fusion": (HEARTBEAT, CONTROL, FACES, SPEECH),
    "launcher": (HEARTBEAT, CONTROL, UTTERANCES, LOG),
}
EVENT_TOPICS = (FACES, SPEECH, UTTERANCES, MARKERS, HEARTBEAT, CONTROL, CREDIT, LOG)


class Stranger:
    """Sends junk into the hub's sockets, and counts what each node must reject of it."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], places: Endpoints) -> None:
        self._junk = Junk(SEED)
        self._forgery = Forgery(SEED, tuple(READERS), clock_name())
        self._dice = random.Random(SEED)
        self._bulk = _sender(context, places.bulk_in)
        self._events = _sender(context, places.events_in)
        self._clock: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        self._clock.setsockopt(zmq.LINGER, 0)
        self._clock.connect(places.clock)
        self.sent: Counter[str] = Counter()
        """Invalid messages, by topic."""
        self.forged: Counter[str] = Counter()
        """Valid ones."""
        self.to_clock = 0
        self.nowhere = 0

    def close(self) -> None:
        for out in (self._bulk, self._events, self._clock):
            out.close()

    def event(self) -> None:
        if self._dice.random() < 0.1:
            topic, parts = self._forgery.next()
            self.forged[topic.name] += 1
        else:
            topic = self._dice.choice(EVENT_TOPICS)
            parts = self._junk.of(topic)
            self.sent[topic.name] += 1
        self._events.send_multipart(parts)

    def picture(self) -> None:
        self._bulk.send_multipart(self._junk.of(VIDEO))
        self.sent[VIDEO.name] += 1

    def unread(self) -> None:
        """Nobody in this pipeline subscribes to these."""
        kinds = (self._junk.of_no_topic(), self._junk.of(AUDIO), self._junk.of(VIDEO_JPEG))
        self._bulk.send_multipart(self._dice.choice(kinds))
        self._events.send_multipart(self._junk.of_no_topic())
        self.nowhere += 2

    def question(self) -> None:
        """Also fully valid ones, whose answers are never fetched."""
        count = self._dice.choice((1, 2, 3, 9))
        self._clock.send_multipart([self._dice.randbytes(self._dice.randrange(250))] * count)
        self.to_clock += count != 1

    @property
    def events(self) -> int:
        return sum(self.sent.values()) + sum(self.forged.values()) - self.sent[VIDEO.name]

    def __str__(self) -> str:
        return (
            f"{sum(self.sent.values())} invalid messages, {sum(self.forged.values())} forged ones, "
            f"{self.nowhere} for nobody, {self.to_clock} to the clock"
        )

    def expected(self, node: str) -> int:
        return sum(self.sent[topic.name] for topic in READERS[node]) + (
            self.to_clock if node == "hub" else 0
        )

    def doubtful(self, node: str) -> int:
        """Valid forgeries that a node may let in, or not: only so many senders are."""
        return sum(self.forged[topic.name] for topic in READERS[node])


def _sender(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """One that waits where others drop: all junk arrives."""
    out: zmq.Socket[bytes] = context.socket(zmq.XPUB)
    out.setsockopt(zmq.XPUB_NODROP, 1)
    out.setsockopt(zmq.SNDTIMEO, round(PATIENCE_S * 1000))
    out.setsockopt(zmq.LINGER, 0)
    out.connect(endpoint)
    assert out.poll(round(PATIENCE_S * 1000)), "the hub subscribes to everything"
    return out


def bytes_of_no_protocol(places: Endpoints, over: threading.Event) -> None:
    """Connections that speak something else, or break off in the middle of a greeting."""
    dice = random.Random(SEED)
    greeting = b"\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL".ljust(64, b"\0")
    ready = b"\4\x19\5READY\x0bSocket-Type\0\0\0\3PUB"
    endless = b"\2" + b"\xff" * 8
    openings = (b"", greeting[:10], greeting, greeting + ready, greeting + ready + endless)
    while not over.wait(0.02):
        with socket.socket(socket.AF_UNIX) as raw, suppress(OSError):
            raw.connect(dice.choice(astuple(places)).removeprefix("ipc://"))
            raw.sendall(dice.choice(openings) + dice.randbytes(dice.randrange(5000)))


class SlowReader:
    """Reads the pictures, and gives credit for each when it likes: the file is played no faster."""

    def __init__(self, node: Node, labelling: Future[Outcome]) -> None:
        """``labelling`` is the run that is disturbed; one that died shows what it said."""
        self._node = node
        self._labelling = labelling
        self._waiting: list[Received[Any]] = []
        self.beats: dict[str, Heartbeat] = {}

    def listen(self) -> None:
        for received in self._node.receive(0.001):
            if received.topic is VIDEO:
                self._waiting.append(received)
            elif abs(time.time_ns() - received.incarnation) < FORGED_NS:
                self.beats[received.sender] = received.message
        self._node.alive()

    def until_asked(self) -> None:
        """Until a picture waits for its credit."""
        self.until(lambda: self._waiting)

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, {n: b.rejected for n, b in self.beats.items()}
            if self._labelling.done():
                raise AssertionError(f"the pipeline has ended: {self._labelling.result()}")
            self.listen()

    def go_on(self) -> None:
        if self._waiting:
            self._node.give_credit(self._waiting.pop(0))

    def rejected(self, node: str) -> int:
        return self.beats[node].rejected if node in self.beats else 0

    def has_lost_nothing(self, node: str) -> bool:
        """Of what the true nodes told it."""
        ours = {("faces", "inference"), ("speech", "media"), ("video", "media")}
        counts = [c for c in self.beats[node].counts if (c.topic, c.sender) in ours]
        return bool(counts) and all(c.lost == c.dropped == c.unknown == 0 for c in counts)


@contextmanager
def stranger_at(places: Endpoints) -> Generator[Stranger]:
    over = threading.Event()
    noise = threading.Thread(target=bytes_of_no_protocol, args=(places, over))
    with zmq.Context() as context:
        stranger = Stranger(context, places)
        noise.start()
        try:
            yield stranger
        finally:
            over.set()
            noise.join()
            stranger.close()


def disturb(reader: SlowReader, stranger: Stranger) -> dict[str, int]:
    """Send all the junk, some with each picture. Returns how many bytes each node grew by, from
    the middle on.
    """
    before: dict[str, int] = {}
    while stranger.events < EVENTS:
        reader.until_asked()
        for _ in range(EVENTS // PICTURES + 1):
            stranger.event()
        for _ in range(PER_PICTURE):
            stranger.picture()
        for _ in range(50):
            stranger.unread()
            stranger.question()
        reader.until(lambda: all_rejected(reader, stranger, WINDOW))
        reader.go_on()
        if not before and stranger.events > EVENTS / 2:
            before = {node: reader.beats[node].rss_bytes for node in READERS}
    reader.until(lambda: all_rejected(reader, stranger, 0))
    return {node: reader.beats[node].rss_bytes - before[node] for node in READERS}


def all_rejected(reader: SlowReader, stranger: Stranger, but: int) -> bool:
    return all(reader.rejected(node) >= stranger.expected(node) - but for node in READERS)


def test_junk_into_every_socket_changes_nothing() -> None:
    undisturbed = label("--speed", "max")
    # Not tmp_path: the name of a socket is limited to 107 bytes.
    with tempfile.TemporaryDirectory(prefix="junk") as folder, ThreadPoolExecutor() as pool:
        address = f"ipc://{folder}/hub"
        labelling = pool.submit(
            label_within, FLOODED_S, "--speed", "max", EMOFUSE_BUS__ADDRESS=address
        )
        with (
            Node("viewer", address, (VIDEO, HEARTBEAT), "info", PATIENCE_S) as node,
            stranger_at(endpoints(address)) as stranger,
        ):
            reader = SlowReader(node, labelling)
            grown = disturb(reader, stranger)
            with Node("late", address, connect_timeout_s=PATIENCE_S) as late:
                assert late.stamp().bound_ns == 0, "the hub's clock answers no more"
            for name in READERS:
                surplus = reader.rejected(name) - stranger.expected(name)
                assert 0 <= surplus <= stranger.doubtful(name), name
            assert reader.has_lost_nothing("inference")
            assert reader.has_lost_nothing("fusion")
            while not labelling.done():
                reader.listen()
                reader.go_on()
    print(f"{stranger}; grown by {grown} bytes")
    disturbed: Outcome = labelling.result()
    assert [result(u) for u in disturbed.utterances] == [result(u) for u in undisturbed.utterances]
    assert disturbed.summary["restarts"] == {}
    assert disturbed.summary["nodes"]["inference"]["dropped"] == 0
    assert stranger.events >= EVENTS
    for name, growth in grown.items():
        assert growth < GROWTH_BYTES or EVENTS < TELLING, name
