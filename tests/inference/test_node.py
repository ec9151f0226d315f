import time
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import cv2
import numpy as np
import pytest

from config.settings import InferenceSettings
from inference.answer import answer_frames
from inference.detector import Detection, Picture
from inference.faces import FaceInference, open_face_inference
from inference.node import question, serve
from messaging.clock import monotonic_ns
from messaging.node import Node
from messaging.schema import FaceEmotions, Stamp, VideoFrame
from messaging.topics import CREDIT, VIDEO, VIDEO_JPEG, Topic
from messaging.wire import Received

STAMP = Stamp(123, "media:clip", 456)
AHEAD = 8


@pytest.fixture(scope="module")
def inference() -> FaceInference:
    return open_face_inference(InferenceSettings(engine="litert"))


def received(
    payload: bytes,
    topic: Topic[VideoFrame] = VIDEO,
    event: Literal["opened", "picture", "gap", "closed"] = "picture",
    *,
    width: int = 640,
    height: int = 480,
) -> Received[VideoFrame]:
    frame = VideoFrame(
        STAMP, "clip", 7, event, width=width, height=height, interval_ns=9, lossless=True
    )
    return Received(
        topic, frame, memoryview(payload), "media", 1, 0, received_ns=monotonic_ns() - 1000
    )


def answer(inference: FaceInference, received: Received[VideoFrame]) -> FaceEmotions:
    return answer_frames(inference, [question(received)])[0]


def jpeg(picture: Picture) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def test_a_picture_is_answered_with_its_own_stamp_and_its_faces(
    inference: FaceInference, portrait: Picture
) -> None:
    result = answer(inference, received(portrait.tobytes()))
    assert result.event == "analysed"
    assert [face.label for face in result.faces] == ["happy"]
    assert (result.stamp, result.source, result.index) == (STAMP, "clip", 7)
    assert (result.width, result.height, result.interval_ns) == (640, 480, 9)
    assert result.lossless
    assert result.inference_ns > 1000
    assert (result.detector, result.classifier) == ("blazeface", "mini_xception (litert)")


def test_a_picture_without_a_face_is_answered_too(inference: FaceInference) -> None:
    result = answer(inference, received(bytes(640 * 480 * 3)))
    assert (result.event, result.faces) == ("analysed", ())


def test_a_jpeg_is_read_like_a_raw_picture(inference: FaceInference, portrait: Picture) -> None:
    result = answer(inference, received(jpeg(portrait), VIDEO_JPEG))
    assert [face.label for face in result.faces] == ["happy"]


@pytest.mark.parametrize("event", ["opened", "gap", "closed"])
def test_punctuation_passes_through(
    inference: FaceInference, event: Literal["opened", "gap", "closed"]
) -> None:
    result = answer(inference, received(b"", event=event, width=0, height=0))
    assert (result.event, result.faces, result.stamp) == (event, (), STAMP)


def test_faces_are_new_ones_after_a_source_opened_anew(
    inference: FaceInference, portrait: Picture
) -> None:
    tracks: list[int] = []
    for message in (received(portrait.tobytes()), received(b"", event="opened")) * 2:
        tracks += [face.track for face in answer(inference, message).faces]
    assert tracks[1] == tracks[0] + 1


@pytest.mark.parametrize(
    "junk",
    [
        received(b"", VIDEO_JPEG),
        received(b"no picture", VIDEO_JPEG),
        received(jpeg(np.zeros((24, 32, 3), np.uint8)), VIDEO_JPEG),
        received(jpeg(np.zeros((480, 640, 3), np.uint8))[:100], VIDEO_JPEG),
        received(b"", width=0),
        received(b"", height=0),
    ],
    ids=["empty", "text", "other size", "cut short", "no width", "no height"],
)
def test_an_unreadable_picture_is_a_gap(
    inference: FaceInference, junk: Received[VideoFrame]
) -> None:
    result = answer(inference, junk)
    assert (result.event, result.faces, result.stamp) == ("gap", (), STAMP)


class Slow:
    """A detector that takes longer than the next picture needs to come."""

    name = "slow"

    def __call__(self, picture: Picture) -> list[Detection]:  # noqa: ARG002
        time.sleep(0.01)
        return []


def test_a_worker_that_is_asked_to_stop_answers_what_it_has_and_takes_no_more(
    inference: FaceInference, address: str
) -> None:
    """A lossless source sends the next picture for each that is answered."""
    slow = FaceInference(Slow(), inference.classifier, InferenceSettings())
    with (
        Node("media", address, keeps_all=True) as media,
        Node("inference", address, [VIDEO, CREDIT], credits_of=[VIDEO], is_worker=True) as worker,
        ThreadPoolExecutor() as pool,
    ):
        served = pool.submit(serve, worker, slow, pool)
        served.add_done_callback(lambda _: media.ask_to_stop())
        media.wait_for(["inference"])
        deadline, sent = time.monotonic() + 10, 0
        while media.wait_for_credit(VIDEO, AHEAD) and time.monotonic() < deadline:
            frame = VideoFrame(
                media.stamp(), "clip", sent, width=64, height=48, lossless=True, worker="inference"
            )
            media.publish(VIDEO, frame, np.full((48, 64, 3), sent % 2 * 255, np.uint8))
            sent += 1
            if sent == 2 * AHEAD:
                worker.ask_to_stop()
        was_done = served.done()  # else it ends now that nothing more comes
    assert was_done
