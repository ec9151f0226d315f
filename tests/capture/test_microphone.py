"""Which microphone is meant, and what is said when none is there or it is lost."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from capture.hearing import Hearing, Said
from capture.microphone import listen
from capture.microphone_device import Block
from capture.microphones import MicrophoneDevice, choose
from config.settings import VoiceActivitySettings
from messaging.errors import UserError
from messaging.schema import Stamp

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
    with pytest.raises(UserError, match=r"microphone.device is empty; name a microphone"):
        choose("", DEVICES)


ENDED = """
import sounddevice
from capture.portaudio import PortAudio, quiet
audio = PortAudio()
with quiet():
    sounddevice._terminate()
audio.rescan()
print(isinstance(audio.inputs(), list))
"""
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


def test_a_sound_system_that_could_not_be_started_is_started_by_the_next_look() -> None:
    said = subprocess.run(
        [sys.executable, "-c", ENDED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (said.stdout, said.stderr) == ("True\n", "")


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
