"""Which microphones there are, and which one is meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from capture.portaudio import PortAudio
from messaging.errors import UserError


@dataclass(frozen=True, slots=True)
class MicrophoneDevice:
    number: int
    name: str
    channels: int
    rate: float
    """Its own, in Hz."""
    is_default: bool = False

    def __str__(self) -> str:
        return f'{self.number} "{self.name}"'


def found(audio: PortAudio) -> tuple[MicrophoneDevice, ...]:
    default = audio.default_input()
    return tuple(
        MicrophoneDevice(
            device["index"],
            device["name"],
            device["max_input_channels"],
            device["default_samplerate"],
            device["index"] == default,
        )
        for device in audio.inputs()
    )


def list_microphones() -> tuple[MicrophoneDevice, ...]:
    """By number.

    Raises:
        UserError: when PortAudio is missing.
    """
    return found(PortAudio())


def has_microphone() -> bool:
    """About 0.1 s.

    Raises:
        UserError: when PortAudio is missing.
    """
    return bool(list_microphones())


def choose(wanted: str, devices: Sequence[MicrophoneDevice]) -> MicrophoneDevice:
    """``auto``, a number, a name or a part of one, in any case.

    Raises:
        UserError: when no device is like that.
    """
    if not wanted:
        raise UserError("microphone.device is empty; name a microphone (see: emofuse devices)")
    if wanted == "none":
        raise UserError("microphone.device is none; choose a microphone (see: emofuse devices)")
    if wanted == "auto":
        fitting = [device for device in devices if device.is_default] or list(devices)
    elif wanted.isdecimal():
        fitting = [device for device in devices if device.number == int(wanted)]
    else:
        exact = [device for device in devices if device.name == wanted]
        part = wanted.casefold()
        fitting = exact or [device for device in devices if part in device.name.casefold()]
    if fitting:
        return fitting[0]
    others = ", ".join(map(str, devices)) or "none"
    asked = "no microphone" if wanted == "auto" else f"no microphone {wanted}"
    raise UserError(
        f"{asked}; found {others}; connect it, or choose another by microphone.device "
        "(see: emofuse devices)"
    )
