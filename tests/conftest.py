"""What tests of every folder share."""

import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from messaging.hub import Hub

SHARED = Path(__file__).parents[2] / "shared"
"""Media and data that lie beside the project; tests that want them skip where they are absent."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a hub that serves while the test runs."""
    hub = Hub(f"ipc://{tmp_path}/hub")
    yield f"ipc://{tmp_path}/hub"
    hub.close()
    assert not list(tmp_path.glob("hub*")), "the hub left files behind"


@pytest.fixture
def free_ports() -> int:
    """The first of five neighbouring TCP ports that nobody uses."""
    for _ in range(100):
        first = random.randrange(10_000, 32_000)  # below those that connections are given
        if all(_is_free(port) for port in range(first, first + 5)):
            return first
    raise RuntimeError("no five free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
