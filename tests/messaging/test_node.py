"""Nodes on a real hub, through real sockets."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from messaging import node as node_module
from messaging.address import endpoints
from messaging.bus import BULK_MARK, MOST_AHEAD, Bus
from messaging.errors import UserError
from messaging.hub import Hub
from messaging.ledger import MOST_STREAMS
from messaging.node import Node
from messaging.schema import Control, Heartbeat, LogRecord, Marker, Stamp, VideoFrame
from messaging.topics import CONTROL, CREDIT, HEARTBEAT, LOG, MARKERS, VIDEO, VIDEO_JPEG
from messaging.wire import Received, encode, topic_part
from tests.delays import DelayingHub

PATIENCE_S = 10.0
ARRIVED_S = 0.5
"""After one reader had it, another one has it too."""


def collect(
    node: Node, enough: Callable[[list[Received[Any]]], bool], patience_s: float = PATIENCE_S
) -> list[Received[Any]]:
    """What ``node`` receives until that is ``enough``."""
    deadline = time.monotonic() + patience_s
    got: list[Received[Any]] = []
    while not enough(got):
        assert time.monotonic() < deadline, f"only {len(got)} messages came"
        got += node.receive(0.02)
    return got


def picture(node: Node, index: int, *, lossless: bool = False) -> None:
    pixels = np.full((48, 64, 3), index % 256, np.uint8)
    frame = VideoFrame(node.stamp(), "camera", index, width=64, height=48, lossless=lossless)
    node.publish(VIDEO, frame, pixels)


def test_nothing_is_missed_from_the_first_message_on(address: str) -> None:
    with Node("sender", address) as sender, Node("reader", address, [MARKERS]) as reader:
        for number in range(2000):
            sender.publish(MARKERS, Marker(sender.stamp(), str(number)))
        got = collect(reader, lambda got: len(got) == 2000)
    assert [received.message.text for received in got] == [str(number) for number in range(2000)]
    assert [received.seq for received in got] == list(range(2000))


def test_who_joins_a_busy_bus_does_not_wait_for_a_moment_of_silence(address: str) -> None:
    sent, done = 0, threading.Event()

    def talk() -> None:
        nonlocal sent
        with Node("sender", address) as sender:
            while not done.wait(0.005):
                picture(sender, sent)
                sent += 1

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        while not sent:
            time.sleep(0.01)
        with Node("reader", address, [VIDEO], keeps_all=True) as reader:
            there = sent
            seen = [received.message.index for received in collect(reader, bool)]
    finally:
        done.set()
        thread.join()
    assert there < 900
    assert seen == list(range(seen[0], seen[0] + len(seen))), "what came meanwhile is not lost"


def test_who_waits_for_its_own_echo_keeps_the_newest_pictures_alone(tmp_path: Path) -> None:
    """A firewall may let through what comes to a node, and not what goes from it."""
    address = f"ipc://{tmp_path}/hub"
    places = endpoints(address)
    calls = 0
    with zmq.Context() as context:
        ways = [
            (context.socket(zmq.SUB), context.socket(zmq.XPUB), *pair)
            for pair in (
                (places.bulk_in, places.bulk_out),
                (places.events_in, places.events_out),
            )
        ]
        for into, out, into_at, out_at in ways:
            into.subscribe(b"")
            into.bind(into_at)
            out.bind(out_at)

        def meanwhile() -> None:
            nonlocal calls
            calls += 1
            pictures = ways[0][1]
            if calls == 1:
                while pictures.recv() != b"\1" + topic_part("video"):
                    pass
            if calls <= 10:
                for index in range(10 * calls - 10, 10 * calls):
                    frame = VideoFrame(Stamp(index, "clock"), "camera", index, width=0, height=0)
                    pictures.send_multipart([*encode(VIDEO, frame, "camera", 1, index), b""])
            for into, out, _, _ in ways:
                while into.poll(0):
                    parts = into.recv_multipart()
                    if calls > 20:
                        out.send_multipart(parts)

        bus = Bus("reader", address, [VIDEO])
        bus.join(PATIENCE_S, meanwhile)
        (newest,) = bus.receive(0.1)
        (counts,) = [count for count in bus.ledger.counts() if count.topic == "video"]
        bus.close()
        for into, out, _, _ in ways:
            into.close(linger=0)
            out.close(linger=0)
    assert newest.seq == 99
    assert (counts.before, counts.messages, counts.dropped) == (100 - BULK_MARK, 1, BULK_MARK - 1)


def test_a_picture_arrives_as_a_view_of_its_bytes(address: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    with Node("camera", address) as camera, Node("reader", address, [VIDEO]) as reader:
        camera.publish(
            VIDEO, VideoFrame(camera.stamp(), "camera", 0, width=640, height=480), pixels
        )
        (received,) = collect(reader, bool)
    assert (np.frombuffer(received.payload, np.uint8).reshape(pixels.shape) == pixels).all()


def test_only_the_newest_live_picture_is_kept_and_the_overtaken_are_counted(address: str) -> None:
    with (
        Node("camera", address) as camera,
        Node("reader", address, [VIDEO]) as reader,
        Node("witness", address, [VIDEO], keeps_all=True) as witness,
    ):
        camera.publish(VIDEO, VideoFrame(camera.stamp(), "camera", 0, "opened"))
        for index in range(8):
            picture(camera, index)
        collect(witness, lambda got: len(got) == 9)
        time.sleep(ARRIVED_S)
        got = reader.receive()
        assert [(r.message.event, r.message.index, r.dropped) for r in got] == [
            ("opened", 0, 0),
            ("picture", 7, 7),
        ]
        reader.beat()
        collect(camera, lambda _: "reader" in camera.peers() and has_counts(camera.peers()))
        video = next(c for c in camera.peers()["reader"].counts if c.topic == "video" and c.sender)
    assert (video.messages, video.dropped, video.lost) == (2, 7, 0)


def has_counts(peers: Any) -> bool:
    return any(count.topic == "video" and count.sender for count in peers["reader"].counts)


def test_lossless_pictures_are_never_overtaken_and_the_sender_waits_for_its_reader(
    address: str,
) -> None:
    total, ahead = 60, 3
    farthest = 0
    with (
        Node("media", address, keeps_all=True) as media,
        Node("inference", address, [VIDEO], credits_of=[VIDEO]) as inference,
    ):
        inference.alive()
        collect(media, lambda _: media.is_awaited(VIDEO))
        done = threading.Event()
        sent = [0]

        def play() -> None:
            for index in range(total):
                assert media.wait_for_credit(VIDEO, ahead)
                picture(media, index, lossless=True)
                sent[0] = index + 1
            done.set()

        thread = threading.Thread(target=play)
        thread.start()
        seen: list[int] = []
        while len(seen) < total:
            for received in inference.receive(0.05):
                time.sleep(0.002)
                farthest = max(farthest, sent[0] - len(seen))
                seen.append(received.message.index)
                inference.give_credit(received)
        thread.join(PATIENCE_S)
        assert done.is_set()
    assert seen == list(range(total))
    assert farthest <= ahead


@pytest.mark.parametrize("seed", range(3))
def test_however_messages_are_held_up_no_lossless_one_is_lost(tmp_path: Path, seed: int) -> None:
    """With as many on their way as there may be."""
    total, address = 1000, f"ipc://{tmp_path}/hub"
    hub = DelayingHub(address, seed)
    with (
        Node("media", address, keeps_all=True) as media,
        Node("inference", address, [VIDEO], credits_of=[VIDEO]) as inference,
    ):
        inference.alive()
        collect(media, lambda _: media.is_awaited(VIDEO))

        def play() -> None:
            for index in range(total):
                assert media.wait_for_credit(VIDEO, MOST_AHEAD)
                picture(media, index, lossless=True)

        thread = threading.Thread(target=play)
        thread.start()
        seen: list[int] = []
        deadline = time.monotonic() + 60.0
        while total - 1 not in seen[-1:] and time.monotonic() < deadline:
            inference.alive()
            for received in inference.receive(0.05):
                seen.append(received.message.index)
                inference.give_credit(received)
        thread.join()
    hub.close()
    assert seen == list(range(total))


def test_a_reader_that_was_killed_does_not_block_a_lossless_sender(address: str) -> None:
    """Also one that died before it had ever given credit. The sender alone says what was lost."""
    with (
        Node("media", address, keeps_all=True) as media,
        Node("display", address, [LOG]) as display,
    ):
        killed = Bus("inference", address, [VIDEO])
        killed.join(PATIENCE_S, lambda: None)
        beat = Heartbeat(media.stamp(), "inference", "running", 1, awaited=("video",))
        killed.publish(HEARTBEAT, beat)
        collect(media, lambda _: media.is_awaited(VIDEO))
        picture(media, 0, lossless=True)
        killed.close()
        with Node("inference", address, [VIDEO], credits_of=[VIDEO]) as successor:
            readings = [
                threading.Thread(target=read_for, args=(successor, 8.0)),
                threading.Thread(target=read_for, args=(display, 8.0, seen := [])),
            ]
            for reading in readings:
                reading.start()
            assert media.wait_for_credit(VIDEO, 1)
            media.alive()
            for reading in readings:
                reading.join()
    told = [(one.message.node, one.message.text) for one in seen]
    assert told == [
        ("media", "inference was restarted; up to 1 messages of video were lost with it")
    ]


def test_a_hub_that_is_away_does_not_make_a_lossless_sender_run_on_without_its_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.credit.FORGOTTEN_NS", 3_000_000_000)
    monkeypatch.setattr("messaging.node.DEAF_NS", 1_500_000_000)
    address = f"ipc://{tmp_path}/hub"
    hub = Hub(address)
    with (
        Node("media", address, keeps_all=True) as media,
        Node("inference", address, [VIDEO], credits_of=[VIDEO]) as inference,
    ):
        inference.alive()
        collect(media, lambda _: media.is_awaited(VIDEO))
        picture(media, 0, lossless=True)
        (received,) = collect(inference, bool)
        waiting = threading.Thread(target=media.wait_until_done, args=(VIDEO,))
        hub.close()
        waiting.start()
        time.sleep(4.5)
        hub = Hub(address)
        time.sleep(1.8)  # the sender hears itself before it hears of its reader
        read_for(inference, 0.5)
        assert waiting.is_alive()
        inference.give_credit(received)
        read_for(inference, 0.5)
        waiting.join(PATIENCE_S)
        assert not waiting.is_alive()
    hub.close()


def test_credit_for_some_messages_is_enough_also_where_less_may_be_sent_ahead(
    address: str,
) -> None:
    """Waiting for fewer than ``credit_every`` would be waiting for ever."""
    with (
        Node("media", address, keeps_all=True) as media,
        Node("inference", address, [VIDEO_JPEG], credits_of=[VIDEO_JPEG]) as inference,
        Node("watcher", address, [CREDIT]) as watcher,
    ):
        inference.alive()
        collect(media, lambda _: media.is_awaited(VIDEO_JPEG))
        total, seen = 2 * VIDEO_JPEG.credit_every + 1, 0
        for index in range(total):
            assert media.wait_for_credit(VIDEO_JPEG, 1)
            shown = VideoFrame(media.stamp(), "camera", index, width=64, height=48, lossless=True)
            media.publish(VIDEO_JPEG, shown, b"jpeg")
            for received in collect(inference, bool):
                inference.give_credit(received)
                seen += 1
        given = collect(watcher, lambda got: len(got) == 3)
    assert seen == total
    assert [one.message.seq for one in given] == [0, 4, 8]


def read_for(node: Node, seconds: float, seen: list[Received[Any]] | None = None) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        node.alive()
        got = node.receive(0.05)
        if seen is not None:
            seen += got


def test_who_gives_no_credit_looks_on_and_holds_up_nobody(address: str) -> None:
    with (
        Node("media", address, keeps_all=True) as media,
        Node("inference", address, [VIDEO], credits_of=[VIDEO]) as inference,
        Node("display", address, [VIDEO_JPEG, VIDEO]),
    ):
        inference.alive()
        collect(media, lambda _: media.is_awaited(VIDEO))
        assert not media.is_awaited(VIDEO_JPEG)
        for index in range(20):
            assert media.wait_for_credit(VIDEO_JPEG, 1)
            assert media.wait_for_credit(VIDEO, 1)
            picture(media, index, lossless=True)
            (received,) = collect(inference, bool)
            inference.give_credit(received)


def test_credit_wakes_those_alone_who_wait_for_it(address: str) -> None:
    with (
        Node("media", address, keeps_all=True) as media,
        Node("inference", address, [VIDEO], credits_of=[VIDEO]) as inference,
        Node("launcher", address, [LOG]) as launcher,
    ):
        picture(media, 0, lossless=True)
        (received,) = collect(inference, bool)
        inference.give_credit(received)
        assert media.wait_for_credit(VIDEO, 1)
        inference.log.info("this comes after it")
        inference.alive()
        collect(launcher, bool)
        heard = {count.topic for count in launcher.heartbeat("running").counts if count.sender}
        assert heard == {"heartbeat", "log"}


def test_who_hears_no_credit_is_told_instead_of_waiting_for_it(address: str) -> None:
    with Node("media", address) as media, pytest.raises(ValueError, match="hears of no credit"):
        media.wait_for_credit(VIDEO, 1)


def test_heartbeats_tell_of_every_other_node(address: str) -> None:
    with Node("one", address) as one, Node("two", address) as two:
        two.alive()
        collect(one, lambda _: one.peers().get("two", None) is not None)
        assert set(one.peers()) == {"two"}
        beat = one.peers()["two"]
    assert isinstance(beat, Heartbeat)
    assert beat.pid == os.getpid()
    assert beat.rss_bytes > 1_000_000


def test_a_reader_that_closes_gives_its_last_credit_before_its_last_word(address: str) -> None:
    with (
        Node("display", address, [CREDIT, HEARTBEAT]) as display,
        Node("media", address, keeps_all=True) as media,
        Node("recorder", address, [VIDEO], credits_of=[VIDEO], keeps_all=True) as recorder,
    ):
        recorder.alive()
        media.wait_for(["recorder"])
        assert media.is_awaited(VIDEO)
        picture(media, 0, lossless=True)
        (received,) = collect(recorder, lambda got: len(got) == 1)
        recorder.give_credit(received)
        recorder.state = "closing"
        got = collect(display, lambda got: any(_closes(r) for r in got))
        said = [r.topic.name for r in got if r.sender == "recorder"]
        collect(media, lambda _: not media.is_awaited(VIDEO))
    assert said[-2:] == ["credit", "heartbeat"]


def _closes(received: Received[Any]) -> bool:
    return isinstance(received.message, Heartbeat) and received.message.state == "closing"


def test_a_node_says_that_it_closes(address: str) -> None:
    with Node("one", address) as one:
        with Node("two", address):
            pass
        collect(one, lambda _: "two" in one.peers() and one.peers()["two"].state == "closing")


def test_log_records_reach_who_listens_also_from_other_threads(address: str) -> None:
    with Node("one", address, [LOG]) as one, Node("two", address) as two:
        thread = threading.Thread(target=two.log.warning, args=("%d apples", 3))
        thread.start()
        thread.join()
        two.alive()
        (received,) = collect(one, bool)
    record = received.message
    assert isinstance(record, LogRecord)
    assert (record.node, record.level, record.text) == ("two", "warning", "3 apples")


def test_what_is_logged_last_is_not_lost(address: str) -> None:
    with Node("one", address, [LOG]) as one:
        with Node("two", address) as two:
            two.log.warning("the last word")
        (received,) = collect(one, bool)
    assert received.message.text == "the last word"


def test_a_stop_on_the_bus_ends_a_node(address: str) -> None:
    with Node("one", address) as one, Node("two", address) as two:
        two.publish(CONTROL, Control(two.stamp(), "stop", "two"))
        deadline = time.monotonic() + PATIENCE_S
        while one.alive():
            assert time.monotonic() < deadline
            one.receive(0.05)


def test_a_signal_ends_a_node_after_it_has_worked_up_what_came(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_module, "WORK_UP_NS", 60_000_000_000)
    with (
        Node("sender", address) as sender,
        Node("witness", address, [MARKERS]) as witness,
        Node("reader", address, [MARKERS]) as reader,
    ):
        for number in range(5000):
            sender.publish(MARKERS, Marker(sender.stamp(), str(number)))
        collect(witness, lambda got: len(got) == 5000)
        time.sleep(ARRIVED_S)
        assert reader.alive()
        os.kill(os.getpid(), signal.SIGTERM)
        got = 0
        while reader.alive():
            got += len(reader.receive(0.05))
    assert got == 5000


def test_a_signal_ends_a_node_that_waits_for_its_hub_at_once(tmp_path: Path) -> None:
    node = Node(
        "one",
        f"ipc://{tmp_path}/hub",
        connect_timeout_s=60,
        meanwhile=lambda: os.kill(os.getpid(), signal.SIGTERM),
    )
    began = time.monotonic()
    with pytest.raises(SystemExit, match="143"), node:
        pass
    assert time.monotonic() - began < 20


def test_a_lossless_sender_does_not_wait_for_what_was_lost_on_its_way(address: str) -> None:
    """Its heartbeats tell the reader what that missed, who then has done with it."""
    stop = threading.Event()
    with (
        Node("inference", address, [VIDEO], credits_of=[VIDEO]) as inference,
        Node("media", address, keeps_all=True) as media,
    ):
        picture(media, 0, lossless=True)
        (received,) = collect(inference, bool)
        inference.give_credit(received)
        collect(media, lambda _: media.is_awaited(VIDEO))
        for index in range(1, 500):  # more than fits between the two
            picture(media, index, lossless=True)

        def read() -> None:
            while not stop.is_set():
                inference.alive()
                for received in inference.receive(0.02):
                    inference.give_credit(received)

        thread = threading.Thread(target=read)
        thread.start()
        assert media.wait_for_credit(VIDEO, 1)
        stop.set()
        thread.join()
        counts = inference.heartbeat("running").counts
        (video,) = [count for count in counts if count.topic == "video" and count.sender]
        assert video.lost > 0
        assert video.messages + video.lost == 500


def test_junk_is_counted_and_skipped(address: str) -> None:
    with zmq.Context() as context, context.socket(zmq.XPUB) as stranger:
        stranger.setsockopt(zmq.RCVTIMEO, round(PATIENCE_S * 1000))
        stranger.connect(endpoints(address).events_in)
        with Node("one", address, [MARKERS]) as one, Node("two", address) as two:
            while stranger.recv() != b"\1" + topic_part("markers"):
                pass
            for parts in ([b""], [b"nonsense"], [topic_part("nonsense"), b"", b""]):
                stranger.send_multipart(parts)  # nobody subscribed to these
            for parts in ([b"x"], [b"\xc1", b""], [b"\x80", b""], [b""] * 9):
                stranger.send_multipart([topic_part("markers"), *parts])

            def has_told() -> bool:
                assert one.receive(0) == []
                one.beat()
                return "one" in two.peers() and two.peers()["one"].rejected == 4

            collect(two, lambda _: has_told())
            two.publish(MARKERS, Marker(two.stamp(), "sense"))
            (received,) = collect(one, bool)
            assert received.message.text == "sense"


def test_what_comes_of_senders_too_many_is_counted(address: str) -> None:
    crowd = MOST_STREAMS + 50
    with zmq.Context() as context, context.socket(zmq.XPUB) as stranger:
        stranger.connect(endpoints(address).events_in)
        with Node("reader", address, [MARKERS]) as reader:
            assert stranger.recv() == b"\1", "the hub hears it"
            for number in range(crowd):
                marker = Marker(reader.stamp(), "hello")
                stranger.send_multipart([*encode(MARKERS, marker, f"n{number}", 1, 0), b""])
            let_in = 0

            def are_all_counted() -> bool:
                nonlocal let_in
                let_in += len([r for r in reader.receive(0.02) if r.topic is MARKERS])
                return let_in + reader.heartbeat("running").rejected == crowd

            deadline = time.monotonic() + PATIENCE_S
            while not are_all_counted():
                assert time.monotonic() < deadline


def test_is_wanted_tells_whether_anybody_reads_a_topic(address: str) -> None:
    with Node("camera", address) as camera:
        assert not camera.is_wanted(VIDEO)
        with Node("reader", address, [VIDEO]):
            deadline = time.monotonic() + PATIENCE_S
            while not camera.is_wanted(VIDEO):
                assert time.monotonic() < deadline
                time.sleep(0.01)


def test_without_a_hub_a_node_says_where_it_looked(tmp_path: Path) -> None:
    nowhere = f"ipc://{tmp_path}/hub"
    with (
        pytest.raises(UserError, match=f"no hub answers at {nowhere} within 0.2 s"),
        Node("one", nowhere, connect_timeout_s=0.2),
    ):
        pass


def test_a_second_hub_at_the_same_place_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="a hub runs at"):
        Hub(address)


def test_a_hub_over_tcp_and_a_port_in_use(free_ports: int) -> None:
    where = f"tcp://127.0.0.1:{free_ports}"
    hub = Hub(where)
    try:
        with pytest.raises(UserError, match=f"cannot bind {where}: .* is there: end it"):
            Hub(where)
        with Node("one", where, [MARKERS]) as one, Node("two", where) as two:
            two.publish(MARKERS, Marker(two.stamp(), "over tcp"))
            (received,) = collect(one, bool)
        assert received.message.text == "over tcp"
    finally:
        hub.close()


@pytest.mark.parametrize("host", ["192.0.2.7", "no-host.invalid"])  # nobody's
def test_an_address_that_is_not_this_machine_s_is_not_called_taken(host: str) -> None:
    where = f"tcp://{host}:5550"
    with pytest.raises(UserError, match=f"cannot bind {where}: .* no address of this machine"):
        Hub(where)


def test_nodes_come_back_when_the_hub_was_restarted(tmp_path: Path) -> None:
    where = f"ipc://{tmp_path}/hub"
    hub = Hub(where)
    with Node("one", where, [MARKERS]) as one, Node("two", where) as two:
        hub.close()
        hub = Hub(where)
        deadline = time.monotonic() + PATIENCE_S
        got: list[Any] = []
        while not got:
            assert time.monotonic() < deadline
            two.publish(MARKERS, Marker(two.stamp(), "again"))
            got = one.receive(0.05)
    hub.close()


def test_what_others_say_of_their_subscriptions_does_not_pile_up(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[zmq.Socket[bytes]] = []
    make: Any = zmq.Context[Any].socket

    def socket(context: Any, kind: int) -> Any:
        made.append(make(context, kind))
        return made[-1]

    monkeypatch.setattr(zmq.Context, "socket", socket)
    with Node("camera", address) as camera, zmq.Context() as context:
        senders = [one for one in made if one.getsockopt(zmq.TYPE) == zmq.XPUB]
        camera.beat()
        for where in (endpoints(address).bulk_out, endpoints(address).events_out):
            with context.socket(zmq.SUB) as reader:
                reader.connect(where)
                for number in range(100):
                    reader.subscribe(f"echo {number}")
                assert any(sender.poll(10_000) for sender in senders)
                camera.beat()
        deadline = time.monotonic() + PATIENCE_S
        while any(sender.poll(0) for sender in senders):
            assert time.monotonic() < deadline
            camera.beat()
