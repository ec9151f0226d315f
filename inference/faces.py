"""From a picture to its faces with their emotions; knows no socket."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from config.settings import InferenceSettings
from inference import crop
from inference.classifier import Classifier, open_classifier
from inference.detector import Box, Detection, Detector, Picture, open_detector
from inference.follow import Follower
from inference.looks import FINE, looks
from inference.tracker import Tracker
from messaging.schema import Face


@dataclass(frozen=True, slots=True)
class Looked:
    """What there is in a picture, but for what the faces show."""

    tracks: Sequence[int]
    found: Sequence[Detection]
    crops: NDArray[np.uint8]


class FaceInference:
    """Detector, tracker, crop and classifier in a row, for any number of cameras."""

    def __init__(
        self, detector: Detector, classifier: Classifier, settings: InferenceSettings
    ) -> None:
        self.detector = detector
        self.classifier = classifier
        self._max_faces = settings.max_faces
        self._trackers: defaultdict[str, Tracker] = defaultdict(Tracker)
        self._followers: defaultdict[str, Follower] = defaultdict(
            lambda: Follower(
                self._detect,
                detect_every_s=settings.detect_every_s,
                still_s=settings.still_s,
            )
        )

    def __call__(self, source: str, captured_ns: int, picture: Picture) -> tuple[Face, ...]:
        """The faces of one picture, by track; of more than ``max_faces`` the largest.

        Pictures of one source come in the order of their stamps.
        """
        return self.classified([self.look(source, captured_ns, picture)])[0]

    def look(self, source: str, captured_ns: int, picture: Picture) -> Looked:
        """The first part of it: who is where."""
        found = self._followers[source](captured_ns, picture)
        squares = [crop.square(face) for face in found]
        crops = crop.cut(picture, squares)
        seen = looks(crops, crop.seen(picture, squares, FINE))
        tracks = self._trackers[source](captured_ns, [face.box for face in found], seen)
        return Looked(tracks, found, self.classifier.cut(picture, squares, crops))

    def classified(self, pictures: Sequence[Looked]) -> list[tuple[Face, ...]]:
        """The second part, for pictures of any cameras at once: the faces of each."""
        if not pictures:
            return []
        shown = iter(self.classifier(np.concatenate([picture.crops for picture in pictures])))
        return [
            tuple(
                sorted(
                    (
                        Face(track, face.box, face.score, next(shown))
                        for track, face in zip(picture.tracks, picture.found, strict=True)
                    ),
                    key=lambda face: face.track,
                )
            )
            for picture in pictures
        ]

    def forget(self, source: str) -> None:
        """The source opens anew: its faces are new ones."""
        self._trackers[source].forget()
        self._followers[source].forget()

    def _detect(self, picture: Picture) -> list[Detection]:
        return sorted(self.detector(picture), key=_largest_first)[: self._max_faces]


def _largest_first(face: Detection) -> tuple[float, float, Box]:
    return -face.box.area, -face.score, face.box


def open_face_inference(settings: InferenceSettings) -> FaceInference:
    """Everything loaded and warmed up.

    Raises:
        UserError: weights are damaged, the engine that was asked for is not installed, or a network
            of the user's does not fit its description.
    """
    cv2.setNumThreads(settings.threads)
    classifier = open_classifier(settings)
    detector = open_detector(
        settings.detector, min_score=settings.min_score, threads=settings.threads
    )
    return FaceInference(detector, classifier, settings)
