"""The device behind a microphone: opened, read block by block, and opened again after a loss."""

import queue
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from capture.microphones import MicrophoneDevice, choose, found
from capture.portaudio import BlockStatus, BlockTimes, InputStream, PortAudio
from capture.resample import SAMPLE_RATE
from messaging.clock import monotonic_ns
from messaging.errors import UserError

BACK_OFF_S = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
"""Pauses before the tries to open a lost microphone; the last one repeats."""
SLOW_START_NS = 3_000_000_000
"""A device that was just opened may be silent for so long: sound servers and headsets wake up."""
QUEUE_BLOCKS = 2_000
"""About 20 s; what a reader that is farther behind misses counts as overflow."""


@dataclass(frozen=True, slots=True)
class Block:
    samples: NDArray[np.int16]
    """``(n * channels,)``, interleaved."""
    arrived_ns: int
    """This host's monotonic clock when PortAudio handed it over."""
    latency_s: float
    """How old its first sample was then, as the driver says."""
    reported_s: float
    """The latency of the stream, as PortAudio says."""
    overflow: bool
    """Some sound before this block is lost."""


class Microphone:
    """``device`` is ``auto``, a number, or a part of the device's name.

    Raises:
        UserError: on entering, when it cannot be opened.
    """

    def __init__(self, device: str) -> None:
        self._wanted = device
        self._audio = PortAudio()
        self._stream: InputStream | None = None
        self._blocks: queue.SimpleQueue[Block] = queue.SimpleQueue()
        self._overflow = False
        self._pauses = chain(BACK_OFF_S, repeat(BACK_OFF_S[-1]))
        self._next_try_ns = 0
        self.opened_ns = 0
        """An instant before the first sample."""
        self.name = device
        self.rate = float(SAMPLE_RATE)
        self.channels = 1

    def __enter__(self) -> Self:
        device = choose(self._wanted, found(self._audio))
        try:
            self._open(device)
        except self._audio.Error as error:
            raise UserError(
                f"microphone {device} cannot be opened: {error}; close other programs that use it, "
                "or choose another by microphone.device (see: emofuse devices)"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def read(self, timeout_s: float) -> Block | None:
        """The next block; ``None`` when there was none for so long."""
        try:
            return self._blocks.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def reopen(self) -> bool:
        """Open a lost microphone again, if the next try is due."""
        opening = self._stream is not None and self._stream.active
        if monotonic_ns() < self._next_try_ns or (
            opening and monotonic_ns() - self.opened_ns < SLOW_START_NS
        ):
            return False
        self._close()
        self._next_try_ns = monotonic_ns() + round(next(self._pauses) * 1e9)
        try:
            self._audio.rescan()
            self._open(choose(self._wanted, found(self._audio)))
        except (UserError, self._audio.Error):
            return False
        return True

    def works(self) -> None:
        """Sound comes: the next loss is a new one."""
        self._pauses = chain(BACK_OFF_S, repeat(BACK_OFF_S[-1]))
        self._next_try_ns = 0

    def _open(self, device: MicrophoneDevice) -> None:
        self.name = device.name
        self.rate, self.channels = self._format(device)
        stream = self._audio.open(device.number, self.rate, self.channels, self._arrived)
        self._stream = stream
        self.opened_ns = monotonic_ns()
        stream.start()

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = None
        self._blocks = queue.SimpleQueue()

    def _format(self, device: MicrophoneDevice) -> tuple[float, int]:
        """Rate and channels: 16 kHz mono where the device can, else its own."""
        for channels in dict.fromkeys((1, min(2, device.channels), device.channels)):
            for rate in (float(SAMPLE_RATE), device.rate):
                if self._audio.takes(device.number, rate, channels):
                    return rate, channels
        return device.rate, device.channels

    def _arrived(self, buffer: Any, _count: int, times: BlockTimes, status: BlockStatus) -> None:
        """In PortAudio's thread: takes what there is, and never waits."""
        arrived_ns = monotonic_ns()
        overflow = status.input_overflow or self._overflow
        self._overflow = self._blocks.qsize() >= QUEUE_BLOCKS
        if self._overflow or self._stream is None:
            return
        samples = np.frombuffer(bytes(buffer), np.int16)
        latency_s = times.currentTime - times.inputBufferAdcTime
        block = Block(samples, arrived_ns, latency_s, self._stream.latency, overflow)
        self._blocks.put(block)
