"""The way to the stage: results as Open Sound Control, one UDP datagram a message.

A thin shell around ``python-osc``: ``osc_messages`` knows what is sent.
"""

import logging
import socket
from typing import Any

from config.settings import Settings
from display.osc_messages import OscMessage, osc_messages
from messaging.errors import UserError
from messaging.extras import require_extra
from messaging.joining import node_of
from messaging.topics import FACES, MARKERS, SPEECH, UTTERANCES

NAME = "osc"
LISTEN_S = 0.05


class Sender:
    """Sends what can be sent; the first failure is told, all are counted."""

    def __init__(self, client: Any, target: str, log: logging.Logger) -> None:
        self._client = client
        self._target = target
        self._log = log
        self.unsent = 0

    def send(self, message: OscMessage) -> None:
        try:
            self._client.send_message(*message)
        except OSError as error:
            if not self.unsent:
                self._log.warning("nothing gets to %s: %s", self._target, error.strerror)
            self.unsent += 1


def resolve(target: str) -> tuple[str, int]:
    """Numeric, so that no name is looked up again for every message.

    Raises:
        UserError: the host has no address.
    """
    host, _, port = target.rpartition(":")
    try:
        places = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)
    except OSError as error:
        raise UserError(
            f"osc.target: no address for {host} ({error.strerror}); name another with --osc"
        ) from error
    return str(places[0][4][0]), int(port)


def run(settings: Settings) -> None:
    """Send until asked to stop."""
    udp: Any = require_extra("pythonosc.udp_client", "outlets", "Open Sound Control")
    target = settings.osc.target
    if not target:
        raise UserError("osc.target names nobody to send to; name one with --osc HOST:PORT")
    with (
        udp.SimpleUDPClient(*resolve(target)) as client,
        node_of(settings, NAME, (FACES, SPEECH, UTTERANCES, MARKERS)) as node,
    ):
        sender = Sender(client, target, node.log)
        while node.alive():
            for received in node.receive(LISTEN_S):
                for message in osc_messages(received.message):
                    sender.send(message)
        if sender.unsent:
            node.log.warning("%d messages could not be sent to %s", sender.unsent, target)
