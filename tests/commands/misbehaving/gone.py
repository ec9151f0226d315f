from pathlib import Path

from config.settings import Settings
from messaging.errors import UserError


def run(settings: Settings) -> None:
    """Crashes at first; what it needs is gone from then on."""
    crashed = Path(settings.bus.address.removeprefix("ipc://")).with_name("crashed")
    if crashed.exists():
        raise UserError("no camera 3; found none")
    crashed.touch()
    raise ZeroDivisionError("as this node does once")
