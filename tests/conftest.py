"""What tests of every folder share."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from messaging.hub import Hub
from tests import ports

SHARED = Path(__file__).parents[2] / "shared"
"""Media and data that lie beside the project; tests that want them skip where they are absent."""


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A script that runs the tests in the background has it ignored, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
    return ports.free_ports()
