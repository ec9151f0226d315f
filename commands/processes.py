"""What a process of the pipeline is, and how one begins. Imports nothing heavy at its top."""

import importlib
import sys
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from commands.stdio import tell
from messaging.errors import UserError, system_lack

if TYPE_CHECKING:
    from config.settings import Settings

REFUSED = 2
"""Exit code for a user's mistake or a missing thing: trying again would not help."""


class Stage(IntEnum):
    """The order of stopping: what a stage sent is still worked up by those after it."""

    SOURCE = 0
    INFERENCE = 1
    FUSION = 2
    DISPLAY = 3
    RECORDER = 4
    HUB = 5


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    module: str
    """Imported in the child alone; its ``run(settings)`` is the whole process."""
    stage: Stage
    max_restarts: int = 5
    """Within ``RESTART_WINDOW_S``; one more crash ends the run."""
    ends_run: bool = False
    """When it has done, so has the whole pipeline."""
    settings: "Settings | None" = field(default=None, compare=False)
    """Its own; ``None``: those of the run."""


class _NodeModule(Protocol):
    def run(self, settings: "Settings") -> None: ...


def run_process(process: Process, settings: "Settings") -> None:
    """Be ``process``. Returns when it has done; a crash goes on as the exception that it is."""
    from setproctitle import setproctitle

    setproctitle(f"emofuse {process.name}")
    try:
        module = cast("_NodeModule", importlib.import_module(process.module))
        module.run(settings)
    except UserError as error:
        _refuse(process, str(error))
    except Exception as error:
        if lack := system_lack(error):
            _refuse(process, lack)
        raise


def _refuse(process: Process, why: str) -> NoReturn:
    tell(f"emofuse {process.name}: {why}")
    sys.exit(REFUSED)
