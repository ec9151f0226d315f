"""Is there room where sessions would go, and is it quick enough?"""

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from commands.doctor.finding import Finding

NAME = "disk"
SAMPLE = 8_000_000
"""Bytes that are written to measure."""
PER_MINUTE = 50_000_000
"""Of a session with one camera (docs/sessions.md)."""
LITTLE, SCARCE = 1_000_000_000, 5_000_000_000
SLOW = 5_000_000
"""Bytes a second: some six times what one camera needs."""
ELSEWHERE = "record into another folder (--record), or free some space"


@dataclass(frozen=True, slots=True)
class Disk:
    folder: str
    free_bytes: int
    bytes_per_s: float = 0.0
    error: str = ""
    """Why nothing can be written."""


def judge(disk: Disk) -> Finding:
    if disk.error:
        return Finding(NAME, "failure", f"{disk.folder} takes nothing: {disk.error}", ELSEWHERE)
    minutes = disk.free_bytes // PER_MINUTE
    told = (
        f"{disk.folder}: {disk.free_bytes / 1e9:.1f} GB free, room for about {minutes} minutes; "
        f"writes {disk.bytes_per_s / 1e6:.0f} MB/s"
    )
    if disk.free_bytes < LITTLE:
        return Finding(NAME, "failure", told, ELSEWHERE)
    if disk.free_bytes < SCARCE:
        return Finding(NAME, "warning", told, ELSEWHERE)
    if disk.bytes_per_s < SLOW:
        return Finding(
            NAME, "warning", f"{told}, which is slow", "record onto a local disk (--record)"
        )
    return Finding(NAME, "fine", told)


def examine(folder: Path | None) -> Finding:
    """Where sessions would go; without a folder, where this program was started."""
    place = (folder or Path()).absolute()
    while not place.is_dir() and place != place.parent:
        place = place.parent
    try:
        return judge(Disk(str(place), shutil.disk_usage(place).free, _write(place)))
    except OSError as error:
        return judge(Disk(str(place), 0, error=error.strerror or str(error)))


def _write(folder: Path) -> float:
    """Bytes a second, until the disk has them."""
    with tempfile.TemporaryFile(dir=folder) as file:
        began_s = time.monotonic()
        file.write(os.urandom(SAMPLE))
        file.flush()
        os.fsync(file.fileno())
        return SAMPLE / (time.monotonic() - began_s)
