"""Microphones without hardware: PulseAudio, whose null sinks are heard through PortAudio."""

import json
import os
import shutil
import subprocess
import sys
import time
import wave
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Self

import numpy as np
import pytest

from capture.resample import SAMPLE_RATE, Sound

ROOT = Path(__file__).parents[2]
PULSE = ("pulseaudio", "pactl", "paplay", "parec")
needs_pulse = pytest.mark.skipif(
    not all(map(shutil.which, PULSE)) or not list(Path("/usr/lib").glob("*/alsa-lib/*pcm_pulse*")),
    reason="PulseAudio is not installed (apt-get install pulseaudio pulseaudio-utils "
    "libasound2-plugins)",
)


class SoundServer:
    """PulseAudio with sinks that nobody hears; what plays there is what a microphone hears."""

    def __init__(
        self,
        folder: Path,
        rate: int = 16_000,
        channels: int = 1,
        others: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        """The sink of the default microphone is ``mic``; ``others``: rate and channels."""
        self._sinks = {"mic": (rate, channels), **(others or {})}
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
        modules = ["module-native-protocol-unix auth-anonymous=1"]
        for name, (rate, channels) in self._sinks.items():
            modules.append(f"module-null-sink sink_name={name} rate={rate} channels={channels}")
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

    def popen(
        self, *command: str, stdout: int = subprocess.DEVNULL, sink: str = "mic"
    ) -> "subprocess.Popen[bytes]":
        """Run a program whose default microphone hears ``sink``."""
        return subprocess.Popen(
            command,
            env=self.environment | {"PULSE_SOURCE": f"{sink}.monitor"},
            cwd=ROOT,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
        )


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

    def __init__(self, server: SoundServer, sink: str = "mic") -> None:
        command = (sys.executable, "-c", LISTENER)
        self._process = server.popen(*command, stdout=subprocess.PIPE, sink=sink)
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

    def wait_for(self, topic: str, event: str, count: int = 1, timeout_s: float = 60.0) -> None:
        end = time.monotonic() + timeout_s
        while len(self.times(topic, event)) < count:
            assert time.monotonic() < end, f"no {event} on {topic}: {self.said}"
            time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()


def play(server: SoundServer, file: Path, sink: str = "mic") -> float:
    """Play a file; returns when it began, on this host's monotonic clock, as another recorder has
    it: its earliest arrivals, less the 5 ms that it asked for.
    """
    command = ("parec", "-d", f"{sink}.monitor", "--raw", "--rate=16000", "--channels=1")
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
    assert server.popen("paplay", "-d", sink, str(file)).wait() == 0
    time.sleep(0.7)
    recorder.kill()
    recorder.wait()
    thread.join()
    sound = np.frombuffer(b"".join(piece for _, piece in heard), np.int16).astype(np.float64)
    ends = np.cumsum([len(piece) // 2 for _, piece in heard]) / SAMPLE_RATE
    arrivals = np.array([moment for moment, _ in heard])
    played = int(np.flatnonzero(np.abs(sound) > 100)[0]) - loud_from(read(file))
    near = np.abs(ends - played / SAMPLE_RATE) < 1.0
    return float(np.min((arrivals - ends)[near])) + played / SAMPLE_RATE - 0.005


def loud_from(sound: Sound) -> int:
    return int(np.flatnonzero(np.abs(sound.astype(int)) > 100)[0])


def read(file: Path) -> Sound:
    with wave.open(str(file), "rb") as wav:
        return np.frombuffer(wav.readframes(wav.getnframes()), np.int16)


def save(file: Path, sound: Sound) -> Path:
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        out.writeframes(sound.tobytes())
    return file
