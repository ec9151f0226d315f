"""Strangers at every port of a hub with keys while the demo session is labelled."""

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
import zmq

from messaging.access import connect
from messaging.address import Endpoints, endpoints
from messaging.keys import Keys
from messaging.node import Node
from messaging.topics import VIDEO
from messaging.wire import Received
from tests.junk import Junk
from tests.machines import machine
from tests.pipelines import Outcome, label, result

if not Path("/proc/self/statm").exists():
    pytest.skip("the hub's memory is read from /proc", allow_module_level=True)

PATIENCE_S = 120.0
PICTURE_S = 0.012
"""The viewer takes so long for each picture, so the file is played no faster."""
GROWTH_BYTES = 100_000_000
"""What a hub may take on top while strangers are there; one part of theirs would be 1 GB."""
GIGABYTE = 1 << 30
SILENT = 300
"""Connections at a time that say a byte now and then."""
TOPICS = 1_000_000


def greeting(mechanism: bytes) -> bytes:
    return (b"\xff\0\0\0\0\0\0\0\1\x7f\3\0" + mechanism).ljust(64, b"\0")


READY = b"\4\x19\5READY\x0bSocket-Type\0\0\0\3SUB"
SUBSCRIPTIONS = b"".join(b"\0\x0e\1topic %07d" % number for number in range(TOPICS))
OPENINGS = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303"),
    "nothing": b"",
    "half a greeting": greeting(b"CURVE")[:10],
    "no hello": greeting(b"CURVE") + b"\4\6\5HELLO",
    "a part of 1 GB": greeting(b"CURVE") + b"\6" + GIGABYTE.to_bytes(8, "big") + bytes(1 << 20),
    "a plain part of 1 GB": greeting(b"NULL") + READY + b"\2" + GIGABYTE.to_bytes(8, "big"),
    "a million topics": greeting(b"NULL") + READY + SUBSCRIPTIONS,
}


class Strangers:
    """Come again and again to all five ports until they are asked to stop."""

    def __init__(self, places: Endpoints, hub: Keys, folder: Path) -> None:
        self._places = astuple(places)
        self._ports = [int(place.rpartition(":")[2]) for place in self._places]
        self._unknown = machine(folder / "unknown", hub, known=False)
        self._mistaken = machine(folder / "mistaken", machine(folder / "elsewhere"))
        self.over = threading.Event()
        self.visits: Counter[str] = Counter()
        self.served: Counter[str] = Counter()
        """Bytes that a stranger got who should get none."""

    def speak(self) -> None:
        """Bytes of other protocols, and of none."""
        dice = random.Random(1)
        while not self.over.is_set():
            for name, opening in [*OPENINGS.items(), ("noise", dice.randbytes(5000))]:
                for port in self._ports:
                    got = self._say(port, opening)
                    self.visits[name] += 1
                    if got[64:].strip(b"\0"):
                        self.served[name] += len(got) - 64

    def _say(self, port: int, opening: bytes) -> bytes:
        """Returns what is answered soon; the first 64 bytes are a greeting."""
        got = b""
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0) as raw:
            raw.sendall(opening)
            raw.settimeout(0.01)
            while piece := raw.recv(4096):
                got += piece
        return got

    def dawdle(self) -> None:
        """Many at once, who begin a greeting and never come to its end."""
        while not self.over.is_set():
            with ExitStack() as stack:
                raws = [stack.enter_context(socket.socket()) for _ in range(SILENT)]
                for number, raw in enumerate(raws):
                    with suppress(OSError):
                        raw.connect(("127.0.0.1", self._ports[number % len(self._ports)]))
                for byte in greeting(b"CURVE")[:10]:
                    if self.over.wait(0.1):
                        break
                    for raw in raws:
                        with suppress(OSError):
                            raw.send(bytes([byte]))
                self.visits["slow ones"] += 1

    def speak_zmq(self) -> None:
        """Without a key, with one that is not known, and with one for another hub."""
        junk = Junk(1)
        kinds = {"no key": None, "unknown key": self._unknown, "another hub": self._mistaken}
        while not self.over.is_set():
            for name, keys in kinds.items():
                with zmq.Context() as context, ExitStack() as stack:
                    sockets: list[zmq.Socket[bytes]] = []
                    for kind, place in zip(
                        (zmq.PUB, zmq.SUB, zmq.PUB, zmq.SUB, zmq.DEALER), self._places, strict=True
                    ):
                        end: zmq.Socket[bytes] = stack.enter_context(context.socket(kind))
                        end.setsockopt(zmq.LINGER, 0)
                        connect(end, place, keys)
                        if kind == zmq.SUB:
                            end.subscribe(b"")
                        sockets.append(end)
                    for _ in range(200):
                        for end in (sockets[0], sockets[2]):
                            end.send_multipart(junk.of(VIDEO))
                    with suppress(zmq.Again):  # it was refused already
                        sockets[4].send(b"what time is it?", zmq.NOBLOCK)
                    self.over.wait(0.5)
                    self.visits[name] += 1
                    for end in (sockets[1], sockets[3], sockets[4]):
                        while end.poll(0):
                            self.served[name] += len(b"".join(end.recv_multipart()))


@contextmanager
def strangers_at(places: Endpoints, hub: Keys, folder: Path) -> Generator[Strangers]:
    strangers = Strangers(places, hub, folder)
    roles: list[Callable[[], None]] = [strangers.speak, strangers.dawdle, strangers.speak_zmq]
    threads = [threading.Thread(target=role) for role in roles]
    for thread in threads:
        thread.start()
    try:
        yield strangers
    finally:
        strangers.over.set()
        for thread in threads:
            thread.join()


def resident_bytes(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    return 0


def watch(node: Node, labelling: Future[Outcome], hub: int) -> int:
    """Give credit for the pictures, slowly, until the end of the file. Returns the hub's growth."""
    before = most = resident_bytes(hub)
    deadline = time.monotonic() + PATIENCE_S
    while not labelling.done():
        assert time.monotonic() < deadline
        for received in node.receive(0.01):
            time.sleep(PICTURE_S)
            node.give_credit(received)
        node.alive()
        most = max(most, resident_bytes(hub))
    return most - before


def test_strangers_get_nothing_and_change_nothing(tmp_path: Path, free_ports: int) -> None:
    undisturbed = label("--speed", "max")
    address = f"tcp://127.0.0.1:{free_ports}"
    studio = machine(tmp_path / "studio")
    viewer = machine(tmp_path / "viewer", studio)
    with ThreadPoolExecutor() as pool:
        labelling = pool.submit(
            label,
            *("--speed", "max"),
            EMOFUSE_BUS__ADDRESS=address,
            EMOFUSE_BUS__KEYS=str(studio.folder),
        )
        with Node("viewer", address, (VIDEO,), "info", PATIENCE_S, keys=viewer.folder) as node:
            pictures: list[Received[Any]] = []
            while not pictures or "hub" not in node.peers():
                pictures += node.receive(0.1)
                node.alive()
                assert not labelling.done(), labelling.result()
            hub = node.peers()["hub"].pid
            with strangers_at(endpoints(address), studio, tmp_path) as strangers:
                for picture in pictures:
                    node.give_credit(picture)
                growth = watch(node, labelling, hub)
    disturbed = labelling.result()
    print(f"{dict(strangers.visits)}; the hub has grown by {growth} bytes")
    assert [result(u) for u in disturbed.utterances] == [result(u) for u in undisturbed.utterances]
    assert disturbed.summary["restarts"] == {}
    assert not strangers.served
    kinds = {*OPENINGS, "noise", "slow ones", "no key", "unknown key", "another hub"}
    assert {name for name, count in strangers.visits.items() if count} == kinds
    assert growth < GROWTH_BYTES
    for said in ("showed no key", "is not known here", "takes another public key for this hub's"):
        assert said in disturbed.stderr
