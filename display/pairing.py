"""Brings every result together with the very picture that it was made from. Pure, bounded."""

from collections import OrderedDict
from dataclasses import dataclass

import cv2
import numpy as np

from display.scene import Picture
from messaging.schema import FaceEmotions, VideoFrame
from messaging.topics import VIDEO_JPEG
from messaging.wire import Received

MOST_PICTURES = 32
MOST_BYTES = 64 * 1024 * 1024
"""Pictures of one camera that wait for their results; the newest one is always kept."""
MOST_RESULTS = 256

Key = tuple[int, int]
"""A picture's number and its stamp: the number alone would begin anew with a restarted camera."""


@dataclass(frozen=True, slots=True)
class Pair:
    picture: Received[VideoFrame]
    result: Received[FaceEmotions]


class Pairing:
    """One camera's pictures and results, in whatever order they come.

    Pictures travel on another proxy than results, so either may be first. Of what is paired only
    the newest is kept; whatever is older than that will never be shown and is let go at once.
    """

    def __init__(self) -> None:
        self.shown: Pair | None = None
        self.newest: Received[VideoFrame] | None = None
        self.waiting_since_ns: int | None = None
        """Arrival of the first picture after the shown one; ``None`` while there is none."""
        self._pictures: OrderedDict[Key, Received[VideoFrame]] = OrderedDict()
        self._results: OrderedDict[Key, Received[FaceEmotions]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._pictures)

    def add_picture(self, picture: Received[VideoFrame]) -> None:
        key = _key(picture.message)
        self.newest = picture
        result = self._results.pop(key, None)
        if result is not None:
            self._show(Pair(picture, result))
            return
        self._pictures[key] = picture
        self._bytes += picture.payload.nbytes
        if self.waiting_since_ns is None:
            self.waiting_since_ns = picture.received_ns
        while len(self._pictures) > 1 and (
            len(self._pictures) > MOST_PICTURES or self._bytes > MOST_BYTES
        ):
            self._forget(next(iter(self._pictures)))

    def add_result(self, result: Received[FaceEmotions]) -> None:
        key = _key(result.message)
        picture = self._pictures.get(key)
        if picture is not None:
            self._show(Pair(picture, result))
            return
        self._results[key] = result
        if len(self._results) > MOST_RESULTS:
            self._results.popitem(last=False)

    def _show(self, pair: Pair) -> None:
        shown_ns = pair.picture.message.stamp.pipeline_ns
        if self.shown is None or shown_ns >= self.shown.picture.message.stamp.pipeline_ns:
            self.shown = pair
        for key in [
            k for k, p in self._pictures.items() if p.message.stamp.pipeline_ns <= shown_ns
        ]:
            self._forget(key)
        for key in [k for k, r in self._results.items() if r.message.stamp.pipeline_ns <= shown_ns]:
            del self._results[key]
        oldest = next(iter(self._pictures.values()), None)
        self.waiting_since_ns = oldest.received_ns if oldest else None

    def _forget(self, key: Key) -> None:
        self._bytes -= self._pictures.pop(key).payload.nbytes


def _key(message: VideoFrame | FaceEmotions) -> Key:
    return message.index, message.stamp.captured_ns


def pixels(received: Received[VideoFrame]) -> Picture | None:
    """The picture of a message; ``None`` where a JPEG file is none, or of another size than said.

    A raw picture is a view on the message's memory and must not be written to.
    """
    frame = received.message
    data = np.frombuffer(received.payload, np.uint8)
    if received.topic is not VIDEO_JPEG:
        return data.reshape(frame.height, frame.width, 3)
    if data.size == 0:
        return None
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if decoded is None or decoded.shape != (frame.height, frame.width, 3):
        return None
    return np.asarray(decoded, np.uint8)
