"""The inference node: pictures in, faces with their emotions out."""

from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from config.settings import Settings
from inference.answer import Question, answer_frames
from inference.detector import Picture
from inference.faces import FaceInference, open_face_inference
from inference.jpeg import read_jpeg
from inference.share import Share
from messaging.joining import node_of
from messaging.node import Node
from messaging.schema import Control, VideoFrame
from messaging.topics import CREDIT, FACES, VIDEO, VIDEO_JPEG
from messaging.wire import Received
from messaging.workers import DEAD_NS, WORKER

LOOK_S = 0.1


def run(settings: Settings) -> None:
    """Answer every picture that is this worker's with one result until asked to stop."""
    topic = VIDEO_JPEG if settings.inference.pictures == "jpeg" else VIDEO
    with node_of(settings, WORKER, [topic, CREDIT], credits_of=[topic], is_worker=True) as node:
        inference = open_face_inference(settings.inference)
        with ThreadPoolExecutor(1, "jpeg") as pool:
            serve(node, inference, pool)


Read = Future[Picture | None]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A message that waits for its turn."""

    received: Received[VideoFrame]
    read: Read | None = None
    is_ours: bool = True
    """Another worker's waits for those of its sender that came before: credit is given in order."""


def serve(node: Node, inference: FaceInference, pool: Executor) -> None:
    """While one picture of a lossless source is looked at, the next ones are decompressed. A live
    camera's never wait for that: a newer one may overtake them.
    """
    share = Share(node.name)
    waiting: deque[_Waiting] = deque()
    while (goes_on := node.alive()) or waiting:
        # Asked to stop it answers what it has: a lossless source would send more without end.
        arrived = node.receive(0 if waiting else LOOK_S) if goes_on else []
        # What others have done with comes first: pictures travel another way, and one may name this
        # worker just because of that.
        for received in arrived:
            if isinstance(received.message, Control):
                share.hear(received.message)
        for received in arrived:
            if isinstance(received.message, VideoFrame):
                waiting.extend(_take(node, inference, pool, share, received, waiting))
        while waiting:
            _answer_some(node, inference, waiting)
            if all(one.received.message.lossless for one in waiting):
                break


def _take(
    node: Node,
    inference: FaceInference,
    pool: Executor,
    share: Share,
    received: Received[VideoFrame],
    waiting: Collection[_Waiting],
) -> Iterator[_Waiting]:
    """What is to be done about a message, after all that waits."""
    due, has_moved = share.take(received, node.running(WORKER, DEAD_NS))
    if has_moved:
        inference.forget(received.message.source)
    for one in due:
        frame = one.message
        ahead = frame.lossless and frame.event == "picture" and one.topic is VIDEO_JPEG
        yield _Waiting(one, pool.submit(read, one) if ahead else None)
    if not due and received.message.lossless:
        if any(one.received.sender == received.sender for one in waiting):
            yield _Waiting(received, is_ours=False)
        else:
            node.give_credit(received)


def _answer_some(node: Node, inference: FaceInference, waiting: deque[_Waiting]) -> None:
    """The first ones, of as many cameras as there are, in one batch."""
    while waiting and not waiting[0].is_ours:
        node.give_credit(waiting.popleft().received)
    batch: dict[str, _Waiting] = {}
    while waiting and waiting[0].is_ours and waiting[0].received.message.source not in batch:
        one = waiting.popleft()
        batch[one.received.message.source] = one
    questions = [question(one.received, one.read) for one in batch.values()]
    results = answer_frames(inference, questions, node.alive)
    for one, result in zip(batch.values(), results, strict=True):
        node.publish(FACES, result)
        if one.received.message.event == "picture" and result.event == "gap":
            node.log.warning("a picture of %s is unreadable", result.source)
        if one.received.message.lossless:
            node.give_credit(one.received)
    node.alive()  # a slow detector may need seconds for what has come at once


def question(received: Received[VideoFrame], picture: Read | None = None) -> Question:
    """Its picture is read where there is one, and it was not yet."""
    frame = received.message
    if frame.event != "picture":
        pixels = None
    else:
        pixels = read(received) if picture is None else picture.result()
    return Question(frame, pixels, received.received_ns)


def read(received: Received[VideoFrame]) -> Picture | None:
    """The picture of a message, without a copy where it is raw; ``None`` when it is unreadable."""
    shape = received.message.height, received.message.width, 3
    if 0 in shape:
        return None
    if received.topic is VIDEO:
        return np.frombuffer(received.payload, np.uint8).reshape(shape)
    return read_jpeg(received.payload, shape)
