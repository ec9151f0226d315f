import importlib
import multiprocessing
from itertools import count
from pathlib import Path

from config.settings import Settings

WORK = {
    "emofuse inference": ("inference.node", "answer_frames"),
    "emofuse fusion": ("fusion.node", "take"),
}
"""What these nodes call for every message."""
CALLS = 60


def run(settings: Settings) -> None:
    """The real node of this row; once, in the middle of its work, it turns in an endless loop."""
    module, work = WORK[multiprocessing.current_process().name]
    node = importlib.import_module(module)
    works, number = getattr(node, work), count()
    looped = Path(settings.bus.address.removeprefix("ipc://")).with_name("looped")

    def loops(*given: object) -> object:
        if next(number) == CALLS and not looped.exists():
            looped.touch()
            while True:
                pass
        return works(*given)

    setattr(node, work, loops)
    node.run(settings)
