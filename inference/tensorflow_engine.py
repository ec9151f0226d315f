"""The emotion network in TensorFlow: compiled, batched, in float32.

Importing this module imports TensorFlow, which takes seconds; only ``open_engine`` does so.
"""

import os
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference import weights
from inference.engine import CLASSES, SIDE

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read once, at TensorFlow's import
tensorflow: Any = import_module("tensorflow")


class TensorFlowEngine:
    """Batches are padded to the next power of two, all of which are traced at the start."""

    name = "tensorflow"

    def __init__(self, *, threads: int, max_batch: int) -> None:
        for gpu in tensorflow.config.list_physical_devices("GPU"):
            tensorflow.config.experimental.set_memory_growth(gpu, enable=True)
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        # TF32 keeps 10 bits of the mantissa: too few to agree with LiteRT within 1e-3.
        tensorflow.config.experimental.enable_tensor_float_32_execution(enabled=False)
        model = tensorflow.keras.models.load_model(
            weights.checked("mini_xception.keras"), compile=False
        )
        self._run: Any = tensorflow.function(partial(model, training=False))
        self._sizes = [2**power for power in range((max_batch - 1).bit_length() + 1)]
        self._buffer = np.zeros((self._sizes[-1], SIDE, SIDE, 1), np.float32)
        for size in self._sizes:
            self._run(tensorflow.constant(self._buffer[:size]))

    @staticmethod
    def sees_gpu() -> bool:
        """Whether this build of TensorFlow finds a GPU, its driver and its libraries."""
        return bool(tensorflow.config.list_physical_devices("GPU"))

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        largest = self._sizes[-1]
        parts = [self._batch(inputs[at : at + largest]) for at in range(0, len(inputs), largest)]
        return np.concatenate(parts) if parts else np.empty((0, CLASSES), np.float32)

    def _batch(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        size = next(size for size in self._sizes if size >= len(inputs))
        self._buffer[: len(inputs)] = inputs
        return self._run(tensorflow.constant(self._buffer[:size])).numpy()[: len(inputs)]
