"""What the tape takes, and what it counts where the disk is slow or refuses."""

import logging
import time
from pathlib import Path

import pytest

from recording import tape as tapes
from recording.session import open_session
from recording.tape import Tape
from tests.recording.messages import marker
from tests.recording.slow_disk import Disk

PATIENCE_S = 60.0
LOG = logging.getLogger("emofuse.test")


def tape(folder: Path, queue_bytes: int) -> Tape:
    return Tape(folder, {}, queue_bytes=queue_bytes, sync=True, log=LOG)


def counted(folder: Path) -> int:
    return len(list(open_session(folder).records()))


def test_a_slow_disk_never_holds_up_who_hands_over_and_what_it_missed_is_counted(
    folder: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.is_quick.clear()
    with tape(folder, 20_000) as into:
        taken = [into.take(marker(f"{n}", n), n) for n in range(200)]
        assert 10 < sum(taken) < 100
        disk.is_quick.set()
    assert sum(into.written.values()) == sum(taken) == counted(folder)
    assert into.unwritten == {("markers", "command"): 200 - sum(taken)}
    assert [r.message for r in caplog.records] == [
        "the disk is too slow: some messages are not recorded"
    ]


def test_a_message_larger_than_the_queue_is_taken_when_nothing_waits(folder: Path) -> None:
    with tape(folder, 10) as into:
        assert into.take(marker("a"), 0)
    assert counted(folder) == 1


def test_what_ends_the_writer_ends_the_recorder(folder: Path, disk: Disk) -> None:
    disk.error = ZeroDivisionError("a bug")

    def hand_over() -> None:
        with tape(folder, 1_000_000) as into:
            for _ in range(10_000):
                into.take(marker("a"), 0)
                time.sleep(0.001)

    with pytest.raises(ZeroDivisionError, match="a bug"):
        hand_over()
    with pytest.raises(ZeroDivisionError), tape(folder, 1_000_000) as into:
        into.take(marker("a"), 0)  # it is told also at the end
    assert counted(folder) == 0


def test_a_part_that_grows_old_is_closed_and_the_next_one_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tapes, "PART_S", 0.0)
    monkeypatch.setattr(tapes, "FLUSH_S", 0.01)
    with tape(folder, 1_000_000) as into:
        deadline, number = time.monotonic() + PATIENCE_S, 0
        while not (folder / "part-002.mcap").exists() and time.monotonic() < deadline:
            into.take(marker(f"{number}", number), number)
            number += 1
            time.sleep(0.001)
    session = open_session(folder)
    assert [r.message.text for r in session.records()] == [f"{n}" for n in range(number)]
    assert len(session.parts) >= 3
    assert not any(part.faults() for part in session.parts)
    assert into.bytes == sum(part.path.stat().st_size for part in session.parts)


def test_an_error_of_the_disk_does_not(
    folder: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tapes, "RETRY_S", 0.01)
    disk.error = OSError(5, "Input/output error")
    with tape(folder, 1_000_000) as into:
        into.take(marker("0", 0), 0)
        deadline = time.monotonic() + PATIENCE_S
        while not into.unwritten and time.monotonic() < deadline:
            time.sleep(0.001)
        disk.error = None
        for number in range(1, 50):
            into.take(marker(f"{number}", number), number)
            time.sleep(0.001)
    assert sum(into.unwritten.values()) + sum(into.written.values()) == 50
    assert sum(into.written.values()) == counted(folder) > 0
