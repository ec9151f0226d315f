"""A hub, and displays as processes of their own."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from messaging.hub import Hub
from tests.display.x11 import virtual_screen, window_manager

ROOT = Path(__file__).parents[2]

PROGRAM = """
import os, sys
from importlib import import_module
from config.settings import BusSettings, Settings

kind, address, terminal = sys.argv[1:]
if terminal:  # the first one that a session's leader opens becomes its controlling terminal
    os.dup2(os.open(terminal, os.O_RDWR), 1)
import_module(f"display.{kind}").run(Settings(bus=BusSettings(address=address)))
"""


@pytest.fixture
def x_display() -> Iterator[str]:
    """A virtual screen with a window manager."""
    with virtual_screen() as display, window_manager(display):
        yield display


Display = subprocess.Popen[bytes]
StartDisplay = Callable[..., AbstractContextManager[Display]]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a hub that serves while the test runs."""
    hub = Hub(f"ipc://{tmp_path}/hub")
    yield f"ipc://{tmp_path}/hub"
    hub.close()
    assert not list(tmp_path.iterdir()), "files were left behind"


@pytest.fixture
def start_display(address: str) -> StartDisplay:
    """Starts ``display.KIND``, without a keyboard on its standard input, as the launcher does."""

    @contextmanager
    def start(
        kind: str, *, terminal: str = "", env: Mapping[str, str] | None = None
    ) -> Generator[Display]:
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, kind, address, terminal],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    return start
