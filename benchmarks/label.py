"""Labelling a file: how fast on two cores, in how much memory, and where the time goes.

    python -m benchmarks.label [--minutes 1 10] [--fps 8]

The file has 640 x 480 pictures at 25 per second: the demo session again and again. It is labelled
by the command, as a user would. ``--minutes 1 10 60`` takes some minutes, most of them to label an
hour of pictures.
"""

import argparse
import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from benchmarks.clips import make_clip
from benchmarks.machine import describe_machine
from capture.media import Source, sound_messages
from capture.media_file import open_media
from capture.voice_activity import VoiceActivity
from config.settings import Settings
from offline.label import labelled

ROOT = Path(__file__).parents[1]
FPS = 25
CORES = 2
MINUTE_S = 60
LOOP_S = 60.2
"""The coded sound begins before the first picture, and ends after the last one."""
PROFILE_LINES = 12


def loop_clip(minute: Path, path: Path, minutes: int) -> None:
    """The same packets again and again, not encoded anew."""
    out: Any
    clip: Any
    with av.open(path, "w") as out:
        streams: list[Any] = []
        for number in range(minutes):
            with av.open(minute) as clip:
                streams = streams or [out.add_stream_from_template(s) for s in clip.streams]
                for packet in clip.demux():
                    if packet.dts is None:  # the last, empty one
                        continue
                    shift = round(number * LOOP_S / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[packet.stream.index]
                    out.mux(packet)


@dataclass(frozen=True, slots=True)
class Run:
    """One of the command."""

    minutes: int
    wall_s: float
    cpu_s: float
    memory_mb: float
    """At most."""

    @property
    def times_real_time(self) -> float:
        return self.minutes * MINUTE_S / self.wall_s

    def __str__(self) -> str:
        return (
            f"{self.times_real_time:.1f} x real time ({self.wall_s:.1f} s, {self.cpu_s:.1f} s of "
            f"CPU), {self.memory_mb:.0f} MB at most"
        )


def measure(clip: Path, minutes: int, fps: float | None) -> Run:
    with tempfile.TemporaryDirectory() as out:
        options = [] if fps is None else ["--fps", str(fps)]
        began = time.monotonic()
        with subprocess.Popen(
            [sys.executable, ROOT / "run_pipeline.py", "label", clip, "--out", out, *options],
            stdout=subprocess.DEVNULL,
        ) as run:
            _, status, used = os.wait4(run.pid, 0)
            run.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.monotonic() - began
    if run.returncode:
        raise SystemExit(f"label ended with exit code {run.returncode}")
    cpu_s = used.ru_utime + used.ru_stime
    return Run(minutes, wall_s, cpu_s, used.ru_maxrss * 1024 / 1e6)


@contextmanager
def two_cores() -> Generator[None]:
    """For this process and those that it starts, where the system lets us choose."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    all_of_them = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_of_them)[:CORES])
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_of_them)


def clips(folder: Path, minutes: Iterable[int]) -> Iterator[tuple[int, Path]]:
    """Files of so many minutes, each made when it is due, and gone when the next one is."""
    minute, clip = folder / "minute.mp4", folder / "clip.mp4"
    make_clip(minute, MINUTE_S, FPS)
    for length in minutes:
        loop_clip(minute, clip, length)
        yield length, clip


def print_stages(clip: Path) -> None:
    """What each thread has to do for the minute, alone; then the profile of inference's."""
    file = open_media(clip)
    activity = VoiceActivity(Settings().voice_activity)
    print("\nCPU seconds for a minute, all pictures")
    _print_stage("decoding, pictures as pixels", file.pictures())
    _print_stage(
        "sound and voice activity",
        sound_messages(file.sound(), activity, Source("clip", lossless=True), (), file.damage),
    )
    _print_stage("everything, with inference and join", labelled(clip, Settings()))
    profile = cProfile.Profile()
    profile.enable()
    for _ in labelled(clip, Settings()):
        pass
    profile.disable()
    print("\nthe main thread: inference and join (own time)")
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(PROFILE_LINES)


def _print_stage(name: str, work: Iterable[object]) -> None:
    began_s = time.process_time()
    for _ in work:
        pass
    print(f"  {time.process_time() - began_s:5.2f} {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--fps", type=float, default=8)
    options = parser.parse_args()
    print(describe_machine())
    print(f"on {CORES} cores; load before: {os.getloadavg()[0]:.1f}\n")
    with two_cores(), tempfile.TemporaryDirectory() as folder:
        for minutes, clip in clips(Path(folder), options.minutes):
            for fps in (None, options.fps):
                pictures = "all pictures" if fps is None else f"{fps:g} a second"
                print(f"  {minutes:3} min, {pictures}: {measure(clip, minutes, fps)}", flush=True)
        print_stages(Path(folder) / "minute.mp4")


if __name__ == "__main__":
    main()
