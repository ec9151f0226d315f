"""From a picture to its faces with their emotions; knows no socket."""

from collections import defaultdict

import cv2

from config.settings import InferenceSettings
from inference import crop
from inference.classifier import Classifier, open_classifier
from inference.detector import Box, Detection, Detector, Picture, open_detector
from inference.follow import Follower
from inference.looks import FINE, looks
from inference.tracker import Tracker
from messaging.schema import Face


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
        found = self._followers[source](captured_ns, picture)
        squares = [crop.square(face) for face in found]
        crops = crop.cut(picture, squares)
        seen = looks(crops, crop.seen(picture, squares, FINE))
        tracks = self._trackers[source](captured_ns, [face.box for face in found], seen)
        rows = self.classifier(self.classifier.cut(picture, squares, crops))
        faces = [
            Face(track, face.box, face.score, probabilities)
            for track, face, probabilities in zip(tracks, found, rows, strict=True)
        ]
        return tuple(sorted(faces, key=lambda face: face.track))

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
