"""PortAudio through ``sounddevice``, with types, and quiet: it writes to the terminal by itself."""

import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any, Protocol, TypedDict, cast

from messaging.errors import UserError


class DeviceInfo(TypedDict):
    index: int
    name: str
    max_input_channels: int
    default_samplerate: float


class BlockTimes(Protocol):
    """Seconds on a clock of PortAudio's own; only differences mean something."""

    @property
    def currentTime(self) -> float: ...  # noqa: N802
    @property
    def inputBufferAdcTime(self) -> float: ...  # noqa: N802


class BlockStatus(Protocol):
    @property
    def input_overflow(self) -> bool: ...


Callback = Callable[[Any, int, BlockTimes, BlockStatus], None]
"""Buffer, samples per channel, times, status. Runs in PortAudio's own thread."""


class InputStream(Protocol):
    @property
    def active(self) -> bool: ...
    @property
    def latency(self) -> float: ...
    def start(self) -> None: ...
    def close(self) -> None: ...


@contextmanager
def quiet() -> Generator[None]:
    """ALSA and PortAudio tell every device that they try to standard error, past Python."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


class PortAudio:
    """Raises:
    UserError: when the library is missing.
    """

    def __init__(self) -> None:
        try:
            with quiet():
                import sounddevice
        except OSError as error:
            raise UserError(
                f"no microphone can be used: {error}; on Debian: apt-get install libportaudio2"
            ) from error
        self._module: ModuleType = sounddevice
        self.Error: type[Exception] = self._module.PortAudioError

    def inputs(self) -> list[DeviceInfo]:
        """The devices that hear something, as they were at the last ``rescan``."""
        query = cast("Callable[[], Sequence[DeviceInfo]]", self._module.query_devices)
        return [device for device in query() if device["max_input_channels"] > 0]

    def default_input(self) -> int:
        """Index; -1 where there is none."""
        return int(self._module.default.device[0])

    def takes(self, device: int, rate: float, channels: int) -> bool:
        with quiet():
            try:
                self._module.check_input_settings(device, channels, "int16", samplerate=rate)
            except self.Error:
                return False
        return True

    def open(self, device: int, rate: float, channels: int, callback: Callback) -> InputStream:
        """A stream of interleaved 16-bit integers, to be started.

        Raises:
            Error: when the device is not there or busy.
        """
        with quiet():
            stream = self._module.RawInputStream(
                device=device, samplerate=rate, channels=channels, dtype="int16", callback=callback
            )
        return cast("InputStream", stream)

    def rescan(self) -> None:
        """Look for devices anew; all streams must be closed. PortAudio finds what is plugged in
        later only when it is started again (spatialaudio/python-sounddevice issue 125).

        Raises:
            Error: there is no sound system now.
        """
        with quiet():
            with suppress(self.Error):  # where the last try got no further than to end it
                vars(self._module)["_terminate"]()
            vars(self._module)["_initialize"]()
