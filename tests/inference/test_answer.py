"""Pictures of several cameras, answered together."""

import numpy as np
import pytest
from numpy.typing import NDArray

from config.settings import InferenceSettings
from inference.answer import Question, answer_frame, answer_frames
from inference.detector import Picture
from inference.faces import FaceInference, open_face_inference
from messaging.clock import monotonic_ns
from messaging.schema import Probabilities, Stamp, VideoFrame


def question(source: str, picture: Picture | None, index: int = 0) -> Question:
    frame = VideoFrame(Stamp(index, "clock"), source, index, width=640, height=480)
    return Question(frame, picture, monotonic_ns())


@pytest.fixture
def inference() -> FaceInference:
    return open_face_inference(InferenceSettings(engine="litert"))


def test_all_cameras_faces_are_classified_in_one_batch_and_given_back_to_their_pictures(
    inference: FaceInference,
    portrait: Picture,
    two_portraits: Picture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches: list[int] = []
    classifier = inference.classifier

    class Counting:
        name, cut = classifier.name, classifier.cut

        def __call__(self, crops: NDArray[np.uint8]) -> list[Probabilities]:
            batches.append(len(crops))
            return classifier(crops)

    monkeypatch.setattr(inference, "classifier", Counting())
    empty = np.zeros_like(portrait)
    pictures = {"a": two_portraits, "b": empty, "c": portrait, "d": None}
    looks: list[None] = []
    together = answer_frames(
        inference, [question(*pair) for pair in pictures.items()], lambda: looks.append(None)
    )
    assert batches == [3]
    assert len(looks) == 3
    assert [(r.source, r.event, len(r.faces)) for r in together] == [
        ("a", "analysed", 2),
        ("b", "analysed", 0),
        ("c", "analysed", 1),
        ("d", "gap", 0),
    ]
    alone = open_face_inference(InferenceSettings(engine="litert"))
    for result, asked in zip(together, map(question, pictures, pictures.values()), strict=True):
        assert result.faces == answer_frame(alone, asked.frame, asked.picture, 0).faces
