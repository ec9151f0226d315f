from config.settings import Settings
from messaging.node import Node


def run(settings: Settings) -> None:
    """Runs; then turns in a loop that never looks up."""
    with Node("spins", settings.bus.address) as node:
        for _ in range(30):
            node.alive()
            node.receive(0.05)
        while True:
            pass
