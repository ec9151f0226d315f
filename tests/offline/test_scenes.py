"""What an annotated video shows at each picture's time."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from messaging.schema import FaceEmotions
from offline.recording import Recording, Shot
from offline.scenes import Results, Stage, Voice
from tests.offline.scenes import MS, ZERO_NS, face, film, recording, said, seen


def shot(at_ms: float, source: str = "camera") -> Shot:
    return Shot(round(at_ms * MS), source, np.zeros((48, 64, 3), np.uint8))


def with_cameras(made: Recording, *names: str) -> Recording:
    return replace(made, cameras=names, microphones=("microphone",))


def label(result: FaceEmotions | None) -> str | None:
    return None if result is None else ",".join(each.label for each in result.faces)


def test_a_picture_shows_its_own_result() -> None:
    results = Results(recording(film(["happy", "sad", None])))
    assert [label(results.at("camera", at * MS)) for at in (0, 40, 80)] == ["happy", "sad", ""]


def test_a_picture_that_nobody_analysed_shows_the_last_result_for_a_while() -> None:
    results = Results(recording([seen(0, face("sad")), seen(120, face("fear")), seen(5000)]))
    found = [label(results.at("camera", at * MS)) for at in (40, 80, 120, 140, 2000, 5000)]
    assert found == ["sad", "sad", "fear", "fear", None, ""]


def test_after_a_gap_nothing_is_shown_of_what_was_before() -> None:
    results = Results(recording([seen(0, face("sad")), seen(40, event="gap"), seen(80)]))
    assert results.at("camera", 60 * MS) is None


def test_looking_for_a_camera_that_fell_silent_reads_no_farther_than_seconds_ahead() -> None:
    """Memory stays flat, however long the other camera goes on."""
    read = 0

    def endless() -> Iterator[FaceEmotions]:
        nonlocal read
        for read in range(1_000_000):
            yield seen(40 * read, source="other")

    results = Results(replace(recording([]), results=endless))
    assert results.at("silent", 0) is None
    assert read <= 5000 / 40 + 2


@pytest.mark.parametrize(
    ("at_ms", "label", "spoken_s", "age_s"),
    [(0, None, None, None), (100, "happy", 0.0, None), (400, "happy", 0.3, None),
     (500, "happy", None, 0.0), (900, "happy", None, 0.4), (1000, "sad", 0.0, None)],
)  # fmt: skip
def test_a_voice_has_its_final_label_from_its_onset_on(
    at_ms: int, label: str | None, spoken_s: float | None, age_s: float | None
) -> None:
    voice = Voice("microphone", [said(1000, 1200, "sad"), said(100, 500)], ZERO_NS)
    scene = voice.scene(at_ms * MS)
    assert (scene.utterance.label if scene.utterance else None) == label
    assert scene.spoken_s == pytest.approx(spoken_s)
    assert scene.age_s == pytest.approx(age_s)


def test_every_picture_of_one_camera_is_a_scene_at_its_own_time() -> None:
    stage = Stage(with_cameras(recording(film(["happy", "sad", "sad"])), "camera"))
    scenes = [pair for at in (0, 40, 90) for pair in stage.show(shot(at))]
    scenes += stage.finish()
    assert [at_ns // MS for at_ns, _ in scenes] == [0, 40, 90]
    assert [scene.cameras[0].faces[0].label for _, scene in scenes] == ["happy", "sad", "sad"]


def test_pictures_of_several_cameras_share_scenes_and_none_is_left_out() -> None:
    stage = Stage(with_cameras(recording([]), "a", "b"))
    order = [(0, "a"), (5, "b"), (40, "a"), (80, "a"), (85, "b"), (120, "a")]
    scenes = [pair for at, source in order for pair in stage.show(shot(at, source))]
    scenes += stage.finish()
    assert [at_ns // MS for at_ns, _ in scenes] == [5, 40, 85, 120]
    assert all([camera.source for camera in scene.cameras] == ["a", "b"] for _, scene in scenes)


def test_a_camera_without_pictures_says_why() -> None:
    stage = Stage(with_cameras(recording(film(["happy"])), "camera"))
    list(stage.show(shot(0)))
    list(stage.show(Shot(40 * MS, "camera", None, "unplugged")))
    ((_, scene),) = stage.finish()
    assert (scene.cameras[0].faces, scene.cameras[0].note) == ((), "unplugged")
