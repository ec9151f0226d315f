from config.settings import Settings
from messaging.node import Node


def run(settings: Settings) -> None:
    """A node as it should be."""
    with Node("works", settings.bus.address) as node:
        while node.alive():
            node.receive(0.02)
