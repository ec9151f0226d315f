"""Networks such as users bring: small ones, whose answers can be worked out by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from config.settings import ClassifierSettings, InferenceSettings
from messaging.schema import EMOTIONS

RANDOM = np.random.default_rng(3)
WEIGHTS = RANDOM.normal(0, 4, (3, 9)).astype(np.float32)
"""Of the mean of each channel, for so many outputs at most."""


def softmax(rows: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    grown = np.exp(rows - rows.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


def answer(
    pixels: NDArray[np.floating[Any]], outputs: int = 7, channels: int = 3
) -> NDArray[np.floating[Any]]:
    """What ``make_onnx``'s network says, before softmax: pixels are n x side x side x channels."""
    return pixels.mean(axis=(1, 2)) @ WEIGHTS[:channels, :outputs]


def make_onnx(
    file: Path,
    shape: tuple[int | str, ...] = ("n", 3, 32, 32),
    *,
    outputs: int = 7,
    last: str = "Softmax",
    factor: float = 1.0,
    inputs: int = 1,
    kind: str = "FLOAT",
    rows: int = -1,
) -> Path:
    """The mean of each channel, times ``WEIGHTS``, then ``last``; channels are where the 3 or 1 is.

    ``inputs`` more than one are not looked at. Only so many ``rows`` can be computed, whatever the
    shape says.
    """
    onnx: Any = pytest.importorskip("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    at = 1 if shape[1] in (1, 3) else 3
    channels = int(shape[at])
    axes = [axis for axis in (1, 2, 3) if axis != at]
    nodes = [
        helper.make_node("Cast", ["input0"], ["pixels"], to=types.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["means"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["scores"]),
        helper.make_node("Reshape", ["scores", "rows"], ["given"]),
        helper.make_node(last, ["given"], ["output"]),
    ]
    weights = WEIGHTS[:channels, :outputs] * np.float32(factor)
    graph = helper.make_graph(
        nodes,
        "own",
        [
            helper.make_tensor_value_info(f"input{number}", getattr(types, kind), shape)
            for number in range(inputs)
        ],
        [helper.make_tensor_value_info("output", types.FLOAT, (shape[0], outputs))],
        [
            onnx.numpy_helper.from_array(weights, "weights"),
            onnx.numpy_helper.from_array(np.array([rows, outputs]), "rows"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(file))
    return file


def own(file: Path, engine: str = "auto", **changes: Any) -> InferenceSettings:
    """Settings for it; by default for ``make_onnx``'s."""
    described: dict[str, Any] = {
        "labels": EMOTIONS,
        "size": 32,
        "colour": "rgb",
        "range": (0, 1),
        **changes,
    }
    classifier = ClassifierSettings(file=file, **described)
    return InferenceSettings.model_validate({"engine": engine, "classifier": classifier})


def noise(count: int, side: int = 32, channels: int = 3) -> NDArray[np.uint8]:
    """Crops, each with a tint of its own."""
    random = np.random.default_rng(5)
    tints = random.integers(20, 236, (count, 1, 1, channels))
    spread = random.integers(-20, 20, (count, side, side, channels))
    return (tints + spread).astype(np.uint8)
