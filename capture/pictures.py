"""Pictures go out as they are and as JPEG, each only where somebody reads it."""

import numpy as np
from numpy.typing import NDArray

from messaging.node import Node
from messaging.schema import VideoFrame
from messaging.topics import VIDEO, VIDEO_JPEG

Pixels = NDArray[np.uint8]
"""``(height, width, 3)``, BGR, contiguous; never changed once it was made."""

QUALITY = 90


def publish_picture(node: Node, frame: VideoFrame, pixels: Pixels | None, ahead: int = 0) -> None:
    """Without ``pixels`` it is punctuation, which all readers get.

    With ``ahead`` the source is lossless: wait until readers are less than that many behind.
    """
    for topic in (VIDEO, VIDEO_JPEG):
        if pixels is not None and not node.is_wanted(topic):
            continue
        if ahead and node.is_wanted(topic):
            node.wait_for_credit(topic, ahead)
        if pixels is None:
            node.publish(topic, frame)
        else:
            node.publish(topic, frame, pixels if topic is VIDEO else to_jpeg(pixels))


def to_jpeg(pixels: Pixels) -> bytes:
    import cv2  # 60 MB that a media file played raw does without

    return cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1].tobytes()
