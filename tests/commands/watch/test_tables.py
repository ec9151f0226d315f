"""Tables fit their terminal, and say what matters in any."""

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console, RenderableType

from commands.watch import topics
from commands.watch.node_table import render
from commands.watch.output import Output
from messaging.observer import Latency, NodeRow, StreamRow
from messaging.schema import Heartbeat, Stamp

S = 1_000_000_000
ADDRESS = "tcp://192.168.1.20:5550"


def node(name: str, host: str = "robot", stamp: Stamp | None = None, **more: Any) -> NodeRow:
    beat = Heartbeat(stamp or Stamp(S, "hub"), name, "running", 7, rss_bytes=123_000_000, host=host)
    row = NodeRow(name, beat, 0, 0.25, 29.97, None, 0, 0, 0, 0, is_twice=False)
    return replace(row, **more)


NODES = (
    node("hub"),
    node("camera-front", "robot-arm-left", Stamp(S, "other", 81_234_500_000_000, 310_000)),
    node("inference-2", "gpu-box", Stamp(S, "third", -1_500_000, None), overtaken=1234, lost=56),
    node("fusion", latency=Latency(581_000_000, 1_250_000_000), rejected=78, restarts=3),
    node("microphone", "robot-arm-left", Stamp(S, "other", -250_000, 40_000)),
)


def drawn(renderable: RenderableType, width: int) -> list[str]:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize("width", [120, 100])
def test_with_100_columns_nothing_is_left_out_or_cut(width: int) -> None:
    lines = drawn(render(NODES, ADDRESS, width), width)
    text = "\n".join(lines)
    assert "5 nodes on 3 machines" in text
    for title in ("p50", "p95", "over-", "jected", "cpu", "mem.", "bound", "starts"):
        assert title in text
    for shown in (
        *("robot-arm-left", "gpu-box", "1234", "56", "78", "581", "1250", "123", "25", "30.0"),
        *("+81234 s", "0.31", "unknown", "-0.25 ms", "0.04"),
    ):
        assert shown in text
    assert "…" not in text
    assert max(map(len, lines)) <= width


def test_with_80_columns_what_matters_stays_whole() -> None:
    lines = drawn(render(NODES, ADDRESS, 80), 80)
    text = "\n".join(lines)
    for shown in ("camera-front", "robot-arm-left", "581", "1250", "1234", "56", "+81234 s"):
        assert shown in text
    assert "fusion: 78 invalid messages were rejected" in text
    assert "…" not in text
    assert max(map(len, lines)) <= 80


LONG = "the-robot-s-left-camera-at-the-door"


@pytest.mark.parametrize("width", [35, 40, 50, 60, 80])
def test_where_it_is_narrow_columns_go_and_what_is_shown_is_whole(width: int) -> None:
    """Numbers are never broken, and names are folded."""
    streams = [replace(row, sender=LONG, readers=("fusion", LONG)) for row in STREAMS]
    for table in (
        render([*NODES, node(LONG)], ADDRESS, width),
        topics.render(streams, width, everything=False),
    ):
        lines = drawn(table, width)
        text = "\n".join(lines)
        assert "…" not in text
        assert ".." not in text
        assert max(map(len, lines)) <= width
    lines = drawn(render([*NODES, node(LONG)], ADDRESS, width), width)
    assert LONG in "".join(line.split(" ")[0] for line in lines)
    assert sum("30.0" in line.split() for line in lines) == len(NODES) + 1


def test_a_pipe_is_as_wide_as_what_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    console = Output()
    streams = [replace(row, readers=(LONG, *"abcdefgh", LONG)) for row in STREAMS]
    console.print(topics.render(streams, console.width, everything=False))
    assert f"{LONG}, a, b, c, d, e, f, g, h, {LONG}" in capsys.readouterr().out


def test_the_nodes_of_a_machine_stand_together_below_its_name() -> None:
    lines = drawn(render(NODES, ADDRESS, 100), 100)[4:]
    first = [line.split()[0] for line in lines[:8]]
    assert first == [
        *("gpu-box", "inference-2", "robot", "hub", "fusion"),
        *("robot-arm-left", "camera-front", "microphone"),
    ]


def test_on_one_machine_80_columns_hold_everything() -> None:
    lines = drawn(render([node("inference", overtaken=1234), node("hub")], ADDRESS, 80), 80)
    text = "\n".join(lines)
    assert "2 nodes on robot   hub at tcp://192.168.1.20:5550" in text
    for title in ("taken", "lost", "jected", "mem.", "bound", "starts"):
        assert title in text


def test_what_goes_wrong_is_told_below_the_table() -> None:
    silent = node("camera", silent_ns=12 * S)
    twice = node("microphone", is_twice=True)
    waits = node("media")
    waits = replace(waits, beat=replace(waits.beat, text="waiting for fusion\x1b[2J"))
    closed = node("fusion", silent_ns=12 * S)
    closed = replace(closed, beat=replace(closed.beat, state="closing", text="not told"))
    text = "\n".join(drawn(render([silent, twice, waits, closed], ADDRESS, 100), 100))
    assert "camera: no heartbeat for 12 s" in text
    assert "microphone: two nodes use this name" in text
    assert "media: waiting for fusion?[2J" in text
    assert "not told" not in text
    assert [word for word in ("silent", "twice", "closed") if word in text]


def test_before_anybody_was_heard_the_table_is_empty() -> None:
    assert "0 nodes   hub at" in drawn(render([], ADDRESS, 100), 100)[0]


STREAMS = (
    StreamRow("faces", "inference", "gpu", 4711, 2_000_000, 29.97, 12_345.0, ("fusion", "window")),
    StreamRow("heartbeat", "hub", "robot", 9, 900, 1.0, 100.0, ()),
    StreamRow("video", "cam", "robot", 100, 92_160_000, None, None, ()),
)


def test_streams_tell_rate_volume_and_readers_and_what_nobody_sends() -> None:
    lines = drawn(topics.render(STREAMS, 100, everything=False), 100)
    faces = next(line for line in lines if line.startswith("faces"))
    assert faces.split() == [
        *("faces", "inference", "gpu", "30.0", "30", "4711", "12.3", "2.0", "fusion,", "window")
    ]
    video = next(line for line in lines if line.startswith("video"))
    assert video.split() == ["video", "cam", "robot", "-", "30", "100", "-", "92.2", "nobody"]
    assert not any(line.startswith("heartbeat") for line in lines)
    assert lines[-1] == "nobody sends: video_jpeg, audio, speech, utterances, markers"


def test_what_every_node_sends_is_shown_on_request() -> None:
    lines = drawn(topics.render(STREAMS, 100, everything=True), 100)
    assert any(line.startswith("heartbeat") for line in lines)
    assert "log" in lines[-1]
