"""The hub as a process."""

from config.settings import Settings
from messaging.hub import serve


def run(settings: Settings) -> None:
    serve(settings.bus.address, settings.log_level)
