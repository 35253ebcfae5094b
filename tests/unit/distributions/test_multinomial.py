"""The layer of one die that is tossed often, against SciPy's multinomial and against all of its values."""

import copy
import pickle
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from pedagogy_lib.distributions.exponential_family.layers import Categorical
from pedagogy_lib.distributions.exponential_family.multinomial import multinomial

BIASES = np.array([0.5, -1.0, 0.2])
LAYER = multinomial(5)(BIASES)
SHARES = np.exp(BIASES) / np.exp(BIASES).sum()


def test_values_are_all_that_there_are():
    want = {c for c in product(range(6), repeat=3) if sum(c) == 5}
    found = LAYER.every()
    assert {tuple(row) for row in found.astype(int)} == want and len(found) == LAYER.states == 21
    assert len(multinomial(4)(np.zeros(1)).every()) == 1


def test_densities_and_draws_are_those_of_scipy():
    x = LAYER.every()
    found = LAYER.log_base(x) + x @ BIASES - LAYER.log_partition(BIASES)
    assert_allclose(found, stats.multinomial(5, SHARES).logpmf(x), rtol=1e-12)
    assert np.exp(found).sum() == pytest.approx(1, rel=1e-12)
    assert abs(np.exp(found - LAYER.log_base(x)).sum() - 1) > 0.1  # without the number of orders
    drawn = LAYER.draw(np.tile(BIASES, (20_000, 1)), np.random.default_rng(0))
    assert (drawn.sum(1) == 5).all() and drawn.dtype == float
    assert_allclose(drawn.mean(0), 5 * SHARES, atol=0.04)
    assert_allclose(LAYER.mean(BIASES), 5 * SHARES, rtol=1e-12)
    assert_allclose(np.cov(drawn.T), stats.multinomial(5, SHARES).cov(), atol=0.04)


def test_one_toss_is_a_die():
    die, once = Categorical(BIASES[None]), multinomial(1)(BIASES)
    assert_allclose(once.log_partition(BIASES), die.log_partition(BIASES), rtol=1e-12)
    assert sorted(map(tuple, once.every())) == sorted(map(tuple, die.every()))


def test_the_reach_is_attained_and_not_exceeded():
    weights = np.random.default_rng(2).normal(size=(4, 3))
    ends = LAYER.every() @ weights.T
    assert_allclose(LAYER.reach(weights), [ends.min(0), ends.max(0)], rtol=1e-12)


def test_data_give_back_their_biases():
    drawn = LAYER.draw(np.tile(BIASES, (20_000, 1)), np.random.default_rng(3))
    assert_allclose(multinomial(5).matched(drawn).mean(np.log(SHARES)), 5 * SHARES)
    assert_allclose(np.exp(multinomial(5).matched(drawn).biases), SHARES, atol=0.01)


def test_layers_can_be_pickled_and_copied():
    for found in (pickle.loads(pickle.dumps(LAYER)), copy.deepcopy(LAYER)):
        assert type(found) is multinomial(5) and (found.biases == BIASES).all()


@pytest.mark.parametrize(
    "wrong, why",
    [([[1.0, 1, 1]], "sum is 5"), ([[6.0, -1, 0]], "whole numbers from 0 to 5"), ([[2.5, 2.5, 0]], "whole")],
)
def test_what_is_no_count_is_refused(wrong, why):
    with pytest.raises(ValueError, match=why):
        LAYER.values("y", np.array(wrong))
