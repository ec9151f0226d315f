"""Where the times of a file begin anew, as where films were put end to end byte by byte. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

from av.packet import Packet

JUMP_S = 1.0
"""Times that fall back by more begin anew, or are damaged; by less, they are out of order."""


@dataclass(slots=True)
class _Stream:
    last_s: float | None = None
    part: int = 0
    """How often its times have begun anew."""
    held: "Packet[Any] | None" = None
    """One whose time jumped, forward or back: the next one shows whether it is damaged."""


class Seams:
    """Lets the packets of a file's streams go on where the part before has ended.

    All streams of a part are moved by the same amount, so picture and sound keep their relation,
    whichever comes first: whole milliseconds, which containers can tell. A single time that is far
    off is taken away.
    """

    def __init__(self, streams: Collection[int]) -> None:
        self._streams = {index: _Stream() for index in streams}
        self._shifts_ms = [0]
        """By part."""
        self._end_s = 0.0
        """That any stream has reached."""
        self.damaged = dict.fromkeys(streams, 0)
        """Times that were taken away, by stream."""

    @property
    def count(self) -> int:
        return len(self._shifts_ms) - 1

    def passed(self, packet: "Packet[Any]") -> "Iterator[Packet[Any]]":
        """The packets that are to be decoded now; those of each stream stay in order."""
        index = packet.stream.index
        stream = self._streams.get(index)
        if stream is None:
            yield packet
            return
        held, stream.held = stream.held, None
        jump_s = self._jump_s(stream, packet)
        if held is None and abs(jump_s) > JUMP_S:
            stream.held = packet
            return
        if held is not None and abs(jump_s) > JUMP_S:
            if self._jump_s(stream, held) < 0:
                self._begin_anew(stream, held)
        elif held is not None and _time_s(packet) is not None:
            held.pts = held.dts = None
            self.damaged[index] += 1
        for each in (held, packet):
            if each is not None:
                self._move(stream, each)
                yield each

    def _jump_s(self, stream: _Stream, packet: "Packet[Any]") -> float:
        at_s = _time_s(packet)
        if at_s is None or stream.last_s is None:
            return 0.0
        return at_s + self._shifts_ms[stream.part] / 1000 - stream.last_s

    def _begin_anew(self, stream: _Stream, first: "Packet[Any]") -> None:
        """The first stream of a part says by how much the others are moved, too."""
        stream.part += 1
        if stream.part == len(self._shifts_ms):
            self._shifts_ms.append(ceil((self._end_s - (_shown_s(first) or 0.0)) * 1000))

    def _move(self, stream: _Stream, packet: "Packet[Any]") -> None:
        shift_ms = self._shifts_ms[stream.part]
        if shift_ms and _time_s(packet) is not None:
            ticks = round(shift_ms / 1000 / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
        at_s, shown_s = _time_s(packet), _shown_s(packet)
        if at_s is not None and shown_s is not None:
            stream.last_s = at_s
            length_s = (packet.duration or 0) * float(packet.time_base)
            self._end_s = max(self._end_s, shown_s + length_s)


def _time_s(packet: "Packet[Any]") -> float | None:
    """In the order of decoding, in which times increase; ``None`` where it has none."""
    return _seconds(packet, packet.pts if packet.dts is None else packet.dts)


def _shown_s(packet: "Packet[Any]") -> float | None:
    return _seconds(packet, packet.dts if packet.pts is None else packet.pts)


def _seconds(packet: "Packet[Any]", ticks: int | None) -> float | None:
    return None if ticks is None else ticks * float(packet.time_base)
