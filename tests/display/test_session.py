import pytest

from display.scene import SessionScene
from display.view import View
from tests.display.messages import MS, marker, picture, result, sound, word


@pytest.fixture
def view() -> View:
    return View("display", is_comparable=True)


def session(view: View, at_ms: float) -> SessionScene:
    return view.scene(round(at_ms * MS)).session


def test_recording_is_told_from_the_recorders_word_on_until_it_rests(view: View) -> None:
    assert session(view, 0) == SessionScene()
    view.take(word("recorder", 0, "", "starting"))
    assert session(view, 1).recorded_s is None
    view.take(word("recorder", 1000, "recording"))
    view.take(word("recorder", 2000, "recording"))
    assert session(view, 2500).recorded_s == pytest.approx(1.5)
    view.take(word("recorder", 3000, "resting"))
    assert session(view, 3001).recorded_s is None
    view.take(word("recorder", 4000, "recording"))
    assert session(view, 4200).recorded_s == pytest.approx(0.2)


def test_a_recorder_that_was_there_first_has_recorded_since_its_start(view: View) -> None:
    view.take(word("recorder", 1000, "recording", uptime_ms=60_000))
    assert session(view, 2000).recorded_s == pytest.approx(61)


def test_a_recorder_that_falls_silent_is_warned_of_and_not_said_to_record(view: View) -> None:
    view.take(word("recorder", 0, "", "starting"))
    view.take(word("recorder", 1000, "recording"))
    scene = session(view, 4000)
    assert (scene.recorded_s, scene.recorder_silent_s) == (3, None)
    scene = session(view, 4500)
    assert (scene.recorded_s, scene.recorder_silent_s) == (None, 3.5)
    view.take(word("recorder", 5000, "recording"))
    assert session(view, 5000).recorded_s == 4


def test_a_recorder_that_said_goodbye_is_not_missed(view: View) -> None:
    view.take(word("recorder", 0, "recording"))
    view.take(word("recorder", 1000, "recording", "closing"))
    assert session(view, 1001) == session(view, 90_000) == SessionScene()


def test_other_nodes_that_record_are_no_recorder(view: View) -> None:
    view.take(word("camera", 0, "recording"))
    assert session(view, 1) == SessionScene()


def test_a_session_that_is_played_can_be_paused_and_a_file_cannot(view: View) -> None:
    view.take(word("media", 0, "", progress=0.25))
    assert session(view, 1) == SessionScene(played=0.25)
    assert session(view, 4000) == SessionScene()
    view.take(word("player", 5000, "", progress=0.5))
    assert session(view, 5001) == SessionScene(played=0.5, has_player=True)
    view.take(word("player", 6000, "paused", "waiting", progress=0.5))
    assert session(view, 6001) == SessionScene(played=0.5, has_player=True, is_paused=True)
    view.take(word("player", 7000, "waiting for the readers of video", "waiting", progress=0.5))
    assert not session(view, 7001).is_paused
    view.take(word("player", 8000, "", "closing", progress=1))
    assert session(view, 8001) == SessionScene()


def test_of_several_files_the_one_with_most_to_come_is_told_until_the_last_has_closed(
    view: View,
) -> None:
    view.take(word("left", 0, "", progress=0.25))
    view.take(word("right", 1, "", progress=0.75))
    assert session(view, 2).played == 0.25
    view.take(word("left", 1000, "", "closing", progress=1))
    assert session(view, 1001).played == 0.75
    view.take(word("right", 1002, "", "closing", progress=1))
    assert session(view, 1003).played is None


def test_a_marker_is_shown_for_two_seconds_and_a_new_one_at_once(view: View) -> None:
    view.take(marker("first", 1000))
    assert session(view, 2900).marker == "first"
    assert session(view, 3001).marker == ""
    view.take(marker("second", 4000))
    view.take(marker("third", 4100))
    assert session(view, 4100).marker == "third"


def test_what_is_paused_is_not_called_silent_neither_then_nor_when_it_goes_on(view: View) -> None:
    view.take(picture(0, 0))
    view.take(result(0, 0, 10))
    view.take(sound(0))
    for second in range(1, 10):
        view.take(word("player", second * 1000, "paused", "waiting", progress=0.5))
    view.take(word("player", 10_000, "", progress=0.5))
    for at_ms in (9_900, 10_050):
        scene = view.scene(at_ms * MS)
        assert (scene.cameras[0].note, scene.voices[0].note) == ("no face", "")
    view.take(word("player", 12_000, "", progress=0.5))
    scene = view.scene(13_000 * MS)
    assert scene.cameras[0].note == "no pictures for 3 s"
    assert scene.voices[0].note == "no sound for 3 s"
