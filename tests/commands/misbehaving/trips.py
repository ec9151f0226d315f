from config.settings import Settings
from messaging.node import Node


def run(settings: Settings) -> None:
    """Works, and crashes when it is asked to stop."""
    with Node("trips", settings.bus.address) as node:
        while node.alive():
            node.receive(0.02)
    print(1 // 0)
