"""Lets an iterator run ahead in a thread of its own, by no more than so many items.

Decoding, voice activity and inference spend their time outside of Python's lock, so that two of
them share two cores. What comes out, and in which order, is the same as without the thread.
"""

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")

LOOK_S = 0.1
"""How often a thread that waits for room looks whether anybody still wants its items."""


class _End:
    """The iterator is exhausted, or raised ``error``."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Ahead(Generic[T]):
    def __init__(self, items: Iterator[T], most: int, name: str) -> None:
        self._items = items
        self._made: queue.Queue[T | _End] = queue.Queue(most)
        self._unwanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:  # raised again where the items are read
            self._put(_End(error))
        else:
            self._put(_End())

    def _put(self, item: T | _End) -> bool:
        while not self._unwanted.is_set():
            try:
                self._made.put(item, timeout=LOOK_S)
            except queue.Full:
                continue
            return True
        return False

    def __iter__(self) -> Iterator[T]:
        while True:
            item = self._made.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def close(self) -> None:
        self._unwanted.set()
        self._thread.join()


@contextmanager
def ahead(items: Iterator[T], most: int, name: str) -> Generator[Iterator[T]]:
    """``items`` again; the thread has ended when the block is left, whatever is left of them.

    An exception that ``items`` raises comes out where its next item would have.
    """
    running = _Ahead(items, most, name)
    try:
        yield iter(running)
    finally:
        running.close()
