"""Pictures go out as they are and as JPEG, each only where somebody reads it."""

import numpy as np
from numpy.typing import NDArray

from messaging.bus import BULK_MAX_BYTES
from messaging.node import Node
from messaging.schema import VideoFrame
from messaging.topics import VIDEO, VIDEO_JPEG

Pixels = NDArray[np.uint8]
"""``(height, width, 3)``, BGR, contiguous; never changed once it was made."""

TOPICS = (VIDEO, VIDEO_JPEG)
MAX_SIDE = 16384
"""What the schema takes."""


def fits(height: int, width: int) -> bool:
    """Whether a picture is small enough for the wire: about 7680 x 4320 pixels."""
    return max(height, width) <= MAX_SIDE and height * width * 3 <= BULK_MAX_BYTES


def publish_picture(
    node: Node, frame: VideoFrame, pixels: Pixels | None, quality: int, ahead: int = 0
) -> None:
    """``quality`` is JPEG's, 1 to 100. Without ``pixels`` it is punctuation, which goes to all.

    With ``ahead`` the source is lossless: wait until somebody gives credit, and until the slowest
    of those is less than that many messages behind. Who gives none looks on, and may miss some.
    """
    if pixels is None:
        for topic in TOPICS:
            node.publish(topic, frame)
        return
    while ahead and not any(map(node.is_awaited, TOPICS)):
        if not node.alive():
            return
        node.receive(0.1)
    for topic in TOPICS:
        if not node.is_wanted(topic):
            continue
        if ahead:
            node.wait_for_credit(topic, ahead)
        node.publish(topic, frame, pixels if topic is VIDEO else to_jpeg(pixels, quality))


def to_jpeg(pixels: Pixels, quality: int) -> bytes:
    import cv2  # 60 MB that a media file played raw does without

    return cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()
