"""A process that records at a high rate through the real tape, and is killed or runs out of room.

Run in a process of its own: it forks, and sets limits.
"""

import json
import logging
import os
import random
import resource
import signal
import struct
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from messaging.topics import VIDEO_JPEG
from messaging.wire import Received
from recording import tape as tapes
from recording.session import create_session
from recording.tape import Tape
from tests.haste import within_s
from tests.recording.messages import ABOUT, arrived, picture

HANDED = struct.Struct("<qqq")
"""Process, number of a message, and the instant at which it was handed over."""
NOISE = random.Random(1).randbytes(1_001_000)
TOGETHER = 15
LONGEST_S = 1.8
MOST_S = 3.6
"""The same on a busy machine, where they would hardly record."""
LOG = logging.getLogger("emofuse.test")


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of all that was handed over."""

    handed: int
    written: int
    unwritten: int
    longest_take_s: float


def noisy(number: int) -> Received[Any]:
    """A picture that cannot be compressed, of 2 kB."""
    at = number % 1000 * 1000
    return arrived(
        VIDEO_JPEG,
        picture(number, number).message,
        NOISE[at : at + 2000],
        seq=number,
        incarnation=os.getpid(),
    )


def tape(folder: Path, queue_bytes: int = 64_000_000) -> Tape:
    return Tape(folder, {"wire_version": "1"}, queue_bytes=queue_bytes, sync=False, log=LOG)


def total(counts: "Counter[tuple[str, str]]") -> int:
    return sum(counts.values())


def handed_over(folder: Path) -> dict[int, list[int]]:
    """By process: the instants, by number."""
    file = Path(f"{folder}.handed")
    data = file.read_bytes() if file.exists() else b""
    found: dict[int, list[int]] = {}
    for process, number, at_ns in HANDED.iter_unpack(
        data[: len(data) // HANDED.size * HANDED.size]
    ):
        found.setdefault(process, []).append(at_ns)
        assert len(found[process]) == number + 1
    return found


def _record_for_ever(folder: Path) -> None:
    handed = os.open(f"{folder}.handed", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with tape(folder) as into:
        number = 0
        while True:
            into.take(noisy(number), number)
            os.write(handed, HANDED.pack(os.getpid(), number, time.monotonic_ns()))
            number += 1
            time.sleep(0.001)


def kill_all(folders: list[Path], seed: int) -> None:
    """Record into each folder, in a process that is killed at a random moment."""
    rng = random.Random(seed)
    longest_s = min(within_s(LONGEST_S), MOST_S)
    while folders:
        now, folders = folders[:TOGETHER], folders[TOGETHER:]
        moments: dict[int, float] = {}
        for folder in now:
            if not folder.exists():
                create_session(folder, ABOUT)
            pid = os.fork()
            if not pid:
                try:
                    _record_for_ever(folder)
                finally:
                    os._exit(1)
            moments[pid] = time.monotonic() + rng.uniform(0.02, longest_s)
        for pid, moment in sorted(moments.items(), key=lambda item: item[1]):
            time.sleep(max(0.0, moment - time.monotonic()))
            os.kill(pid, signal.SIGKILL)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def record_within(folder: Path, file_bytes: int, messages: int, answer: Path) -> None:
    """No file may be longer: then the system refuses, and a new one is begun."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))
    tapes.RETRY_S = tapes.FLUSH_S = 0.05
    counts = hand_over(folder, messages)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    answer.write_text(json.dumps([counts.handed, counts.written, counts.unwritten]))


def hand_over(folder: Path, messages: int) -> Counts:
    longest = 0.0
    with tape(folder) as into:
        for number in range(messages):
            received = noisy(number)
            began = time.monotonic()
            into.take(received, number)
            longest = max(longest, time.monotonic() - began)
            if number % 10 == 0:
                time.sleep(0.01)
    return Counts(messages, total(into.written), total(into.unwritten), longest)
