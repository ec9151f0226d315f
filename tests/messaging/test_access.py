"""Sockets over TCP with keys: what they say and what travels."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import zmq

from messaging.access import TCP, bind, connect, keys_for, mechanism, within_reach
from messaging.address import endpoints
from messaging.door import Door
from messaging.errors import UserError
from messaging.hub import Hub
from messaging.keys import Keys
from messaging.node import Node
from messaging.probe import probe
from messaging.schema import Marker, VideoFrame
from messaging.topics import MARKERS, VIDEO, Topic
from messaging.wire import Received
from tests.machines import machine

PATIENCE_MS = 20_000


def hear(node: Node, topic: Topic[Any], say: Callable[[], object]) -> Received[Any]:
    """Say it until it is heard; what was said too often before, of other topics, is passed over."""
    for _ in range(200):
        say()
        for received in node.receive(0.1):
            if received.topic is topic:
                return received
    raise AssertionError("nothing came")


def test_keys_are_for_tcp_alone(tmp_path: Path) -> None:
    keys = machine(tmp_path / "studio")
    assert keys_for("tcp://127.0.0.1:5550", keys.folder) == keys
    assert keys_for("tcp://127.0.0.1:5550", None) is None
    assert keys_for(f"ipc://{tmp_path}/hub", tmp_path / "nowhere") is None
    with pytest.raises(UserError, match="holds no keys"):
        keys_for("tcp://127.0.0.1:5550", tmp_path / "nowhere")


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "*"])
def test_a_hub_on_all_interfaces_is_found_on_this_machine(everywhere: str) -> None:
    assert within_reach(f"tcp://{everywhere}:5550") == "tcp://127.0.0.1:5550"
    assert within_reach("tcp://10.0.0.0:5550") == "tcp://10.0.0.0:5550"


def test_results_pictures_and_the_clock_come_through(tmp_path: Path, free_ports: int) -> None:
    studio = machine(tmp_path / "studio")
    camera = machine(tmp_path / "camera", studio)
    hub = Hub(f"tcp://0.0.0.0:{free_ports}", keys=studio.folder)
    where = f"tcp://127.0.0.1:{free_ports}"
    try:
        with (
            Node("one", where, [MARKERS, VIDEO], keys=studio.folder) as one,
            Node("two", where, keys=camera.folder) as two,
        ):
            marker = hear(one, MARKERS, lambda: two.publish(MARKERS, Marker(two.stamp(), "hello")))
            assert marker.message.text == "hello"
            frame = VideoFrame(two.stamp(), "two", 0, "picture", 640, 480)
            picture = hear(one, VIDEO, lambda: two.publish(VIDEO, frame, bytes(640 * 480 * 3)))
            assert len(picture.payload) == 640 * 480 * 3
            assert two.stamp().bound_ns == 0, "the clock has answered"
        assert probe(endpoints(where).clock, 20, camera.folder) is not None
        assert probe(endpoints(where).clock, 0.5) is None, "the clock answers strangers"
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not (complaints := hub.door.complaints()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        (complaint,) = complaints
        assert complaint.startswith("somebody showed no key, and was not let in")
    finally:
        hub.close()


class Relay:
    """A wire that is tapped: passes connections on, and keeps what it sees."""

    def __init__(self, to: int) -> None:
        self.seen = bytearray()
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                here, _ = self._listener.accept()
                there = socket.create_connection(("127.0.0.1", self._to))
                self._sockets += [here, there]
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                self.seen += piece
                sink.sendall(piece)
        except OSError:
            return

    def close(self) -> None:
        for end in self._sockets:
            end.close()


def tapped(hub: Keys | None, node: Keys | None) -> bytes:
    """What is seen on the wire while a secret is told."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    door = Door(context, hub)
    with context.socket(zmq.PULL) as reader, context.socket(zmq.PUSH) as sender:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        door.watch(reader)
        bind(reader, f"{TCP}127.0.0.1:{port}", hub)
        thread = threading.Thread(target=door.serve)
        thread.start()
        relay = Relay(port)
        sender.setsockopt(zmq.LINGER, 0)
        connect(sender, f"{TCP}127.0.0.1:{relay.port}", node)
        sender.send(b"a secret")
        assert reader.poll(PATIENCE_MS)
        assert reader.recv() == b"a secret"
    relay.close()
    context.term()
    thread.join()
    return bytes(relay.seen)


def test_nobody_on_the_way_can_read_it(tmp_path: Path) -> None:
    studio = machine(tmp_path / "studio")
    assert b"a secret" in tapped(None, None)
    assert b"a secret" not in tapped(studio, machine(tmp_path / "camera", studio))


def test_without_a_door_nobody_comes_in(tmp_path: Path, free_ports: int) -> None:
    studio = machine(tmp_path / "studio")
    where = f"{TCP}127.0.0.1:{free_ports}"
    with (
        zmq.Context() as context,
        context.socket(zmq.PULL) as reader,
        context.socket(zmq.PUSH) as sender,
    ):
        bind(reader, where, studio)
        sender.setsockopt(zmq.LINGER, 0)
        connect(sender, where, studio)
        sender.send(b"a secret")
        assert not reader.poll(500)


def test_how_a_hub_wants_to_be_spoken_to_can_be_asked(tmp_path: Path, free_ports: int) -> None:
    where = f"{TCP}127.0.0.1:{free_ports}"
    assert mechanism(where) == "", "nobody is there"
    for keys, found in ((None, "NULL"), (machine(tmp_path / "studio").folder, "CURVE")):
        hub = Hub(where, keys=keys)
        try:
            assert mechanism(where, PATIENCE_MS / 1000) == found
        finally:
            hub.close()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert mechanism(f"{TCP}127.0.0.1:{silent.getsockname()[1]}", 0.1) == ""
