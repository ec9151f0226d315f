"""What is known of one camera, one microphone: from messages to its part of a scene."""

from collections import OrderedDict
from dataclasses import replace
from typing import TypeVar

from display.meters import Median, Rate
from display.pairing import Pairing, pixels
from display.scene import CameraScene, VoiceScene
from display.smoothing import Smoothing
from messaging.schema import (
    AudioChunk,
    FaceEmotions,
    SpeechEvent,
    UtteranceEmotion,
    VideoFrame,
)
from messaging.wire import Received

PATIENCE_NS = 1_000_000_000
"""So long a picture waits for its result before the live picture is shown without one."""
SILENCE_NS = 2_000_000_000
"""A live source that says nothing for so long is said to."""

ENDED = "ended"

T = TypeVar("T")
K = TypeVar("K")


def keep_newest(table: OrderedDict[K, T], key: K, most: int) -> None:
    """Move ``key`` to the end and forget the oldest beyond ``most``: names come from the wire."""
    table.move_to_end(key)
    if len(table) > most:
        table.popitem(last=False)


def _end(event: str, reason: str) -> str:
    """Why a stream that said ``event`` stands still; empty while it goes on."""
    return {"closed": ENDED, "gap": reason}.get(event, "")


class Camera:
    """Its pictures, the results that belong to them, and how fast and how late they come."""

    def __init__(self, name: str, *, is_comparable: bool, smoothing_s: float = 0.0) -> None:
        self._name = name
        self._is_comparable = is_comparable
        """Whether this process's clock is the pipeline's: else a latency means nothing."""
        self._pairing = Pairing()
        self._smoothing = Smoothing(smoothing_s)
        self._result: Received[FaceEmotions] | None = None
        self._pictures, self._results = Rate(), Rate()
        self._latency_ms, self._inference_ms = Median(), Median()
        self._end = ""
        self._reads_video = False
        """Punctuation comes with the pictures where they are read: earlier, and with a reason."""
        self._heard_ns = 0

    def on_video(self, received: Received[VideoFrame]) -> None:
        frame = received.message
        self._heard_ns = received.received_ns
        if frame.event == "opened":
            self._pairing = Pairing()
        elif frame.event == "picture" and frame.width and frame.height:
            self._pairing.add_picture(received)
            self._pictures.note(received.received_ns)
        self._end = _end(frame.event, frame.text or "no pictures")
        self._reads_video = True

    def on_faces(self, received: Received[FaceEmotions]) -> None:
        result = received.message
        self._heard_ns = received.received_ns
        if result.event == "analysed":
            faces = self._smoothing(result.stamp.pipeline_ns, result.faces)
            self._result = replace(received, message=replace(result, faces=faces))
            self._pairing.add_result(self._result)
            self._results.note(received.received_ns)
            self._inference_ms.note(result.inference_ns / 1e6)
            if self._is_comparable and result.real_time and result.stamp.bound_ns is not None:
                self._latency_ms.note((received.received_ns - result.stamp.pipeline_ns) / 1e6)
        if not self._reads_video:
            self._end = _end(result.event, "no pictures")

    def go_on(self, now_ns: int) -> None:
        """Its silence counts from here: until now it was held."""
        self._heard_ns = now_ns

    def scene(self, now_ns: int) -> CameraScene:
        pairing = self._pairing
        result_hz = self._results.hz(now_ns)
        since_ns = pairing.waiting_since_ns
        is_late = since_ns is not None and now_ns - since_ns > PATIENCE_NS
        if is_late or (pairing.shown is None and pairing.newest is not None):
            picture, result = pairing.newest, None
        elif pairing.shown is not None:
            picture, result = pairing.shown.picture, pairing.shown.result
        else:
            picture, result = None, self._result
        note, is_warning = self._note(now_ns, result, is_late=is_late)
        message = result.message if result else None
        # Of the picture that was analysed: what is shown may be a smaller one of the same moment.
        shape = message if message and message.width else picture.message if picture else None
        return CameraScene(
            self._name,
            pixels(picture) if picture else None,
            width=shape.width if shape else 0,
            height=shape.height if shape else 0,
            faces=message.faces if message else (),
            note=note,
            is_warning=is_warning,
            rate_hz=result_hz or self._pictures.hz(now_ns),
            latency_ms=self._latency_ms.value() if result_hz else None,
            inference_ms=self._inference_ms.value() if result_hz else None,
        )

    def _note(
        self, now_ns: int, result: Received[FaceEmotions] | None, *, is_late: bool
    ) -> tuple[str, bool]:
        """What to say, and whether it is a warning."""
        if self._end:
            return self._end, self._end != ENDED
        silent_ns = now_ns - self._heard_ns
        if silent_ns > SILENCE_NS:
            return f"no pictures for {silent_ns / 1e9:.0f} s", True
        if is_late:
            is_known = self._result is not None
            return ("no inference" if is_known else "waiting for inference"), is_known
        if result is not None and not result.message.faces:
            return "no face", False
        return "", False


class Microphone:
    """Its level, whether somebody speaks, and the latest utterance's emotion."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._chunk: Received[AudioChunk] | None = None
        self._onset_ns: int | None = None
        self._utterance: UtteranceEmotion | None = None
        self._end = ""
        self._heard_ns = 0

    def on_audio(self, received: Received[AudioChunk]) -> None:
        chunk = received.message
        if chunk.event == "sound":
            self._chunk = received
            self._heard_ns = received.received_ns
        self._end = _end(chunk.event, chunk.text or "no sound")

    def on_speech(self, event: SpeechEvent) -> None:
        if event.event == "started":
            self._onset_ns = event.stamp.pipeline_ns
        elif event.event != "analysed_until":
            self._onset_ns = None
        if event.event == "closed":
            self._end = ENDED
        elif event.event in ("opened", "started"):
            self._end = ""  # there may be no sound to tell it: not every session holds that

    def on_utterance(self, utterance: UtteranceEmotion) -> None:
        """The latest one's; the last word on a former one does not replace it."""
        former = self._utterance
        if former is None or utterance.onset.pipeline_ns >= former.onset.pipeline_ns:
            self._utterance = utterance

    def go_on(self, now_ns: int) -> None:
        """Its silence counts from here: until now it was held."""
        self._heard_ns = now_ns

    def scene(self, now_ns: int, stream_ns: int) -> VoiceScene:
        """``stream_ns``: how far the streams have come, on the pipeline's clock. Ages count from
        there, so that they are right for files that play faster than time, too.
        """
        chunk = self._chunk.message if self._chunk and not self._end else None
        note = self._end
        silent_ns = now_ns - self._heard_ns
        if not note and self._chunk and silent_ns > SILENCE_NS:
            note = f"no sound for {silent_ns / 1e9:.0f} s"
        offset = self._utterance.offset if self._utterance else None
        return VoiceScene(
            self._name,
            level_dbfs=chunk.level_dbfs if chunk else -120.0,
            speech=chunk.speech if chunk else 0.0,
            note=note,
            spoken_s=None if self._onset_ns is None else max(0, stream_ns - self._onset_ns) / 1e9,
            utterance=self._utterance,
            age_s=None if offset is None else max(0, stream_ns - offset.pipeline_ns) / 1e9,
        )
