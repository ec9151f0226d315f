"""A process of the pipeline that a launcher started: bound to it, and heard by it."""

import faulthandler
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from multiprocessing.connection import Connection

from commands.processes import Process, run_process
from config.settings import Settings
from messaging import liveness

SPAWN = multiprocessing.get_context("spawn")
ORPHAN_GRACE_S = 3.0
"""A child whose launcher was killed ends by itself within this."""


def run_child(
    process: Process, settings: Settings, stderr: Connection | None, shown: Connection
) -> None:
    """Be ``process`` under a launcher, who reads ``stderr`` and what is ``shown``, and may be
    killed at any time.
    """
    liveness.launcher = shown
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
