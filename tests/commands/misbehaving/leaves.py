from config.settings import Settings
from messaging.errors import UserError
from messaging.node import Node
from messaging.topics import UTTERANCES


def run(settings: Settings) -> None:
    """Cannot go on after the first result."""
    with Node("leaves", settings.bus.address, (UTTERANCES,)) as node:
        while node.alive():
            if any(received.message.final for received in node.receive(0.05)):
                raise UserError("the port was taken away; choose another one")
