"""What runs the emotion network: LiteRT on the CPU, TensorFlow on a GPU, ONNX Runtime.

Which engine runs which file is a matter of its suffix; of mini_XCEPTION there is one for each but
ONNX Runtime.
"""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from inference import weights
from inference.network import ENGINE_OF, FILES, MINI_XCEPTION, SETTING, Network
from messaging.errors import UserError

Inputs = NDArray[np.float32]
Outputs = NDArray[np.float32]
EngineName = Literal["auto", "litert", "litert-int8", "tensorflow", "onnx"]


class Need(NamedTuple):
    package: str
    extra: str
    """Of emofuse; it brings the package."""


NEEDS = {"tensorflow": Need("tensorflow", "full"), "onnx": Need("onnxruntime", "onnx")}


class Options(NamedTuple):
    """Of TensorFlow."""

    xla: bool = False
    mixed: bool = False
    """16 bits wherever Keras' policy ``mixed_float16`` has them."""


PLAIN = Options()


class Engine(Protocol):
    name: str
    """Stands in every result, beside the network's."""
    shape: tuple[int, int, int]
    """Of one input: height, width and channels, or channels first, as the file has it."""

    def __call__(self, inputs: Inputs) -> Outputs:
        """What the network gives: n x outputs, of inputs, n x ``shape``; n may be 0."""
        ...


def in_batches(run: Callable[[Inputs], Outputs], inputs: Inputs, size: int) -> Outputs:
    """``run``, which takes ``size`` inputs and no other number, on at least one; the last batch is
    filled up with zeros.
    """
    batches = [inputs[at : at + size] for at in range(0, len(inputs), size)]
    if left := size - len(batches[-1]):
        nothing = np.zeros((left, *inputs.shape[1:]), np.float32)
        batches[-1] = np.concatenate([batches[-1], nothing])
    return np.concatenate([run(batch) for batch in batches])[: len(inputs)]


def one_of_each(file: Path, inputs: int, outputs: int) -> None:
    """Raises:
    UserError: the network has several inputs or outputs.
    """
    if (inputs, outputs) != (1, 1):
        raise UserError(
            f"{SETTING}.file {file} has {inputs} inputs and {outputs} outputs; a classifier has "
            "one of each"
        )


def gpu_is_there(devices: Path = Path("/dev")) -> bool:
    """Whether this machine has a GPU for TensorFlow, told by its driver's device files.

    TensorFlow itself is not asked: its import takes seconds and hundreds of megabytes. ``dxg`` is
    the driver's door in WSL 2. An empty or -1 ``CUDA_VISIBLE_DEVICES`` hides every GPU.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in {"", "-1"}:
        return False
    return any(devices.glob("nvidia[0-9]*")) or (devices / "dxg").exists()


def open_engine(
    name: EngineName,
    network: Network = MINI_XCEPTION,
    *,
    threads: int,
    max_batch: int,
    options: Options = PLAIN,
) -> Engine:
    """The engine of that name with ``network``, loaded and warmed up. Its package is imported here
    and not before.

    Raises:
        UserError: it cannot run that network or is not installed, or the file cannot be loaded or
            does not fit its description.
    """
    chosen = _chosen(name, network)
    if chosen in NEEDS and find_spec(NEEDS[chosen].package) is None:
        raise UserError(_not_installed(chosen, network))
    if name == "auto" and network.file is None and chosen == "tensorflow" and not _sees_gpu():
        chosen = "litert"
    file = network.file or weights.checked(FILES[chosen])
    try:
        return _load(chosen, file, network, threads, max_batch, options)
    except UserError:
        raise
    except Exception as error:  # each package has errors of its own for a file that is none
        if network.file is None:
            raise
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(f"{SETTING}.file {file} cannot be loaded by {chosen}: {why}") from error


def _chosen(name: EngineName, network: Network) -> str:
    if network.file is not None:
        able = ENGINE_OF[network.file.suffix]
        if name not in {"auto", able}:
            raise UserError(
                f"inference.engine is {name}, and {network.file} is run by {able}; "
                f"set it to auto or {able}"
            )
        return able
    if name == "onnx":
        raise UserError(
            "inference.engine is onnx, of which mini_XCEPTION has no file; set it to auto, or name "
            f"a network of your own with {SETTING}.file"
        )
    if name == "auto":
        installed = find_spec("tensorflow") is not None
        return "tensorflow" if installed and gpu_is_there() else "litert"
    return name


def _not_installed(engine: str, network: Network) -> str:
    package, extra = NEEDS[engine]
    if network.file is None:
        return (
            f"inference.engine is {engine}, which is not installed: install emofuse[{extra}], or "
            "set it to litert"
        )
    return (
        f"{SETTING}.file {network.file} needs {package}, which is not installed: "
        f"install emofuse[{extra}]"
    )


def _sees_gpu() -> bool:
    from inference.tensorflow_engine import TensorFlowEngine

    return TensorFlowEngine.sees_gpu()


def _load(
    engine: str, file: Path, network: Network, threads: int, max_batch: int, options: Options
) -> Engine:
    if engine == "tensorflow":
        from inference.tensorflow_engine import TensorFlowEngine

        return TensorFlowEngine(file, network, threads, max_batch, options)
    if engine == "onnx":
        from inference.onnx_engine import OnnxEngine

        return OnnxEngine(file, network, threads)
    from inference.litert_engine import LiteRtEngine

    return LiteRtEngine(file, network, threads, engine)
