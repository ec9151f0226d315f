"""A media file's pictures and its sound, each with its own time in the file.

Pure: a file in, pictures and samples out. File time 0 is the earliest start of the two streams, as
players have it, so picture and sound keep their true relation whichever begins first. Each stream
is read through a container of its own: neither waits for the other, so memory stays small however
the file is interleaved.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heappop, heappush
from pathlib import Path
from typing import Any, Protocol, cast

from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from capture.containers import (
    check_size,
    decodable,
    open_container,
    playable,
    rate_of,
    start_of,
    stretch_of,
    stretched,
)
from capture.decoded import samples_of, upright
from capture.media_path import printable
from capture.pictures import Pixels, fits
from capture.reader import Reader, open_reader
from capture.resample import Sound
from capture.sound_line import SoundLine
from messaging.errors import UserError

SECOND = 1_000_000_000
UNKNOWN_INTERVAL_NS = 40_000_000
"""Stands in for the distance of two pictures where the file tells neither times nor a rate."""

SHORT_NS = 500_000_000
"""A file that ends by so much earlier than it says is not whole."""
WAY_OUT = "where times begin anew, join the parts with ffmpeg's concat"
LEAP_NS = 60 * SECOND
UNSTATED_LEAP_NS = 3600 * SECOND
"""Where the file does not say how long it is; recordings of a screen stand still for long."""


HELD_BACK = 16
"""So many pictures at most does a decoder hold back, to put them in order."""

Decoded = VideoFrame | AudioFrame


class Decoder(Protocol):
    def decode(self, packet: "Packet[Any] | None" = None) -> Sequence[Decoded]: ...


def _every(_at_ns: int) -> bool:
    return True


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Picture:
    index: int
    """Its number in the file, from 0."""
    at_ns: int
    """File time."""
    pixels: Pixels
    """As it is meant to be shown: the right way up, its pixels square."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A picture that the file has, and that cannot be shown."""

    index: int
    at_ns: int
    """File time; just after the picture before where its own is not after that, or unknown."""


@dataclass(slots=True)
class Damage:
    """What could not be played as it should be, counted while the file is read."""

    unknown: tuple[str, ...] = ()
    """What there is, but no decoder for it."""
    broke_off: str = ""
    packets: int = 0
    pictures: int = 0
    too_large: int = 0
    backward: int = 0
    backward_ns: int = 0
    """File time at which the first picture was left out since times do not increase."""
    leaps: int = 0
    missing_ns: int = 0
    doubled_ns: int = 0
    doubled_from_ns: int = 0
    """The same of sound."""
    off_ns: int = 0
    """By how much at most sound so far is played off its own times."""
    end_ns: int = 0
    """File time that was reached."""
    stated_ns: int = 0
    """How long the file says it is; 0 where it does not say."""

    def sentences(self) -> Iterator[str]:
        """One for each kind of damage there is."""
        for kind in self.unknown:
            yield f"its {kind} cannot be decoded and will not be played"
        if self.broke_off:
            yield f"it breaks off: {self.broke_off}"
        if self.stated_ns - self.end_ns > SHORT_NS:
            yield (
                f"it ends at {self.end_ns / SECOND:.3f} s, but says that it lasts "
                f"{self.stated_ns / SECOND:.3f} s"
            )
        if self.packets:
            yield f"{self.packets} packets are damaged"
        if self.pictures:
            yield f"{self.pictures} pictures are damaged"
        if self.too_large:
            yield f"{self.too_large} pictures left out, they are larger than 7680 x 4320"
        if self.leaps:
            yield f"{self.leaps} times are far off, what has them follows what is before it"
        if self.backward:
            at = f"from {self.backward_ns / SECOND:.3f} s on"
            yield f"{self.backward} pictures left out {at}, their times do not increase; {WAY_OUT}"
        if self.missing_ns:
            yield f"{self.missing_ns / SECOND:.3f} s of sound are missing, played as silence"
        if self.doubled_ns:
            at = f"from {self.doubled_from_ns / SECOND:.3f} s on"
            yield (
                f"{self.doubled_ns / SECOND:.3f} s of sound left out {at}, their times overlap; "
                f"{WAY_OUT}"
            )


@dataclass(frozen=True, slots=True)
class MediaFile:
    """What ``open_media`` found in a file, and the way to its pictures and its sound."""

    path: Path
    zero: Fraction
    """File time 0 in the container's own time, seconds."""
    video: int | None
    """Index of the stream of pictures that is played."""
    audio: int | None
    interval_ns: int = 0
    """Nominal distance of two pictures; 0 where the file tells no rate."""
    stretch: Fraction = Fraction(1)
    """Width of a pixel over its height."""
    damage: Damage = field(default_factory=Damage)

    def pictures(
        self, wanted: Callable[[int], bool] = _every, goes_on: Callable[[], bool] = _always
    ) -> Iterator[Picture]:
        """Those of ``taken`` that can be shown."""
        return (each for each in self.taken(wanted, goes_on) if isinstance(each, Picture))

    def taken(
        self, wanted: Callable[[int], bool] = _every, goes_on: Callable[[], bool] = _always
    ) -> Iterator[Picture | Unreadable]:
        """The pictures at whose times ``wanted`` says yes, in the order of time; times strictly
        increase. The others are decoded, since later ones build on them, and have their numbers,
        but the costly step to pixels is left out. What is unreadable is told, wanted or not.

        ``goes_on`` is called while the file is read, also where nothing is found for long; once it
        says no, the file ends.
        """
        if self.video is None:
            return
        convert = VideoReformatter().reformat  # one for all: one for each costs twice the time
        index, next_ns, last_ns = 0, 0, -1
        broken: list[int] = []
        """File times, a heap: the decoder may still hold pictures that come before them."""

        def unreadable(at_ns: int) -> Unreadable:
            nonlocal index, last_ns
            index, last_ns = index + 1, max(at_ns, last_ns + 1)
            return Unreadable(index - 1, last_ns)

        for frame in self._frames(self.video, goes_on):
            at_ns = self._file_time(frame, next_ns)
            if at_ns is None:
                at_ns = next_ns
            if not isinstance(frame, VideoFrame):
                heappush(broken, at_ns)
                if len(broken) > HELD_BACK:
                    yield unreadable(heappop(broken))
                continue
            while broken and broken[0] < at_ns:
                yield unreadable(heappop(broken))
            if at_ns <= last_ns:
                if not self.damage.backward:
                    self.damage.backward_ns = last_ns
                self.damage.backward += 1
                yield unreadable(at_ns)
                continue
            next_ns = at_ns + (self.interval_ns or UNKNOWN_INTERVAL_NS)
            width = stretched(frame.width, self.stretch)
            if not fits(frame.height, width):
                self.damage.too_large += 1
                yield unreadable(at_ns)
                continue
            self.damage.pictures += frame.is_corrupt
            if wanted(at_ns):
                pixels = upright(convert(frame, width=width, format="bgr24"), frame)
                yield Picture(index, at_ns, pixels)
            index, last_ns = index + 1, at_ns
            self.damage.end_ns = max(self.damage.end_ns, next_ns)
        while broken:
            yield unreadable(heappop(broken))

    def sound(self, goes_on: Callable[[], bool] = _always) -> Iterator[Sound]:
        """All sound as one line of 16 kHz mono samples, the first of them at file time 0;
        ``goes_on`` as above.
        """
        line = SoundLine()
        for block in self.blocks(line, goes_on):
            for samples in line.feed(*block):
                self.damage.off_ns = line.off_ns
                yield samples
        yield from line.flush()
        self.damage.missing_ns, self.damage.doubled_ns = line.missing_ns, line.doubled_ns
        self.damage.doubled_from_ns = line.doubled_from_ns
        self.damage.end_ns = max(self.damage.end_ns, line.end_ns)

    def blocks(
        self, line: SoundLine, goes_on: Callable[[], bool] = _always
    ) -> Iterator[tuple[int | None, NDArray[Any], int]]:
        """Sound as the file has it, for ``line``: file time, ``(n, channels)`` samples, rate.

        Where the line has come to tells a leap of the times from a pause.
        """
        if self.audio is None:
            return
        for frame in self._frames(self.audio, goes_on):
            if isinstance(frame, AudioFrame):
                at_ns = self._file_time(frame, line.end_ns)
                yield at_ns, samples_of(frame), frame.sample_rate

    def _file_time(self, frame: "Decoded | Packet[Any]", expected_ns: int) -> int | None:
        """``None`` where there is none, or one so far off that only damage explains it."""
        if frame.pts is None or frame.time_base is None:
            return None
        at_ns = round((frame.pts * frame.time_base - self.zero) * SECOND)
        stated_ns = self.damage.stated_ns
        longest_ns = LEAP_NS if stated_ns else UNSTATED_LEAP_NS
        if at_ns - expected_ns > longest_ns and at_ns > stated_ns + SHORT_NS:
            self.damage.leaps += 1
            return None
        return at_ns

    def _frames(self, index: int, goes_on: Callable[[], bool]) -> "Iterator[Decoded | Packet[Any]]":
        """A packet comes as it is where it cannot be decoded: mostly it is one picture."""
        with open_reader(self.path, goes_on) as reader, open_container(reader) as container:
            stream = cast("Decoder", container.streams[index])
            for packet in self._packets(reader, container):
                if packet is not None and packet.stream.index != index:
                    continue
                damaged = packet is not None and packet.is_corrupt
                try:
                    frames = stream.decode(packet)
                except FFmpegError:
                    damaged, frames = True, [packet] if packet and packet.size else []
                self.damage.packets += damaged
                yield from frames

    def _packets(self, reader: Reader, container: InputContainer) -> "Iterator[Packet[Any] | None]":
        """Those of all streams: where one of them pauses, the others show that the file goes on.

        ``None`` comes last where the file breaks off: decode what the decoder still holds.
        """
        try:
            for packet in container.demux():
                reader.found(packet.pos)
                yield packet
        except FFmpegError as error:
            self.damage.broke_off = error.strerror or str(error)
            yield None
        self.damage.broke_off = reader.broke_off or self.damage.broke_off


def open_media(path: Path) -> MediaFile:
    """Look into a file; it is closed again.

    Raises:
        UserError: the file is not there, cannot be read, holds neither pictures nor sound, or its
            pictures are too large.
    """
    with open_reader(path) as reader, open_container(reader) as container:
        video = next(filter(playable, container.streams.video), None)
        audio = next(filter(playable, container.streams.audio), None)
        chosen = [stream for stream in (video, audio) if stream]
        if not chosen:
            raise UserError(
                f"{printable(path)} has no pictures or sound to play; give a video or sound file"
            )
        if video:
            check_size(path, video)
        rate = rate_of(video) if video else None
        return MediaFile(
            path,
            zero=min(start_of(stream) for stream in chosen),
            video=video.index if video else None,
            audio=audio.index if audio else None,
            interval_ns=round(SECOND / rate) if rate else 0,
            stretch=stretch_of(video) if video else Fraction(1),
            damage=Damage(
                unknown=tuple(
                    kind
                    for kind, streams in (
                        ("pictures", container.streams.video),
                        ("sound", container.streams.audio),
                    )
                    if streams and not any(map(decodable, streams))
                ),
                stated_ns=max(0, container.duration or 0) * 1000,
            ),
        )
