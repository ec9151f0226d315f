import io
from dataclasses import replace

import pytest
from rich.console import Console

from display.scene import Scene, SessionScene
from display.tables import render, utterance_line
from display.view import View
from messaging.observer import FORGOTTEN_NS
from messaging.schema import Stamp, TopicCounts, UtteranceEmotion
from messaging.text import plain
from tests.display.messages import (
    MS,
    face,
    heartbeat,
    probabilities,
    result,
    sound,
    speech,
    utterance,
    word,
)


def drawn(scene: Scene, width: int, height: int, encoding: str = "utf-8") -> list[str]:
    """The lines that a terminal of that size shows."""
    file = io.TextIOWrapper(io.BytesIO(), encoding)
    console = Console(file=file, width=width, height=height, force_terminal=False)
    console.print(render(scene, width, height), height=height)
    file.seek(0)
    return file.read().splitlines()


@pytest.fixture
def view() -> View:
    view = View("display", is_comparable=True)
    view.take(sound(0))
    view.take(result(0, -40, -26))
    view.take(result(1, 0, 14, [face("surprise", share=0.81)]))
    view.take(speech("started", 1000))
    view.take(utterance(1000, 2480, "sad"))
    view.take(utterance(3000, None, "fear", final=False))
    missed = TopicCounts("video", "camera", dropped=4, lost=2)
    for name in ("camera", "fusion", "hub", "inference", "microphone"):
        view.take(heartbeat(name, 10))
    view.take(heartbeat("inference", 20, [TopicCounts("faces", messages=1), missed]))
    return view


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (81, 25)])
def test_everything_is_told_at_any_size_from_80x24_up(view: View, size: tuple[int, int]) -> None:
    lines = drawn(view.scene(30 * MS), *size)
    assert len(lines) == size[1]
    assert {len(line) for line in lines[1:]} == {size[0]}
    text = "\n".join(lines)
    for wanted in ("emofuse", "camera 25.0/s", "14 ms", "4 pictures dropped", "2 messages lost"):
        assert wanted in lines[0], wanted
    for wanted in (
        "surprise 81%  #1",
        "disgust",
        "neutral",
        "speaking",
        "sad",
        "matched",
        "q quits",
    ):
        assert wanted in text, wanted
    for node in ("camera", "fusion", "hub", "inference", "microphone"):
        assert node in text
    (row,) = [line for line in lines if "2.48" in line]
    assert row.split()[1:8] == ["1.00", "2.48", "sad", "70%", "+12", "ms", "matched"]
    (row,) = [line for line in lines if "so far" in line and "3.00" in line]
    assert "fear" in row


def test_only_the_latest_utterances_are_listed(view: View) -> None:
    for number in range(100):
        view.take(utterance(10_000 + number * 1000, 10_500 + number * 1000))
    text = "\n".join(drawn(view.scene(0), 80, 24))
    assert "109.50" in text
    assert "10.50" not in text.replace("110.50", "")


@pytest.mark.parametrize("size", [(20, 6), (40, 10), (79, 3), (1, 1)])
def test_a_terminal_that_is_too_small_shows_what_fits(view: View, size: tuple[int, int]) -> None:
    assert len(drawn(view.scene(0), *size)) <= max(size[1], 24)


def test_a_terminal_without_unicode_is_served_too(view: View) -> None:
    assert any("surprise 81%" in line for line in drawn(view.scene(0), 80, 24, "ascii"))


def test_nothing_yet_is_said_in_words() -> None:
    text = "\n".join(drawn(Scene(), 80, 24))
    for wanted in ("waiting for pictures", "waiting for sound", "none yet"):
        assert wanted in text


def test_a_silent_node_is_named(view: View) -> None:
    assert any("silent 9 s" in line for line in drawn(view.scene(9015 * MS), 80, 24))


def test_a_node_that_closed_is_not_silent_and_is_forgotten() -> None:
    view = View("display", is_comparable=True)
    view.take(word("mark", 0, "", "closing"))
    (row,) = [line for line in drawn(view.scene(9000 * MS), 80, 24) if "mark" in line.split()]
    assert "closed" in row
    assert not view.scene(FORGOTTEN_NS + MS).nodes


def test_names_from_the_wire_cannot_steer_the_terminal() -> None:
    view = View("display", is_comparable=True)
    view.take(result(0, 0, 1, source="\x1b[2Jcam\x07[red]"))
    view.take(utterance(0, 1, source="\x1b]0;mic\x07"))
    text = "\n".join(drawn(view.scene(0), 120, 30))
    assert "\x1b" not in text
    assert "?[2Jcam?[red]" in text
    assert plain("a\nb\x9b") == "a?b?"


def test_an_utterance_is_one_line_in_the_files_own_time() -> None:
    """At whatever instant the file was played."""
    onset = Stamp(1_250 * MS, "media:clip", 999_000 * MS)
    offset = Stamp(2_500 * MS, "media:clip", 999_000 * MS)
    said = UtteranceEmotion(
        "u", "clip", onset, offset, "matched", "happy", probabilities("happy"), dt_ns=-7 * MS,
        settled=True, final=True,
    )  # fmt: skip
    line = utterance_line(Scene(origin_ns=5), said)
    assert line.split() == ["1.25", "-", "2.50", "s", "happy", "70%", "-7", "ms", "matched", "clip"]


def test_an_utterance_without_a_face_says_why() -> None:
    line = utterance_line(Scene(), utterance(0, 1000, None).message)
    assert line.split() == ["0.00", "-", "1.00", "s", "-", "no", "face", "microphone"]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 10), (20, 6)])
def test_recording_stands_before_all_else_at_any_size(view: View, size: tuple[int, int]) -> None:
    scene = replace(view.scene(0), session=SessionScene(recorded_s=3723, marker="m" * 4096))
    assert drawn(scene, *size)[0].startswith(" REC 1:02:03 ")
    scene = replace(scene, session=SessionScene(recorder_silent_s=4))
    assert drawn(scene, *size)[0].startswith("recorder silent for ")
    assert "REC" not in "\n".join(drawn(scene, *size))


def test_recording_is_told_in_red() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, color_system="truecolor", width=80, height=24)
    console.print(render(Scene(session=SessionScene(recorded_s=1)), 80, 24), height=24)
    assert "48;2;232;17;45m REC 0:01 " in file.getvalue()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("is_paused", [False, True])
def test_what_is_played_has_a_line_of_its_own_and_hides_nothing(
    view: View, size: tuple[int, int], is_paused: bool
) -> None:
    session = SessionScene(played=0.43, is_paused=is_paused, has_player=True)
    lines = drawn(replace(view.scene(0), session=session), *size)
    assert len(lines) == size[1]
    assert lines[1].split()[0] == ("paused" if is_paused else "playing")
    assert lines[1].split()[-1] == "43%"
    assert lines[1].count("━") == pytest.approx(0.43 * (size[0] - 14), abs=2)
    for told in ("surprise 81%", "neutral", "microphone", "matched"):
        assert any(told in line for line in lines), told


@pytest.mark.parametrize(
    ("session", "keys"),
    [
        (SessionScene(), "r records, m marks, q quits"),
        (SessionScene(recorded_s=1), "r stops recording, m marks, q quits"),
        (SessionScene(has_player=True), "r records, m marks, space pauses, q quits"),
        (
            SessionScene(has_player=True, is_paused=True),
            "r records, m marks, space goes on, q quits",
        ),
    ],
)
def test_the_keys_that_work_now_are_named(session: SessionScene, keys: str) -> None:
    assert keys in drawn(Scene(session=session), 80, 24)[-1]


def test_a_marker_cannot_steer_the_terminal_and_is_shortened() -> None:
    scene = Scene(session=SessionScene(marker="\x1b[2J" + "x" * 4000))
    (head, *_) = drawn(scene, 80, 24)
    assert head.startswith("> ?[2Jxxx")
    assert head.split()[2] == "emofuse"


def test_one_loss_is_told_in_the_singular() -> None:
    assert Scene((), (), dropped=1, lost=2).losses == ["1 picture dropped", "2 messages lost"]
    assert Scene((), (), dropped=2, lost=1).losses == ["2 pictures dropped", "1 message lost"]
    assert Scene((), ()).losses == []
