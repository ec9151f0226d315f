"""From the faces of an utterance's span to one probability vector.

Every function takes at least one vector of probabilities over ``EMOTIONS`` and gives one back. Its
label is ``most_likely`` of that: of equals the first in the order of ``EMOTIONS``.

Logits are known up to a constant of each picture, so log probabilities stand for them. Sums are
exact before they are rounded (``math.fsum``): no order of the pictures gives another result.
"""

from collections.abc import Callable, Mapping, Sequence
from math import exp, fsum, log
from typing import Literal, cast

from messaging.schema import EMOTIONS, Probabilities

Aggregate = Literal["mean", "max", "vote"]

SMALLEST = 2.0**-126
"""Float32's smallest normal number gives a zero its logarithm; larger ones stay as they are."""


def mean(vectors: Sequence[Probabilities]) -> Probabilities:
    """Softmax of the mean log probabilities: ``exp(sum(log p) / n)``, normalised."""
    logits = [[log(max(p, SMALLEST)) for p in vector] for vector in vectors]
    return _softmax([fsum(column) / len(vectors) for column in zip(*logits, strict=True)])


def maximum(vectors: Sequence[Probabilities]) -> Probabilities:
    """Softmax of the largest log probabilities: ``max(p)``, normalised."""
    return _softmax([log(max(*column, SMALLEST)) for column in zip(*vectors, strict=True)])


def vote(vectors: Sequence[Probabilities]) -> Probabilities:
    """The share of pictures that each emotion wins; a picture votes for the first of equals."""
    winners = [vector.index(max(vector)) for vector in vectors]
    shares = tuple(winners.count(emotion) / len(winners) for emotion in range(len(EMOTIONS)))
    return cast("Probabilities", shares)


AGGREGATES: Mapping[Aggregate, Callable[[Sequence[Probabilities]], Probabilities]] = {
    "mean": mean,
    "max": maximum,
    "vote": vote,
}


def mean_confidence(vectors: Sequence[Probabilities]) -> float:
    """Mean of the largest probabilities; 0 without any."""
    return fsum(max(vector) for vector in vectors) / len(vectors) if vectors else 0.0


def _softmax(logits: Sequence[float]) -> Probabilities:
    largest = max(logits)
    powers = [exp(logit - largest) for logit in logits]
    total = fsum(powers)
    return cast("Probabilities", tuple(power / total for power in powers))
