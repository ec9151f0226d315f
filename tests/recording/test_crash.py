"""Whatever happens to the recorder or its disk: the session opens, and says what is missing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("signals and limits of POSIX", allow_module_level=True)

from capture.demo import load_truth
from commands.child import SPAWN
from messaging.schema import VideoFrame
from recording import tape as tapes
from recording.part import Part
from recording.session import Session, open_session
from tests.haste import within_s
from tests.pipelines import command_name, descendants, emofuse, label, started
from tests.recording.hasty import handed_over, kill_all, noisy, record_within, tape, total
from tests.recording.messages import make_session

KILLS = 50
RESTARTED = 10
SECOND_NS = 1_000_000_000
PATIENCE_S = 60.0


def in_a_process(target: object, *args: object) -> None:
    process = SPAWN.Process(target=target, args=args)  # pyright: ignore[reportArgumentType]
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode == 0


def numbers(part: Part) -> list[int]:
    return [received.message.index for received in part.records() if _is_picture(received.message)]


def _is_picture(message: object) -> bool:
    return isinstance(message, VideoFrame)


def recorded(folder: Path, session: Session) -> tuple[int, bool]:
    """How many messages there are, and whether all are that came before the last second."""
    read: dict[int, list[int]] = {}
    for received in session.records():
        read.setdefault(received.incarnation, []).append(received.seq)
    count, in_time = 0, True
    for process, handed_ns in handed_over(folder).items():
        due = sum(at_ns < handed_ns[-1] - SECOND_NS for at_ns in handed_ns)
        there = read.pop(process, [])
        assert there == list(range(len(there)))
        assert len(there) <= len(handed_ns) + 1, folder
        in_time &= due <= len(there)
        count += len(there)
    assert not read
    return count, in_time


def test_killed_at_any_moment_no_more_than_the_last_second_is_missing(tmp_path: Path) -> None:
    folders = [tmp_path / f"{number:02d}" for number in range(KILLS)]
    in_a_process(kill_all, [*folders, *folders[:RESTARTED]], 7)
    total_recorded, continued = 0, 0
    late: list[Path] = []
    for folder in folders:
        session = open_session(folder)
        count, in_time = recorded(folder, session)
        total_recorded += count
        if not in_time:
            late.append(tmp_path / f"{folder.name}-again")
        continued += len(session.parts) == 2
        faults = session.faults()
        assert "there is no manifest: the recorder did not come to its end" in faults
        assert len(faults) == max(1, len(session.parts)) + 1
        for part in session.parts:
            assert any(f"{part.path.name}: not closed properly" in fault for fault in faults)
    assert total_recorded > KILLS * 50, "they did record"
    assert continued >= 2, "they went on in a new part"
    if late:  # fifteen at once were too many for this machine
        assert within_s(1.0) > 1.0, late
        in_a_process(kill_all, late, 7)
    for folder in late:
        assert recorded(folder, open_session(folder))[1], folder


def read_back(session: Session) -> int:
    count = len(list(session.records()))
    assert not [fault for fault in session.faults() if "damaged" in fault]
    return count


def test_where_files_may_not_grow_every_message_is_accounted_for(tmp_path: Path) -> None:
    make_session(tmp_path / "s")
    answer = tmp_path / "answer"
    in_a_process(record_within, tmp_path / "s", 150_000, 1000, answer)
    handed, written, unwritten = json.loads(answer.read_text())
    session = open_session(tmp_path / "s")
    assert unwritten > 0
    assert written + unwritten == handed == 1000
    assert read_back(session) == written
    assert len(session.parts) > 2
    assert all(part.path.stat().st_size <= 150_000 for part in session.parts)
    assert any("not closed properly" in fault for fault in session.faults())


@contextmanager
def small_disk(at: Path, kilobytes: int) -> Generator[None]:
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", str(at)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root's rights")
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


def test_when_a_full_disk_has_room_again_recording_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tapes, "RETRY_S", 0.05)
    monkeypatch.setattr(tapes, "FLUSH_S", 0.05)
    with small_disk(tmp_path / "disk", 1200):
        folder, filler = tmp_path / "disk" / "s", tmp_path / "disk" / "filler"
        filler.write_bytes(bytes(400_000))
        make_session(folder)
        handed = 0

        def hand_over() -> None:
            nonlocal handed
            into.take(noisy(handed), handed)
            handed += 1
            time.sleep(0.001)

        with tape(folder) as into:
            while not total(into.unwritten):
                hand_over()
            kept = [numbers(part) for part in open_session(folder).parts]
            for _ in range(200):
                hand_over()
            filler.unlink()
            before = total(into.written)
            while total(into.written) < before + 100:
                hand_over()
        session = open_session(folder)
        assert total(into.written) + total(into.unwritten) == handed
        assert read_back(session) == total(into.written)
        assert len(session.parts) >= 2
        for part, was in zip(session.parts, kept, strict=False):
            assert numbers(part)[: len(was)] == was
        assert not session.parts[0].closed
        assert session.parts[-1].closed
        assert len([p for p in session.parts if not numbers(p)]) == 0, "no empty part is left"


def test_a_recorder_that_is_killed_in_a_running_pipeline_goes_on_in_a_new_part(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "s"
    options = ("run", "--speed", "4", "--display", "none", "--json", "--record", str(folder))
    with started(*options) as run:
        _until(lambda: folder.exists() and _grown(folder / "part-000.mcap", 500_000))
        recorders = [p for p in descendants(run.pid) if "emofuse recorder" in command_name(p)]
        os.kill(recorders[-1], signal.SIGKILL)
        out, log = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, log
    assert "recorder was killed by signal 9; it is started again" in log
    assert json.loads(out.splitlines()[-1])["restarts"] == {"recorder": 1}
    told = emofuse("info", str(folder), "--json")
    assert told.returncode == 3, told.stdout + told.stderr
    record = json.loads(told.stdout)
    assert (record["parts"], record["complete"], record["adds_up"]) == (2, False, False)
    faults = "\n".join(record["faults"])
    assert "part-000.mcap: not closed properly" in faults
    assert "part-001.mcap" not in faults
    assert "faces from inference to recorder: the tail is unknown, the reader broke off" in faults
    assert "faces from inference to fusion" not in faults


def _grown(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size > size


def _until(condition: object) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():  # pyright: ignore[reportCallIssue]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_running_pipeline_labels_on_when_the_disk_is_full_and_tells_what_is_not_recorded(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk", 2000):
        folder = tmp_path / "disk" / "s"
        outcome = label("--speed", "max", "--record", str(folder))
        told = emofuse("info", str(folder), "--json")
    assert [record["label"] for record in outcome.utterances] == [
        utterance.label for utterance in load_truth().utterances
    ]
    assert outcome.summary["restarts"] == {}
    said = [line for line in outcome.stderr.splitlines() if line.startswith("recorder: ")]
    refused, lost = said
    assert refused == (
        f"recorder: {folder}: No space left on device; recording goes on in a new part when there "
        "is room"
    )
    assert told.returncode == 3, told.stdout + told.stderr
    record = json.loads(told.stdout)
    assert not record["adds_up"]
    missing = [
        int(fault.split(": ")[1].split()[0])
        for fault in record["faults"]
        if fault.endswith("messages were not recorded, the disk could not take them")
    ]
    assert sum(missing) > 100
    assert lost == (
        f"recorder: {sum(missing)} messages were not recorded: the disk could not take them"
    )
    for hop in record["hops"]:
        assert hop["lost"] == 0, hop
