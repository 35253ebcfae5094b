"""The ends of a network say what the exponential families say, which share no code with them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.distributions.exponential_family import dispersion, vectors
from pedagogy_lib.learning.networks import outputs

ETA = np.array([[0.3, -1.2, 2.0], [-40.0, 0.0, 35.0], [1.0, 1.0, -0.5]])
CASES = [
    (outputs.Gaussian, dispersion.Gaussian(), np.array([[0.1, -2.0, 3.0], [-39.0, 1.0, 36.0], [0.0, 0.0, 0.0]])),
    (outputs.Bernoulli, dispersion.Bernoulli(), np.array([[1.0, 0, 1], [1, 0, 0], [0, 1, 1]])),
    (outputs.Poisson, dispersion.Poisson(), np.array([[2.0, 0, 9], [0, 1, 3], [4, 2, 0]])),
]


@pytest.mark.parametrize("output, family, x", CASES)
def test_surprisals_and_means_are_those_of_the_family(output, family, x):
    eta = np.minimum(ETA, 5.0) if output is outputs.Poisson else ETA
    logs = dispersion.log_density(family, x, eta)
    assert_allclose(output.surprisals(eta, x), -logs.sum(1), rtol=1e-12)
    assert not np.allclose(output.surprisals(eta, x), -logs.mean(1))
    assert_allclose(output.mean(eta), family.mean(eta), rtol=1e-12)
    # The slope that learning descends is the family's own, by differences of its log density.
    h = 1e-5
    slopes = -(dispersion.log_density(family, x, eta + h) - dispersion.log_density(family, x, eta - h)) / (2 * h)
    assert_allclose(len(x) * outputs.slope(output, eta, x), slopes, rtol=1e-5, atol=1e-8)
    assert not np.allclose(outputs.slope(output, eta, x), slopes)


def test_the_categorical_is_the_die():
    x, die = np.eye(3)[[2, 0, 1]], vectors.Categorical()
    assert_allclose(outputs.Categorical.surprisals(ETA, x), die.log_partition(ETA) - (x * ETA).sum(1), rtol=1e-12)
    assert_allclose(outputs.Categorical.mean(ETA), die.mean(ETA), rtol=1e-12, atol=1e-300)
    assert not np.allclose(outputs.Categorical.surprisals(ETA, x), die.log_partition(ETA) + (x * ETA).sum(1))


def test_the_outputs_keep_single_precision_and_the_families_do_not():
    """The reason for which the two are not one."""
    small = ETA.astype(np.float32)
    assert outputs.Bernoulli.surprisals(small, np.ones_like(small)).dtype == np.float32
    assert dispersion.log_density(dispersion.Bernoulli(), np.ones_like(small), small).dtype == np.float64
