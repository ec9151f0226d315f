"""How far an iterator runs ahead of who reads it."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from offline.ahead import PICTURES_AHEAD, ahead, weight_of


@pytest.mark.parametrize(
    ("height", "width", "waiting"),
    [(480, 640, 8), (1080, 1920, 8), (2160, 3840, 3), (4320, 7680, 1)],
)
def test_large_pictures_are_ahead_in_smaller_numbers(height: int, width: int, waiting: int) -> None:
    made = threading.Semaphore(0)
    picture = np.broadcast_to(np.uint8(0), (height, width, 3))  # takes no memory

    def pictures() -> Iterator[np.ndarray]:
        for _ in range(20):
            made.release()
            yield picture

    with ahead(pictures(), PICTURES_AHEAD, "pictures", weight_of) as items:
        for _ in range(waiting + 1):  # one more is made, and has no room
            assert made.acquire(timeout=10)
        assert not made.acquire(timeout=0.2)
        assert len([*items]) == 20


def test_items_come_in_order_and_an_error_after_them() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise ValueError("no more")

    found: list[int] = []
    with ahead(items(), 2, "numbers") as numbers, pytest.raises(ValueError, match="no more"):
        found.extend(numbers)
    assert found == [0, 1, 2, 3, 4]
