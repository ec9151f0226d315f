"""Lets an iterator run ahead in a thread of its own, by no more than so many items or bytes.

Decoding, voice activity and inference spend their time outside of Python's lock, so that two of
them share two cores. What comes out, and in which order, is the same as without the thread.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from display.scene import Picture

T = TypeVar("T")

LOOK_S = 0.1
"""How often a thread that waits for room looks whether anybody still wants its items."""

PICTURES_AHEAD = 8
"""Of 640 x 480 these are 7 MB."""
LARGE_BYTES = 8_000_000
"""A larger picture takes the room of several: three of 4K are ahead, or one of 8K."""


def weight_of(picture: Picture | None) -> int:
    return 1 if picture is None else max(1, picture.nbytes // LARGE_BYTES)


class _End:
    """The iterator is exhausted, or raised ``error``."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Weighed(queue.Queue[tuple[T, int]]):
    """Items with their weights: has no more room once those that wait weigh ``maxsize``."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._weight = 0

    def _qsize(self) -> int:
        return self._weight

    def _put(self, item: tuple[T, int]) -> None:
        super()._put(item)
        self._weight += item[1]

    def _get(self) -> tuple[T, int]:
        item = super()._get()
        self._weight -= item[1]
        return item


class _Ahead(Generic[T]):
    def __init__(
        self, items: Iterator[T], most: int, name: str, weight: Callable[[T], int]
    ) -> None:
        self._items = items
        self._weight = weight
        self._made: _Weighed[T | _End] = _Weighed(most)
        self._unwanted = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item, self._weight(item)):
                    return
        except BaseException as error:  # raised again where the items are read
            self._put(_End(error))
        else:
            self._put(_End())

    def _put(self, item: T | _End, weight: int = 1) -> bool:
        while not self._unwanted.is_set():
            try:
                self._made.put((item, weight), timeout=LOOK_S)
            except queue.Full:
                continue
            return True
        return False

    def __iter__(self) -> Iterator[T]:
        while True:
            item, _ = self._made.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def close(self) -> None:
        self._unwanted.set()
        self._thread.join()


@contextmanager
def ahead(
    items: Iterator[T], most: int, name: str, weight: Callable[[T], int] = lambda _: 1
) -> Generator[Iterator[T]]:
    """``items`` again; the thread has ended when the block is left, whatever is left of them.

    Once those that wait weigh ``most`` together, no more is added: one has room whatever it weighs.

    An exception that ``items`` raises comes out where its next item would have.
    """
    running = _Ahead(items, most, name, weight)
    try:
        yield iter(running)
    finally:
        running.close()
