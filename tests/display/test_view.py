import random
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
import pytest

from display.pairing import MOST_BYTES, MOST_PICTURES, Pairing, pixels
from display.scene import CameraScene, VoiceScene
from display.view import MOST_SOURCES, MOST_UTTERANCES, View
from messaging.observer import MOST_NODES
from messaging.schema import FaceEmotions, Stamp, TopicCounts, VideoFrame
from messaging.topics import FACES, VIDEO, VIDEO_JPEG
from messaging.wire import Received
from tests.display.messages import (
    HEIGHT,
    MS,
    WIDTH,
    face,
    heartbeat,
    picture,
    received,
    result,
    shade,
    sound,
    speech,
    stamp,
    utterance,
    video_event,
)

FACES_OPENED = received(FACES, FaceEmotions(stamp(0), "camera", 0, "opened"), 0)


@pytest.fixture
def view() -> View:
    return View("display", is_comparable=True)


def camera(view: View, at_ms: float) -> CameraScene:
    (only,) = view.scene(round(at_ms * MS)).cameras
    return only


def voice(view: View, at_ms: float) -> VoiceScene:
    (only,) = view.scene(round(at_ms * MS)).voices
    return only


def shown(scene: CameraScene) -> int:
    """The number of the picture that is shown."""
    assert scene.picture is not None
    assert (scene.picture == scene.picture[0, 0, 0]).all()
    return int(scene.picture[0, 0, 0])


def test_a_late_result_is_painted_on_its_own_picture_although_newer_ones_are_there(
    view: View,
) -> None:
    for index in range(10):
        view.take(picture(index, index * 33))
    view.take(result(4, 4 * 33, 330, [face("sad")]))
    scene = camera(view, 331)
    assert shown(scene) == 4
    assert scene.faces[0].label == "sad"


def test_a_result_that_comes_before_its_picture_waits_for_it(view: View) -> None:
    view.take(picture(0, 0))
    view.take(result(1, 33, 40, [face("fear")]))
    assert shown(camera(view, 41)) == 0
    assert camera(view, 41).faces == ()
    view.take(picture(1, 42, captured_ms=33))
    assert shown(camera(view, 43)) == 1
    assert camera(view, 43).faces[0].label == "fear"


def test_what_is_shown_never_goes_back_in_time(view: View) -> None:
    for index in range(3):
        view.take(picture(index, index * 33))
    view.take(result(2, 66, 80))
    view.take(result(1, 33, 90, [face()]))
    assert shown(camera(view, 91)) == 2


def test_in_any_order_of_arrival_faces_are_only_ever_shown_on_their_picture(view: View) -> None:
    """Each result's track tells its picture's number."""
    generator = random.Random(7)
    arrivals = [(index + generator.uniform(0, 4), "picture", index) for index in range(200)]
    arrivals += [(index + generator.uniform(0, 9), "result", index) for index in range(0, 200, 2)]
    pairs = 0
    for at_ms, kind, index in sorted(arrivals):
        if kind == "picture":
            view.take(picture(index, at_ms, captured_ms=index))
        else:
            view.take(result(index, index, at_ms, [face(track=index)]))
        scene = camera(view, at_ms)
        if scene.faces and scene.picture is not None:
            assert shown(scene) == scene.faces[0].track
            pairs += 1
    assert pairs > 100


def test_a_restarted_camera_counts_anew_and_is_not_taken_for_the_former(view: View) -> None:
    view.take(picture(5, 100))
    view.take(result(5, 100, 110, [face("happy")]))
    view.take(video_event("opened", 1000))
    view.take(picture(5, 1001))
    view.take(result(5, 100, 1002, [face("happy")]))
    assert camera(view, 1003).faces == ()
    view.take(result(5, 1001, 1010, [face("angry")]))
    assert camera(view, 1011).faces[0].label == "angry"


def test_without_inference_the_live_picture_is_shown_and_says_so(view: View) -> None:
    view.take(picture(0, 0))
    view.take(result(0, 0, 10, [face()]))
    for index in range(1, 60):
        view.take(picture(index, index * 33))
    before, after = camera(view, 1000), camera(view, 59 * 33 + 1)
    assert (shown(before), before.note, len(before.faces)) == (0, "", 1)
    assert (shown(after), after.note, len(after.faces)) == (59, "no inference", 0)
    assert after.is_warning
    view.take(result(59, 59 * 33, 59 * 33 + 10, [face()]))
    assert camera(view, 59 * 33 + 11).note == ""


def test_before_the_first_result_pictures_are_shown_as_they_come(view: View) -> None:
    view.take(picture(0, 0))
    assert camera(view, 10).note == ""
    view.take(picture(9, 1100))
    assert shown(camera(view, 1101)) == 9
    assert camera(view, 1101).note == "waiting for inference"


def test_a_camera_that_falls_silent_is_named(view: View) -> None:
    view.take(picture(0, 0))
    view.take(result(0, 0, 10, [face()]))
    assert camera(view, 5010).note == "no pictures for 5 s"


def test_gaps_say_why_and_the_end_is_said(view: View) -> None:
    view.take(picture(0, 0))
    view.take(result(0, 0, 10, [face()]))
    view.take(video_event("gap", 20, "unplugged"))
    assert (camera(view, 21).note, camera(view, 21).is_warning) == ("unplugged", True)
    view.take(picture(1, 30))
    assert camera(view, 31).note == ""
    view.take(video_event("closed", 40))
    assert (camera(view, 90_000).note, camera(view, 90_000).is_warning) == ("ended", False)


def test_a_picture_without_a_face_says_so(view: View) -> None:
    view.take(picture(0, 0))
    view.take(result(0, 0, 10))
    assert (camera(view, 11).note, camera(view, 11).is_warning) == ("no face", False)


def test_without_pictures_the_newest_result_is_told(view: View) -> None:
    """The terminal reads no pictures."""
    view.take(result(0, 0, 10, [face("happy")]))
    view.take(result(1, 33, 43, [face("sad")]))
    scene = camera(view, 44)
    assert scene.picture is None
    assert scene.faces[0].label == "sad"


def test_waiting_pictures_are_bounded_in_number() -> None:
    pairing = Pairing()
    for index in range(1000):
        pairing.add_picture(picture(index, index))
    assert len(pairing) == MOST_PICTURES
    for index in range(5000):
        pairing.add_result(result(index + 5000, index, index))
    pairing.add_picture(picture(2000, 2000))
    pairing.add_result(result(2000, 2000, 2001))
    assert len(pairing) == 0


def test_waiting_pictures_are_bounded_in_bytes() -> None:
    pairing, payload = Pairing(), memoryview(bytes(MOST_BYTES // 3))
    for index in range(10):
        frame = VideoFrame(stamp(index), "camera", index, "picture", 1, 1)
        pairing.add_picture(Received(VIDEO, frame, payload, "test", 1, index, index))
    assert len(pairing) == 3


def test_sources_nodes_and_utterances_are_bounded(view: View) -> None:
    for number in range(500):
        view.take(picture(0, number, source=f"camera{number}"))
        view.take(utterance(number, number + 1, source=f"microphone{number}"))
        view.take(heartbeat(f"node{number}"))
    scene = view.scene(500 * MS)
    assert len(scene.cameras) == MOST_SOURCES
    assert len(scene.voices) == MOST_SOURCES
    assert len(scene.nodes) == MOST_NODES
    assert len(scene.utterances) == MOST_UTTERANCES


def test_one_camera_can_be_picked(view: View) -> None:
    view.take(picture(0, 0, source="left"))
    view.take(picture(0, 0, source="right"))
    assert [c.source for c in view.scene(MS).cameras] == ["left", "right"]
    assert [c.source for c in view.scene(MS, "right").cameras] == ["right"]
    assert len(view.scene(MS, "gone").cameras) == 2


def test_rate_and_latency_are_those_of_the_results(view: View) -> None:
    for index in range(60):
        view.take(picture(index, index * 40))
        view.take(result(index, index * 40, index * 40 + 14))
    scene = camera(view, 59 * 40 + 15)
    assert scene.rate_hz == pytest.approx(25)
    assert scene.latency_ms == pytest.approx(14)
    assert scene.inference_ms == pytest.approx(5)
    assert camera(view, 60 * 40 + 3000).rate_hz == 0


@pytest.mark.parametrize(
    ("is_comparable", "real_time", "latency_ms"),
    [(True, True, 14), (True, False, None), (False, True, None)],
)
def test_only_what_plays_at_its_own_pace_on_the_same_clock_has_a_latency(
    is_comparable: bool, real_time: bool, latency_ms: float | None
) -> None:
    view = View("display", is_comparable=is_comparable)
    for index in range(3):
        view.take(result(index, index * 40, index * 40 + 14, real_time=real_time))
    assert camera(view, 95).latency_ms == latency_ms


def test_drops_are_those_of_the_nodes_that_analyse_and_losses_those_of_all_others(
    view: View,
) -> None:
    missed = TopicCounts("video", "camera", dropped=4, lost=1)
    view.take(heartbeat("inference", counts=[missed]))
    view.take(heartbeat("recorder", counts=[TopicCounts("video", "camera", dropped=50, lost=2)]))
    view.take(heartbeat("display", counts=[TopicCounts("video", "camera", dropped=9, lost=9)]))
    scene = view.scene(0)
    assert (scene.dropped, scene.lost) == (4, 3)


def test_what_was_lost_stays_lost_when_its_node_is_started_again(view: View) -> None:
    first = heartbeat("inference", counts=[TopicCounts("video", "camera", dropped=4, lost=2)])
    view.take(first)
    again = heartbeat("inference", 1000, [TopicCounts("video", "camera", dropped=1, lost=1)])
    view.take(replace(again, incarnation=first.incarnation + 1))
    scene = view.scene(1000 * MS)
    assert (scene.dropped, scene.lost) == (5, 3)


def test_a_node_shows_its_share_of_a_core_and_its_silence(view: View) -> None:
    view.take(heartbeat("fusion", 1000, cpu_ms=100))
    view.take(heartbeat("fusion", 2000, cpu_ms=350))
    (node,) = view.scene(6000 * MS).nodes
    assert node.cpu == pytest.approx(0.25)
    assert node.silent_ns == 4000 * MS


def test_speaking_is_told_from_onset_to_offset(view: View) -> None:
    view.take(sound(0))
    assert voice(view, 1).spoken_s is None
    view.take(speech("started", 100))
    view.take(sound(1600))
    assert voice(view, 1601).spoken_s == pytest.approx(1.5)
    view.take(speech("ended", 1700))
    assert voice(view, 1701).spoken_s is None
    assert voice(view, 1701).level_dbfs == -20.0


def test_a_provisional_label_has_no_age_and_the_last_word_has_it_since_the_offset(
    view: View,
) -> None:
    view.take(utterance(1000, None, "happy", final=False))
    assert voice(view, 1001).age_s is None
    view.take(utterance(1000, 2500, "sad"))
    view.take(sound(4000))
    scene = voice(view, 4001)
    assert scene.utterance is not None
    assert scene.utterance.label == "sad"
    assert scene.age_s == pytest.approx(1.5)
    assert len(view.scene(0).utterances) == 1


def test_a_provisional_label_that_comes_late_replaces_nothing(view: View) -> None:
    view.take(utterance(1000, 2500, "sad"))
    view.take(utterance(1000, None, "happy", final=False))
    (only,) = view.scene(0).utterances
    assert only.label == "sad"
    assert voice(view, 3000).age_s is not None


def test_the_age_follows_the_stream_and_not_the_time_that_passes_here(view: View) -> None:
    """A file at ten times the speed: three seconds of sound come within 0.3 s."""
    view.take(utterance(1000, 2000))
    view.take(received(sound(0).topic, sound(5000).message, 300))
    assert voice(view, 301).age_s == pytest.approx(3.0)


@pytest.mark.parametrize("event", ["opened", "started"])
def test_a_voice_without_sound_goes_on_when_its_speech_does(
    view: View, event: Literal["opened", "started"]
) -> None:
    view.take(speech("closed", 1000))
    assert voice(view, 1001).note == "ended"
    view.take(speech(event, 2000))
    assert voice(view, 2001).note == ""


def test_each_round_of_a_loop_begins_anew(view: View) -> None:
    """Stamps are the recorded ones; a result and a label of the former round may come late."""
    view.take(speech("started", 18_000))
    view.take(result(8, 18_500, 0))
    view.take(speech("closed", 20_000))
    for _ in range(2):
        view.take(speech("opened", 0))
        view.take(result(9, 19_000, 0))
        view.take(FACES_OPENED)
        view.take(utterance(18_000, 19_000, "happy"))
        assert not view.scene(0).utterances
        view.take(speech("started", 1000))
        view.take(utterance(1000, None, "fear", final=False))
        view.take(result(1, 1500, 0))
        scene = voice(view, 0)
        assert scene.spoken_s == pytest.approx(0.5)
        assert scene.utterance is not None
        assert scene.utterance.label == "fear"
        view.take(speech("ended", 2000))
        view.take(utterance(1000, 2000, "sad"))
        view.take(result(2, 3000, 0))
        assert voice(view, 0).age_s == pytest.approx(1)
        view.take(speech("closed", 20_000))


def test_a_source_that_has_closed_tells_no_time_while_others_go_on(view: View) -> None:
    """One that opens late in a session is at its end until then, in the second round."""
    view.take(result(1, 20_000, 0, source="late"))
    view.take(received(FACES, replace(FACES_OPENED.message, source="late", event="closed"), 0))
    view.take(utterance(1000, 2000))
    assert voice(view, 0).age_s == pytest.approx(18)
    view.take(result(1, 3000, 0))
    assert voice(view, 0).age_s == pytest.approx(1)


def test_sound_that_stops_is_named(view: View) -> None:
    view.take(sound(0))
    assert voice(view, 4000).note == "no sound for 4 s"
    assert voice(view, 100).note == ""


def test_only_final_results_are_handed_on(view: View) -> None:
    assert view.take(utterance(0, None, final=False)) is None
    assert view.take(utterance(0, 100)) is not None
    assert view.take(sound(0)) is None


def jpeg(payload: bytes, width: int = WIDTH, height: int = HEIGHT) -> Received[VideoFrame]:
    frame = VideoFrame(Stamp(0, "clock"), "camera", 0, "picture", width, height)
    return received(VIDEO_JPEG, frame, 0, payload)


def test_a_jpeg_is_decoded_and_junk_is_no_picture() -> None:
    file = cv2.imencode(".jpg", shade(90))[1].tobytes()
    decoded = pixels(jpeg(file))
    assert decoded is not None
    assert np.abs(decoded.astype(int) - 90).max() <= 2
    assert pixels(jpeg(b"no picture")) is None
    assert pixels(jpeg(b"")) is None
    assert pixels(jpeg(file, width=WIDTH + 1)) is None
