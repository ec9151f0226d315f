"""Pictures on their way out: how large and how many where they are compressed."""

import threading
import time

import cv2
import numpy as np
import pytest

from capture.pictures import Publisher, reduced
from config.settings import BusSettings
from messaging.node import Node
from messaging.schema import VideoFrame
from messaging.topics import VIDEO, VIDEO_JPEG
from messaging.wire import Received

PATIENCE_S = 10.0
PIXELS = np.full((60, 80, 3), 200, np.uint8)
INTERVAL_NS = 33_333_333


def sent(address: str, bus: BusSettings, *, ahead: int = 0) -> list[Received[VideoFrame]]:
    """What a reader gets of 31 pictures of one second."""
    got: list[Received[VideoFrame]] = []
    topics = (VIDEO, VIDEO_JPEG)
    with (
        Node("camera", address, keeps_all=True) as node,
        Node("reader", address, topics, credits_of=topics, keeps_all=True) as reader,
    ):
        deadline = time.monotonic() + PATIENCE_S
        while not all(node.is_wanted(topic) and node.is_awaited(topic) for topic in topics):
            assert time.monotonic() < deadline
            reader.alive()
            reader.beat()
            node.receive(0.02)
        publisher = Publisher(node, bus)
        for index in range(31):
            frame = VideoFrame(
                node.stamp(index * INTERVAL_NS),
                "camera",
                index,
                width=80,
                height=60,
                interval_ns=INTERVAL_NS,
                lossless=ahead > 0,
            )
            publisher.publish(frame, PIXELS, ahead)
            for received in reader.receive(0.02):
                got.append(received)
                reader.give_credit(received)
        while {r.topic for r in got if r.message.index == 30} != {*topics}:
            assert time.monotonic() < deadline
            got += reader.receive(0.02)
        got += reader.receive(0.2)
    return got


def test_jpeg_is_as_small_and_as_rare_as_it_is_asked_to_be(address: str) -> None:
    got = sent(address, BusSettings(jpeg_width=40, jpeg_fps=10))
    raw = [r for r in got if r.topic is VIDEO]
    jpegs = [r for r in got if r.topic is VIDEO_JPEG]
    assert [r.message.index for r in raw] == list(range(31))
    assert {(r.message.width, r.message.height) for r in raw} == {(80, 60)}
    assert [r.message.index for r in jpegs] == list(range(0, 31, 3))
    assert {(r.message.width, r.message.height) for r in jpegs} == {(40, 30)}
    shown = cv2.imdecode(np.frombuffer(jpegs[0].payload, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (30, 40, 3)


@pytest.mark.parametrize(("fps", "count"), [(None, 31), (60, 31), (20, 21), (1, 2)])
def test_the_rate_holds_on_the_average(address: str, fps: float | None, count: int) -> None:
    got = sent(address, BusSettings(jpeg_fps=fps))
    assert sum(r.topic is VIDEO_JPEG for r in got) == count


def test_pictures_keep_their_shape_and_never_grow() -> None:
    assert reduced(PIXELS, 20).shape == (15, 20, 3)
    assert reduced(PIXELS, 200) is PIXELS
    assert reduced(PIXELS, None) is PIXELS


def test_a_gap_of_a_lossless_source_waits_for_credit(address: str) -> None:
    """Of those who give it; who gives none is not waited for."""
    ahead, sent = 2, 0
    with (
        Node("media", address, keeps_all=True) as node,
        Node("inference", address, [VIDEO], credits_of=[VIDEO]) as reader,
        Node("display", address, [VIDEO]) as display,
    ):
        deadline = time.monotonic() + PATIENCE_S
        while not node.is_awaited(VIDEO):
            assert time.monotonic() < deadline
            reader.alive()
            node.receive(0.02)
        publisher = Publisher(node, BusSettings())

        def play() -> None:
            nonlocal sent
            for index in range(20):
                gap = VideoFrame(node.stamp(), "clip", index, "gap", lossless=True)
                publisher.publish(gap, None, ahead)
                sent = index + 1

        playing = threading.Thread(target=play)
        playing.start()
        done = 0
        while done < 20:
            assert time.monotonic() < deadline
            for received in reader.receive(0.05):
                time.sleep(0.01)
                assert sent <= done + ahead
                done += 1
                reader.give_credit(received)
        playing.join(PATIENCE_S)
        assert len(display.receive(0.2)) > 0
