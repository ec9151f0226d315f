"""A session's folder: what may become one, and what opens."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from messaging.errors import UserError
from messaging.schema import UtteranceEmotion
from messaging.wire import VERSION
from recording import session as sessions
from recording.session import (
    ABOUT,
    MANIFEST,
    Manifest,
    create_session,
    next_part,
    open_session,
    part_path,
    write_manifest,
)
from tests.pipelines import emofuse, label
from tests.recording.messages import ABOUT as SAID
from tests.recording.messages import beat, make_session, marker, some, write_part

KEPT = sorted((Path(__file__).parent / "sessions").iterdir())


def test_a_session_of_every_wire_version_is_kept() -> None:
    assert [kept.name for kept in KEPT] == [f"v{n}" for n in range(1, VERSION + 1)]


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.name)
def test_an_old_session_stays_readable(kept: Path) -> None:
    session = open_session(kept)
    records = list(session.records())
    assert session.faults() == []
    topics = {received.topic.name for received in records}
    assert topics >= {"audio", "faces", "heartbeat", "speech", "utterances", "video_jpeg"}
    (final,) = (
        r.message for r in records if isinstance(r.message, UtteranceEmotion) and r.message.final
    )
    assert (final.label, final.status, final.settled) == ("happy", "matched", True)
    told = emofuse("info", str(kept))
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.name)
def test_an_old_session_can_be_replayed(kept: Path) -> None:
    found = label("replay", kept, "--speed", "max", "--from", "faces", demo=False).utterances
    assert [(u["label"], u["settled"]) for u in found] == [("happy", True)]


def test_parts_follow_each_other_though_one_was_taken_away(tmp_path: Path) -> None:
    session = make_session(tmp_path / "s", some(2), some(2), some(2))
    session.parts[0].path.unlink()
    assert next_part(tmp_path / "s") == part_path(tmp_path / "s", 3)


def test_parts_are_in_order_also_beyond_the_thousandth(tmp_path: Path) -> None:
    create_session(tmp_path / "s", SAID)
    for number in (999, 1000, 2):
        write_part(part_path(tmp_path / "s", number), [marker(str(number))])
    texts = [r.message.text for r in open_session(tmp_path / "s").records()]
    assert texts == ["2", "999", "1000"]


def test_a_new_session_is_its_users_own(tmp_path: Path) -> None:
    make_session(tmp_path / "a" / "s", some(2))
    assert (tmp_path / "a" / "s").stat().st_mode & 0o777 == 0o700
    assert part_path(tmp_path / "a" / "s", 0).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a" / "s" / ABOUT).stat().st_mode & 0o777 == 0o600


def test_without_a_manifest_its_length_reaches_to_the_last_message(tmp_path: Path) -> None:
    session = make_session(tmp_path / "s", some(10), some(40))
    assert session.length_ns == 1_955_000_000
    write_manifest(session.path, Manifest(3_000_000_000))
    assert open_session(session.path).length_ns == 3_000_000_000


def test_the_manifest_comes_back_as_it_was(tmp_path: Path) -> None:
    session = make_session(tmp_path / "s", some(2))
    manifest = Manifest(5, {"faces/inference": 3}, {"audio/x": 1}, {}, 77, (beat("fusion"),))
    write_manifest(session.path, manifest)
    assert open_session(session.path).manifest == manifest


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    session = make_session(tmp_path / "s", some(2))
    (session.path / MANIFEST).write_text('{"ended_ns": 9, "taste": 1}')
    assert open_session(session.path).manifest == Manifest(9)


def test_settings_are_looked_up_whatever_stands_there(tmp_path: Path) -> None:
    about: dict[str, Any] = {"started_ns": 0, "settings": {"microphone": {"name": "m"}, "bus": 3}}
    session = make_session(tmp_path / "s", some(2), about=about)
    assert session.setting("microphone", "name", "") == "m"
    assert session.setting("microphone", "cameras", ()) == ()
    assert session.setting("bus", "address", "none") == "none"
    assert session.setting("nothing", "at all", 1) == 1


def test_a_session_in_which_nothing_was_written_opens_and_says_so(tmp_path: Path) -> None:
    session = make_session(tmp_path / "s")
    assert list(session.records()) == []
    assert session.faults()[0] == "nothing was written"


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("session", "holds a session already; record into another folder"),
        ("full", "is not empty; record into another folder"),
        ("file", "is a file; record into a folder"),
        ("file/below", "Not a directory; choose another folder"),
    ],
)
def test_a_folder_that_cannot_become_a_session_is_refused(
    tmp_path: Path, place: str, why: str
) -> None:
    make_session(tmp_path / "session", some(2))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("the only copy")
    (tmp_path / "file").write_text("a file")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    run = emofuse("run", "--display", "none", "--record", str(tmp_path / place))
    assert run.returncode == 2
    assert run.stderr == f"emofuse: {_named(tmp_path / place, why)}\n"
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def _named(place: Path, why: str) -> str:
    return f"nothing can be recorded into {place}: {why}" if "; choose" in why else f"{place} {why}"


@pytest.mark.skipif(sys.platform != "linux", reason="as another user")
def test_without_rights_nothing_is_made_or_read(tmp_path: Path) -> None:
    make_session(tmp_path / "mine" / "s", some(2))
    (tmp_path / "mine").chmod(0o500)
    former = os.geteuid()
    if not former:
        os.seteuid(65534)
    try:
        with pytest.raises(UserError, match=r"nothing can be recorded into .*: Permission denied"):
            create_session(tmp_path / "mine" / "other", SAID)
        if not former:
            with pytest.raises(UserError, match="cannot be read: Permission denied"):
                open_session(tmp_path / "mine" / "s")
    finally:
        os.seteuid(former)
        (tmp_path / "mine").chmod(0o700)


def test_without_room_no_half_session_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edge that is faked: a disk that is full when the first file is put in its place."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(UserError, match="No space left on device; choose another folder"):
            create_session(tmp_path / "s", SAID)
    assert list((tmp_path / "s").iterdir()) == []
    create_session(tmp_path / "s", SAID)


def test_what_is_no_session_is_named(tmp_path: Path) -> None:
    session = make_session(tmp_path / "s", some(2))
    (tmp_path / "empty").mkdir()
    for path, why in (
        (tmp_path / "nowhere", "no session .*nowhere; give the folder that --record made"),
        (tmp_path / "empty", r"holds no session\.json; give the folder"),
        (session.parts[0].path, "is part of a session; give its folder"),
        (session.path / ABOUT, "is part of a session; give its folder"),
    ):
        with pytest.raises(UserError, match=why):
            open_session(path)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (ABOUT, "{", "is damaged"),
        (ABOUT, "[]", "is damaged: it holds no object"),
        (ABOUT, "\xff", "is damaged"),
        (ABOUT, "{}", "does not say when the session started; it is damaged"),
        (ABOUT, json.dumps({"started_ns": 0, "wire_version": VERSION + 1}), "install a newer one"),
        (ABOUT, '{"started_ns": 0, "wire_version": []}', "is damaged: its wire version"),
        (MANIFEST, "{}", "is damaged; take it away: the session can be read without it"),
        (MANIFEST, '{"ended_ns": "soon"}', "is damaged; take it away"),
    ],
)
def test_a_damaged_description_is_named(tmp_path: Path, name: str, text: str, why: str) -> None:
    session = make_session(tmp_path / "s", some(2))
    (session.path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError) as raised:
        open_session(session.path)
    assert str(session.path) in str(raised.value)
    assert why in str(raised.value)


@pytest.mark.parametrize("command", ["info", "replay"])
def test_a_damaged_session_is_no_traceback(tmp_path: Path, command: str) -> None:
    session = make_session(tmp_path / "s", some(2))
    session.parts[0].path.write_text("a text")
    told = emofuse(command, str(session.path))
    assert told.returncode == 2
    assert told.stderr == (
        f"emofuse: {session.parts[0].path} is no MCAP file; move it out of the session's folder\n"
    )


def test_json_is_written_at_once_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    sessions.write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        sessions.write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]
