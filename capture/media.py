"""A media file as camera and microphone at once, in the file's own time.

Every stamp is file time on the clock ``media:<name>``; its offset is the instant at which file time
0 plays, on the hub's clock. It is the same for the whole file, so distances within it are exact
also where this machine's clock drifts or is set. At speed 1 a message leaves when ``pipeline_ns``
has come, so that now minus ``pipeline_ns`` is the latency, as with a live camera. At any other
speed the results are the same, but that difference says nothing.
"""

import heapq
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from capture.media_file import Damage, MediaFile, Picture, Unreadable, open_media
from capture.media_path import printable
from capture.pictures import Pixels, Publisher
from capture.resample import SAMPLE_RATE, Sound
from capture.speech_events import SoundMessages
from capture.voice_activity import Frame, VoiceActivity
from config.settings import MediaSettings, Settings
from messaging.errors import UserError
from messaging.joining import node_of
from messaging.node import Node
from messaging.pacing import NAP_S, Pace
from messaging.schema import AudioChunk, SpeechEvent, Stamp, VideoFrame
from messaging.topics import AUDIO, SPEECH, Topic

SAMPLE_NS = 1_000_000_000 // SAMPLE_RATE
OPENED_NS = -1
"""File time at which sources open: the stamps of a source strictly increase."""
SOUND_AHEAD = 4
"""At speed ``max``: chunks sent ahead of the slowest reader that is to hear all of them."""
LATE_NS = 200_000_000
"""What is sent later than this is worth a warning."""


@dataclass(frozen=True, slots=True)
class Seen:
    due_ns: int
    """File time at which it is sent."""
    message: VideoFrame
    pixels: Pixels | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    due_ns: int
    """A chunk of sound is sent when its last sample has been heard."""
    topic: Topic[Any]
    message: AudioChunk | SpeechEvent
    payload: Sound | bytes = b""


@dataclass(frozen=True, slots=True)
class Source:
    """What is the same in all messages of a file that is played."""

    name: str
    start_ns: int = 0
    """The instant at which file time 0 plays, on the hub's clock."""
    bound_ns: int | None = 0
    """Of that instant."""
    lossless: bool = False
    real_time: bool = True

    def stamp(self, at_ns: int, off_ns: int = 0) -> Stamp:
        """``off_ns`` is the bound of the error of ``at_ns`` itself."""
        bound_ns = None if self.bound_ns is None else self.bound_ns + off_ns
        return Stamp(at_ns, f"media:{self.name}", self.start_ns, bound_ns)


def messages(
    file: MediaFile,
    activity: VoiceActivity,
    source: Source,
    alive: Callable[[], bool],
    cameras: tuple[str, ...] = (),
) -> Iterator[Seen | Heard]:
    """All that the file says, in the order in which it is due; every source opens first. Its sound
    is assigned to ``cameras``, or to its own pictures where there are none.

    Once ``alive`` says no, the utterance that is open ends, and the sources close.
    """
    streams: list[Iterator[Seen | Heard]] = []
    if file.audio is not None:
        heard = takewhile(lambda _: alive(), file.sound(alive))
        cameras = cameras or cameras_of(file, source)
        streams.append(sound_messages(heard, activity, source, cameras, file.damage))
    if file.video is not None:
        seen = takewhile(lambda _: alive(), file.taken(goes_on=alive))
        streams.append(picture_messages(seen, file.interval_ns, source))
    return in_order(*streams)


def cameras_of(file: MediaFile, source: Source) -> tuple[str, ...]:
    """Those that the file's sound is assigned to: its own pictures, where it has some."""
    return () if file.video is None else (source.name,)


def in_order(*streams: Iterable[Seen | Heard]) -> Iterator[Seen | Heard]:
    """As they are due; of equals those of the first stream, which is the sound."""
    return heapq.merge(*streams, key=lambda said: said.due_ns)


def picture_messages(
    pictures: Iterable[Picture | Unreadable], interval_ns: int, source: Source
) -> Iterator[Seen]:
    """An unreadable picture is a ``gap`` with its own number."""

    def message(
        event: Literal["opened", "picture", "gap", "closed"],
        at_ns: int,
        index: int,
        shape: tuple[int, ...] = (0, 0),
        text: str = "",
    ) -> VideoFrame:
        return VideoFrame(
            source.stamp(at_ns),
            source.name,
            index,
            event,
            width=shape[1],
            height=shape[0],
            interval_ns=interval_ns,
            lossless=source.lossless,
            text=text,
            real_time=source.real_time,
        )

    end_ns, count = 0, 0
    yield Seen(OPENED_NS, message("opened", OPENED_NS, 0))
    for picture in pictures:
        at_ns, index = picture.at_ns, picture.index
        if isinstance(picture, Picture):
            shown = message("picture", at_ns, index, picture.pixels.shape)
            yield Seen(at_ns, shown, picture.pixels)
        else:
            yield Seen(at_ns, message("gap", at_ns, index, text="an unreadable picture"))
        end_ns, count = at_ns + max(1, interval_ns), index + 1
    yield Seen(end_ns, message("closed", end_ns, count))


def sound_messages(
    sound: Iterable[Sound],
    activity: VoiceActivity,
    source: Source,
    cameras: tuple[str, ...],
    damage: Damage,
) -> Iterator[Heard]:
    """On ``audio`` and ``speech``; the first sample of ``sound`` is at file time 0, and ``damage``
    grows while it is read.
    """
    made = SoundMessages(
        source.name,
        lambda sample: source.stamp(sample * SAMPLE_NS, damage.off_ns),
        cameras=cameras,
        lossless=source.lossless,
    )
    yield Heard(OPENED_NS, AUDIO, made.chunk_mark("opened", 0))
    yield Heard(OPENED_NS, SPEECH, made.speech_mark("opened", 0))
    end = 0
    for frame in frames(sound, activity):
        end = frame.first_sample + len(frame.sound)
        if len(frame.sound):
            yield Heard(end * SAMPLE_NS, AUDIO, made.chunk(frame), frame.sound)
        for event in frame.events:
            yield Heard(end * SAMPLE_NS, SPEECH, made.speech(event))
    yield Heard(end * SAMPLE_NS, AUDIO, made.chunk_mark("closed", end))
    yield Heard(end * SAMPLE_NS, SPEECH, made.speech_mark("closed", end))


def frames(sound: Iterable[Sound], activity: VoiceActivity) -> Iterator[Frame]:
    for samples in sound:
        yield from activity.feed(samples)
    yield activity.flush()


def source_name(settings: MediaSettings, path: Path) -> str:
    """The name that was asked for, else the file's, made to fit."""
    return settings.name or re.sub(r"[^\w.-]", "_", path.stem)[:64]


def play(
    node: Node,
    file: MediaFile,
    activity: VoiceActivity,
    settings: MediaSettings,
    name: str,
    publisher: Publisher,
) -> None:
    """Send the whole file, as the source of that name, at the speed that is asked for."""
    pace = Pace(settings.speed)
    lossless = settings.speed == "max"
    start = node.stamp(pace.start_ns)
    real_time = settings.speed == 1
    source = Source(name, start.pipeline_ns, start.bound_ns, lossless, real_time)
    ahead = settings.credit if lossless else 0

    def alive() -> bool:
        node.glance()
        return node.alive()

    length_ns = file.damage.stated_ns
    to_close = (file.video is not None) + 2 * (file.audio is not None)
    for said in messages(file, activity, source, alive, settings.cameras):
        pace.wait(said.due_ns, alive)
        if length_ns:
            node.progress = min(1.0, max(0.0, said.due_ns / length_ns))
        to_close -= said.message.event == "closed"
        if not to_close and alive():
            tell(node, file, pace)  # the run may end with the last message: this goes first
        if isinstance(said, Seen):
            publisher.publish(said.message, said.pixels, ahead)
            continue
        if said.message.event == "sound" and not node.is_wanted(AUDIO):
            continue
        if ahead and said.topic is AUDIO:
            node.wait_for_credit(AUDIO, SOUND_AHEAD)
        elif ahead and file.video is None and said.topic is SPEECH:
            while said.message.event != "opened" and not node.is_awaited(SPEECH) and alive():
                node.receive(NAP_S)
            node.wait_for_credit(SPEECH, ahead)
        node.publish(said.topic, said.message, said.payload)
    if ahead:
        publisher.finish()


def tell(node: Node, file: MediaFile, pace: Pace) -> None:
    """Warn of all that was not played as it should be."""
    for sentence in file.damage.sentences():
        node.log.warning("%s: %s", printable(file.path), sentence)
    if pace.latest_ns > LATE_NS and not file.damage.broke_off:  # that took its time, too
        node.log.warning(
            "%s was played up to %.1f s late: decoding is too slow here; play it at speed max",
            printable(file.path),
            pace.latest_ns / 1e9,
        )
    node.alive()  # sends them


def run(settings: Settings) -> None:
    path = settings.media.file
    if path is None:
        raise UserError("no media file was named; name one with --media")
    file = open_media(path)
    activity = VoiceActivity(settings.voice_activity)
    name = source_name(settings.media, path)
    cameras = () if file.video is None else (name,)
    with node_of(
        settings, "media", keeps_all=settings.media.speed == "max", cameras=cameras
    ) as node:
        if file.audio is None:
            node.log.warning("%s has no sound: there will be no utterances", printable(file.path))
        elif file.video is None:
            node.log.warning("%s has no pictures: no utterance gets a label", printable(file.path))
        if node.wait_for(settings.media.wait_for):
            publisher = Publisher(node, settings.bus)
            play(node, file, activity, settings.media, name, publisher)
