"""The way to the lab: results as streams of the Lab Streaming Layer, and its markers in.

A thin shell around ``pylsl``: ``lsl_streams`` knows what is sent, ``lsl_clock`` when it was.
"""

from typing import Any

from config.settings import Settings
from display.lsl_clock import LslClock, measure_clock
from display.lsl_markers import LslMarker, MarkerInlets
from display.lsl_streams import Stream, face_row, face_stream, utterance_row, utterance_stream
from messaging.clock import monotonic_ns
from messaging.errors import UserError
from messaging.extras import require_extra
from messaging.joining import node_of
from messaging.node import Node
from messaging.schema import FaceEmotions, Marker, Stamp, UtteranceEmotion
from messaging.topics import FACES, MARKERS, UTTERANCES

NAME = "lsl"
LISTEN_S = 0.02
LOOK_AROUND_NS = 500_000_000
MOST_CAMERAS = 16


class Outlets:
    """One stream of utterances, and one of faces for every camera."""

    def __init__(self, pylsl: Any, prefix: str, clock: LslClock) -> None:
        self._pylsl = pylsl
        self._prefix = prefix
        self._clock = clock
        self._utterances = self._open(utterance_stream(prefix))
        self._faces: dict[str, Any] = {}
        self.unsent = 0
        """Rows of cameras and microphones whose clock is not known well enough to say when."""

    def send(self, message: FaceEmotions | UtteranceEmotion, now: Stamp) -> None:
        """``now`` tells what is known here of the hub's clock."""
        if isinstance(message, FaceEmotions):
            if (row := face_row(message)) and (outlet := self._camera(message.source)):
                self._push(outlet, row, message.stamp, now)
        elif row := utterance_row(message):
            self._push(self._utterances, row, message.onset, now)

    def _camera(self, source: str) -> Any:
        """``None`` for a camera too many: their names come from the wire."""
        if source not in self._faces and len(self._faces) < MOST_CAMERAS:
            self._faces[source] = self._open(face_stream(self._prefix, source))
        return self._faces.get(source)

    def _push(
        self, outlet: Any, row: tuple[str, ...] | tuple[float, ...], at: Stamp, now: Stamp
    ) -> None:
        if at.bound_ns is None or now.bound_ns is None:
            self.unsent += 1
            return
        outlet.push_sample(row, self._clock.seconds(at.pipeline_ns - now.offset_ns))

    def _open(self, stream: Stream) -> Any:
        pylsl = self._pylsl
        kind = pylsl.cf_string if stream.is_text else pylsl.cf_float32
        labels, units = zip(*stream.channels, strict=True)
        info = pylsl.StreamInfo(
            stream.name, stream.type, len(labels), pylsl.IRREGULAR_RATE, kind, stream.source_id
        )
        info.set_channel_labels([*labels])
        info.set_channel_units([*units])
        info.set_channel_types(stream.type)
        about = info.desc()
        about.append_child_value("manufacturer", "emofuse")
        about.append_child_value("clock_bound_s", f"{self._clock.bound_ns / 1e9:.9f}")
        return pylsl.StreamOutlet(info)


def library() -> Any:
    """Raises:
    UserError: it is not installed, or has come without the liblsl that it wraps.
    """
    try:
        return require_extra("pylsl", "outlets", "the Lab Streaming Layer")
    except RuntimeError as error:
        raise UserError(
            "pylsl finds no liblsl for this machine; install that, and name its file in PYLSL_LIB"
        ) from error


def run(settings: Settings) -> None:
    """Be a part of the lab's network until asked to stop."""
    pylsl = library()
    clock = measure_clock(pylsl.local_clock)
    with node_of(settings, NAME, (FACES, UTTERANCES), credits_of=(FACES,)) as node:
        node.log.info("LSL's clock is known to %d ns", clock.bound_ns)
        outlets = Outlets(pylsl, settings.lsl.name, clock)
        inlets = MarkerInlets(pylsl, settings.lsl.markers) if settings.lsl.markers else None
        looked_ns = 0
        while node.alive():
            for received in node.receive(LISTEN_S):
                outlets.send(received.message, node.stamp())
                if received.topic is FACES and received.message.lossless:
                    node.give_credit(received)
            if inlets is None:
                continue
            if monotonic_ns() - looked_ns > LOOK_AROUND_NS:
                looked_ns = monotonic_ns()
                for name in inlets.look_around():
                    node.log.info("markers of the LSL stream %s are taken in", name)
            for marker in inlets.markers():
                publish(node, marker, clock)
        if outlets.unsent:
            node.log.warning("%d rows had no known time, and were not sent", outlets.unsent)


def publish(node: Node, marker: LslMarker, clock: LslClock) -> None:
    stamp = node.stamp(clock.monotonic_ns(marker.seconds))
    node.publish(MARKERS, Marker(stamp, marker.text, marker.stream))
