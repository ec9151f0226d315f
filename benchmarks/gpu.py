"""How many faces TensorFlow reads on a GPU within a time, in which of its ways.

    python -m benchmarks.gpu [--budget-ms 5] [--largest 128] [--anyway]

Says "no GPU here" where there is none, and ends; ``--anyway`` measures its CPU then. The faces are
those of the demo clip, as if of several cameras: one batch, copied to the GPU once. Every way is
compared with LiteRT on the same faces.
"""

import argparse
import os
import sys
import time
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.engines import crops_of
from benchmarks.machine import describe_machine
from capture.demo import CLIP
from inference.classifier import Classifier
from inference.engine import Options, gpu_is_there, open_engine

WAYS = {
    "float32": Options(),
    "float32, XLA": Options(xla=True),
    "16 bits": Options(mixed=True),
    "16 bits, XLA": Options(xla=True, mixed=True),
}
TIMED, WARM_UP = 100, 10


def has_gpu() -> bool:
    if not gpu_is_there() or find_spec("tensorflow") is None:
        return False
    from inference.tensorflow_engine import TensorFlowEngine

    return TensorFlowEngine.sees_gpu()


def device_name() -> str:
    from inference.tensorflow_engine import tensorflow

    gpus = tensorflow.config.list_physical_devices("GPU")
    named: list[dict[str, Any]] = [
        tensorflow.config.experimental.get_device_details(gpu) for gpu in gpus
    ]
    return ", ".join(one.get("device_name", "a GPU") for one in named) or "the CPU"


def milliseconds(classifier: Classifier, faces: NDArray[np.uint8]) -> tuple[float, float]:
    """Median and 95th percentile of a batch, from crops to probabilities."""
    times: list[float] = []
    for _ in range(WARM_UP + TIMED):
        began = time.perf_counter()
        classifier(faces)
        times.append((time.perf_counter() - began) * 1e3)
    median, p95 = np.percentile(times[WARM_UP:], (50, 95))
    return float(median), float(p95)


def measure(name: str, faces: NDArray[np.uint8], budget_ms: float) -> None:
    litert = Classifier(open_engine("litert", threads=1, max_batch=1))
    began = time.perf_counter()
    engine = open_engine("tensorflow", threads=1, max_batch=len(faces), options=WAYS[name])
    start_s = time.perf_counter() - began
    classifier = Classifier(engine)
    expected, found = np.array(litert(faces)), np.array(classifier(faces))
    same = (found.argmax(axis=1) == expected.argmax(axis=1)).mean()
    print(f"\n{name}: start {start_s:.1f} s, label as LiteRT's {same:.3f}, ", end="")
    print(f"largest difference {np.abs(found - expected).max():.1g}")
    within = 0
    for count in (2**power for power in range(len(faces).bit_length())):
        median, p95 = milliseconds(classifier, faces[:count])
        print(f"  {count:4} faces  p50 {median:7.2f} ms  p95 {p95:7.2f} ms")
        if p95 <= budget_ms:
            within = count
    print(f"  within {budget_ms:g} ms: {within} faces (inference.max_batch)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget-ms", type=float, default=5.0)
    parser.add_argument("--largest", type=int, default=128, help="batch; the demo has 450 faces")
    parser.add_argument("--anyway", action="store_true")
    options = parser.parse_args()
    if not options.anyway and not has_gpu():
        print("no GPU here")
        sys.exit()
    print(describe_machine())
    print(f"{device_name()}, load before: {os.getloadavg()[0]:.1f}")
    every = crops_of(CLIP)
    faces = every[:: max(1, len(every) // options.largest)][: options.largest]
    for name in WAYS:
        measure(name, faces, options.budget_ms)


if __name__ == "__main__":
    main()
