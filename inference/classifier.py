"""mini_XCEPTION: which of seven emotions a crop of a face shows.

Arriaga, Valdenegro-Toro, Ploeger, Real-time Convolutional Neural Networks for Emotion and Gender
Classification (2017); trained on FER2013, 65.9 % right on its private test.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from inference.engine import Engine
from messaging.schema import Probabilities


class Classifier:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name = f"mini_xception ({engine.name})"

    def __call__(self, crops: NDArray[np.uint8]) -> list[Probabilities]:
        """Softmax over ``EMOTIONS`` of each crop; ``crops`` is n x 64 x 64, grey."""
        inputs = crops[..., np.newaxis] * np.float32(2 / 255) - np.float32(1)
        rows = np.clip(self._engine(inputs), 0, 1).tolist()
        return [cast("Probabilities", tuple(row)) for row in rows]
