"""A media file's bytes for FFmpeg, which by itself would look for the next packet to the file's end
without a word, however far that is.
"""

import errno
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from capture.media_path import check
from messaging.pacing import NAP_S

MOST_BARREN = 256_000_000
"""Bytes without a packet, after which none is expected: no index, no cover picture is so large."""
SEEK_COSTS = 1000
"""Bytes: some formats are read in leaps."""


def open_reader(path: Path, goes_on: Callable[[], bool] = lambda: True) -> "Reader":
    """Raises ``UserError`` where ``capture.media_path.check`` does."""
    check(path)
    return Reader(path, goes_on)


class Reader:
    """An open file, as ``av.open`` takes it. None of its faults is an exception: FFmpeg plays as
    far as it has come.
    """

    def __init__(self, path: Path, goes_on: Callable[[], bool]) -> None:
        """``goes_on`` is called again and again while bytes are read; once it says no, none are."""
        self.path = path
        self.name = f"file:{path}"
        """From which FFmpeg guesses; without "file:" it would take a colon for a protocol's."""
        self._goes_on = goes_on
        self._asked_s = time.monotonic()
        self._barren = 0
        self._last = 0
        self._gave_up = False
        self._fault = ""
        self._file = path.open("rb", buffering=0)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def opened(self) -> None:
        """What was looked at is read again."""
        self._barren = 0

    def found(self, at: int | None) -> None:
        """A packet came, which begins at byte ``at`` where that is known."""
        self._barren, self._last = 0, max(self._last, at or 0)

    @property
    def broke_off(self) -> str:
        """Why no more is read, though there may be more; empty while that is not so."""
        if not self._gave_up:
            return self._fault
        megabytes = MOST_BARREN // 1_000_000
        return f"nothing to play comes in {megabytes} MB after the packet at byte {self._last}"

    def read(self, size: int) -> bytes:
        if time.monotonic() - self._asked_s > NAP_S:
            if not self._goes_on():
                return b""
            self._asked_s = time.monotonic()
        if self._barren >= MOST_BARREN:
            self._gave_up = True
            return b""
        try:
            data = self._file.read(size)
        except OSError as error:
            self._fault = error.strerror or str(error)
            return b""
        self._barren += len(data)
        return data

    def seek(self, offset: int, whence: int) -> int:
        self._barren += SEEK_COSTS
        try:
            return self._file.seek(offset, whence)
        except (OSError, OverflowError):  # a damaged file leads anywhere
            return -errno.EINVAL

    def tell(self) -> int:
        return self._file.tell()
