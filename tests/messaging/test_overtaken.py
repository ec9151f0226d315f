"""A worker gets all pictures; only those that it was to answer can be missed by it."""

import time

import numpy as np
import pytest

from messaging.ledger import dropped
from messaging.node import Node
from messaging.schema import VideoFrame
from messaging.topics import VIDEO


@pytest.mark.parametrize(("named", "missed"), [("worker-a", 9), ("worker-b", 0), ("", 9)])
def test_what_another_worker_answers_is_no_loss(address: str, named: str, missed: int) -> None:
    with (
        Node("camera", address) as camera,
        Node("worker-a", address, [VIDEO], kind="inference", is_worker=True) as worker,
    ):
        for index in range(10):
            frame = VideoFrame(
                camera.stamp(index), "camera", index, width=2, height=1, worker=named
            )
            camera.publish(VIDEO, frame, np.zeros((1, 2, 3), np.uint8))
        time.sleep(0.3)  # all have come
        (newest,) = worker.receive()
        assert newest.message.index == 9
        assert newest.dropped == missed
        assert dropped(worker.heartbeat("running")) == missed
