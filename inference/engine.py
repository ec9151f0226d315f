"""What runs the emotion network: LiteRT on the CPU, TensorFlow on a GPU or where asked for."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from inference import weights
from inference.litert import LiteRt
from messaging.errors import UserError

SIDE = 64
"""Input of the network: 64 x 64 grey pixels."""
CLASSES = 7


class Engine(Protocol):
    name: str

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities, n x 7, of inputs, n x 64 x 64 x 1 from -1 to 1; n may be 0."""
        ...


class LiteRtEngine:
    """One input at a time: on a CPU a batch of this small network is no faster."""

    name = "litert"

    def __init__(self, threads: int) -> None:
        self._network = LiteRt(weights.checked("mini_xception.tflite"), threads)

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        probabilities = np.empty((len(inputs), CLASSES), np.float32)
        for row, one in zip(probabilities, inputs, strict=True):
            self._network.input()[0] = one
            self._network.invoke()
            row[:] = self._network.outputs[0]()[0]
        return probabilities


def gpu_is_there(devices: Path = Path("/dev")) -> bool:
    """Whether this machine has a GPU for TensorFlow, told by its driver's device files.

    TensorFlow itself is not asked: its import takes seconds and hundreds of megabytes. ``dxg`` is
    the driver's door in WSL 2. An empty or -1 ``CUDA_VISIBLE_DEVICES`` hides every GPU.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in {"", "-1"}:
        return False
    return any(devices.glob("nvidia[0-9]*")) or (devices / "dxg").exists()


def open_engine(
    name: Literal["auto", "litert", "tensorflow"], *, threads: int, max_batch: int
) -> Engine:
    """The engine of that name, loaded and warmed up; TensorFlow is imported here and not before.

    Raises:
        UserError: TensorFlow was asked for and is not installed.
    """
    installed = find_spec("tensorflow") is not None
    if name == "litert" or (name == "auto" and not (installed and gpu_is_there())):
        return LiteRtEngine(threads)
    if not installed:
        raise UserError(
            "inference.engine is tensorflow, which is not installed: "
            "install emofuse[full], or set it to litert"
        )
    from inference.tensorflow_engine import TensorFlowEngine

    if name == "auto" and not TensorFlowEngine.sees_gpu():
        return LiteRtEngine(threads)
    return TensorFlowEngine(threads=threads, max_batch=max_batch)
