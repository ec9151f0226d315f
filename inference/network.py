"""Which network reads emotions off faces: its file, what it takes, and what it gives."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from config.settings import ClassifierSettings, InferenceSettings
from inference import weights
from messaging.errors import UserError
from messaging.schema import EMOTIONS

SIDE = 64
"""Of mini_XCEPTION's input: 64 x 64 grey pixels. Trackers compare faces in crops of this size."""
SETTING = "inference.classifier"
ENGINE_OF = {".tflite": "litert", ".keras": "tensorflow", ".h5": "tensorflow", ".onnx": "onnx"}
"""Which engine runs a file of that suffix."""
FILES = {
    "litert": "mini_xception.tflite",
    "litert-int8": "mini_xception_int8.tflite",
    "tensorflow": "mini_xception.keras",
}
"""mini_XCEPTION for each engine."""
LEFT_OUT = "-"
"""A label that begins with it is no emotion of ours."""
SYNONYMS = {
    **{emotion: emotion for emotion in EMOTIONS},
    "anger": "angry",
    "disgusted": "disgust",
    "afraid": "fear",
    "fearful": "fear",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}

Shape = tuple[int | None, ...]
"""As a file has it; ``None`` where any number will do."""


@dataclass(frozen=True, slots=True)
class Network:
    """A classifier of faces. What a pixel becomes: ``pixel * scale + offset``."""

    name: str
    labels: tuple[str, ...]
    """Of its outputs, in their order; each maps to an emotion, or begins with ``LEFT_OUT``."""
    side: int
    """Of the square that it sees, in pixels."""
    colour: str
    """``grey``, ``rgb`` or ``bgr``."""
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    """One number, or one for each channel in the order of ``colour``."""
    logits: bool = False
    """Whether softmax is left to us."""
    file: Path | None = None
    """``None`` is mini_XCEPTION, of which every engine has a file of its own."""

    @property
    def channels(self) -> int:
        return 1 if self.colour == "grey" else 3

    @property
    def sees_grey_64(self) -> bool:
        """Whether its crops are those that trackers compare."""
        return (self.side, self.colour) == (SIDE, "grey")

    @property
    def outputs_of(self) -> tuple[int | None, ...]:
        """Which output gives each of ``EMOTIONS``; ``None`` where none does."""
        emotions = [SYNONYMS.get(label.lower()) for label in self.labels]
        return tuple(
            emotions.index(emotion) if emotion in emotions else None for emotion in EMOTIONS
        )

    @property
    def notes(self) -> list[str]:
        """What a reader of its results should know of its labels."""
        pairs = zip(EMOTIONS, self.outputs_of, strict=True)
        lacks = [emotion for emotion, output in pairs if output is None]
        others = [label.removeprefix(LEFT_OUT) for label in self.labels if label[:1] == LEFT_OUT]
        return [
            *([f"{self.name} knows no {', '.join(lacks)}: always 0"] if lacks else []),
            *([f"{self.name} knows {', '.join(others)} too: left out"] if others else []),
        ]

    def input_of(self, shape: Shape) -> tuple[int, int, int]:
        """The shape of one input, where a file's input is ``shape``: channels last, or first.

        Raises:
            UserError: the network was described as another one.
        """
        last, first = (self.side, self.side, self.channels), (self.channels, self.side, self.side)
        onnx = self.file is not None and self.file.suffix == ".onnx"  # where a shape leaves it open
        for one in (first, last) if onnx else (last, first):
            pairs = zip(shape[1:], one, strict=False)
            if len(shape) == 4 and all(found in (None, wanted) for found, wanted in pairs):
                return one
        raise UserError(
            f"{SETTING}.file {self.file} takes {_written(shape)}, and not, as size = {self.side} "
            f'and colour = "{self.colour}" say, {_written((None, *last))} or '
            f"{_written((None, *first))}: correct them"
        )


MINI_XCEPTION = Network("mini_xception", EMOTIONS, SIDE, "grey", scale=(2 / 255,), offset=(-1.0,))
"""Arriaga, Valdenegro-Toro, Ploeger, Real-time Convolutional Neural Networks for Emotion and Gender
Classification (2017); trained on FER2013, 65.9 % right on its private test.
"""


def network_of(settings: ClassifierSettings) -> Network:
    """The network that is asked for: the user's own, or mini_XCEPTION.

    Raises:
        UserError: its file is not there or of no kind that is known, or its labels are not ours.
    """
    if settings.file is None:
        return MINI_XCEPTION
    if settings.file.suffix not in ENGINE_OF:
        raise UserError(
            f"{SETTING}.file {settings.file} is no network that is known here; there are "
            f"{', '.join(ENGINE_OF)}"
        )
    if not settings.file.is_file():
        raise UserError(f"{SETTING}.file {settings.file} is not there; check the path")
    _check_labels(settings.labels)
    low, high = settings.range
    count = max(len(settings.mean), len(settings.std))
    means, stds = (values * (count // len(values)) for values in (settings.mean, settings.std))
    return Network(
        settings.file.stem,
        settings.labels,
        settings.size,
        settings.colour,
        scale=tuple((high - low) / 255 / std for std in stds),
        offset=tuple((low - mean) / std for mean, std in zip(means, stds, strict=True)),
        logits=settings.logits,
        file=settings.file,
    )


def never_on_gpu(settings: InferenceSettings) -> bool:
    """Whether what is asked for runs on a CPU wherever it is."""
    if settings.classifier.file is not None:
        return ENGINE_OF.get(settings.classifier.file.suffix) != "tensorflow"
    return settings.engine not in {"auto", "tensorflow"}


def _check_labels(labels: tuple[str, ...]) -> None:
    known: dict[str, str] = {}
    for label in labels:
        if label.startswith(LEFT_OUT):
            continue
        emotion = SYNONYMS.get(label.lower())
        if emotion is None:
            raise UserError(
                f"{SETTING}.labels names {label!r}, which is none of {', '.join(EMOTIONS)}; "
                f"correct it, or leave that output out with {LEFT_OUT + label!r}"
            )
        if emotion in known:
            raise UserError(
                f"{SETTING}.labels names {emotion} twice: {known[emotion]!r} and {label!r}"
            )
        known[emotion] = label
    if len(known) < 2:
        raise UserError(f"{SETTING}.labels names fewer than two of {', '.join(EMOTIONS)}")


def models(settings: InferenceSettings, *, unread: str | None = None) -> dict[str, str]:
    """The SHA-256 of each network that results may depend on, by its file's name; ``unread``
    stands for one that cannot be read.

    Raises:
        UserError: a file cannot be read, and nothing may stand for it.
    """
    own, used = settings.classifier.file, set[str]()
    if own is None:
        int8 = settings.engine == "litert-int8"
        used = {name for engine, name in FILES.items() if (engine == "litert-int8") == int8}
    unused = set(FILES.values()) - used
    known = {
        name: origin.sha256 for name, origin in weights.origins().items() if name not in unused
    }
    if own is not None:
        try:
            with own.open("rb") as file:
                known[own.name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            if unread is not None:
                return {**known, own.name: unread}
            raise UserError(
                f"{SETTING}.file {own} cannot be read ({error.strerror}); check the path"
            ) from None
    return known


def _written(shape: Shape) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape)
