"""The inference node: pictures in, faces with their emotions out."""

from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor

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

LOOK_S = 0.1


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
        keys=bus.keys,
    ) as node:
        inference = open_face_inference(settings.inference)
        with ThreadPoolExecutor(1, "jpeg") as pool:
            serve(node, inference, pool)


Read = Future[Picture | None]


def serve(node: Node, inference: FaceInference, pool: Executor) -> None:
    """While one picture of a lossless source is looked at, the next ones are decompressed. A live
    camera's never wait for that: a newer one may overtake them.
    """
    waiting: deque[tuple[Received[VideoFrame], Read | None]] = deque()

    def answer_next() -> None:
        node.alive()  # a slow detector may need seconds for what has come at once
        received, picture = waiting.popleft()
        result = answer(inference, received, picture)
        node.publish(FACES, result)
        if received.message.event == "picture" and result.event == "gap":
            node.log.warning("a picture of %s is unreadable", result.source)
        if received.message.lossless:
            node.give_credit(received)

    while node.alive() or waiting:
        for received in node.receive(0 if waiting else LOOK_S):
            frame = received.message
            ahead = frame.lossless and frame.event == "picture" and received.topic is VIDEO_JPEG
            waiting.append((received, pool.submit(read, received) if ahead else None))
            while waiting and not frame.lossless:
                answer_next()
        if waiting:
            answer_next()


def answer(
    inference: FaceInference, received: Received[VideoFrame], picture: Read | None = None
) -> FaceEmotions:
    """The result of one message; its picture is read where there is one, and it was not yet."""
    frame = received.message
    if frame.event != "picture":
        pixels = None
    else:
        pixels = read(received) if picture is None else picture.result()
    return answer_frame(inference, frame, pixels, received.received_ns)


def read(received: Received[VideoFrame]) -> Picture | None:
    """The picture of a message, without a copy where it is raw; ``None`` when it is unreadable."""
    shape = received.message.height, received.message.width, 3
    if 0 in shape:
        return None
    if received.topic is VIDEO:
        return np.frombuffer(received.payload, np.uint8).reshape(shape)
    return read_jpeg(received.payload, shape)
