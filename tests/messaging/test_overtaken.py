"""A worker gets all pictures; only those that it was to answer can be missed by it."""

import time

import numpy as np
import pytest

from messaging.ledger import dropped
from messaging.node import Node
from messaging.schema import VideoFrame
from messaging.topics import VIDEO

PATIENCE_S = 20.0


@pytest.mark.parametrize(("named", "missed"), [("worker-a", 9), ("worker-b", 0), ("", 9)])
def test_what_another_worker_answers_is_no_loss(address: str, named: str, missed: int) -> None:
    with (
        Node("camera", address) as camera,
        Node("worker-a", address, [VIDEO], kind="inference", is_worker=True) as worker,
        Node("witness", address, [VIDEO], keeps_all=True) as witness,
    ):
        for index in range(10):
            frame = VideoFrame(
                camera.stamp(index), "camera", index, width=2, height=1, worker=named
            )
            camera.publish(VIDEO, frame, np.zeros((1, 2, 3), np.uint8))
        deadline, came = time.monotonic() + PATIENCE_S, 0
        while came < 10:
            assert time.monotonic() < deadline
            came += len(witness.receive(0.02))
        time.sleep(0.5)  # then all have come to the worker too
        (newest,) = worker.receive()
        assert newest.message.index == 9
        assert newest.dropped == missed
        assert dropped(worker.heartbeat("running")) == missed
