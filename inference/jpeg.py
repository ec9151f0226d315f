"""A JPEG that came over the wire, or lies in a session, as a picture again."""

import cv2
import numpy as np

from inference.detector import Picture


def read_jpeg(payload: bytes | memoryview, shape: tuple[int, int, int]) -> Picture | None:
    """``None`` where it is unreadable, or not of the shape that its message says."""
    try:
        picture = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # empty, or larger than OpenCV reads
        return None
    return (
        picture.astype(np.uint8, copy=False)
        if picture is not None and picture.shape == shape
        else None
    )
