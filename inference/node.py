"""The inference node: pictures in, faces with their emotions out."""

import cv2
import numpy as np

from config.settings import Settings
from inference.detector import Picture
from inference.faces import FaceInference, open_face_inference
from messaging.clock import monotonic_ns
from messaging.node import Node
from messaging.schema import FaceEmotions, VideoFrame
from messaging.topics import FACES, VIDEO, VIDEO_JPEG
from messaging.wire import Received


def run(settings: Settings) -> None:
    """Answer every picture with one result until asked to stop."""
    topic = VIDEO_JPEG if settings.inference.pictures == "jpeg" else VIDEO
    bus = settings.bus
    with Node(
        "inference",
        bus.address,
        [topic],
        settings.log_level,
        bus.connect_timeout_s,
        credits_of=[topic],
    ) as node:
        inference = open_face_inference(settings.inference)
        while node.alive():
            for received in node.receive():
                node.alive()  # a slow detector may need seconds for what has come at once
                result = answer(inference, received)
                node.publish(FACES, result)
                if received.message.event == "picture" and result.event == "gap":
                    node.log.warning("a picture of %s is unreadable", result.source)
                if received.message.lossless:
                    node.give_credit(received)


def answer(inference: FaceInference, received: Received[VideoFrame]) -> FaceEmotions:
    """The result of one message. Punctuation passes through; so does its order, one for one.

    A picture that cannot be read is a gap: there is none to look at.
    """
    frame = received.message
    event, faces = "analysed" if frame.event == "picture" else frame.event, ()
    if frame.event == "picture":
        picture = read(received)
        if picture is None:
            event = "gap"
        else:
            faces = inference(frame.source, frame.stamp.captured_ns, picture)
    elif frame.event == "opened":
        inference.forget(frame.source)
    return FaceEmotions(
        frame.stamp,
        frame.source,
        frame.index,
        event,
        faces,
        width=frame.width,
        height=frame.height,
        interval_ns=frame.interval_ns,
        lossless=frame.lossless,
        inference_ns=max(0, monotonic_ns() - received.received_ns),
        detector=inference.detector.name,
        classifier=inference.classifier.name,
        real_time=frame.real_time,
    )


def read(received: Received[VideoFrame]) -> Picture | None:
    """The picture of a message, without a copy where it is raw; ``None`` when it is unreadable."""
    shape = received.message.height, received.message.width, 3
    if 0 in shape:
        return None
    pixels = np.frombuffer(received.payload, np.uint8)
    if received.topic is VIDEO:
        return pixels.reshape(shape)
    try:
        picture = cv2.imdecode(pixels, cv2.IMREAD_COLOR)
    except cv2.error:  # empty, or larger than OpenCV reads
        return None
    return (
        picture.astype(np.uint8, copy=False)
        if picture is not None and picture.shape == shape
        else None
    )
