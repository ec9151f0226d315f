"""The emotion network in TensorFlow: compiled, batched, in float32 unless asked otherwise.

Importing this module imports TensorFlow, which takes seconds; only ``open_engine`` does so.
"""

import os
import warnings
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from inference.engine import Inputs, Options, Outputs, in_batches, one_of_each
from inference.network import Network

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read once, at TensorFlow's import
tensorflow: Any = import_module("tensorflow")


class TensorFlowEngine:
    """Batches are padded to the next power of two, all of which are traced at the start; another
    size cannot be asked. A batch crosses to the GPU in one copy.
    """

    name = "tensorflow"

    def __init__(
        self, file: Path, network: Network, threads: int, max_batch: int, options: Options
    ) -> None:
        for gpu in tensorflow.config.list_physical_devices("GPU"):
            tensorflow.config.experimental.set_memory_growth(gpu, enable=True)
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        # TF32 keeps 10 bits of the mantissa: too few to agree with LiteRT within 1e-3.
        tensorflow.config.experimental.enable_tensor_float_32_execution(enabled=False)
        model = tensorflow.keras.models.load_model(file, compile=False)
        one_of_each(file, len(model.inputs), len(model.outputs))
        if options.mixed:
            model = _in_16_bits(model)
        batch, *_ = model.inputs[0].shape
        self.shape = network.input_of(tuple(model.inputs[0].shape))
        powers = range((max_batch - 1).bit_length() + 1)
        self._sizes = [2**power for power in powers] if batch is None else [batch]
        self._run: Any = tensorflow.function(
            partial(model, training=False), jit_compile=options.xla
        )
        with warnings.catch_warnings():
            # Keras warns of a list of one input where the one input is given, and takes it.
            warnings.filterwarnings("ignore", "The structure of `inputs`")
            self._traced: dict[int, Any] = {
                size: self._run.get_concrete_function(
                    tensorflow.TensorSpec((size, *self.shape), tensorflow.float32)
                )
                for size in self._sizes
            }
        for size in self._sizes:  # XLA compiles and cuDNN chooses at the first call
            self._outputs = self._batch(np.zeros((size, *self.shape), np.float32)).shape[1]

    @staticmethod
    def sees_gpu() -> bool:
        """Whether this build of TensorFlow finds a GPU, its driver and its libraries."""
        return bool(tensorflow.config.list_physical_devices("GPU"))

    def __call__(self, inputs: Inputs) -> Outputs:
        if not len(inputs):
            return np.empty((0, self._outputs), np.float32)
        fitting = (size for size in self._sizes if size >= len(inputs))
        return in_batches(self._batch, inputs, next(fitting, self._sizes[-1]))

    def _batch(self, batch: Inputs) -> Outputs:
        rows = self._traced[len(batch)](tensorflow.constant(batch)).numpy()
        return rows.astype(np.float32, copy=False).reshape(len(batch), -1)


def _in_16_bits(model: Any) -> Any:
    """All but the last layer, whose probabilities would be too coarse."""

    def remade(layer: Any) -> Any:
        config = layer.get_config()
        if layer is not model.layers[-1]:
            config["dtype"] = "mixed_float16"
        return layer.__class__.from_config(config)

    clone = tensorflow.keras.models.clone_model(model, clone_function=remade)
    clone.set_weights(model.get_weights())
    return clone
