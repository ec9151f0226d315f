"""How the join grows: time a message and memory, from a thousand messages to a day of them.

    python -m benchmarks.fusion [--day]

Orders of arrival: ``live`` is by time; ``speech first`` has all speech arrive before any face:
no pipeline does so, and it is the worst case for what waits.
"""

import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain, islice
from pathlib import Path

from config.settings import FusionSettings
from fusion.align import Aligner
from messaging.schema import Face, FaceEmotions, SpeechEvent, Stamp

SECOND = 1_000_000_000
PICTURE_NS = SECOND // 30
UTTERANCE_EVERY_NS = 6 * SECOND
UTTERANCE_NS = 3 * SECOND
DAY_NS = 24 * 3600 * SECOND
BATCH = 1000

FACE = Face(0, (0.0, 0.0, 100.0, 100.0), 0.9, (0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1))

Message = FaceEmotions | SpeechEvent


def faces(until_ns: int) -> Iterator[FaceEmotions]:
    """30 pictures a second, every fifth without a face, closed at the end."""
    for index, at_ns in enumerate(range(0, until_ns, PICTURE_NS)):
        seen = (FACE,) if index % 5 else ()
        yield FaceEmotions(
            Stamp(at_ns, "bench"), "camera", index, faces=seen, interval_ns=PICTURE_NS
        )
    yield FaceEmotions(Stamp(until_ns, "bench"), "camera", -(-until_ns // PICTURE_NS), "closed")


def speech(until_ns: int) -> Iterator[SpeechEvent]:
    """``analysed_until`` every second, and ten utterances of 3 s a minute."""
    yield SpeechEvent(Stamp(0, "bench"), "microphone", "opened")
    for at_ns in range(SECOND, until_ns, SECOND):
        stamp = Stamp(at_ns, "bench")
        yield SpeechEvent(stamp, "microphone", "analysed_until")
        since_ns = at_ns % UTTERANCE_EVERY_NS
        onset = Stamp(at_ns - since_ns + SECOND, "bench")
        name = f"microphone-{onset.captured_ns}"
        if since_ns == SECOND:
            yield SpeechEvent(stamp, "microphone", "started", name)
        elif since_ns == SECOND + UTTERANCE_NS:
            yield SpeechEvent(stamp, "microphone", "ended", name, onset=onset)


def resident_mb() -> float:
    """Physical memory of this process (Linux; 0 elsewhere)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True, slots=True)
class Growth:
    messages: int
    labels: int
    us: float
    """A message."""
    kept: int
    """Results of faces, at most."""
    memory_mb: float
    """More than before, at most."""

    def __str__(self) -> str:
        return (
            f"{self.messages:>10,} {self.labels:>8,} {self.us:>14.2f} {self.kept:>14,}"
            f" {self.memory_mb:>12.1f}"
        )


def measure(messages: Iterable[Message]) -> Growth:
    """Messages are made outside the time that is taken."""
    aligner = Aligner(FusionSettings())
    count, labels, most, spent = 0, 0, 0, 0.0
    before_mb = highest_mb = resident_mb()
    arriving = iter(messages)
    while batch := list(islice(arriving, BATCH)):
        begun = time.perf_counter()
        for message in batch:
            if isinstance(message, FaceEmotions):
                results = aligner.faces(message)
            else:
                results = aligner.speech(message, 0)
            labels += sum(result.final for result in results)
        spent += time.perf_counter() - begun
        count += len(batch)
        most = max(most, aligner.kept)
        highest_mb = max(highest_mb, resident_mb())
    return Growth(count, labels, spent / count * 1e6, most, highest_mb - before_mb)


def live(messages: int) -> Growth:
    """About so many, as they arrive."""
    until_ns = messages * SECOND // 31
    return measure(merge(faces(until_ns), speech(until_ns), key=at))


def at(message: Message) -> int:
    return message.stamp.pipeline_ns


def main() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        f"{'':14}{'messages':>10} {'labels':>8} {'us a message':>14} {'kept at most':>14}", end=""
    )
    print(f" {'memory + MB':>12}")
    for messages in (10**3, 10**4, 10**5, 10**6):
        print(f"{'live':14}{live(messages)}", flush=True)
    for messages in (10**3, 10**4, 10**5):
        until_ns = messages * SECOND // 31
        print(f"{'speech first':14}{measure(chain(speech(until_ns), faces(until_ns)))}", flush=True)
    if "--day" in sys.argv[1:]:
        day = merge(faces(DAY_NS), speech(DAY_NS), key=at)
        print(f"{'a day, live':14}{measure(day)}")


if __name__ == "__main__":
    main()
