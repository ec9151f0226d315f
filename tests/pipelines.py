"""Runs the real command line, as its user would."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from capture.demo import CLIP

ROOT = Path(__file__).parents[1]
PATIENCE_S = 120
PIPES = subprocess.PIPE, subprocess.PIPE


@dataclass(frozen=True)
class Outcome:
    """What a run with ``--json`` printed."""

    utterances: list[dict[str, Any]]
    summary: dict[str, Any]
    stderr: str


DEMO = {"EMOFUSE_MEDIA__FILE": str(CLIP), "EMOFUSE_MEDIA__NAME": "demo"}


def environment(extra: Mapping[str, str] | None = None, *, demo: bool = True) -> dict[str, str]:
    """Nothing of this shell's own settings, and no screen. Unless something else is asked for, the
    demo session is what plays, also where there are a camera and a microphone.
    """
    left_out = ("EMOFUSE_", "DISPLAY", "WAYLAND_DISPLAY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**kept, **(DEMO if demo else {}), **(extra or {})}


def emofuse(
    *options: str | Path, demo: bool = True, **extra: str
) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    return emofuse_within(PATIENCE_S, *options, demo=demo, **extra)


def emofuse_within(
    patience_s: float, *options: str | Path, demo: bool = True, **extra: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "run_pipeline.py", *options],
        capture_output=True,
        text=True,
        timeout=patience_s,
        env=environment(extra, demo=demo),
        check=False,
    )


def label(*options: str | Path, demo: bool = True, **extra: str) -> Outcome:
    """Run the pipeline without a display, and read its JSON."""
    return label_within(PATIENCE_S, *options, demo=demo, **extra)


def label_within(
    patience_s: float, *options: str | Path, demo: bool = True, **extra: str
) -> Outcome:
    given = (*options, "--display", "none", "--json")
    run = emofuse_within(patience_s, *given, demo=demo, **extra)
    assert run.returncode == 0, run.stderr
    *utterances, summary = (json.loads(line) for line in run.stdout.splitlines())
    assert summary["type"] == "summary"
    assert all(record["type"] == "utterance" for record in utterances)
    return Outcome(utterances, summary, run.stderr)


def result(record: dict[str, Any]) -> dict[str, Any]:
    """What is the same in every run of a file: all but the instant at which it was played."""
    return {
        key: {k: v for k, v in value.items() if k != "offset_ns"} if _is_stamp(value) else value
        for key, value in record.items()
    }


def _is_stamp(value: object) -> bool:
    return isinstance(value, dict) and "captured_ns" in value


@contextmanager
def started(
    *options: str | Path,
    demo: bool = True,
    misbehaving: str = "",
    into: tuple[IO[str] | int, IO[str] | int] = PIPES,
    **extra: str,
) -> Generator[subprocess.Popen[str]]:
    """A running command; it is killed if it still runs at the end. ``misbehaving`` is a row of the
    table and the module that it is instead, ``ROW=MODULE``. Its output and its errors go ``into``
    two files, or pipes.
    """
    command: list[str | Path] = [ROOT / "run_pipeline.py"]
    if misbehaving:
        command = [ROOT / "tests/commands/misbehaving/launch.py", misbehaving]
        extra["PYTHONPATH"] = str(ROOT)
    with subprocess.Popen(
        [sys.executable, *command, *options],
        stdout=into[0],
        stderr=into[1],
        text=True,
        env=environment(extra, demo=demo),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def descendants(pid: int) -> list[int]:
    """Living processes below ``pid``; none where it has ended meanwhile."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(c) for c in children] + [d for c in children for d in descendants(int(c))]


def command_name(pid: int) -> str:
    """Empty where it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_until_gone(pids: list[int], patience_s: float = 20.0) -> None:
    """Until none of the processes lives; a zombie that nobody collects is dead."""
    deadline = time.monotonic() + patience_s
    while left := [pid for pid in pids if _lives(pid)]:
        names = [command_name(pid) for pid in left]
        assert time.monotonic() < deadline, f"still there: {names}"
        time.sleep(0.1)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
