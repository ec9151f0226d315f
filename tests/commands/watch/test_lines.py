"""Messages, rhythms and log records as lines."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from commands.watch.echo import as_line, as_object
from commands.watch.hz import Rhythm, Rhythms
from commands.watch.log import LEVELS, is_shown, line
from messaging.schema import Face, FaceEmotions, LogRecord, Stamp, VideoFrame
from messaging.topics import FACES, VIDEO
from messaging.wire import Received

MS = 1_000_000
FACE = Face(4, (1.0, 2.0, 30.0, 40.0), 0.91, (0.0, 0.0, 0.0, 0.9, 0.0, 0.1, 0.0))


def faces(index: int, at_ms: float, heard_ms: float, event: str = "analysed") -> Received[Any]:
    message = FaceEmotions(
        Stamp(round(at_ms * MS), "clock", offset_ns=500 * MS),
        "door",
        index,
        event,  # pyright: ignore[reportArgumentType]
        (FACE,),
    )
    return Received(FACES, message, memoryview(b""), "inference", 9, index, round(heard_ms * MS))


def picture() -> Received[Any]:
    frame = VideoFrame(Stamp(2500 * MS, "clock"), "door\x1b[2J", 7, width=2, height=1)
    return Received(VIDEO, frame, memoryview(b"secret"), "camera", 9, 7, 99, dropped=3)


def test_json_holds_every_field_and_of_the_payload_the_size() -> None:
    text = as_object(picture())
    assert "secret" not in text
    told = json.loads(text)
    assert (told["topic"], told["sender"], told["seq"], told["dropped"]) == (
        "video",
        "camera",
        7,
        3,
    )
    assert told["payload_bytes"] == 6
    assert told["message"]["stamp"]["captured_ns"] == 2500 * MS
    assert told["message"]["width"] == 2
    faces_told = json.loads(as_object(faces(0, 1, 2)))
    assert faces_told["message"]["faces"][0]["probabilities"] == list(FACE.probabilities)


def test_a_line_is_readable_and_harmless() -> None:
    told = as_line(picture())
    assert told.startswith('camera #7 stamp=2.500s source="door\\u001b[2J" index=7 event=picture')
    assert told.endswith("[6 bytes]")
    assert told.isprintable()
    told = as_line(faces(3, 1000, 2000))
    assert "stamp=1.500s" in told
    assert "faces=[(track=4 box=[1 2 30 40] score=0.91" in told
    assert "detector" not in told  # it is empty


def test_a_rhythm_tells_rate_jitter_and_extremes() -> None:
    rhythm = Rhythm()
    assert rhythm.report() == "a single message"
    for at_ms in (0, 30, 70, 110, 140):
        rhythm.beat(at_ms * MS)
    assert rhythm.report() == "28.57/s  jitter 5.0 ms  min 30.0 ms  max 40.0 ms"


def test_messages_at_the_same_instant_have_no_rate() -> None:
    rhythm = Rhythm()
    rhythm.beat(5)
    rhythm.beat(5)
    assert rhythm.report().startswith("all at once")


def test_arrivals_and_stamps_are_told_by_stream_and_punctuation_is_passed_over() -> None:
    rhythms = Rhythms(FACES)
    assert rhythms.lines() == []
    for received in (
        faces(0, 0, 3, "opened"),
        *(faces(index, 40 * index, 40 * index + index % 2 * 10) for index in range(5)),
        picture(),
    ):
        rhythms.hear(received)
    head, arrivals, stamps = rhythms.lines()
    assert head == "inference of door: 5 messages"
    assert arrivals.split() == [
        *("arrivals", "25.00/s", "jitter", "10.0", "ms", "min", "30.0", "ms", "max", "50.0", "ms")
    ]
    assert stamps.split()[:5] == ["stamps", "25.00/s", "jitter", "0.0", "ms"]


@pytest.mark.parametrize("level", LEVELS)
def test_records_of_a_level_and_graver_ones_are_shown(level: str) -> None:
    shown = [
        other
        for other in LEVELS
        if is_shown(LogRecord(Stamp(0, "clock"), "camera", other, "text"), level)  # pyright: ignore[reportArgumentType]
    ]
    assert shown == list(LEVELS[LEVELS.index(level) :])


def test_every_level_has_a_colour_of_its_own_and_text_cannot_steer_the_terminal() -> None:
    drawn = set[str]()
    for level in LEVELS:
        out = io.StringIO()
        console = Console(file=out, force_terminal=True, color_system="truecolor", width=200)
        record = LogRecord(Stamp(0, "c"), "camera", level, "[red]it\x1b[2J[/red]")  # pyright: ignore[reportArgumentType]
        console.print(line(record, "12:00:01"))
        text = out.getvalue()
        assert "\x1b[2J" not in text
        assert "[red]it?[2J[/red]" in text
        drawn.add(text.replace(level, "").replace(" ", ""))
    assert len(drawn) == len(LEVELS)
