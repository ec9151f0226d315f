"""The way to a hub, its clock and its streams; then the whole command, and its exit codes."""

import json
import socket
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from commands.doctor import clock, places, streams
from commands.doctor.examine import examine
from commands.doctor.finding import Finding
from commands.doctor.places import MEANS, Outcome, Place
from commands.doctor.report import conclude, show
from commands.options import settings_of
from messaging.address import endpoints
from messaging.hub import Hub
from messaging.node import Node
from messaging.observer import StreamRow
from messaging.probe import ClockReading
from messaging.schema import AudioChunk, VideoFrame
from messaging.topics import AUDIO, SPEECH, VIDEO
from tests.machines import machine
from tests.pipelines import emofuse

MS = 1_000_000
PATIENCE_S = 20.0
NAMES = tuple(MEANS)
ADDRESS = "tcp://10.0.0.7:5550"


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("ccccc", {}),
        ("rrrrr", {0: "start one (emofuse hub --bind tcp://10.0.0.7:5550)"}),
        ("sssss", {0: "let five ports from the hub's on through the firewall"}),
        ("ccccs", {4: "let this port through the firewall"}),
        ("rcccc", {0: "give the hub's own address: the first of its five places"}),
        ("uuuuu", {2: "check the host's name"}),
    ],
)
def test_what_connects_and_what_does_not_tells_what_is_in_the_way(
    pattern: str, told: dict[int, str]
) -> None:
    letters: dict[str, Outcome] = {
        "c": "connects",
        "r": "refused",
        "s": "silent",
        "u": "unreachable",
    }
    found = [
        Place(name, f"tcp://10.0.0.7:{5550 + at}", letters[letter], "no route" * (letter == "u"))
        for at, (name, letter) in enumerate(zip(NAMES, pattern, strict=True))
    ]
    findings = places.judge(found, ADDRESS)
    assert [finding.level == "fine" for finding in findings] == [p == "c" for p in pattern]
    assert "10.0.0.7:5551" in findings[1].text
    assert MEANS["clock"] in findings[4].text
    assert all(finding.way_out for finding in findings if finding.level != "fine")
    for at, way_out in told.items():
        assert way_out in findings[at].way_out


def test_a_real_hub_connects_at_all_five_places(address: str, free_ports: int) -> None:
    assert [place.outcome for place in places.examine(address)] == ["connects"] * 5
    with_port = f"tcp://127.0.0.1:{free_ports}"
    assert [place.outcome for place in places.examine(with_port)] == ["refused"] * 5
    hub = Hub(with_port)
    try:
        assert [place.outcome for place in places.examine(with_port)] == ["connects"] * 5
    finally:
        hub.close()


def test_a_look_at_a_hub_s_places_is_no_stranger_s(tmp_path: Path, free_ports: int) -> None:
    studio = machine(tmp_path / "studio")
    camera = machine(tmp_path / "camera", studio)
    where = f"tcp://127.0.0.1:{free_ports}"
    hub = Hub(where, keys=studio.folder)
    try:
        found = places.examine(where, camera.folder)
        assert [place.outcome for place in found] == ["connects"] * 5
        with Node("camera", where, keys=camera.folder):  # the door has had its time
            assert hub.door.complaints() == []
        places.examine(where)
        deadline = time.monotonic() + PATIENCE_S
        while not (told := hub.door.complaints()):
            assert time.monotonic() < deadline
        assert "showed no key" in told[0]
    finally:
        hub.close()


def test_a_port_that_drops_what_comes_and_a_name_that_is_none_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, free_ports: int
) -> None:
    monkeypatch.setattr(places, "TIMEOUT_S", 0.3)
    with ExitStack() as stack:
        deaf = stack.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", free_ports + 2))
        deaf.listen(0)
        for _ in range(4):  # it takes no more, and says nothing
            caller = stack.enter_context(socket.socket())
            caller.settimeout(0)
            caller.connect_ex(deaf.getsockname())
        found = places.examine(f"tcp://127.0.0.1:{free_ports}")
    assert [place.outcome for place in found] == ["refused"] * 2 + ["silent"] + ["refused"] * 2
    (nowhere, *_) = places.examine("tcp://no-such-host.invalid:5550")
    assert (nowhere.outcome, bool(nowhere.error)) == ("unreachable", True)


@pytest.mark.parametrize(
    ("reading", "level", "text"),
    [
        (ClockReading("hub", 0, 0, MS // 10), "fine", "this machine's own; round trip 0.10 ms"),
        (ClockReading("hub", 7, MS, 2 * MS), "fine", "± 1.00 ms (round trip 2.00 ms)"),
        (ClockReading("hub", 7, 20 * MS, 40 * MS), "warning", "more than half a picture"),
        (None, "failure", "does not answer"),
    ],
)
def test_a_clock_is_judged_by_its_bound(
    reading: ClockReading | None, level: str, text: str
) -> None:
    finding = clock.judge(reading)
    assert finding.level == level
    assert text in finding.text
    assert bool(finding.way_out) == (level != "fine")


def test_the_clock_of_a_real_hub_answers(address: str) -> None:
    finding = clock.examine(endpoints(address).clock, keys=None)
    assert (finding.level, finding.name) == ("fine", "clock")


def stream(topic: str, sender: str, rate_hz: float | None) -> StreamRow:
    return StreamRow(topic, sender, "lab", 100, 1000, rate_hz, 1.0, ())


FLOWING = (
    stream("video", "camera", 0.0),
    stream("video_jpeg", "camera", 29.6),
    stream("audio", "microphone", 31.2),
    stream("faces", "inference", 29.6),
    stream("speech", "microphone", 1.0),
)


def test_streams_at_their_rates_are_fine_whichever_topic_carries_the_pictures() -> None:
    findings = streams.judge(FLOWING, streams.NEEDED, {})
    assert [(finding.name, finding.level) for finding in findings] == [
        (f"stream {topic}", "fine") for topic in streams.NEEDED
    ]
    assert findings[0].text == "29.6/s from camera"


def test_a_stream_that_does_not_flow_is_a_failure_and_a_slow_one_a_warning() -> None:
    rows = (stream("video", "left", 12.0), stream("video", "right", 30.0), *FLOWING[2:3])
    found = streams.judge((*rows, stream("speech", "microphone", None)), streams.NEEDED, {})
    assert [(finding.name, finding.level) for finding in found] == [
        ("stream video", "warning"),
        ("stream video", "fine"),
        ("stream audio", "fine"),
        ("stream faces", "failure"),
        ("stream speech", "failure"),
    ]
    assert found[0].text == "12.0/s from left, of 30/s"
    assert "emofuse node inference" in found[3].way_out


def test_what_nobody_reads_is_not_sent_and_nothing_is_wrong_with_that() -> None:
    unread = stream("audio", "media", 0.0)
    (found,) = streams.judge([unread, *FLOWING[:2]], ["audio"], {})
    assert (found.level, found.text) == ("fine", "nobody reads it, so media does not send it")
    read, silent = replace(unread, readers=("recorder",)), replace(unread, rate_hz=None)
    for rows in ([read], [silent], [replace(unread, topic="speech")]):
        (found,) = streams.judge(rows, [rows[0].topic], {})
        assert found.level == "failure"


def test_pictures_are_held_against_their_cameras_own_rate() -> None:
    video = [stream("video", "camera", 14.9)]
    assert streams.judge(video, ["video"], {"camera": 66_666_667})[0].level == "fine"
    assert streams.judge(video, ["video"], {"camera": 33_333_333})[0].level == "warning"


def test_streams_of_devices_that_are_not_wanted_are_not_needed() -> None:
    assert streams.needed("none", "auto") == ["audio", SPEECH.name]
    assert streams.needed("0", "none") == ["video", "faces"]


@pytest.mark.parametrize("width", [100, 80, 60])
def test_a_finding_fits_and_tells_its_way_out_once(width: int) -> None:
    finding = Finding("microphone", "failure", "it is \x1b[2J " + "word " * 30, "plug it in")
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(show(finding, width))
        console.print(show(finding, width, finding))
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].split()[:3] == ["WRONG", "microphone", "it"]
    assert sum("-> plug it in" in line for line in lines) == 1
    assert "\x1b" not in capture.get()


def test_the_end_counts_what_is_wrong() -> None:
    fine, warning = Finding("x", "fine", "text"), Finding("x", "warning", "text")
    failure = Finding("x", "failure", "text")
    assert conclude([fine]).plain == "fine, no warnings"
    assert conclude([fine, warning]).plain == "fine, 1 warning"
    assert conclude([failure, warning, warning]).plain == "1 wrong, 2 warnings"


@pytest.fixture
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """No pipeline is found but those of the test."""
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is too long for a socket's name
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield


NO_DEVICES = ("doctor", "--camera", "none", "--microphone", "none")


@pytest.mark.usefixtures("nothing_else")
def test_a_machine_that_is_fine_says_so() -> None:
    told = emofuse(*NO_DEVICES, "--json")
    findings = json.loads(told.stdout)
    assert told.returncode == 0, findings
    assert findings["fine"]
    assert [finding["name"] for finding in findings["findings"]] == [
        *("system", "models", "gpu", "disk", "hub", "camera", "microphone")
    ]
    assert told.stderr == ""


def test_a_hub_without_the_streams_that_are_wanted_is_wrong(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert examine(settings_of(camera="none", hub=address), deep=False, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["fine"]
    findings = {finding["name"]: finding for finding in told["findings"]}
    assert findings["hub"]["level"] == findings["clock"]["level"] == "fine"
    assert findings["stream audio"]["level"] == findings["stream speech"]["level"] == "failure"
    assert "stream video" not in findings


@pytest.mark.parametrize("kind", ["camera", "media"])
def test_a_device_that_a_node_of_this_machine_uses_is_not_opened(
    kind: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which a file does not, whatever its node is called. Nobody reads the sound."""
    begun, over = threading.Event(), threading.Event()

    def send() -> None:
        with Node("door", address, kind=kind) as node:
            node.publish(AUDIO, AudioChunk(node.stamp(), "door", 0, "opened"))
            begun.set()  # or the doctor would see it open, which is a rate
            while not over.wait(0.02) and node.alive():
                frame = VideoFrame(node.stamp(), "door", 0, width=1, height=1)
                node.publish(VIDEO, frame, b"bgr")

    thread = threading.Thread(target=send)
    thread.start()
    try:
        assert begun.wait(PATIENCE_S)
        examine(
            settings_of(camera="99", microphone="no such", hub=address), deep=False, as_json=True
        )
    finally:
        over.set()
        thread.join()
    findings = {f["name"]: f for f in json.loads(capsys.readouterr().out)["findings"]}
    in_use = [findings[name]["text"] == "in use by door" for name in ("camera", "microphone")]
    assert in_use == [kind == "camera"] * 2
    assert "/s from door" in findings["stream video"]["text"]
    assert findings["stream audio"]["text"] == "nobody reads it, so door does not send it"
    assert findings["stream faces"]["level"] == "failure"


def test_no_hub_where_one_was_named_is_wrong(
    free_ports: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    nobody = f"tcp://127.0.0.1:{free_ports}"
    settings = settings_of(camera="none", microphone="none", hub=nobody)
    assert examine(settings, deep=False, as_json=False) == 1
    told = capsys.readouterr().out
    assert told.count("is refused") == 5
    assert told.count("start one") == 1
    assert told.endswith("5 wrong, no warnings\n")


def test_a_wrong_use_is_told_apart_from_a_wrong_machine() -> None:
    assert emofuse("doctor", "--hub", "nowhere").returncode == 2
