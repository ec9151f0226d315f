"""What a session is said to hold, and when its ledger does not add up."""

import json
from pathlib import Path
from typing import Any

import pytest

from commands.info import info
from messaging import topics
from messaging.schema import Heartbeat, TopicCounts
from messaging.topics import HEARTBEAT
from messaging.wire import Received
from recording.session import Manifest, Session, write_manifest
from tests.recording.messages import State, arrived, beat, faces, make_session, marker

FACES = 20
SENT = TopicCounts("faces", last_seq=FACES - 1, messages=FACES)


def said(message: Heartbeat) -> Received[Any]:
    return arrived(HEARTBEAT, message, sender=message.node, at_ms=1000)


def reads(messages: int, **counts: int) -> TopicCounts:
    return TopicCounts("faces", "inference", messages=messages, **counts)


def session(
    folder: Path,
    *,
    fused: int = FACES,
    fusion: State = "closing",
    kept: int = FACES,
    has_manifest: bool = True,
    **manifest: Any,
) -> Session:
    """One camera's faces, read by fusion and by the recorder."""
    beats = [beat("inference", SENT), beat("fusion", reads(fused), state=fusion)]
    made = make_session(folder, [*(faces(n, n * 40) for n in range(kept)), *map(said, beats)])
    if has_manifest:
        last = beat("recorder", reads(FACES), ms=1100)
        write_manifest(folder, Manifest(1_100_000_000, heartbeats=(last,), **manifest))
    return made


def told(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = info(folder, as_json=True)
    return code, json.loads(capsys.readouterr().out)


def test_where_all_adds_up_the_exit_code_is_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = session(tmp_path / "s")
    code, record = told(tmp_path / "s", capsys)
    assert (code, record["adds_up"], record["complete"], record["faults"]) == (0, True, True, [])
    assert record["channels"]["faces/camera"] == {
        "messages": FACES,
        "bytes": sum(len(received.header) for received in made.records(topics.FACES)),
        "rate_hz": 25.0,
        "gaps": 0,
    }
    assert [(h["reader"], h["produced"], h["processed"]) for h in record["hops"]] == [
        ("fusion", FACES, FACES),
        ("recorder", FACES, FACES),
    ]


@pytest.mark.parametrize(
    ("spoilt", "fault"),
    [
        ({"fused": 19}, "faces from inference to fusion: 20 sent, 19 accounted for"),
        (
            {"fusion": "running"},
            "faces from inference to fusion: the tail is unknown, the reader has no last word",
        ),
        (
            {"kept": 18},
            "faces from inference: the recorder read 20 messages, the session holds 18",
        ),
        (
            {"has_manifest": False},
            "there is no manifest: the recorder did not come to its end",
        ),
        (
            {"kept": 17, "unwritten": {"faces/inference": 3}},
            "faces/inference: 3 messages were not recorded, the disk could not take them",
        ),
        (
            {"kept": 17, "unwritten": {"faces/inference": 2}},
            "faces from inference: the recorder read 20 messages, the session holds 17",
        ),
    ],
)
def test_what_does_not_add_up_is_named_and_the_exit_code_is_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoilt: dict[str, Any], fault: str
) -> None:
    session(tmp_path / "s", **spoilt)
    code, record = told(tmp_path / "s", capsys)
    assert (code, record["adds_up"]) == (3, False)
    assert fault in record["faults"]


def test_where_launchers_stop_side_by_side_it_adds_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The camera's machine was slower to end than the worker's."""
    folder = tmp_path / "s"
    beats = [beat("inference", SENT, ms=1090), beat("fusion", reads(FACES - 3), ms=1000)]
    beats += [beat(name, kind="launcher", state="running") for name in ("launcher", "launcher-b-1")]
    make_session(folder, [*(faces(n, n * 40) for n in range(FACES)), *map(said, beats)])
    last = beat("recorder", reads(FACES), ms=1100)
    write_manifest(folder, Manifest(1_100_000_000, heartbeats=(last,)))
    code, record = told(folder, capsys)
    assert (code, record["faults"]) == (0, [])
    assert "both were stopped" in [hop["unknown"] for hop in record["hops"]]


def test_a_rest_adds_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session(tmp_path / "s", kept=12, rested={"faces/inference": 8})
    assert told(tmp_path / "s", capsys)[0] == 0


def test_a_stream_of_which_the_recorder_saw_nothing_does_not_add_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    starts = beat("inference", state="running", ms=1)
    make_session(tmp_path / "s", [said(starts), said(beat("inference", SENT))])
    write_manifest(tmp_path / "s", Manifest(1, heartbeats=(beat("recorder", ms=1100),)))
    code, record = told(tmp_path / "s", capsys)
    assert code == 3
    assert record["faults"] == ["faces from inference to recorder: 20 sent, 0 accounted for"]


def test_a_part_that_was_not_closed_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = session(tmp_path / "s")
    path = made.parts[0].path
    path.write_bytes(path.read_bytes()[:-10])
    code, record = told(tmp_path / "s", capsys)
    assert (code, record["complete"]) == (3, False)
    assert any(fault.startswith("part-000.mcap: not closed properly") for fault in record["faults"])


def test_for_people_it_is_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session(tmp_path / "s", fused=19)
    assert info(tmp_path / "s", as_json=False) == 3
    out = capsys.readouterr().out
    assert "does not add up" in out
    assert out.splitlines()[-1] == "The ledger does not add up."
    assert out.splitlines()[-2] == "faces from inference to fusion: 20 sent, 19 accounted for"


def test_markers_are_counted_by_who_sent_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_session(tmp_path / "s", [marker(f"{n}", n) for n in range(3)])
    _, record = told(tmp_path / "s", capsys)
    assert record["channels"]["markers/command"]["messages"] == 3


@pytest.mark.parametrize("width", ["50", "80"])
def test_no_name_and_no_number_is_cut_where_it_is_narrow(
    width: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session(tmp_path / "s", fused=FACES - 1)
    for name, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "COLUMNS": width}.items():
        monkeypatch.setenv(name, value)
    assert info(tmp_path / "s", as_json=False) == 3
    ledger = capsys.readouterr().out.partition("Ledger\n")[2].splitlines()[:3]
    assert max(map(len, ledger)) <= int(width)
    assert ledger[1].split() == [
        *("faces", "inference", "fusion", "20", "19", "does", "not", "add", "up")
    ]


def test_where_it_is_narrow_gaps_and_what_was_lost_stay_longest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    beats = [beat("inference", SENT), beat("fusion", reads(FACES - 3, lost=2, dropped=1))]
    make_session(tmp_path / "s", [*(faces(n, n * 40) for n in range(FACES)), *map(said, beats)])
    for name, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "COLUMNS": "44"}.items():
        monkeypatch.setenv(name, value)
    info(tmp_path / "s", as_json=False)
    streams, _, ledger = capsys.readouterr().out.partition("Ledger\n")
    titles = [text.splitlines() for text in (streams.partition("Streams\n")[2], ledger)]
    assert titles[0][0].split() == ["topic", "source", "messages", "size", "gaps"]
    assert titles[1][0].split() == ["topic", "from", "to", "read", "lost"]
