"""Makes ``mini_xception_int8.tflite`` out of ``mini_xception.keras``.

    python -m inference.weights.quantise

Needs TensorFlow. The ranges of the activations are taken from faces of the demo clip, which are
drawn: turned, moved, mirrored, darkened and roughened. Input and output stay float32. The same file
comes out each time (TensorFlow 2.21).
"""

import contextlib
import hashlib
import io
from collections.abc import Generator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from config.settings import InferenceSettings
from inference import crop
from inference.classifier import normalised
from inference.detector import open_detector
from inference.network import MINI_XCEPTION, SIDE
from inference.weights import FOLDER, ORIGINS, Origin, checked, origins

CLIP = Path(__file__).parents[2] / "capture" / "demo" / "clip.mp4"
SAMPLES = 500
SEED = 1
FROM, TO = "mini_xception.keras", "mini_xception_int8.tflite"


def faces() -> list[NDArray[np.uint8]]:
    """A crop of each third picture of the demo clip, 64 x 64."""
    detect = open_detector("blazeface", min_score=InferenceSettings().min_score, threads=1)
    video, found = cv2.VideoCapture(str(CLIP)), list[NDArray[np.uint8]]()
    while (read := video.read())[0]:
        picture = read[1].astype(np.uint8, copy=False)
        found.extend(crop.cut(picture, [crop.square(face) for face in detect(picture)[:1]]))
    return found[::3]


def varied(face: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Turned, sized, moved, perhaps mirrored, in other light and with a camera's noise."""
    middle = (SIDE - 1) / 2
    turn = cv2.getRotationMatrix2D(
        (middle, middle), random.uniform(-15, 15), random.uniform(0.85, 1.2)
    )
    turn[:, 2] += random.uniform(-4, 4, 2)
    moved = cv2.warpAffine(face, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    if random.random() < 0.5:
        moved = moved[:, ::-1]
    lit = moved * random.uniform(0.3, 1.3) + random.uniform(-40, 40)
    noisy = lit + random.normal(0, random.uniform(0, 8), lit.shape)
    return noisy.round().clip(0, 255).astype(np.uint8)


def samples() -> Generator[list[NDArray[np.float32]]]:
    random, drawn = np.random.default_rng(SEED), faces()
    for number in range(SAMPLES):
        crops = varied(drawn[number % len(drawn)], random)[np.newaxis]
        yield [normalised(MINI_XCEPTION, crops)]


def quantised(keras_file: Path) -> bytes:
    tensorflow: Any = import_module("tensorflow")
    model = tensorflow.keras.models.load_model(keras_file, compile=False)
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()


def main() -> None:
    """Writes the file, and the line about it into ``weights.json``."""
    content = quantised(checked(FROM))
    (FOLDER / TO).write_bytes(content)
    listed = origins()
    listed[TO] = replace(listed[FROM], sha256=hashlib.sha256(content).hexdigest())
    told = TypeAdapter(dict[str, Origin]).dump_json(dict(sorted(listed.items())), indent=2)
    (FOLDER / ORIGINS).write_bytes(told + b"\n")


if __name__ == "__main__":
    main()
