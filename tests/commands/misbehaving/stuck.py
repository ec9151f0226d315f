import time

from config.settings import Settings


def run(_settings: Settings) -> None:
    """Never begins."""
    while True:
        time.sleep(1)
