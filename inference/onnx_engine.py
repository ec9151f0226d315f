"""A network of the user's in ONNX Runtime, on the CPU.

Importing this module imports ONNX Runtime; only ``open_engine`` does so.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from inference.engine import Inputs, Outputs, in_batches, one_of_each
from inference.network import SETTING, Network
from messaging.errors import UserError

onnxruntime: Any = import_module("onnxruntime")
ERROR = 3
"""The least that is logged."""


class OnnxEngine:
    """Any number at a time, or the file's own."""

    name = "onnx"

    def __init__(self, file: Path, network: Network, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = ERROR
        self._session = onnxruntime.InferenceSession(
            file, options, providers=["CPUExecutionProvider"]
        )
        taken, given = self._session.get_inputs(), self._session.get_outputs()
        one_of_each(file, len(taken), len(given))
        if taken[0].type != "tensor(float)":
            raise UserError(f"{SETTING}.file {file} takes {taken[0].type}; it must be float32")
        sizes = tuple(size if isinstance(size, int) else None for size in taken[0].shape)
        self._input = taken[0].name
        self.shape = network.input_of(sizes)
        self._batch = sizes[0]
        self._outputs = self(np.zeros((1, *self.shape), np.float32)).shape[1]

    def __call__(self, inputs: Inputs) -> Outputs:
        if not len(inputs):
            return np.empty((0, self._outputs), np.float32)
        return in_batches(self._run, inputs, self._batch or len(inputs))

    def _run(self, batch: Inputs) -> Outputs:
        (rows,) = self._session.run(None, {self._input: batch})
        return np.asarray(rows, np.float32).reshape(len(batch), -1)
