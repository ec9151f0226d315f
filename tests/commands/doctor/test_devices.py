"""Camera and microphone: made-up measurements are judged, and real streams and sounds measured."""

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from capture import camera_device, cameras
from capture.resample import SAMPLE_RATE
from commands.doctor import camera, microphone
from commands.doctor.camera import Pictures
from commands.doctor.microphone import Sound, measure
from config.settings import CameraSettings
from tests.capture.sound_server import ROOT, SoundServer, needs_pulse, save
from tests.capture.streaming import StreamingCamera
from tests.capture.test_camera import BrokenCapture

MS = 1_000_000


def seen(rate_hz: float, brightness: float = 120.0) -> Pictures:
    arrived = tuple(round(index * 1e9 / rate_hz) for index in range(50))
    return Pictures("camera 0", 30.0, arrived, 640, 480, brightness)


@pytest.mark.parametrize(
    ("pictures", "level", "text"),
    [
        (seen(30), "fine", "640x480 at 30.0/s"),
        (seen(25), "fine", "25.0/s"),
        (seen(60), "fine", "60.0/s"),
        (seen(15), "warning", "at 15.0/s instead of 30/s"),
        (seen(15, brightness=40), "warning", "in the dark it exposes longer"),
        (seen(30, brightness=40), "fine", "30.0/s"),
        (seen(30, brightness=2), "warning", "all black"),
        (Pictures("camera 0", 30.0), "failure", "gives no pictures"),
        (Pictures("camera 0", 30.0, (5,), 640, 480, 99.0), "failure", "gives no pictures"),
    ],
)
def test_pictures_are_judged_by_rate_and_light(pictures: Pictures, level: str, text: str) -> None:
    finding = camera.judge(pictures)
    assert finding.level == level
    assert text in finding.text
    assert bool(finding.way_out) == (level != "fine")


@pytest.fixture
def short_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "LOOK_NS", 1000 * MS)


@pytest.mark.usefixtures("short_look")
def test_the_true_rate_of_a_stream_is_measured() -> None:
    with StreamingCamera((320, 240)) as street:
        finding = camera.examine(CameraSettings(device=street.url, fps=1))
    assert finding.level == "fine", finding
    assert f"{street.url} gives 320x240 at " in finding.text
    rate_hz = float(finding.text.rpartition("at ")[2].removesuffix("/s"))
    assert rate_hz > 1


@pytest.mark.usefixtures("short_look")
def test_a_stream_that_is_slower_than_was_asked_is_told() -> None:
    with StreamingCamera((320, 240)) as street:
        finding = camera.examine(CameraSettings(device=street.url, fps=500))
    assert finding.level == "warning"
    assert "/s instead of 500/s" in finding.text


def test_unreadable_pictures_of_a_camera_are_no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(_settings: CameraSettings) -> BrokenCapture:
        return BrokenCapture()

    monkeypatch.setattr(camera_device, "open_capture", opened)
    finding = camera.examine(CameraSettings(device="0"))
    assert (finding.level, "gives no pictures" in finding.text) == ("failure", True)


def test_cameras_that_cannot_be_opened_are_told_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "talk.mp4"
    file.write_bytes(b"no picture")
    for device, text, way_out in (
        ("http://127.0.0.1:9/", "no camera answers", "check the address"),
        (str(file), "is a file, no camera", "play it as media.file"),
        ("/dev/video77", "no camera /dev/video77", "connect it, or choose another"),
    ):
        finding = camera.examine(CameraSettings(device=device))
        assert finding.level == "failure"
        assert text in finding.text
        assert way_out in finding.way_out


def test_without_a_camera_the_demo_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cameras, "list_cameras", tuple)
    assert camera.examine(CameraSettings()).level == "warning"
    assert camera.examine(CameraSettings(device="none")).level == "fine"


HEARD = Sound("USB", 48_000, 1, seconds=2.0, peak=0.3, level_dbfs=-30.0)


@pytest.mark.parametrize(
    ("sound", "level", "text"),
    [
        (HEARD, "fine", "USB at 48000 Hz, level -30 dBFS, peak 0.30"),
        (replace(HEARD, seconds=0.1), "failure", "gives no sound"),
        (replace(HEARD, peak=0.0, level_dbfs=-120.0), "failure", "every sample is 0"),
        (replace(HEARD, peak=0.001, level_dbfs=-75.0), "warning", "hardly anything is heard"),
        (replace(HEARD, peak=1.0, level_dbfs=-3.0, clipped=0.2), "warning", "20.0% of it is clipp"),
        (replace(HEARD, peak=1.0, clipped=0.0005), "fine", "peak 1.00"),
        (replace(HEARD, overflows=3), "warning", "sound was lost 3 times"),
    ],
)
def test_sound_is_judged_by_level_and_clipping(sound: Sound, level: str, text: str) -> None:
    finding = microphone.judge(sound)
    assert finding.level == level
    assert text in finding.text
    assert bool(finding.way_out) == (level != "fine")


def test_level_peak_and_clipping_are_measured_over_all_channels() -> None:
    stereo = np.array([0, 16384, -16384, 0] * 1000, np.int16)
    heard = measure("desk", 1000.0, 2, stereo)
    assert (heard.seconds, heard.peak, heard.clipped) == (2.0, 0.5, 0.0)
    assert heard.level_dbfs == pytest.approx(-9.03, abs=0.01)
    full = measure("desk", 1000.0, 1, np.array([-32768, 32767, 0, 5], np.int16))
    assert (full.peak, full.clipped) == (1.0, 0.5)
    assert measure("desk", 1000.0, 1, np.empty(0, np.int16)).seconds == 0


EXAMINE = """
import json
from dataclasses import asdict
from commands.doctor.microphone import examine
print(json.dumps([asdict(finding) for finding in examine("auto")]))
"""


@needs_pulse
def test_silence_a_tone_and_clipping_are_told_apart() -> None:
    time_s = np.arange(20 * SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 440 * time_s)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        others = {"tone": (SAMPLE_RATE, 1), "loud": (SAMPLE_RATE, 1)}
        server = SoundServer(folder, SAMPLE_RATE, 1, others)
        players: list[subprocess.Popen[bytes]] = []
        try:
            for sink, loudness in (("tone", 3000), ("loud", 90_000)):
                sound = np.clip(loudness * tone, -32768, 32767).astype(np.int16)
                file = save(folder / f"{sink}.wav", sound)
                players.append(server.popen("paplay", "-d", sink, str(file)))
            examined = {
                sink: server.popen(
                    *(sys.executable, "-c", EXAMINE), stdout=subprocess.PIPE, sink=sink
                )
                for sink in ("mic", "tone", "loud")
            }
            findings = {sink: json.loads(run.communicate()[0]) for sink, run in examined.items()}
        finally:
            for player in players:
                player.kill()
                player.wait()
            server.kill()
    told = {sink: (found[-1]["level"], found[-1]["text"]) for sink, found in findings.items()}
    assert all(found[0]["name"] == "portaudio" for found in findings.values())
    assert told["mic"][0] == "failure"
    assert "every sample is 0" in told["mic"][1]
    assert told["tone"][0] == "fine"
    assert "level -2" in told["tone"][1]
    assert told["loud"][0] == "warning"
    assert "is clipped" in told["loud"][1]


MISSING = """
import ctypes.util
ctypes.util.find_library = lambda name: None
from commands.doctor.microphone import examine
for device in ("auto", "USB"):
    (finding,) = examine(device)
    print(finding.name, finding.level, finding.text, "->", finding.way_out)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere PortAudio comes with sounddevice")
def test_a_missing_portaudio_is_a_failure_only_where_a_microphone_is_asked_for() -> None:
    told = subprocess.run(
        [sys.executable, "-c", MISSING], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [line.split()[:2] for line in told] == [
        ["portaudio", "warning"],
        ["portaudio", "failure"],
    ]
    assert all(line.endswith("-> on Debian: apt-get install libportaudio2") for line in told)


def test_no_microphone_is_wanted() -> None:
    (finding,) = microphone.examine("none")
    assert finding.level == "fine"
