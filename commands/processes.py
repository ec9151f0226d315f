"""What a process of the pipeline is, and how one begins. Imports nothing heavy at its top."""

import faulthandler
import importlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from messaging.errors import UserError, system_lack

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from config.settings import Settings

SPAWN = multiprocessing.get_context("spawn")
ORPHAN_GRACE_S = 3.0
"""A child whose launcher was killed ends by itself within this."""
REFUSED = 2
"""Exit code for a user's mistake or a missing thing: trying again would not help."""


class Stage(IntEnum):
    """The order of stopping: what a stage sent is still worked up by those after it."""

    SOURCE = 0
    INFERENCE = 1
    FUSION = 2
    DISPLAY = 3
    HUB = 4


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
    print(f"emofuse {process.name}: {why}", file=sys.stderr)
    sys.exit(REFUSED)


def run_child(process: Process, settings: "Settings", stderr: "Connection | None") -> None:
    """Be ``process`` under a launcher, who reads ``stderr`` and may be killed at any time."""
    if stderr is not None:
        os.dup2(stderr.fileno(), 2)
        stderr.close()
        faulthandler.enable()
    threading.Thread(target=_follow_parent, daemon=True).start()
    if hasattr(signal, "pthread_sigmask"):  # the launcher held it until this child was its own
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    run_process(process, settings)


def _follow_parent() -> None:
    """End with the launcher, also when it was killed and this process's loop hangs."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHAN_GRACE_S)
    os._exit(1)
