import os
import stat
from pathlib import Path

import pytest

from messaging.errors import UserError
from messaging.keys import (
    HUB,
    KNOWN,
    SECRET,
    let_in,
    make_keys,
    parse_public,
    read_keys,
    read_known,
    set_hub,
)

KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
posix = pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")


@posix
def test_what_is_made_is_for_this_user_alone(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "new" / "keys", "studio")
    let_in(keys, "camera", KEY)
    set_hub(keys, "hub", KEY)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in keys.folder.iterdir()}
    assert modes == {SECRET: 0o600, KNOWN: 0o600, HUB: 0o600}
    assert stat.S_IMODE(keys.folder.stat().st_mode) == 0o700


def test_keys_are_read_as_they_were_made(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", "studio-1.lab")
    assert read_keys(keys.folder) == keys
    assert parse_public(keys.line) == ("studio-1.lab", keys.public)
    assert keys.hub == keys.public, "no hub is named, so it is here"
    assert keys.secret not in repr(keys)


def test_new_keys_never_replace_others(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", "studio")
    with pytest.raises(UserError, match="is there already"):
        make_keys(keys.folder, "studio")
    assert read_keys(keys.folder) == keys


@pytest.mark.parametrize("name", ["", "two words", "-x", "#", "a" * 65, "a\nb"])
def test_a_name_that_would_break_its_line_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no name for keys"):
        make_keys(tmp_path / "keys", name)
    assert not list(tmp_path.iterdir())


def test_a_folder_without_keys_is_named_with_the_way_out(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match=f"{folder} holds no keys; make them: emofuse keys new"):
            read_keys(folder)


@posix
@pytest.mark.parametrize(("file", "mode", "mended"), [(SECRET, 0o640, "600"), ("", 0o755, "700")])
def test_keys_that_others_could_read_are_refused(
    file: str, mode: int, mended: str, tmp_path: Path
) -> None:
    keys = make_keys(tmp_path / "keys", "studio")
    path = keys.folder / file
    path.chmod(mode)
    with pytest.raises(UserError, match=f"open to others .mode {mode:o}.*: chmod {mended} {path}"):
        read_keys(keys.folder)


@posix
def test_keys_are_not_made_where_others_could_read_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(UserError, match="open to others"):
        make_keys(tmp_path, "studio")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", [SECRET, HUB])
@pytest.mark.parametrize(
    "text",
    [b"", b"\xff\xfe", b"a secret short", b"a b c d", KEY.encode(), b"a secret " + b'"' * 40],
)
def test_a_damaged_file_is_named(file: str, text: bytes, tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", "studio")
    set_hub(keys, "hub", KEY)
    (keys.folder / file).write_bytes(text)
    with pytest.raises(UserError, match=f"{keys.folder / file} is damaged"):
        read_keys(keys.folder)


def test_the_known_are_added_once_and_read_by_name(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", "studio")
    assert read_known(keys.folder) == ({}, [])
    other = make_keys(tmp_path / "other", "other")
    assert let_in(keys, "camera", KEY) == ""
    assert let_in(keys, "other", other.public) == ""
    assert let_in(keys, "again", KEY) == "camera"
    assert read_known(keys.folder) == ({KEY: "camera", other.public: "other"}, [])


def test_a_name_that_is_known_gets_no_second_key(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", "studio")
    let_in(keys, "camera", KEY)
    with pytest.raises(UserError, match="has another key for camera; delete that line first"):
        let_in(keys, "camera", keys.public)


def test_a_line_that_was_mended_by_hand_counts_and_a_broken_one_is_named(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", "studio")
    (keys.folder / KNOWN).write_text(f"# mine\n\n  camera   {KEY}  \nbroken xyz\n")
    known, (wrong,) = read_known(keys.folder)
    assert known == {KEY: "camera"}
    assert f"{KNOWN}, line 4: expected NAME KEY" in wrong
    with pytest.raises(UserError, match="line 4"):
        let_in(keys, "microphone", keys.public)


def test_a_last_line_without_an_end_is_kept(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", "studio")
    (keys.folder / KNOWN).write_text(f"camera {KEY}")
    let_in(keys, "microphone", keys.public)
    assert read_known(keys.folder) == ({KEY: "camera", keys.public: "microphone"}, [])


def test_a_public_line_may_come_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "camera.key"
    file.write_text(f"# from the roof\ncamera {KEY}\n")
    assert parse_public(str(file)) == ("camera", KEY)


@pytest.mark.parametrize(
    "text", ["", "x", KEY, f"a b {KEY}", f"camera {KEY[:-1]}", f"a {KEY}\nb {KEY}", 'a "' * 50, "/"]
)
def test_what_is_no_public_line_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="expected NAME KEY"):
        parse_public(text)


def test_a_secret_key_is_never_taken_for_a_public_one(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", "studio")
    with pytest.raises(UserError, match="that is a machine's secret key"):
        parse_public(str(keys.folder / SECRET))
