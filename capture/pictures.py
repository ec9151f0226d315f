"""Pictures go out as they are and as JPEG, each only where somebody reads it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from config.settings import BusSettings
from messaging.bus import BULK_MAX_BYTES
from messaging.node import Node
from messaging.schema import VideoFrame
from messaging.topics import VIDEO, VIDEO_JPEG
from messaging.workers import Sharing

Pixels = NDArray[np.uint8]
"""``(height, width, 3)``, BGR, contiguous; never changed once it was made."""

TOPICS = (VIDEO, VIDEO_JPEG)
MAX_SIDE = 16384
"""What the schema takes."""


def fits(height: int, width: int) -> bool:
    """Whether a picture is small enough for the wire: about 7680 x 4320 pixels."""
    return max(height, width) <= MAX_SIDE and height * width * 3 <= BULK_MAX_BYTES


class Publisher:
    """Sends a node's pictures, each to the worker that is to answer it."""

    def __init__(self, node: Node, bus: BusSettings) -> None:
        self._node = node
        self._sharing = Sharing(node)
        self._bus = bus
        self._pauses_ns = 0 if bus.jpeg_fps is None else round(1e9 / bus.jpeg_fps)
        self._due_ns: dict[str, int] = {}

    def publish(self, frame: VideoFrame, pixels: Pixels | None, ahead: int = 0) -> None:
        """Without ``pixels`` it is punctuation, which goes to all.

        With ``ahead`` the source is lossless: wait until somebody gives credit, and until the
        slowest of those is less than that many messages behind. Who gives none looks on, and may
        miss some. A ``gap`` waits as well: a spoiled film is nothing but gaps.
        """
        node, sharing = self._node, self._sharing
        sharing.settle(frame.source, lossless=ahead > 0)
        waits = ahead and (pixels is not None or frame.event == "gap")
        while waits and not any(map(node.is_awaited, TOPICS)):
            if not node.alive():
                return
            node.receive(0.1)
        if pixels is None:
            for topic in TOPICS:
                if waits:
                    node.wait_for_credit(topic, ahead, sharing.look)
                node.publish(topic, sharing.named(frame))
            return
        for topic in TOPICS:
            if not node.is_wanted(topic):
                continue
            if ahead:
                node.wait_for_credit(topic, ahead, sharing.look)
            if topic is VIDEO:
                node.publish(topic, sharing.named(frame), pixels)
            elif ahead or self._is_due(frame):
                node.publish(topic, *compressed(sharing.named(frame), pixels, self._bus))

    def finish(self) -> None:
        """After the last message of a lossless source: until it has been answered."""
        self._sharing.finish()

    def _is_due(self, frame: VideoFrame) -> bool:
        """By the pictures' own time, and on the average: 30 a second give 20 where 20 are asked."""
        at_ns = frame.stamp.captured_ns
        due_ns = self._due_ns.get(frame.source, at_ns)
        if at_ns < due_ns - frame.interval_ns // 2:
            return False
        self._due_ns[frame.source] = max(due_ns, at_ns - self._pauses_ns) + self._pauses_ns
        return True


def compressed(frame: VideoFrame, pixels: Pixels, bus: BusSettings) -> tuple[VideoFrame, bytes]:
    """A picture as it goes out on ``video_jpeg``; the message says the size that it has there."""
    smaller = reduced(pixels, bus.jpeg_width)
    height, width = smaller.shape[:2]
    return replace(frame, width=width, height=height), to_jpeg(smaller, bus.jpeg_quality)


def reduced(pixels: Pixels, width: int | None) -> Pixels:
    """A picture no wider than that, of the same shape."""
    height, own = pixels.shape[:2]
    if width is None or own <= width:
        return pixels
    import cv2

    size = width, max(1, round(height * width / own))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def to_jpeg(pixels: Pixels, quality: int) -> bytes:
    import cv2  # 60 MB that a media file played raw does without

    return cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()
