"""Who only listens: finds a hub or says that there is none, sends nothing, and ends with it."""

import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import pytest
import zmq

from commands.watch import listener as listener_module
from commands.watch.hz import hz
from commands.watch.listener import listening
from commands.watch.log import follow_log
from config.settings import BusSettings, Settings
from messaging.address import endpoints
from messaging.bus import ECHO
from messaging.errors import UserError
from messaging.hub import Hub
from messaging.node import Node
from messaging.schema import Marker
from messaging.topics import FACES, MARKERS, VIDEO
from tests.machines import machine
from tests.pipelines import emofuse, started

PATIENCE_S = 60.0


def settings(address: str) -> Settings:
    return Settings(bus=BusSettings(address=address, connect_timeout_s=PATIENCE_S))


@pytest.fixture
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """No pipeline is found but those of the test."""
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is too long for a socket's name
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield


@pytest.mark.usefixtures("nothing_else")
def test_where_nothing_runs_one_line_says_so() -> None:
    told = emofuse("top", EMOFUSE_BUS__CONNECT_TIMEOUT_S="0.3")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.count("\n") == 1
    assert "nothing runs that could be watched" in told.stderr


def test_a_hub_that_was_named_and_is_not_there_is_named(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/hub"
    told = emofuse("hz", "faces", "--hub", address, EMOFUSE_BUS__CONNECT_TIMEOUT_S="0.3")
    assert told.returncode == 2
    assert f"no hub answers at {address} within 0.3 s" in told.stderr


def test_who_takes_the_first_line_of_top_is_not_kept(address: str) -> None:
    told = emofuse("top", "--hub", address)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[0].startswith("emofuse top")


def test_an_unknown_name_is_told_with_those_that_there_are() -> None:
    told = emofuse("echo", "face")
    assert told.returncode == 2
    assert told.stderr == (
        "emofuse: no topic 'face'; there are video, video_jpeg, audio, speech, faces, utterances, "
        "markers, heartbeat, log, control, credit, clock\n"
    )
    with pytest.raises(UserError, match="no topic 'face'"):
        hz(Settings(), "face", seconds=None)
    with pytest.raises(UserError, match="no level 'loud'; there are debug, info, warning, error"):
        follow_log(Settings(), "loud")


@pytest.mark.parametrize("seconds", ["inf", "nan", "-1", "0", "1e300"])
def test_a_time_that_never_comes_is_refused(seconds: str) -> None:
    told = emofuse("hz", "faces", "--seconds", seconds)
    assert told.returncode == 2
    why = "give a number above 0, at most 1e+09"
    assert told.stderr == f"emofuse: --seconds {float(seconds):g}: {why}\n"


def test_a_listener_sends_nothing_and_is_no_node(address: str) -> None:
    with (
        zmq.Context() as context,
        context.socket(zmq.SUB) as events,
        context.socket(zmq.SUB) as bulk,
        Node("camera", address) as camera,
    ):
        for socket, endpoint in (
            (events, endpoints(address).events_out),
            (bulk, endpoints(address).bulk_out),
        ):
            socket.connect(endpoint)
            socket.subscribe(b"")
        time.sleep(0.2)
        with listening(settings(address), FACES, MARKERS) as listener:
            heard: list[str] = []
            for arrived in listener.rounds(0.05, 1.5):
                camera.alive()
                camera.receive(0)
                camera.publish(MARKERS, Marker(camera.stamp(), "here"))
                heard += [r.message.text for r in arrived if r.topic is MARKERS]
            assert "here" in heard
            assert not camera.is_wanted(VIDEO)
        assert camera.peers() == {}
        sent = _all(events) + _all(bulk)
        senders = {parts[1] for parts in sent if not parts[0].startswith(ECHO)}
        assert senders
        assert all(b"camera" in header for header in senders)


def _all(socket: "zmq.Socket[bytes]") -> list[list[bytes]]:
    messages: list[list[bytes]] = []
    while socket.poll(100):
        messages.append(socket.recv_multipart())
    return messages


def test_a_listener_ends_when_the_hub_closes(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/hub"
    with started("hub", "--bind", address) as hub:
        with listening(settings(address)) as listener:
            threading.Timer(0.5, hub.terminate).start()
            deadline = time.monotonic() + PATIENCE_S
            for _ in listener.rounds(0.05):
                assert time.monotonic() < deadline
            assert listener.ended_by
        hub.wait(PATIENCE_S)


def test_a_listener_ends_when_the_hub_is_gone_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "OVER_NS", 500_000_000)
    address = f"ipc://{tmp_path}/hub"
    with started("hub", "--bind", address) as hub, listening(settings(address)) as listener:
        hub.kill()
        deadline = time.monotonic() + PATIENCE_S
        for _ in listener.rounds(0.05):
            assert time.monotonic() < deadline
        assert listener.ended_by == f"nothing is heard from the hub at {address} any more"


def test_a_listener_is_still_there_when_the_hub_is_back(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/hub"
    hub = Hub(address)
    with listening(settings(address), MARKERS) as listener:
        hub.close()
        hub = Hub(address)
        with Node("one", address) as one:
            deadline = time.monotonic() + PATIENCE_S
            for arrived in listener.rounds(0.05):
                assert time.monotonic() < deadline
                one.publish(MARKERS, Marker(one.stamp(), "again"))
                if any(received.topic is MARKERS for received in arrived):
                    break
    hub.close()


def test_ctrl_c_ends_a_follower_in_peace(address: str) -> None:
    with started("hz", "markers", "--hub", address) as process, Node("one", address) as one:
        assert process.stdout is not None
        process.stdout.readline()  # it has joined, and reports
        for _ in range(3):
            one.publish(MARKERS, Marker(one.stamp(), "again"))
        assert "one: 3 messages\n" in process.stdout  # reads until then
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")
    assert "one: 3 messages" in out


def test_a_signal_that_is_ignored_stays_so_while_there_is_a_listener(address: str) -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening(settings(address)):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


def test_the_log_is_followed_from_a_level_on_until_its_reader_has_enough(address: str) -> None:
    options = ("log", "--level", "warning", "--hub", address)
    with started(*options) as process, Node("one", address) as one:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        deadline = time.monotonic() + PATIENCE_S
        lines = ""
        while "it burns" not in lines:
            assert time.monotonic() < deadline
            one.log.info("all is well")
            one.log.warning("it burns")
            one.alive()
            one.receive(0.02)
            with suppress(BlockingIOError):
                lines += os.read(process.stdout.fileno(), 65536).decode()
        assert "all is well" not in lines
        assert " warning one: it burns" in lines.splitlines()[0]
        process.stdout.close()
        while process.poll() is None:
            assert time.monotonic() < deadline
            one.log.warning("it burns")
            one.alive()
            one.receive(0.02)
        assert process.stderr is not None
        assert (process.returncode, process.stderr.read()) == (0, "")


def test_a_hub_with_keys_is_watched_by_those_alone_whom_it_knows(
    tmp_path: Path, free_ports: int
) -> None:
    studio = machine(tmp_path / "studio")
    known, stranger = machine(tmp_path / "known", studio), tmp_path / "stranger"
    machine(stranger, studio, known=False)
    where = f"tcp://127.0.0.1:{free_ports}"
    hub = Hub(where, keys=studio.folder)
    try:
        with (
            Node("source", where, keys=studio.folder) as node,
            listening(
                Settings(bus=BusSettings(address=where, keys=known.folder)), MARKERS
            ) as listener,
        ):
            assert listener.hub_offset_ns() == 0
            node.publish(MARKERS, Marker(node.stamp(), "hello"))
            rounds = listener.rounds(0.1, PATIENCE_S)
            heard = next(r for arrived in rounds for r in arrived if r.topic is MARKERS)
        assert heard.message.text == "hello"
        told = emofuse("topics", "--hub", where, "--keys", stranger)
        assert told.returncode == 2
        assert "does not know this machine's key" in told.stderr
        told = emofuse("doctor", "--hub", where, "--keys", stranger, "--camera", "none",
                       "--microphone", "none", "--json")  # fmt: skip
        found = {one["name"]: one for one in json.loads(told.stdout)["findings"]}
        assert (told.returncode, found["hub"]["level"]) == (1, "failure")
        assert "emofuse keys add" in found["hub"]["way_out"]
    finally:
        hub.close()
