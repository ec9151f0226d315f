"""Keeps results on disk, so that a recording of any length can be read again and again."""

import errno
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from messaging.errors import UserError
from messaging.schema import FaceEmotions, Marker, UtteranceEmotion
from messaging.topics import FACES, MARKERS, UTTERANCES
from messaging.wire import decode, encode
from offline.recording import Result

LENGTHS = struct.Struct("<II")
"""Of a message's first two parts, as the wire has them."""


def write_spool(path: Path, results: Iterable[Result]) -> None:
    """Raises:
    UserError: there is no space for it.
    """
    try:
        with path.open("wb") as file:
            for result in results:
                name, header = _encoded(result)
                file.write(LENGTHS.pack(len(name), len(header)) + name + header)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UserError(
            f"{path.parent} has no space for the results ({error.strerror}); free some, or name "
            "another folder with TMPDIR"
        ) from error


def _encoded(result: Result) -> list[bytes]:
    if isinstance(result, FaceEmotions):
        return encode(FACES, result, "spool", 0, 0)
    if isinstance(result, UtteranceEmotion):
        return encode(UTTERANCES, result, "spool", 0, 0)
    return encode(MARKERS, result, "spool", 0, 0)


def read_spool(path: Path) -> Iterator[Result]:
    with path.open("rb") as file:
        while lengths := file.read(LENGTHS.size):
            parts = [file.read(length) for length in LENGTHS.unpack(lengths)]
            message = decode([*parts, b""]).message
            if isinstance(message, FaceEmotions | UtteranceEmotion | Marker):
                yield message
