"""A hub that loses what it is told to lose."""

from collections.abc import Callable, Sequence
from typing import Any

import zmq

from messaging.hub import Hub
from messaging.packing import unpack

Loses = Callable[[str, dict[str, Any]], bool]
"""By topic and header."""


class LosingHub(Hub):
    """The real hub, but for what it forwards. What ``loses`` says may change at any time."""

    def __init__(self, address: str, loses: Loses) -> None:
        self.loses = loses
        super().__init__(address)

    def _forward(self, senders: zmq.Socket[bytes], readers: zmq.Socket[bytes]) -> None:
        poller = zmq.Poller()
        poller.register(senders, zmq.POLLIN)
        poller.register(readers, zmq.POLLIN)
        while True:
            there = dict(poller.poll())
            if senders in there:
                parts = senders.recv_multipart()
                if not self._is_lost(parts):
                    readers.send_multipart(parts)
            if readers in there:
                senders.send(readers.recv())

    def _is_lost(self, parts: Sequence[bytes]) -> bool:
        if parts[0].startswith(b"echo "):
            return False
        header: Any = unpack(parts[1])
        return self.loses(parts[0].rstrip(b"\0").decode(), header)
