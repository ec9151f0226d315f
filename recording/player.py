"""The player: a node that publishes a session's topics again, as if it were live.

Stamps are those that were recorded, so nothing that is made of them knows how fast it is played.
Every message is lossless: at any speed the player waits for those who give credit.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from config.settings import ReplaySettings, Settings
from messaging.clock import monotonic_ns
from messaging.errors import UserError
from messaging.joining import node_of
from messaging.node import Node
from messaging.pacing import Pace
from messaging.schema import AudioChunk, Control, FaceEmotions, VideoFrame
from messaging.topics import AUDIO, CONTROL, FACES, MARKERS, SPEECH, VIDEO_JPEG, Topic
from messaging.wire import Buffer, Received
from messaging.workers import Sharing
from recording.punctuation import Cameras, Streamed, assigned, note_cameras, punctuated
from recording.session import Session, open_session

NAME = "player"
NAP_S = 0.05
AHEAD: Mapping[str, int] = {VIDEO_JPEG.name: 8, AUDIO.name: 4, FACES.name: 256, SPEECH.name: 64}
"""Messages of a topic that may be sent before its slowest reader has done with them."""
HOLDS: Mapping[str, bool] = {"pause": True, "resume": False}
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Played:
    """A message as it is sent."""

    due_ns: int
    """When it arrived at the recorder, on the session's own time."""
    topic: Topic[Any]
    message: Any
    payload: Buffer = b""


def topics_of(start_from: str) -> tuple[Topic[Any], ...]:
    """What is played; the rest follows from it anew."""
    if start_from == "faces":
        return FACES, SPEECH, AUDIO, MARKERS
    return VIDEO_JPEG, SPEECH, AUDIO, MARKERS


def messages(session: Session, settings: ReplaySettings, cameras: Cameras) -> Iterator[Played]:
    """What the session says, in the order in which it arrived.

    Every source opens and closes, also where the recording began in its middle or was cut off
    before its end. ``cameras`` stand in where a microphone's own word on them was not recorded.
    """
    due_ns = round(settings.start_s * SECOND)
    for received in punctuated(_chosen(session, settings, cameras), cameras):
        due_ns = max(due_ns, received.received_ns - session.zero_ns)
        message = received.message
        if isinstance(message, Streamed):
            message = as_played(message)
        yield Played(due_ns, received.topic, message, received.payload)


def _chosen(
    session: Session, settings: ReplaySettings, cameras: Cameras
) -> Iterator[Received[Any]]:
    """Those of the time that is to be played; what was said before of ``cameras`` is noted."""
    start_ns = round(settings.start_s * SECOND)
    end_ns = None if settings.end_s is None else round(settings.end_s * SECOND)
    for received in session.records(*topics_of(settings.start_from)):
        at_ns = received.received_ns - session.zero_ns
        if end_ns is not None and at_ns > end_ns:
            return
        if at_ns >= start_ns:
            yield received
        else:
            note_cameras(received.message, cameras)


def as_played(message: Streamed) -> Streamed:
    """Waited for, and without a latency."""
    if isinstance(message, VideoFrame | FaceEmotions):
        return replace(message, lossless=True, real_time=False)
    return replace(message, lossless=True)


class Player:
    """Sends a session's messages when they are due."""

    def __init__(self, node: Node, settings: ReplaySettings) -> None:
        self._node = node
        self._sharing = Sharing(node, self.heed)
        self._settings = settings
        self._paused = False

    def play(self, session: Session) -> bool:
        """To its end; ``False`` when asked to stop meanwhile."""
        settings = self._settings
        start_ns = round(settings.start_s * SECOND)
        end_ns = session.length_ns if settings.end_s is None else round(settings.end_s * SECOND)
        length_ns = max(1, end_ns - start_ns)
        pace = Pace(settings.speed)
        for played in messages(session, settings, assigned(session)):
            at_ns = played.due_ns - start_ns
            self._node.progress = min(1.0, max(0.0, at_ns / length_ns))
            if not pace.wait(at_ns, lambda: self._alive(pace)):
                return False
            self._send(played)
        self._sharing.finish()
        self._node.progress = 1.0
        return self._node.alive()

    def pause(self) -> None:
        self._paused = True

    def heed(self, arrived: Iterable[Received[Any]]) -> None:
        """Pause and go on, where that is said."""
        for received in arrived:
            if isinstance(received.message, Control) and received.message.action in HOLDS:
                self._paused = HOLDS[received.message.action]

    def _send(self, played: Played) -> None:
        topic, node, message = played.topic, self._node, played.message
        if _is_sound(message) and not node.is_wanted(topic):
            return
        if isinstance(message, VideoFrame):
            self._sharing.settle(message.source, lossless=True)
        if (ahead := AHEAD.get(topic.name)) and not node.wait_for_credit(topic, ahead, self._hear):
            return
        if isinstance(message, VideoFrame):
            message = self._sharing.named(message)
        node.publish(topic, message, played.payload)

    def _alive(self, pace: Pace) -> bool:
        """Also does what it was told, and waits while it is paused."""
        node = self._node
        if arrived := node.glance():
            self._hear(arrived)
        if self._paused:
            since_ns = monotonic_ns()
            node.text, node.state = "paused", "waiting"
            while self._paused and node.alive():
                self._hear(node.receive(NAP_S))
            node.text, node.state = "", "running"
            pace.put_off(monotonic_ns() - since_ns)
        return node.alive()

    def _hear(self, arrived: Iterable[Received[Any]]) -> None:
        self._sharing.look()
        self.heed(arrived)


def _is_sound(message: object) -> bool:
    return isinstance(message, AudioChunk) and message.event == "sound"


def run(settings: Settings) -> None:
    replay = settings.replay
    if replay.session is None:
        raise UserError("no session was named; name one: emofuse replay FOLDER")
    session = open_session(replay.session)
    with node_of(settings, NAME, (CONTROL,), keeps_all=True) as node:
        player = Player(node, replay)
        if replay.paused:
            player.pause()
        if not node.wait_for(replay.wait_for, player.heed):
            return
        while player.play(session) and replay.loop:
            pass
        if not node.alive():
            return
        for fault in session.faults():
            node.log.warning("%s: %s", replay.session, fault)
        node.alive()  # sends them
