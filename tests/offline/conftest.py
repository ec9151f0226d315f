"""The demo session, labelled once for all tests of a process, and pieces of it as files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.demo import CLIP
from config.settings import Settings
from offline.open_recording import recording_of
from offline.recording import Recording
from tests.offline.clips import cut_demo


@pytest.fixture(scope="session")
def demo() -> Iterator[Recording]:
    with recording_of(CLIP, Settings()) as recording:
        yield recording


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four files of 4, 3, 6 and 2 s; all but the last hold utterances."""
    folder = tmp_path_factory.mktemp("clips")
    return [
        cut_demo(folder / "one.mp4", 0, 4),
        cut_demo(folder / "two.mkv", 6, 3),
        cut_demo(folder / "three.mp4", 9.6, 6),
        cut_demo(folder / "four.mp4", 3.8, 2),
    ]
