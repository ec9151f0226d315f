"""A function run on many things by a Ray cluster: the same as ``offline.pool``, on other machines.

Files are read and written where their paths say, so these lie on storage that all machines share.
Our code travels with the job; the libraries that it needs are installed on each machine.
"""

import logging
import math
import os
import platform
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from messaging.errors import UserError
from offline.output import require
from offline.pool import Done, Failed, Going, attempt

CODE = Path(__file__).parents[1]
PACKAGES = (
    "config",
    "messaging",
    "capture",
    "inference",
    "fusion",
    "recording",
    "display",
    "offline",
)
TASK = "emofuse label"
"""Its processes are called after it."""
TRIES = 4
"""Of a thing whose process or machine dies."""
TELL_S = 0.5
"""How often it is asked how far things are."""
CONNECT_S = 5.0
CONNECT_TRIES = 5
STORE_BYTES = 80_000_000
"""Of a cluster of our own: nothing but numbers passes through it."""
LONGEST_FOLDER = 40
"""Below it Ray has sockets, whose paths may have 107 characters."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How an HTTP/2 connection begins: with a frame of settings, which the other side sends as well."""
SETTINGS_FRAME = 4


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where tasks go to."""

    address: str = ""
    """``HOST:PORT`` of its head, or ``auto``; empty: one of our own on this machine."""
    gpus: float | None = None
    """Of a task. Without it, where there are GPUs, what lets all CPUs beside them take part."""

    def check(self) -> None:
        """Raises ``UserError`` where no cluster could ever do it."""
        share = self.gpus
        if share is not None and not (0 <= share <= 1 or (share > 1 and share.is_integer())):
            raise UserError(
                f"--gpus-per-file {share:g} is no share: give 0 to 1, or a whole number"
            )

    def connect(self, ray: Any, cpus: int, stack: ExitStack) -> float:
        """Ends with the stack; returns the GPUs of a task.

        Raises:
            UserError: there is no cluster, this machine is none of it, or it lacks those GPUs.
        """
        options: dict[str, Any]
        if self.address:
            _require_cluster(self.address)
            options = {"address": self.address}
        else:
            options = {
                "address": "local",
                "num_cpus": cpus,
                "include_dashboard": False,
                "object_store_memory": STORE_BYTES,
                "_temp_dir": stack.enter_context(_short_folder()),
            }
        variables = {"CUDA_VISIBLE_DEVICES": ""} if self.gpus == 0 else {}
        try:
            with _signals_kept(), _code() as folder:  # it is sent at once, and not needed later
                ray.init(
                    **options,
                    runtime_env={"working_dir": folder, "env_vars": variables},
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise UserError(_refused(self.address, error)) from error
        stack.callback(ray.shutdown)
        return gpu_share([node["Resources"] for node in ray.nodes() if node["Alive"]], self.gpus)


class RayPool:
    """At most ``size`` tasks at a time; connected and, where it is our own, started on entry.

    A cluster that grows on demand sees all that waits, up to ``size``.
    """

    def __init__(self, size: int, cluster: Cluster, cpus: int) -> None:
        self._size = size
        self._cluster = cluster
        self._cpus = cpus
        self._stack = ExitStack()
        self._ray: Any = None
        self._task: Any = None
        self._reports: Any = None

    def __enter__(self) -> Self:
        if not self._size:
            return self  # nothing is left to do
        _prepare_environment(self._cluster.address)
        ray: Any = require("ray", "--engine ray", "cluster")
        with self._stack:
            gpus = self._cluster.connect(ray, self._cpus, self._stack)
            self._task = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=TRIES - 1, name=TASK)(
                _work
            )
            self._reports = ray.remote(num_cpus=0, max_restarts=-1)(_Reports).remote()
            self._ray = ray
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends its tasks as well."""
        self._stack.close()

    def run(
        self, function: Callable[..., Any], things: Sequence[tuple[Any, ...]]
    ) -> Iterator[Going | Done | Failed]:
        """As ``Workers`` have it. Paths are made absolute: the others work in other folders."""
        todo = deque(range(len(things)))
        running: dict[Any, int] = {}
        while todo or running:
            while todo and len(running) < self._size:
                index = todo.popleft()
                thing = tuple(_absolute(part) for part in things[index])
                call = (index, function, thing, self._reports, platform.node())
                running[self._task.remote(*call)] = index
            ready, _ = self._ray.wait([*running], timeout=TELL_S)
            for reference in ready:
                yield self._outcome(running.pop(reference), reference)
            if not ready:
                yield from self._news(running.values())

    def _outcome(self, index: int, reference: Any) -> Done | Failed:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.WorkerCrashedError:
            why = f"its process died, {TRIES} times; was there too little memory?"
            return Failed(index, why)
        except errors.RayTaskError as error:
            return Failed(index, f"its process could not begin: {error.cause}", details=str(error))
        except errors.RayError as error:
            return Failed(index, _first_line(error), details=str(error))

    def _news(self, running: Any) -> Iterator[Going]:
        """Where the one that collects them has died meanwhile there are none."""
        with suppress(self._ray.exceptions.RayError):
            reached = self._ray.get(self._reports.take.remote(), timeout=TELL_S)
            for index in reached.keys() & set(running):
                yield Going(index, reached[index])


@dataclass(slots=True)
class _Reports:
    """Collects, in a process of its own, how far each thing is."""

    _at: dict[int, float] = field(default_factory=dict[int, float])

    def note(self, going: Going) -> None:
        self._at[going.index] = going.at

    def take(self) -> dict[int, float]:
        taken, self._at = self._at, {}
        return taken


def _work(
    index: int, function: Callable[..., Any], thing: tuple[Any, ...], reports: Any, asked_from: str
) -> Done | Failed:
    """Runs on a machine of the cluster."""

    def tell(going: Going) -> None:
        reports.note.remote(going)

    outcome = attempt(index, function, thing, tell)
    if isinstance(outcome, Failed) and (here := platform.node()) != asked_from:
        return replace(outcome, reason=f"{outcome.reason} (on {here})")
    return outcome


def _absolute(part: Any) -> Any:
    return part.absolute() if isinstance(part, Path) else part


def gpu_share(machines: Sequence[dict[str, float]], wanted: float | None) -> float:
    """Of a task, by what each machine has.

    Raises:
        UserError: more is wanted than there is.
    """
    there = sum(machine.get("GPU", 0.0) for machine in machines)
    if wanted is None:
        cpus = sum(machine.get("CPU", 0.0) for machine in machines if machine.get("GPU"))
        return min(1.0, math.floor(there / cpus * 1000) / 1000) if cpus else 0.0
    if wanted > there:
        raise UserError(
            f"--gpus-per-file {wanted:g} is more than the cluster has ({there:g}); give less, or 0"
        )
    return wanted


def _prepare_environment(address: str) -> None:
    """Ray reads it when it is imported. What its user has set stays."""
    defaults = {
        "RAY_USAGE_STATS_ENABLED": "0",  # else it tells its makers
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # it warns of what we set ourselves
    }
    if not address:
        # nobody else on the network may use it, and no token is left in the user's home
        defaults |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    else:
        defaults["RAY_NUM_REDIS_GET_RETRIES"] = str(CONNECT_TRIES)
        kept = Path.home() / ".ray" / "auth_token"
        if kept.exists() or {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
            defaults["RAY_AUTH_MODE"] = "token"  # `ray start` asks for it then, and this does not
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


def _require_cluster(address: str) -> None:
    """Ray itself would try for minutes, and then end the process."""
    way_out = "start one there with `ray start --head`, or leave --address out"
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise UserError(f"--address {address} is no HOST:PORT of a Ray cluster's head, nor auto")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_S) as probe:
            if os.environ.get("RAY_USE_TLS", "0") != "0":
                return
            probe.settimeout(CONNECT_S)
            probe.sendall(PREFACE)
            answer = probe.recv(9)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"no Ray cluster at {address} ({why}); {way_out}") from error
    if len(answer) < 4 or answer[3] != SETTINGS_FRAME:
        raise UserError(f"no Ray cluster at {address}, but another program; {way_out}")


def _refused(address: str, error: Exception) -> str:
    if not address:
        return f"no Ray cluster could be started on this machine: {_first_line(error)}"
    return (
        f"the Ray cluster at {address} cannot be used from here: {_first_line(error)} "
        "(start the command on one of its machines, with the same versions of Python and ray)"
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


@contextmanager
def _signals_kept() -> Generator[None]:
    """Ray takes SIGTERM for itself; here it has a meaning already."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _code() -> Generator[str]:
    """A copy of what a task imports. As the workers' working folder, not as modules beside it: else
    Ray lets them import from the driver's folder first, and a foreign ``config`` there is taken.
    """
    with tempfile.TemporaryDirectory(prefix="emofuse-") as folder:
        for package in PACKAGES:
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(CODE / package, Path(folder) / package, ignore=unwanted)
        yield folder


@contextmanager
def _short_folder() -> Generator[str]:
    """For what a cluster of our own leaves behind."""
    usual = len(tempfile.gettempdir()) <= LONGEST_FOLDER
    folder = tempfile.mkdtemp(prefix="emofuse-", dir=None if usual else "/tmp")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
