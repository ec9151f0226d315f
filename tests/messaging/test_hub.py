"""The hub's end."""

import threading
import time
from pathlib import Path

import zmq

from messaging.address import endpoints
from messaging.hub import Hub

UNFETCHED = 5_000
"""More than what sockets of the system hold, so that some wait in the hub."""


def test_answers_that_nobody_fetches_do_not_hold_it_up(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/hub"
    hub = Hub(address)
    with zmq.Context() as context, context.socket(zmq.DEALER) as stranger:
        stranger.setsockopt(zmq.LINGER, 0)
        stranger.setsockopt(zmq.RCVHWM, 1)
        stranger.connect(endpoints(address).clock)
        for _ in range(UNFETCHED):
            stranger.send(b"what time is it?")
        assert stranger.poll(10_000)
        time.sleep(0.5)
        closing = threading.Thread(target=hub.close, daemon=True)
        closing.start()
        closing.join(10)
        assert not closing.is_alive()
