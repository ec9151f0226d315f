import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from display.scene import CameraScene, Scene, VoiceScene
from display.snapshot import is_complete, width_and_height
from messaging.node import Node
from messaging.schema import Emotion
from messaging.topics import FACES, UTTERANCES, VIDEO
from tests.display.conftest import ROOT
from tests.display.messages import HEIGHT, WIDTH, face, picture, result, shade, utterance

PATIENCE_S = 60.0


def camera(*labels: Emotion) -> CameraScene:
    return CameraScene("camera", shade(0), WIDTH, HEIGHT, tuple(map(face, labels)))


LABELLED = VoiceScene("microphone", utterance=utterance(0, 100).message)
QUIET = VoiceScene("microphone")


def test_a_snapshot_waits_for_a_face_in_every_camera_and_for_a_labelled_voice() -> None:
    assert is_complete(Scene((camera("happy"),), (LABELLED,)))
    assert not is_complete(Scene((camera("happy"),), (QUIET,)))
    assert not is_complete(Scene((camera(),), (LABELLED,)))
    assert not is_complete(Scene((camera("happy"), camera()), (LABELLED,)))
    assert not is_complete(Scene((), (LABELLED,)))


def test_a_snapshot_waits_for_the_label_that_is_asked_for() -> None:
    scene = Scene((camera("sad", "happy"),), (LABELLED,))
    assert is_complete(scene, "happy")
    assert not is_complete(scene, "angry")


def test_a_size_is_two_numbers() -> None:
    assert width_and_height("1280x720") == (1280, 720)
    with pytest.raises(ValueError, match="0x720"):
        width_and_height("0x720")
    with pytest.raises(ValueError, match="unpack"):
        width_and_height("1280")


def test_a_snapshot_of_a_running_pipeline_is_saved(
    address: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("snapshot") / "shown.png"
    command = [sys.executable, "-m", "display.snapshot", address, file, "--size", "320x240"]
    with Node("pipeline", address) as node, subprocess.Popen(command, cwd=ROOT) as process:
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None:
            assert time.monotonic() < deadline
            shown, found = picture(7, 0), result(7, 0, 0, [face("happy")])
            node.publish(VIDEO, shown.message, shown.payload)
            node.publish(FACES, found.message)
            node.publish(UTTERANCES, utterance(0, 100).message)
            time.sleep(0.03)
        assert process.returncode == 0
    saved = np.asarray(cv2.imread(str(file)))
    assert saved.shape == (240, 320, 3)


def test_without_a_hub_it_says_where_there_is_none(tmp_path: Path) -> None:
    wrong = subprocess.run(
        [sys.executable, "-m", "display.snapshot", "nowhere", tmp_path / "shown.png"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode == 2
    assert wrong.stderr == "hub address 'nowhere': expected ipc:///PATH or tcp://HOST:PORT\n"
