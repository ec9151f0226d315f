"""Which of seven emotions a crop of a face shows."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from config.settings import InferenceSettings
from inference import crop
from inference.crop import Square
from inference.detector import Picture
from inference.engine import Engine, Inputs, Options, Outputs, open_engine
from inference.network import MINI_XCEPTION, SETTING, Network, network_of
from messaging.errors import UserError
from messaging.schema import EMOTIONS, Probabilities

SUM_WITHIN = 0.05
"""So far from 1 may the sum of seven probabilities be that were rounded to eight bits."""
NOTHING = 1e-6
"""Where all emotions together have less, what was left out has all, and each has the same."""


class Classifier:
    """From crops to probabilities in three steps, so that inputs of several pictures can be put
    together in between.
    """

    def __init__(self, engine: Engine, network: Network = MINI_XCEPTION) -> None:
        self._engine = engine
        self.network = network
        self._channels_first = engine.shape[0] == network.channels
        self._known = [index for index in network.outputs_of if index is not None]
        self._emotions = [at for at, index in enumerate(network.outputs_of) if index is not None]
        self.name = f"{network.name} ({engine.name})"

    def cut(
        self, picture: Picture, squares: list[Square], grey_64: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        """The crops that the network wants: ``grey_64``, the trackers', if they will do."""
        network = self.network
        return grey_64 if network.sees_grey_64 else crop.cut_for(network, picture, squares)

    def inputs(self, crops: NDArray[np.uint8]) -> Inputs:
        """What the engine takes, of crops n x side x side, or x 3 in the network's colours."""
        inputs = normalised(self.network, crops)
        return np.ascontiguousarray(np.moveaxis(inputs, 3, 1)) if self._channels_first else inputs

    def probabilities(self, inputs: Inputs) -> list[Probabilities]:
        """Over ``EMOTIONS``, of each input.

        Raises:
            UserError: a network of the user's gave no finite numbers.
        """
        found = self._engine(inputs)
        rows = found if self.network is MINI_XCEPTION else self._mapped(found)
        return [cast("Probabilities", tuple(row)) for row in np.clip(rows, 0, 1).tolist()]

    def __call__(self, crops: NDArray[np.uint8]) -> list[Probabilities]:
        return self.probabilities(self.inputs(crops))

    def _mapped(self, found: Outputs) -> Outputs:
        """Only our emotions, in our order, with sum 1; one that the network does not know has 0."""
        if not np.isfinite(found).all():
            raise UserError(
                f"{SETTING}.file {self.network.file} gave numbers that are not finite; "
                "its normalisation (range, mean, std) may be another one"
            )
        known = found[:, self._known]
        if self.network.logits:
            known = np.exp(known - known.max(axis=1, keepdims=True))
        known = known.clip(0, None)
        total = known.sum(axis=1, keepdims=True)
        rows = np.zeros((len(found), len(EMOTIONS)), np.float32)
        rows[:, self._emotions] = np.where(
            total > NOTHING, known / np.maximum(total, NOTHING), 1 / len(self._known)
        )
        return rows


def normalised(network: Network, crops: NDArray[np.uint8]) -> Inputs:
    """Number x side x side x channels."""
    pixels = crops if crops.ndim == 4 else crops[..., np.newaxis]
    return pixels * np.array(network.scale, np.float32) + np.array(network.offset, np.float32)


def open_classifier(settings: InferenceSettings) -> Classifier:
    """Loaded, warmed up and, where it is the user's own, tried.

    Raises:
        UserError: the network's file is not there or damaged, does not fit its description, or its
            engine is not installed.
    """
    network = network_of(settings.classifier)
    engine = open_engine(
        settings.engine,
        network,
        threads=settings.threads,
        max_batch=settings.max_batch,
        options=Options(settings.xla, settings.mixed_precision),
    )
    classifier = Classifier(engine, network)
    if network.file is not None:
        _try(network, _answers(engine, classifier.inputs(_probes(network)), network))
    return classifier


def _answers(engine: Engine, inputs: Inputs, network: Network) -> Outputs:
    try:
        return engine(inputs)
    except Exception as error:  # each package has errors of its own
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(
            f"{SETTING}.file {network.file} takes one face, and fails on {len(inputs)}: {why} "
            "(export it with batches of 1, or of any number)"
        ) from error


def _probes(network: Network) -> NDArray[np.uint8]:
    """Even, sloping, rough: what they show does not matter."""
    side, channels = network.side, network.channels
    probes = np.full((3, side, side, channels), 128, np.uint8)
    probes[1] = np.linspace(0, 255, side, dtype=np.uint8)[:, np.newaxis, np.newaxis]
    probes[2] = np.random.default_rng(0).integers(0, 256, probes[2].shape, np.uint8)
    return probes


def _try(network: Network, rows: Outputs) -> None:
    labels, count = network.labels, rows.shape[1]
    if count != len(labels):
        raise UserError(
            f"{SETTING}.file {network.file} gives {count} numbers, and {SETTING}.labels names "
            f"{len(labels)} ({', '.join(labels)}): name each output, in the network's order"
        )
    if not np.isfinite(rows).all():
        raise UserError(
            f"{SETTING}.file {network.file} gives numbers that are not finite for grey and noise; "
            "is it damaged, or its normalisation (range, mean, std) another one?"
        )
    sums = rows.sum(axis=1)
    odd = (rows.min() < -SUM_WITHIN) | (np.abs(sums - 1).max() > SUM_WITHIN)
    if odd and not network.logits:
        raise UserError(
            f"{SETTING}.file {network.file} gives no probabilities (from {rows.min():.3g} to "
            f"{rows.max():.3g}, with sum {sums[0]:.3g}); if softmax is left to its user, set "
            f"{SETTING}.logits = true"
        )
    if network.logits and not odd:
        raise UserError(
            f"{SETTING}.file {network.file} gives probabilities already; set "
            f"{SETTING}.logits = false"
        )
