"""Runs a function on many things, in processes of their own: what kills one of them kills no other.

``concurrent.futures`` gives up on everything when a worker dies; here the one thing that it had in
hand fails, and another worker goes on.
"""

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Protocol, Self

from messaging.errors import UserError

SPAWN = multiprocessing.get_context("spawn")
STOP_S = 2.0
"""A process that was told to end and has not by then is killed."""
TELL_S = 0.2
"""How often it is told how far a thing is."""


@dataclass(frozen=True, slots=True)
class Going:
    """How far a thing is."""

    index: int
    at: float


@dataclass(frozen=True, slots=True)
class Done:
    index: int
    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    index: int
    reason: str
    error: UserError | None = None
    """Where it was one."""
    details: str = ""
    """The traceback of what is nobody's mistake but ours."""


class Workers(Protocol):
    """Whatever runs a function on many things, here or elsewhere."""

    def run(
        self, function: Callable[..., Any], things: Sequence[tuple[Any, ...]]
    ) -> Iterator[Going | Done | Failed]:
        """``function(*thing, watch)`` of every thing; each ends as ``Done`` or ``Failed``.

        They are begun in that order. ``watch(at)`` becomes a ``Going``.
        """
        ...


class _Worker:
    def __init__(self, name: str) -> None:
        self._ours, theirs = SPAWN.Pipe()
        self.process: SpawnProcess = SPAWN.Process(
            target=_work, args=(theirs, name), name=name, daemon=True
        )
        with _ctrl_c_held():
            self.process.start()
        theirs.close()
        self.index: int | None = None
        """Of the thing that it has in hand."""

    @property
    def connection(self) -> Connection:
        return self._ours

    def begin(self, index: int, call: tuple[Callable[..., Any], tuple[Any, ...]]) -> None:
        self.index = index
        with suppress(OSError):  # it has died, and its silence will be heard
            self._ours.send((index, *call))

    def cause_of_death(self) -> str:
        self.process.join()
        code = self.process.exitcode or 0
        if code < 0:
            name = signal.Signals(-code).name
            hint = "; was there too little memory?" if name == "SIGKILL" else ""
            return f"its process was killed ({name}){hint}"
        return f"its process ended with exit code {code}"

    def end(self) -> None:
        self.process.terminate()
        self.process.join(STOP_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self._ours.close()


class Pool:
    """At most ``size`` processes, started when there is work; they end with the block, at once."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def run(
        self, function: Callable[..., Any], things: Sequence[tuple[Any, ...]]
    ) -> Iterator[Going | Done | Failed]:
        """As ``Workers`` have it."""
        todo = deque(range(len(things)))
        while todo or any(worker.index is not None for worker in self._workers):
            while todo and (worker := self._idle()):
                index = todo.popleft()
                worker.begin(index, (function, things[index]))
            busy = [worker for worker in self._workers if worker.index is not None]
            ready = multiprocessing.connection.wait([worker.connection for worker in busy])
            for worker in busy:
                if worker.connection in ready:
                    yield self._hear(worker)

    def _idle(self) -> _Worker | None:
        idle = next((worker for worker in self._workers if worker.index is None), None)
        if idle is None and len(self._workers) < self._size:
            idle = _Worker(self._name)
            self._workers.append(idle)
        return idle

    def _hear(self, worker: _Worker) -> Going | Done | Failed:
        index = worker.index
        assert index is not None
        try:
            event: Going | Done | Failed = worker.connection.recv()
        except (EOFError, OSError):
            self._workers.remove(worker)
            event = Failed(index, worker.cause_of_death())
            worker.end()
            return event
        if not isinstance(event, Going):
            worker.index = None
        return event


def _work(connection: Connection, name: str) -> None:
    """Be a worker: one thing after another, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    from setproctitle import setproctitle

    setproctitle(name)
    while True:
        try:
            index, function, thing = connection.recv()
        except EOFError:
            return
        connection.send(attempt(index, function, thing, connection.send))


def attempt(
    index: int,
    function: Callable[..., Any],
    thing: tuple[Any, ...],
    tell: Callable[[Going], None],
) -> Done | Failed:
    """What a worker does with a thing, wherever it is: no error of it is the worker's own."""
    try:
        return Done(index, function(*thing, _watch(index, tell)))
    except UserError as error:
        return Failed(index, str(error), error)
    except Exception as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        return Failed(index, said, details=traceback.format_exc())


def _watch(index: int, tell: Callable[[Going], None]) -> Callable[[float], None]:
    """Tells now and then: a message for each picture would keep the other side busy."""
    due = time.monotonic()

    def watch(at: float) -> None:
        nonlocal due
        if (now := time.monotonic()) >= due:
            due = now + TELL_S
            tell(Going(index, at))

    return watch


@contextmanager
def _ctrl_c_held() -> Generator[None]:
    """The terminal sends it to every process: a child that starts is born deaf to it, and the pool
    ends it.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow_parent() -> None:
    """End with the one that asks, also when it was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)
