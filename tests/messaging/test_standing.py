"""A reader on another host that does not get on for a while."""

import threading
import time

from messaging.hub import Hub
from messaging.node import Node
from messaging.schema import VideoFrame
from messaging.topics import VIDEO_JPEG

STANDS_S = 6.0
"""Longer than a host may be silent before its connections are made anew."""
PICTURE = bytes(300_000)


def test_it_lives_and_reads_on_and_what_it_missed_is_counted(free_ports: int) -> None:
    """ZeroMQ's own heartbeats ended its process here."""
    address = f"tcp://127.0.0.1:{free_ports}"
    hub, done = Hub(address), threading.Event()

    def send() -> None:
        with Node("camera", address) as camera:
            for index in range(1_000_000):
                if done.is_set():
                    break
                frame = VideoFrame(camera.stamp(), "camera", index, width=64, height=64)
                camera.publish(VIDEO_JPEG, frame, PICTURE)
                camera.alive()
                camera.receive(0.02)

    thread = threading.Thread(target=send)
    try:
        with Node("reader", address, [VIDEO_JPEG]) as reader:
            thread.start()
            while not reader.receive(0.1):
                pass
            time.sleep(STANDS_S)
            there = time.monotonic()
            newest: list[int] = []
            while time.monotonic() < there + 30 and len(newest) < 20:
                reader.alive()
                newest += [received.seq for received in reader.receive(0.1)]
            beat = reader.heartbeat("running")
            (counts,) = (c for c in beat.counts if (c.topic, c.sender) == ("video_jpeg", "camera"))
        assert len(newest) >= 20
        assert counts.messages + counts.dropped + counts.lost >= counts.last_seq + 1 - counts.before
    finally:
        done.set()
        thread.join()
        hub.close()
