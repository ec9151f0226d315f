"""Which microphone is meant, what is said when none is there, and a real one without hardware."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from capture.hearing import Hearing, Said
from capture.microphone import listen
from capture.microphone_device import Block
from capture.microphones import MicrophoneDevice, choose
from capture.resample import SAMPLE_RATE
from capture.voice_activity import Ended, VoiceActivity
from config.settings import VoiceActivitySettings
from messaging.errors import UserError
from messaging.schema import Stamp
from tests.capture.talk import at, talk

ROOT = Path(__file__).parents[2]
DEVICES = (
    MicrophoneDevice(0, "HDA Intel: Analog (hw:0,0)", 2, 44_100),
    MicrophoneDevice(3, "USB Headset", 1, 48_000, is_default=True),
    MicrophoneDevice(7, "USB", 1, 48_000),
)


@pytest.mark.parametrize(
    ("wanted", "number"),
    [("auto", 3), ("0", 0), ("7", 7), ("headset", 3), ("Analog", 0), ("USB", 7), ("usb", 3)],
)
def test_a_microphone_is_found_by_number_name_or_a_part_of_it(wanted: str, number: int) -> None:
    assert choose(wanted, DEVICES).number == number


def test_auto_takes_the_first_where_none_is_the_default() -> None:
    assert choose("auto", (DEVICES[0], DEVICES[2])).number == 0


@pytest.mark.parametrize("wanted", ["5", "Webcam"])
def test_an_unknown_microphone_is_named_with_those_that_are_there(wanted: str) -> None:
    with pytest.raises(UserError) as caught:
        choose(wanted, DEVICES)
    assert str(caught.value) == (
        f'no microphone {wanted}; found 0 "HDA Intel: Analog (hw:0,0)", 3 "USB Headset", 7 "USB"; '
        "connect it, or choose another by microphone.device (see: emofuse devices)"
    )


def test_no_microphone_at_all_is_said_in_one_line() -> None:
    with pytest.raises(UserError, match="no microphone; found none; connect it"):
        choose("auto", ())
    with pytest.raises(UserError, match=r"microphone.device is none"):
        choose("none", DEVICES)


MISSING = """
import ctypes.util
ctypes.util.find_library = lambda name: None
from capture.microphones import has_microphone, list_microphones
from messaging.errors import UserError
for look in (has_microphone, list_microphones):
    try:
        look()
    except UserError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere PortAudio comes with sounddevice")
def test_a_missing_portaudio_is_named_with_the_install_line() -> None:
    said = subprocess.run(
        [sys.executable, "-c", MISSING], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = said.stdout.splitlines()
    assert len(lines) == 2
    assert all(line.endswith("on Debian: apt-get install libportaudio2") for line in lines)
    assert said.stderr == ""


def stamp(ns: int) -> Stamp:
    return Stamp(ns, "this host")


@dataclass
class Device:
    """A device that delivers a script: a block every 20 ms, or nothing for 100 ms. Its clock goes
    on as it is read.
    """

    script: str
    """``.``: a block comes; ``_``: none comes."""
    opens: Callable[[int], bool] = lambda _: True
    name: str = "a device"
    rate: float = 16_000.0
    channels: int = 1
    opened_ns: int = 1_000_000_000
    now_ns: int = 1_000_000_000
    tries: int = 0
    at: int = 0
    worked: list[int] = field(default_factory=list[int])

    def read(self, timeout_s: float) -> Block | None:
        letter = self.script[self.at]
        self.at += 1
        self.now_ns += 20_000_000 if letter == "." else round(timeout_s * 1e9)
        if letter == "_":
            return None
        return Block(np.zeros(320, np.int16), self.now_ns, 0.02, 0.02, overflow=False)

    def reopen(self) -> bool:
        self.tries += 1
        return self.opens(self.tries)

    def works(self) -> None:
        self.worked.append(self.tries)

    def listen(self) -> list[Said]:
        hearing = Hearing("mic", VoiceActivitySettings(), stamp)
        return list(
            listen(self, hearing, 0.5, lambda: self.at < len(self.script), lambda: self.now_ns)
        )


def marks(said: list[Said]) -> list[tuple[str, str]]:
    return [
        (one.message.event, one.message.text)
        for one in said
        if one.topic.name == "speech" and one.message.event in ("opened", "gap", "closed")
    ]


def test_a_working_microphone_opens_and_closes() -> None:
    device = Device("." * 100)
    said = device.listen()
    assert [event for event, _ in marks(said)] == ["opened", "closed"]
    assert sum(one.message.event == "sound" for one in said) == 63
    assert device.tries == 0


def test_a_short_silence_of_the_device_is_no_loss() -> None:
    device = Device("." * 20 + "____" + "." * 20)
    assert [event for event, _ in marks(device.listen())] == ["opened", "closed"]
    assert device.tries == 0


def test_a_lost_microphone_is_opened_again_and_each_second_without_sound_is_a_gap() -> None:
    device = Device("." * 50 + "_" * 36 + "." * 50)
    assert marks(device.listen()) == [
        ("opened", ""),
        *[("gap", "microphone a device gives no sound")] * 4,
        ("closed", ""),
    ]
    assert device.tries == 4
    assert device.worked == [4]


PULSE = ("pulseaudio", "pactl", "paplay", "parec")
needs_pulse = pytest.mark.skipif(
    not all(map(shutil.which, PULSE)) or not list(Path("/usr/lib").glob("*/alsa-lib/*pcm_pulse*")),
    reason="PulseAudio is not installed (apt-get install pulseaudio pulseaudio-utils "
    "libasound2-plugins)",
)


class SoundServer:
    """PulseAudio with a sink that nobody hears; what plays there is what the microphone hears."""

    def __init__(self, folder: Path, rate: int, channels: int) -> None:
        self._sink = f"module-null-sink sink_name=mic rate={rate} channels={channels}"
        config = folder / "alsa.conf"
        config.write_text("</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\n")
        folder.chmod(0o700)
        self.environment = os.environ | {
            "XDG_RUNTIME_DIR": str(folder),
            "HOME": str(folder),
            "ALSA_CONFIG_PATH": str(config),
        }
        self.start()

    def start(self) -> None:
        modules = ["module-native-protocol-unix auth-anonymous=1", self._sink]
        loads = [argument for module in modules for argument in ("-L", module)]
        self._server = self.popen(
            *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
            *loads,
        )
        for _ in range(100):
            if self.popen("pactl", "set-default-source", "mic.monitor").wait() == 0:
                return
            time.sleep(0.1)
        raise RuntimeError("PulseAudio does not start")

    def kill(self) -> None:
        self._server.kill()
        self._server.wait()

    def popen(self, *command: str, stdout: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=ROOT,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture
def sound_server(request: pytest.FixtureRequest) -> Iterator[SoundServer]:
    rate, channels = getattr(request, "param", (16_000, 1))
    # Not tmp_path: the name of a socket is limited to 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pulse") as folder:
        server = SoundServer(Path(folder), rate, channels)
        yield server
        server.kill()


LISTENER = """
import json, os, sys, time
from capture.hearing import Hearing
from capture.microphone import listen
from capture.microphone_device import Microphone
from config.settings import VoiceActivitySettings
from messaging.schema import Stamp

with Microphone("auto") as microphone:
    hearing = Hearing("mic", VoiceActivitySettings(), lambda ns: Stamp(ns, "this host"))
    for said in listen(microphone, hearing, 0.5, lambda: True):
        message = said.message
        if said.topic.name == "speech" or message.event != "sound" or not message.first_sample:
            print(json.dumps([said.topic.name, message.event, message.stamp.captured_ns]),
                  flush=True)
"""


class Listener:
    """The microphone in a process of its own, since PortAudio reads its environment once."""

    def __init__(self, server: SoundServer) -> None:
        self._process = server.popen(sys.executable, "-c", LISTENER, stdout=subprocess.PIPE)
        self.said: list[tuple[str, str, int]] = []
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                topic, event, captured_ns = json.loads(line)
                self.said.append((topic, event, captured_ns))

    def times(self, topic: str, event: str) -> list[float]:
        return [ns / 1e9 for *what, ns in list(self.said) if what == [topic, event]]

    def wait_for(self, topic: str, event: str, count: int = 1, timeout_s: float = 20.0) -> None:
        end = time.monotonic() + timeout_s
        while len(self.times(topic, event)) < count:
            assert time.monotonic() < end, f"no {event} on {topic}: {self.said}"
            time.sleep(0.05)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()


@pytest.fixture
def listener(sound_server: SoundServer) -> Iterator[Listener]:
    listener = Listener(sound_server)
    yield listener
    listener.end()


def play(server: SoundServer, file: Path) -> float:
    """Play ``talk()``'s beginning; returns when it began, on this host's monotonic clock, as
    another recorder has it: its earliest arrivals, less the 5 ms that it asked for.
    """
    command = ("parec", "-d", "mic.monitor", "--raw", "--rate=16000", "--channels=1")
    recorder = server.popen(*command, "--latency-msec=5", stdout=subprocess.PIPE)
    heard: list[tuple[float, bytes]] = []

    def record() -> None:
        assert recorder.stdout is not None
        with recorder.stdout as pipe:
            while piece := os.read(pipe.fileno(), 65536):
                heard.append((time.monotonic(), piece))

    thread = Thread(target=record)
    thread.start()
    time.sleep(0.5)
    assert server.popen("paplay", "-d", "mic", str(file)).wait() == 0
    time.sleep(0.7)
    recorder.kill()
    recorder.wait()
    thread.join()
    sound = np.frombuffer(b"".join(piece for _, piece in heard), np.int16).astype(np.float64)
    ends = np.cumsum([len(piece) // 2 for _, piece in heard]) / SAMPLE_RATE
    arrivals = np.array([moment for moment, _ in heard])
    played = int(np.flatnonzero(np.abs(sound) > 100)[0]) - loud_from()
    near = np.abs(ends - played / SAMPLE_RATE) < 1.0
    return float(np.min((arrivals - ends)[near])) + played / SAMPLE_RATE - 0.005


def loud_from() -> int:
    return int(np.flatnonzero(np.abs(talk()) > 100)[0])


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    file = tmp_path / "talk.wav"
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        out.writeframes(talk()[: at(3)].tobytes())
    return file


def expected() -> Ended:
    activity = VoiceActivity(VoiceActivitySettings())
    frames = [*activity.feed(talk()[: at(3)]), *activity.feed(np.zeros(at(1), np.int16))]
    (ended,) = [event for frame in frames for event in frame.events if isinstance(event, Ended)]
    return ended


@needs_pulse
@pytest.mark.parametrize("sound_server", [(48_000, 2)], indirect=True)
def test_speech_through_portaudio_is_stamped_within_60_ms(
    sound_server: SoundServer, listener: Listener, spoken: Path
) -> None:
    listener.wait_for("audio", "sound")
    began = play(sound_server, spoken)
    listener.wait_for("speech", "ended")
    (onset,), (offset,) = listener.times("speech", "started"), listener.times("speech", "ended")
    assert abs(onset - (began + expected().onset / SAMPLE_RATE)) < 0.06
    assert abs(offset - (began + expected().offset / SAMPLE_RATE)) < 0.06


@needs_pulse
def test_a_sound_server_that_dies_and_comes_back_is_survived(
    sound_server: SoundServer, listener: Listener, spoken: Path
) -> None:
    listener.wait_for("audio", "sound")
    gaps = len(listener.times("speech", "gap"))
    sound_server.kill()
    listener.wait_for("speech", "gap", gaps + 1)
    sound_server.start()
    marks = len(listener.times("speech", "analysed_until"))
    listener.wait_for("speech", "analysed_until", marks + 1)
    began = play(sound_server, spoken)
    listener.wait_for("speech", "ended")
    (onset,) = listener.times("speech", "started")
    assert abs(onset - (began + expected().onset / SAMPLE_RATE)) < 0.06
