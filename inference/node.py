"""The inference node: pictures in, faces with their emotions out."""

import numpy as np

from config.settings import Settings
from inference.answer import answer_frame
from inference.detector import Picture
from inference.faces import FaceInference, open_face_inference
from inference.jpeg import read_jpeg
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
    """The result of one message; its picture is read where there is one."""
    frame = received.message
    picture = read(received) if frame.event == "picture" else None
    return answer_frame(inference, frame, picture, received.received_ns)


def read(received: Received[VideoFrame]) -> Picture | None:
    """The picture of a message, without a copy where it is raw; ``None`` when it is unreadable."""
    shape = received.message.height, received.message.width, 3
    if 0 in shape:
        return None
    if received.topic is VIDEO:
        return np.frombuffer(received.payload, np.uint8).reshape(shape)
    return read_jpeg(received.payload, shape)
