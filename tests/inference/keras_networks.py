"""Makes small networks in Keras, as users do, and asks them; a process of its own for TensorFlow.

    python -m tests.inference.keras_networks FOLDER

Writes into FOLDER the networks, ``crops.npy``, what Keras itself says of them, and ``told.json``:
what the project's classifier says, or how it refuses.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from inference import weights
from inference.classifier import Classifier, normalised, open_classifier
from inference.engine import Options, open_engine
from inference.network import MINI_XCEPTION
from inference.weights.quantise import faces
from messaging.errors import UserError
from tests.inference.networks import noise, own

tensorflow: Any = import_module("tensorflow")
layers: Any = tensorflow.keras.layers


def network(side: int, channels: int, *, batch: int | None = None, outputs: int = 7) -> Any:
    tensorflow.keras.utils.set_random_seed(1)
    entry = layers.Input(batch_shape=(batch, side, side, channels))
    edges = layers.Conv2D(8, 3, strides=2, activation="relu", kernel_initializer="he_normal")(entry)
    means = layers.GlobalAveragePooling2D()(edges)
    spread = tensorflow.keras.initializers.RandomNormal(stddev=3.0, seed=2)
    scores = layers.Dense(outputs, kernel_initializer=spread)(means)
    return tensorflow.keras.Model(entry, layers.Softmax()(scores))


def to_tflite(model: Any, *, whole: bool = False) -> bytes:
    """``whole``: pixels from -1 to 1 in as unsigned bytes, probabilities out as signed ones."""
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(model)
    if whole:
        _, side, _, channels = model.inputs[0].shape
        pixels = noise(40, side, channels).astype(np.float32) / 127.5 - 1
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([one[np.newaxis]] for one in pixels)
        converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tensorflow.uint8
        converter.inference_output_type = tensorflow.int8
    return converter.convert()


def asked(file: Path, crops: Any, **changes: Any) -> Any:
    """The classifier's rows for one, two, ... crops, or the refusal."""
    try:
        classifier = open_classifier(own(file, size=crops.shape[1], **changes))
    except UserError as error:
        return str(error)
    return [classifier(crops[: count + 1]) for count in range(len(crops))]


def main(folder: Path) -> None:
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)  # before all; as settings have
    told: dict[str, Any] = {}
    rgb, grey = network(32, 3), network(48, 1, batch=1)
    crops, grey_crops = noise(5), noise(5, 48, 1)
    np.save(folder / "crops.npy", crops)
    np.save(folder / "grey_crops.npy", grey_crops)
    np.save(folder / "rgb.npy", rgb(crops.astype(np.float32) / 255))
    np.save(folder / "whole.npy", rgb(crops.astype(np.float32) / 127.5 - 1))
    np.save(
        folder / "grey.npy",
        [grey(one[np.newaxis].astype(np.float32) / 255)[0] for one in grey_crops],
    )
    rgb.save(folder / "rgb.keras")
    grey.save(folder / "grey.keras")
    (folder / "rgb.tflite").write_bytes(to_tflite(rgb))
    (folder / "grey.tflite").write_bytes(to_tflite(grey))
    (folder / "whole.tflite").write_bytes(to_tflite(rgb, whole=True))
    rgb.save(folder / "rgb.h5")
    told["rgb.keras"] = asked(folder / "rgb.keras", crops)
    told["rgb.h5"] = asked(folder / "rgb.h5", crops)
    told["grey.keras"] = asked(folder / "grey.keras", grey_crops, colour="grey")
    told["shape"] = asked(folder / "rgb.keras", grey_crops, colour="grey")
    told["labels"] = asked(folder / "rgb.keras", crops, labels=("happy", "sad"))
    told["engine"] = asked(folder / "rgb.keras", crops, engine="litert")
    (folder / "junk.keras").write_bytes(b"no network" * 100)
    told["junk"] = asked(folder / "junk.keras", crops)
    two = layers.Input((32, 32, 3)), layers.Input((32, 32, 3))
    both = tensorflow.keras.Model(list(two), rgb(layers.Add()(list(two))))
    both.save(folder / "both.keras")
    told["both"] = asked(folder / "both.keras", crops)
    drawn = np.array(faces())
    np.save(folder / "faces.npy", drawn)
    reference = tensorflow.keras.models.load_model(
        weights.checked("mini_xception.keras"), compile=False
    )
    np.save(folder / "reference.npy", reference(normalised(MINI_XCEPTION, drawn)))
    for name in ("plain", "xla", "mixed"):
        options = Options(xla=name == "xla", mixed=name == "mixed")
        engine = open_engine("tensorflow", threads=1, max_batch=4, options=options)
        told[name] = Classifier(engine)(drawn)
    (folder / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
