"""Standard output and standard error, where they are closed or whoever read them is gone."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TextIO


def silence(stream: TextIO) -> None:
    """It leads nowhere from now on: what is left in it would be tried again at the very end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def telling() -> Generator[None]:
    """What is written to standard error meanwhile is lost where its terminal has closed or its
    reader is gone. Nothing that runs ends for that.
    """
    try:
        yield
    except (OSError, ValueError):
        silence(sys.stderr)


def tell(line: str) -> None:
    """To standard error, as long as it is there."""
    with telling():
        print(line, file=sys.stderr, flush=True)
