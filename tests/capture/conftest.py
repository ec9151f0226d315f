"""A hub of its own for each test that wants one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from messaging.hub import Hub


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a hub that serves while the test runs."""
    where = f"ipc://{tmp_path}/hub"
    hub = Hub(where)
    yield where
    hub.close()
