from pathlib import Path

import pytest

from recording import tape
from recording.session import create_session
from tests.recording.messages import ABOUT
from tests.recording.slow_disk import Disk


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(tape, "PartWriter", made.writer)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_session(tmp_path / "s", ABOUT)
    return tmp_path / "s"
