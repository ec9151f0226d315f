"""A real Ray cluster of two cores and a GPU that it only believes in."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from offline.ray_pool import TASK
from tests.pipelines import command_name, descendants, environment, wait_until_gone

STOP_S = 30
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4}
"""Of whoever uses it: it stands open to nobody else on this machine."""

LEAN = {"RAY_prestart_worker_first_driver": "0"}
"""No processes that nobody asked for, and that lack our code."""


@dataclass(frozen=True)
class RayCluster:
    address: str
    pid: int

    def at_work(self) -> list[int]:
        """The processes that have a task of ours in hand."""
        return [
            pid for pid in descendants(self.pid) if command_name(pid).startswith(f"ray::{TASK}")
        ]


@contextmanager
def ray_cluster() -> Generator[RayCluster]:
    """Nothing is left of it, whatever happens."""
    head, client = _free_ports(2)
    # not below pytest's folder: the paths of its sockets may have 107 characters
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True) as folder:
        command = [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
            *("--num-cpus", "2", "--num-gpus", "1", "--object-store-memory", "80000000"),
            *("--node-ip-address", "127.0.0.1", "--port", str(head)),
            *("--ray-client-server-port", str(client), "--temp-dir", folder),
            *("--min-worker-port", "0", "--max-worker-port", "0"),
            *("--include-dashboard", "false", "--disable-usage-stats"),
        ]
        log = Path(folder) / "start.log"
        with (
            log.open("w") as output,
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                env=environment({**TOKEN, **LEAN}, demo=False),
                start_new_session=True,
            ) as process,
        ):
            assert process.stdout
            try:
                if not any("Ray runtime started" in line for line in process.stdout):
                    raise RuntimeError(log.read_text())
                yield RayCluster(f"127.0.0.1:{head}", process.pid)
            finally:
                _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    children = descendants(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=STOP_S)
    for pid in (process.pid, *children):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until_gone(children)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
