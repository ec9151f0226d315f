"""Names, patterns and folders become files, each once."""

from pathlib import Path

import pytest

from messaging.errors import UserError
from offline.inputs import find_inputs
from offline.output import ANNOTATED_VIDEO


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.mp4", "a.MKV", "notes.txt", "deep/er/c.wav", ".hidden/d.mp4", "odd [1].mp4"):
        path = tmp_path / "films" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*given: str) -> list[str]:
    return [one.name for one in find_inputs(given)]


def test_files_are_taken_in_the_order_given_whatever_they_are_called() -> None:
    assert names("films/notes.txt", "films/b.mp4") == ["films/notes.txt", "films/b.mp4"]


def test_a_folder_is_all_media_files_below_it() -> None:
    expected = ["films/a.MKV", "films/b.mp4", "films/deep/er/c.wav", "films/odd [1].mp4"]
    assert names("films") == expected


def test_a_pattern_is_what_it_matches() -> None:
    assert names("films/*.mp4") == ["films/b.mp4", "films/odd [1].mp4"]
    assert names("films/**/*.wav") == ["films/deep/er/c.wav"]
    assert names("films/dee*") == ["films/deep/er/c.wav"]


def test_a_name_that_looks_like_a_pattern_is_a_name_where_there_is_such_a_file() -> None:
    assert names("films/odd [1].mp4") == ["films/odd [1].mp4"]


def test_what_is_found_again_is_passed_over(folder: Path) -> None:
    (folder / "films" / "deep" / "latest.wav").symlink_to(folder / "films" / "b.mp4")
    assert names("films/b.mp4", "films/deep", "films/*.mp4") == [
        "films/b.mp4", "films/deep/er/c.wav", "films/odd [1].mp4"]  # fmt: skip


@pytest.mark.parametrize("given", [("films", "films/b.mp4"), ("films/b.mp4", "films")])
def test_a_file_may_be_named_beside_its_folder_in_any_order(given: tuple[str, str]) -> None:
    assert sorted(names(*given)) == names("films")


def test_exported_videos_are_taken_where_they_are_named_alone(folder: Path) -> None:
    (folder / "films" / "deep" / f"b{ANNOTATED_VIDEO}").touch()
    assert names("films/deep") == ["films/deep/er/c.wav"]
    assert names("films/deep/b.emotions.mp4") == ["films/deep/b.emotions.mp4"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["none.mp4"], r"no file none\.mp4; check the path"),
        (["*.none"], r"nothing matches \*\.none; check the pattern"),
        (["empty"], "empty holds no media file; name another folder, or files"),
        (["films/b.mp4", "films/b.mp4"], r"films/b\.mp4 was given twice; name it once"),
        (
            ["films/b.mp4", "films", "films/deep/../b.mp4"],
            r"films/deep/\.\./b\.mp4 was given twice, also as films/b\.mp4; name it once",
        ),
        (["x" * 300], r"x cannot be read \(File name too long\)|no file x+; check the path"),
        (["zero\0byte"], "no file|cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(given: list[str], why: str) -> None:
    with pytest.raises(UserError, match=why) as caught:
        find_inputs(given)
    assert "\n" not in str(caught.value)
