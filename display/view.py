"""Takes what is received and says what to paint. Pure, and bounded whatever arrives."""

from collections import OrderedDict
from collections.abc import Collection
from typing import Any

from display.scene import Scene
from display.session import Session
from display.sources import Camera, Microphone, keep_newest
from display.streams import Streams
from messaging.observer import NodeRow, Observer
from messaging.schema import (
    AudioChunk,
    FaceEmotions,
    Heartbeat,
    Marker,
    SpeechEvent,
    UtteranceEmotion,
    VideoFrame,
)
from messaging.topics import SPEECH
from messaging.wire import Received

MOST_SOURCES = 16
MOST_UTTERANCES = 200
INFERENCE = "inference"


class View:
    """The state of one display.

    Args:
        name: the display's own node; what it lets pass or misses itself is nobody's loss.
        is_comparable: whether this process's clock is the pipeline's.
        smoothing_s: time constant of the probabilities that are shown of a face.
        only: the cameras to show; empty: all.
    """

    def __init__(
        self,
        name: str,
        *,
        is_comparable: bool,
        smoothing_s: float = 0.0,
        only: Collection[str] = (),
    ) -> None:
        self._name = name
        self._only = frozenset(only)
        self._smoothing_s = smoothing_s
        self._is_comparable = is_comparable
        self._cameras: OrderedDict[str, Camera] = OrderedDict()
        self._microphones: OrderedDict[str, Microphone] = OrderedDict()
        self._observer = Observer()
        self._utterances: OrderedDict[tuple[str, str], UtteranceEmotion] = OrderedDict()
        self._origin_ns: int | None = None
        self._streams = Streams()
        self.session = Session()

    def take(self, received: Received[Any]) -> UtteranceEmotion | None:
        """Note a message; hands on an utterance's final result."""
        message = received.message
        if isinstance(message, VideoFrame | FaceEmotions) and not self._shows(message.source):
            return None
        if isinstance(message, VideoFrame | FaceEmotions | AudioChunk | SpeechEvent):
            if self._streams.note(received) and isinstance(message, SpeechEvent):
                self._forget_voice(message.source)
            if self._origin_ns is None:
                self._origin_ns = message.stamp.pipeline_ns
        if isinstance(message, Heartbeat):
            self._on_heartbeat(received)
        elif isinstance(message, Marker):
            self.session.on_marker(received)
        elif isinstance(message, VideoFrame):
            self._camera(message.source).on_video(received)
        elif isinstance(message, FaceEmotions):
            self._camera(message.source).on_faces(received)
        elif isinstance(message, AudioChunk):
            self._microphone(message.source).on_audio(received)
        elif isinstance(message, SpeechEvent):
            self._microphone(message.source).on_speech(message)
        elif isinstance(message, UtteranceEmotion):
            self._on_utterance(message)
            return message if message.final else None
        return None

    def _shows(self, camera: str) -> bool:
        return not self._only or camera in self._only

    def _camera(self, name: str) -> Camera:
        if name not in self._cameras:
            self._cameras[name] = Camera(
                name, is_comparable=self._is_comparable, smoothing_s=self._smoothing_s
            )
        keep_newest(self._cameras, name, MOST_SOURCES)
        return self._cameras[name]

    def _microphone(self, name: str) -> Microphone:
        if name not in self._microphones:
            self._microphones[name] = Microphone(name)
        keep_newest(self._microphones, name, MOST_SOURCES)
        return self._microphones[name]

    def _on_heartbeat(self, received: Received[Heartbeat]) -> None:
        self._observer.hear(received)
        now_ns = received.received_ns
        was_paused = self.session.paused_since_ns(now_ns) is not None
        self.session.on_heartbeat(received)
        if was_paused and self.session.paused_since_ns(now_ns) is None:
            for source in (*self._cameras.values(), *self._microphones.values()):
                source.go_on(now_ns)

    def _forget_voice(self, source: str) -> None:
        """It is at an earlier time than it was: what was said after that is not said yet."""
        self._microphones.pop(source, None)
        for key in [key for key in self._utterances if key[0] == source]:
            del self._utterances[key]

    def _on_utterance(self, utterance: UtteranceEmotion) -> None:
        """A provisional result is replaced by the last word, never the other way round."""
        onset_ns = utterance.onset.pipeline_ns
        if self._streams.is_to_come_again(SPEECH, utterance.source, onset_ns):
            return  # it is the former round's
        key = (utterance.source, utterance.id)
        former = self._utterances.get(key)
        if former is None or utterance.final or not former.final:
            self._utterances[key] = utterance
            self._microphone(utterance.source).on_utterance(utterance)
        if len(self._utterances) > MOST_UTTERANCES:
            self._utterances.popitem(last=False)

    def camera_names(self) -> tuple[str, ...]:
        return tuple(sorted(self._cameras))

    def scene(self, now_ns: int, camera: str | None = None) -> Scene:
        """What to paint now (on the clock of ``received_ns``): one camera, or all of them."""
        names = self.camera_names()
        shown = [name for name in names if name == camera] or names
        paused_ns = self.session.paused_since_ns(now_ns)
        # Streams that are held are not silent: they are shown as they were.
        streams_ns = now_ns if paused_ns is None else paused_ns
        nodes = self._observer.nodes(now_ns)
        others = [node for node in nodes if node.name != self._name]
        return Scene(
            cameras=tuple(self._cameras[name].scene(streams_ns) for name in shown),
            voices=tuple(
                microphone.scene(streams_ns, self._streams.newest_ns)
                for _, microphone in sorted(self._microphones.items())
            ),
            nodes=nodes,
            utterances=tuple(self._utterances.values()),
            dropped=sum(node.overtaken for node in others if _analyses(node)),
            lost=sum(node.lost for node in others),
            origin_ns=self._origin_ns or 0,
            session=self.session.scene(now_ns),
        )


def _analyses(node: NodeRow) -> bool:
    """What it never saw is missing; other viewers may skip what they like."""
    return INFERENCE in (node.beat.kind, node.beat.node)
