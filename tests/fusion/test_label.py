"""One probability vector from many."""

import math
import random

import pytest

from fusion.label import AGGREGATES, Aggregate, maximum, mean, mean_confidence, vote
from messaging.schema import EMOTIONS, most_likely
from tests.fusion.messages import certain

HAPPY, SAD = EMOTIONS.index("happy"), EMOTIONS.index("sad")


def test_the_mean_is_the_geometric_mean_normalised():
    combined = mean([certain("happy", 0.8), certain("sad", 0.4)])
    weights = {
        HAPPY: math.sqrt(0.8 * 0.1),
        SAD: math.sqrt(0.4 * 0.2 / 6),
        0: math.sqrt(0.1 * 0.2 / 6),
    }
    assert combined[SAD] / combined[HAPPY] == pytest.approx(weights[SAD] / weights[HAPPY])
    assert combined[0] / combined[HAPPY] == pytest.approx(weights[0] / weights[HAPPY])


def test_the_maximum_is_normalised():
    combined = maximum([certain("happy", 0.8), certain("sad", 0.4)])
    assert combined[SAD] / combined[HAPPY] == pytest.approx(0.4 / 0.8)
    assert combined[0] / combined[HAPPY] == pytest.approx(0.1 / 0.8)


def test_the_vote_is_a_share_of_pictures_and_does_not_look_at_how_sure_they_are():
    combined = vote([certain("sad", 0.3), certain("sad", 0.3), certain("happy", 0.99)])
    assert combined[SAD] == pytest.approx(2 / 3)
    assert combined[HAPPY] == pytest.approx(1 / 3)


def test_a_tied_vote_goes_to_the_first_of_the_emotions():
    assert most_likely(vote([certain("sad"), certain("happy")])) == "happy"
    assert most_likely(vote([certain("happy"), certain("sad")])) == "happy"


@pytest.mark.parametrize("method", ["mean", "max"])
def test_one_vector_stays_as_it_is(method: Aggregate):
    vector = certain("fear", 0.61)
    assert AGGREGATES[method]([vector]) == pytest.approx(vector)


@pytest.mark.parametrize("method", ["mean", "max", "vote"])
def test_the_result_sums_to_one_and_no_order_changes_a_bit_of_it(method: Aggregate):
    chance = random.Random(5)
    vectors = [certain(chance.choice(EMOTIONS), chance.uniform(0.2, 1)) for _ in range(200)]
    combined, confidence = AGGREGATES[method](vectors), mean_confidence(vectors)
    assert sum(combined) == pytest.approx(1)
    for _ in range(20):
        chance.shuffle(vectors)
        assert AGGREGATES[method](vectors) == combined
        assert mean_confidence(vectors) == confidence


@pytest.mark.parametrize("method", ["mean", "max", "vote"])
def test_zeros_have_a_logarithm_here(method: Aggregate):
    combined = AGGREGATES[method]([certain("happy", 1.0), certain("happy", 1.0)])
    assert combined[HAPPY] == pytest.approx(1)
    assert AGGREGATES[method]([(0, 0, 0, 0, 0, 0, 0)])[0] in (pytest.approx(1 / 7), 1)


def test_confidence_is_the_mean_of_the_largest_probabilities():
    assert mean_confidence([certain("happy", 0.8), certain("sad", 0.4)]) == pytest.approx(0.6)
    assert mean_confidence([]) == 0
