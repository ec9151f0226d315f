"""A network that LiteRT runs on the CPU (XNNPACK)."""

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray


class _View(Protocol):
    def __call__(self) -> NDArray[np.float32]: ...


class LiteRt:
    """One network with fixed shapes.

    ``input`` and ``outputs`` give views of LiteRT's own memory. They are read and written before
    the next ``invoke`` and never kept: LiteRT refuses to run while a view is alive.
    """

    def __init__(self, file: Path, threads: int) -> None:
        # The package carries no types.
        interpreter: Any = import_module("ai_edge_litert.interpreter").Interpreter(
            model_path=str(file), num_threads=threads
        )
        interpreter.allocate_tensors()
        self._interpreter = interpreter
        self.input = cast("_View", interpreter.tensor(interpreter.get_input_details()[0]["index"]))
        self.outputs = cast(
            "list[_View]",
            [interpreter.tensor(output["index"]) for output in interpreter.get_output_details()],
        )

    def invoke(self) -> None:
        self._interpreter.invoke()
