"""The real recorder and player, steered by the keys of the terminal view."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("there are no such terminals on Windows", allow_module_level=True)

import termios

from display.requests import HELD_NS
from messaging.topics import MARKERS
from recording.session import open_session
from tests.pipelines import ROOT, environment

PATIENCE_S = 90.0
IN_TERMINAL = """
import os, sys
terminal = os.open(sys.argv[1], os.O_RDWR)  # a session's leader: it becomes the controlling one
for stream in (0, 1, 2):
    os.dup2(terminal, stream)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
MOVES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """One with ``emofuse`` in it, at the newest picture that it was sent."""

    def __init__(self, process: "subprocess.Popen[bytes]", master: int) -> None:
        self._process, self._master = process, master
        self._sent = b""

    def type(self, key: bytes) -> None:
        os.write(self._master, key)

    def until(self, condition: Callable[[str], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition(self.screen()):
            assert time.monotonic() < deadline, self.screen()
            assert self._process.poll() is None, self.screen()
            time.sleep(0.05)

    def screen(self) -> str:
        self.read()
        pictures = self._sent.split(b"\x1b[H")
        return _text(pictures[-2] if len(pictures) > 1 else b"")

    def sent(self) -> str:
        """The screen, and what was there before."""
        return _text(self._sent)

    def read(self) -> None:
        try:
            while chunk := os.read(self._master, 65536):
                self._sent = (self._sent + chunk)[-100_000:]
        except BlockingIOError:
            pass

    def end(self) -> None:
        self.type(b"q")
        deadline = time.monotonic() + PATIENCE_S
        while self._process.poll() is None:
            assert time.monotonic() < deadline, self.screen()
            self.read()
            time.sleep(0.05)
        assert self._process.returncode == 0, self._sent


def _text(sent: bytes) -> str:
    return MOVES.sub(b"", sent).decode("utf-8", "ignore")


@contextmanager
def in_terminal(folder: Path, *words: str | Path) -> Generator[Terminal]:
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    os.set_blocking(master, False)
    command = [sys.executable, "-c", IN_TERMINAL, os.ttyname(slave), ROOT / "run_pipeline.py"]
    with subprocess.Popen(
        [*command, *words],
        cwd=folder,
        env=environment({"TERM": "xterm-256color"}, demo="replay" not in words),
        start_new_session=True,
    ) as process:
        try:
            yield Terminal(process, master)
        finally:
            process.kill()
            os.close(master)
            os.close(slave)


def test_keys_record_and_mark_a_session_and_hold_its_replay(tmp_path: Path) -> None:
    with in_terminal(tmp_path, "--display", "terminal", "--speed", "0.3") as terminal:
        terminal.until(lambda screen: "playing" in screen and "r records" in screen)
        terminal.type(b"\x1bOQ")  # F2: there is a Q in it
        terminal.type(b"r")
        terminal.until(lambda screen: " REC 0:0" in screen and "r stops recording" in screen)
        terminal.type(b"m")
        terminal.until(lambda _: "> marker 1" in terminal.sent())  # it is not shown for long
        time.sleep(HELD_NS["r"] / 1e9)
        terminal.type(b"r")
        terminal.until(lambda screen: "REC" not in screen and "r records" in screen)
        terminal.end()
    (folder,) = tmp_path.iterdir()
    markers = [record.message.text for record in open_session(folder).records(MARKERS)]
    assert markers == ["marker 1"]

    with in_terminal(
        tmp_path, "replay", folder, "--pause", "--speed", "0.1", "--display", "terminal"
    ) as terminal:
        terminal.until(lambda screen: "paused" in screen and "space goes on" in screen)
        terminal.type(b" ")
        terminal.until(lambda screen: "playing" in screen and "space pauses" in screen)
        time.sleep(HELD_NS[" "] / 1e9)
        terminal.type(b" ")
        terminal.until(lambda screen: "paused" in screen and "REC" not in screen)
        terminal.end()
