import signal
import time

from config.settings import Settings
from messaging.node import Node


def run(settings: Settings) -> None:
    """Runs under another name than its row, and then neither shows progress nor hears that it should stop."""
    with Node("mute", settings.bus.address) as node:
        for _ in range(30):
            node.alive()
            node.receive(0.05)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)
