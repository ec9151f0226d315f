"""A network that LiteRT runs on the CPU (XNNPACK)."""

import os
from collections.abc import Generator
from contextlib import contextmanager
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
        with _quiet():
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


@contextmanager
def _quiet() -> Generator[None]:
    """Keeps LiteRT's greeting out of the terminal: it has no switch, and its errors are raised."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
