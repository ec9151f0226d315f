import time

from commands import hub
from config.settings import Settings


def run(settings: Settings) -> None:
    """A hub that takes its time to start."""
    time.sleep(3)
    hub.run(settings)
