"""The hub as a process."""

import multiprocessing
from contextlib import suppress
from pathlib import Path

from commands.stdio import tell
from config.settings import Settings
from messaging.address import PRIVATE_PREFIX
from messaging.hub import serve


def run(settings: Settings) -> None:
    """Serve until asked to stop; a launcher that was killed cannot tidy up, so its hub does."""
    launcher = multiprocessing.parent_process()
    chosen_by = "bus.address" if launcher else "--bind"

    def there() -> None:
        if not launcher:
            tell(f"emofuse hub: hub at {settings.bus.address}")

    serve(settings.bus.address, settings.log_level, chosen_by, settings.bus.keys, there)
    folder = Path(settings.bus.address.removeprefix("ipc://")).parent
    if launcher and not launcher.is_alive() and folder.name.startswith(PRIVATE_PREFIX):
        with suppress(OSError):  # not empty, or gone
            folder.rmdir()
