"""A network that LiteRT runs on the CPU (XNNPACK)."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray


class _View(Protocol):
    def __call__(self) -> NDArray[Any]: ...


class Tensor(NamedTuple):
    """An input or output as the file has it. Whole numbers stand for ``(whole - zero) * step``."""

    shape: tuple[int, ...]
    type: type[np.generic]
    step: float
    zero: int

    def quantised(self, values: NDArray[np.float32]) -> NDArray[Any]:
        if not np.issubdtype(self.type, np.integer):
            return values
        limits = np.iinfo(cast("type[np.integer[Any]]", self.type))
        return np.clip(np.round(values / self.step) + self.zero, limits.min, limits.max)

    def real(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """A copy."""
        if not np.issubdtype(self.type, np.integer):
            return values.astype(np.float32)
        return (values.astype(np.float32) - np.float32(self.zero)) * np.float32(self.step)


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
        self.input_details = _tensors(interpreter.get_input_details())
        self.output_details = _tensors(interpreter.get_output_details())
        self.input = cast("_View", interpreter.tensor(interpreter.get_input_details()[0]["index"]))
        self.outputs = cast(
            "list[_View]",
            [interpreter.tensor(output["index"]) for output in interpreter.get_output_details()],
        )

    def invoke(self) -> None:
        self._interpreter.invoke()


def _tensors(details: Any) -> list[Tensor]:
    """Whole numbers without a step are pixels or counts as they are."""
    return [
        Tensor(tuple(one["shape"].tolist()), one["dtype"], step or 1.0, zero)
        for one in details
        for step, zero in [one["quantization"]]
    ]


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
