"""Many files in parallel: the finished are kept, who fails fails alone, the bytes are the same."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

from capture.demo import CLIP
from config.load import load_settings
from config.settings import Settings
from messaging.errors import UserError
from offline import corpus
from offline.corpus import Progress, Report, held, label_corpus
from offline.inputs import find_inputs
from offline.output import drafted, whole_file
from offline.part import PartResult, key_of, label_file
from offline.pool import Done, Failed, Going, attempt
from offline.rows import COLUMNS
from offline.tables import OutputError, read_table
from tests.offline.clips import cut_demo

FPS = 5
NOBODY = 65534
TABLES = ("utterances.parquet", "utterances.csv", "faces.parquet", "faces.csv")


def ignore(_: Progress) -> None:
    pass


def run(
    paths: list[Path], out: Path, jobs: int = 1, watch: Callable[[Progress], None] = ignore
) -> Report:
    return label_corpus(find_inputs([*map(str, paths)]), out, Settings(), FPS, jobs, watch)


def contents(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in TABLES]


@pytest.fixture(scope="module")
def undisturbed(clips: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed")
    run(clips, out)
    return out


def test_the_tables_hold_all_files_in_the_order_given(undisturbed: Path, clips: list[Path]) -> None:
    faces: Any = read_table(undisturbed / "faces.parquet")
    assert list(faces["file"].unique()) == [str(clip) for clip in clips]
    assert list(faces.groupby("file", sort=False).size()) == [20, 15, 30, 10]
    utterances: Any = read_table(undisturbed / "utterances.parquet")
    assert len(utterances) >= 3
    assert set(utterances["status"]) == {"matched"}
    assert set(utterances["missing"]) == {0}


@pytest.mark.parametrize("kind", ["utterances", "faces"])
def test_csv_and_parquet_say_the_same(undisturbed: Path, kind: str) -> None:
    table = read_table(undisturbed / f"{kind}.parquet")
    assert_frame_equal(table, read_table(undisturbed / f"{kind}.csv"))


def test_two_processes_write_the_same_bytes_as_one(
    undisturbed: Path, clips: list[Path], tmp_path: Path
) -> None:
    run(clips, tmp_path / "two", jobs=2)
    assert contents(tmp_path / "two") == contents(undisturbed)


def test_what_is_finished_is_not_done_again(clips: list[Path], tmp_path: Path) -> None:
    first = run(clips[:2], tmp_path)
    seen: list[Progress] = []
    second = run(clips[1::-1], tmp_path, watch=seen.append)
    assert second.kept == 2
    assert list(second.files) == list(reversed(first.files))
    assert seen[-1] == Progress(0, 0, 2)
    faces: Any = read_table(tmp_path / "faces.parquet")
    assert list(faces["file"].unique()) == [str(clips[1]), str(clips[0])]


def test_a_part_that_was_tampered_with_is_made_anew(clips: list[Path], tmp_path: Path) -> None:
    run(clips[3:], tmp_path)
    before = contents(tmp_path)
    (table,) = (tmp_path / "parts" / "faces").glob("*.parquet")
    table.write_bytes(table.read_bytes()[:-1])
    (record,) = (tmp_path / "parts").glob("*.json")
    assert run(clips[3:], tmp_path).kept == 0
    record.write_text("{")
    assert run(clips[3:], tmp_path).kept == 0
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "other",
    [
        {"fusion": {"method": "mean"}},
        {"inference": {"min_score": 0.7}},
        {"voice_activity": {"padding_s": 0.1}},
        {"media": {"name": "other"}},
    ],
)
def test_other_settings_are_another_question(clips: list[Path], other: dict[str, Any]) -> None:
    key = key_of(clips[0], Settings(), FPS)
    assert key_of(clips[0], load_settings(other), FPS) != key
    assert key_of(clips[0], Settings(), 6) != key
    assert key_of(clips[1], Settings(), FPS) != key
    assert key_of(clips[0], load_settings({"display": {"kind": "none"}}), FPS) == key


def test_a_file_that_changed_is_another_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"one")
    key = key_of(path, Settings(), None)
    os.utime(path, ns=(0, 1))
    assert key_of(path, Settings(), None) != key


def test_bad_files_among_good_ones_fail_alone(clips: list[Path], tmp_path: Path) -> None:
    text, broken = tmp_path / "text.mp4", tmp_path / "broken.mp4"
    text.write_text("no film")
    broken.write_bytes(clips[0].read_bytes()[:5000])
    report = run([text, clips[3], broken, clips[1]], tmp_path / "out", jobs=2)
    assert [failure.name for failure in report.failures] == [str(text), str(broken)]
    assert all("cannot be played" in failure.reason for failure in report.failures)
    assert [result.name for result in report.results] == [str(clips[3]), str(clips[1])]
    faces: Any = read_table(tmp_path / "out" / "faces.csv")
    assert list(faces["file"].unique()) == [str(clips[3]), str(clips[1])]


def test_a_film_that_breaks_off_is_labelled_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = cut_demo(tmp_path / "whole.mkv", 0, 4)
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (result,) = run([part], tmp_path / "out").files
    assert isinstance(result, PartResult)
    assert 0 < result.pictures < 20
    assert any("ends at" in note or "breaks off" in note for note in result.notes)


def test_a_file_without_sound_has_faces_alone(tmp_path: Path) -> None:
    mute = cut_demo(tmp_path / "mute.mp4", 0, 2, audio=False)
    (result,) = run([mute], tmp_path / "out").results
    assert (result.pictures, result.with_face, result.utterances) == (10, 10, 0)
    assert len(read_table(tmp_path / "out" / "faces.parquet")) == 10
    assert len(read_table(tmp_path / "out" / "utterances.csv")) == 0


def test_a_file_without_pictures_has_utterances_without_a_label(tmp_path: Path) -> None:
    sound = cut_demo(tmp_path / "sound.wav", 0, 5, video=False)
    (result,) = run([sound], tmp_path / "out").results
    assert result.pictures == result.matched == 0
    assert result.utterances >= 1
    assert result.duration_s == pytest.approx(5, abs=0.1)
    utterances: Any = read_table(tmp_path / "out" / "utterances.csv")
    assert set(utterances["status"]) == {"gap_exceeded"}
    assert utterances["label"].isna().all()


def test_a_process_that_is_killed_takes_its_file_alone_with_it(
    clips: list[Path], tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        """The long one is begun first."""
        if progress.done_s > 0 and not killed:
            (worker,) = multiprocessing.active_children()
            assert worker.pid
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)

    report = run([clips[3], CLIP, clips[1]], tmp_path, watch=kill)
    (failure,) = report.failures
    assert failure.name == str(CLIP)
    assert failure.reason == "its process was killed (SIGKILL); was there too little memory?"
    assert [result.name for result in report.results] == [str(clips[3]), str(clips[1])]
    assert not list(tmp_path.rglob(".*.parquet")), "its drafts are swept"
    assert multiprocessing.active_children() == []


def test_progress_goes_up_to_all_of_it(clips: list[Path], tmp_path: Path) -> None:
    seen: list[Progress] = []
    run(clips[:2], tmp_path, watch=seen.append)
    assert seen[0].done_s == 0
    assert seen[0].total_s == pytest.approx(7, abs=0.2)
    assert [p.done_s for p in seen] == sorted(p.done_s for p in seen)
    assert (seen[-1].done_s, seen[-1].files) == (seen[-1].total_s, 2)


def test_two_runs_at_a_time_into_one_folder_are_refused(clips: list[Path], tmp_path: Path) -> None:
    refused = 0

    def meanwhile(_: Progress) -> None:
        nonlocal refused
        with pytest.raises(UserError, match="another run is labelling into"):
            run(clips[:1], tmp_path)
        refused += 1

    run(clips[3:], tmp_path, watch=meanwhile)
    assert refused


def test_tables_of_two_runs_are_never_mixed(
    undisturbed: Path, clips: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is stopped while it merges the last table."""
    out = tmp_path / "out"
    shutil.copytree(undisturbed, out)
    real = corpus.merge

    def stopped(parts: Any, columns: Any, *to: Any) -> None:
        if columns is COLUMNS["faces"]:
            raise KeyboardInterrupt
        real(parts, columns, *to)

    monkeypatch.setattr(corpus, "merge", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(clips[:1], out)
    assert contents(out) == contents(undisturbed)
    assert not list(out.glob(".*"))


def test_drafts_of_a_killed_run_are_swept_and_nothing_of_the_users(tmp_path: Path) -> None:
    """``--out .`` is a folder of the user's."""
    ours = [".faces.0123abcd.csv", "parts/.a-1.0123abcd.json", "parts/faces/.a-1.0123abcd.parquet"]
    theirs = [".eslintrc.json", ".x.csv", ".x.0123abcd.csv", ".faces.csv", "parts/.a.json",
              "parts/.faces.0123ABCD.parquet", "faces.0123abcd.csv"]  # fmt: skip
    for name in (*ours, *theirs):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / ".x.json").mkdir()
    (tmp_path / ".utterances.0123abcd.csv").mkdir()
    with held(tmp_path / "parts"):
        assert not any((tmp_path / name).exists() for name in ours)
    assert all((tmp_path / name).is_file() for name in theirs)
    assert (tmp_path / ".x.json").is_dir()
    assert (tmp_path / ".utterances.0123abcd.csv").is_dir()


@pytest.mark.parametrize("name", ["faces.parquet", "a b.TextGrid", ".hidden.json"])
def test_a_draft_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    with whole_file(tmp_path / name) as draft:
        draft.touch()
        assert drafted(draft) == name
    assert drafted(tmp_path / name) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_without_locks_it_goes_on_says_so_and_takes_nobodys_drafts(
    clips: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Lustre."""

    def unknown(*_: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", unknown)
    (tmp_path / ".faces.0123abcd.csv").touch()
    report = run(clips[3:], tmp_path)
    assert report.notes == (
        f"no file can be locked in {tmp_path}: make sure that one run at a time labels into it",
    )
    assert len(report.results) == 1
    assert (tmp_path / ".faces.0123abcd.csv").exists()


def test_on_windows_nothing_is_locked_and_nothing_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offline.corpus.sys.platform", "win32")
    (tmp_path / ".faces.0123abcd.csv").touch()
    with held(tmp_path / "parts") as is_locked:
        assert not is_locked
    assert (tmp_path / ".faces.0123abcd.csv").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="rights are POSIX")
def test_a_folder_without_rights_is_named(clips: list[Path], tmp_path: Path) -> None:
    """Root may write everywhere, so it steps aside."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    inputs = find_inputs([str(clips[3])])
    if is_root := not os.geteuid():
        os.seteuid(NOBODY)
    try:
        with pytest.raises(
            UserError, match=r"cannot be written \(Permission denied\); name another"
        ):
            label_corpus(inputs, folder / "out", Settings(), FPS, 1, ignore)
    finally:
        if is_root:
            os.seteuid(0)


def test_the_record_of_a_file_can_be_read_by_anybody(undisturbed: Path) -> None:
    records = [json.loads(path.read_text()) for path in (undisturbed / "parts").glob("*.json")]
    assert sorted(record["pictures"] for record in records) == [10, 15, 20, 30]


class Elsewhere:
    """A machine that has another folder in the place of ``parts``."""

    def __init__(self, parts: Path, folder: Path) -> None:
        self._parts = parts
        self._folder = folder

    def run(
        self, function: Callable[..., Any], things: Sequence[tuple[Any, ...]]
    ) -> Iterator[Going | Done | Failed]:
        for index, thing in enumerate(things):
            seen = tuple(self._folder if part == self._parts else part for part in thing)
            yield attempt(index, function, seen, lambda _: None)


def test_rows_that_do_not_arrive_are_told(
    clips: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offline.corpus.ARRIVE_S", 0.0)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    out = tmp_path / "out"
    workers = Elsewhere(out / "parts", elsewhere)
    report = label_corpus(
        find_inputs([str(clips[3])]),
        out,
        Settings(),
        FPS,
        1,
        ignore,
        lambda _: nullcontext(workers),
    )
    (failure,) = report.failures
    assert failure.reason == (
        f"its rows did not arrive in {out / 'parts'}; name a folder that is shared"
    )
    assert len(read_table(out / "faces.csv")) == 0


def test_a_machine_without_the_folder_does_not_make_one_of_its_own(
    clips: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match=r"no folder .*parts on .*; with --out, name one that"):
        label_file(clips[3], "four", tmp_path / "parts", Settings(), FPS)
    assert not (tmp_path / "parts").exists()
