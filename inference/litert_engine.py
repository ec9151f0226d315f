"""The emotion network in LiteRT, on the CPU (XNNPACK); float32, or int8 with int8 or float ends."""

from pathlib import Path

import numpy as np

from inference.engine import Inputs, Outputs, in_batches, one_of_each
from inference.litert import LiteRt
from inference.network import Network


class LiteRtEngine:
    """As many at a time as the file has, mostly one: on a CPU a batch of such a small network is no
    faster.
    """

    def __init__(self, file: Path, network: Network, threads: int, name: str) -> None:
        self.name = name
        self._network = LiteRt(file, threads)
        taken, given = self._network.input_details, self._network.output_details
        one_of_each(file, len(taken), len(given))
        self._input, self._output = taken[0], given[0]
        self.shape = network.input_of(self._input.shape)
        self._batch, *_ = self._input.shape

    def __call__(self, inputs: Inputs) -> Outputs:
        if not len(inputs):
            return np.empty((0, int(np.prod(self._output.shape[1:]))), np.float32)
        return in_batches(self._run, inputs, self._batch)

    def _run(self, batch: Inputs) -> Outputs:
        self._network.input()[:] = self._input.quantised(batch)
        self._network.invoke()
        return self._output.real(self._network.outputs[0]()).reshape(self._batch, -1)
