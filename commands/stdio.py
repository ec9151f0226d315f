"""Standard streams that are closed, or whose reader is gone."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import NoReturn, TextIO

from messaging.errors import UserError

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""By file descriptor."""


def open_closed() -> None:
    """What was closed (``>&-``) leads nowhere. Else it is ``None`` here, and the next file or
    socket takes its number, into which processes then write.
    """
    for number, (name, mode) in enumerate(STREAMS):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            os.set_inheritable(number, True)  # noqa: FBT003
            setattr(sys, name, os.fdopen(number, mode))


def silence(stream: TextIO) -> None:
    """It leads nowhere from now on: what is left in it would be tried again at the very end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def end_in_peace() -> NoReturn:
    """For commands that follow what others do, until whoever reads standard output has enough:
    ``head`` has, and a pager that was left.
    """
    silence(sys.stdout)
    sys.exit(0)


@contextmanager
def writing() -> Generator[None]:
    """To standard output, to the last byte. A reader who has enough is no failure, and hides none:
    the command goes on, its words lead nowhere.

    Raises:
        UserError: it takes no more.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
    except OSError as error:
        silence(sys.stdout)
        raise UserError(
            f"standard output cannot be written: {error.strerror}; look where it goes"
        ) from None


def put(line: str) -> bool:
    """To standard output. Returns whether it was still taken.

    Raises:
        UserError: it takes no more.
    """
    with writing():
        print(line, flush=True)
        return True
    return False


@contextmanager
def telling() -> Generator[None]:
    """What is written to standard error meanwhile is lost where its terminal has closed or its
    reader is gone. Nothing that runs ends for that.
    """
    try:
        yield
    except OSError:
        silence(sys.stderr)
    except ValueError:
        if not sys.stderr.closed:  # else it is what Python says of a closed one
            raise


def tell(line: str) -> None:
    """To standard error, as long as it is there."""
    with telling():
        print(line, file=sys.stderr, flush=True)
