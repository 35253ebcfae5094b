"""Gumbel numbers and soft one-hot vectors against SciPy, quadrature and differences."""

import numpy as np
import pytest
from compare import assert_frequencies
from numpy.testing import assert_allclose
from scipy import integrate, stats

from pedagogy_lib.distributions import gumbel_softmax as gumbel

LOGITS = np.array([0.3, -0.8, 1.1])
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum()


def test_the_noise_is_gumbel_around_the_logits():
    G = gumbel.perturb(LOGITS, 20_000, np.random.default_rng(0))
    for k, eta in enumerate(LOGITS):
        assert stats.kstest(G[:, k], stats.gumbel_r(loc=eta).cdf).pvalue > 1e-3
        assert stats.kstest(G[:, k], stats.gumbel_r(loc=eta - np.euler_gamma).cdf).pvalue < 1e-9  # eta is not the mean
        assert stats.kstest(G[:, k], stats.gumbel_l(loc=eta).cdf).pvalue < 1e-9
    assert np.abs(np.corrcoef(G.T) - np.eye(3)).max() < 0.04


def test_the_largest_is_a_categorical_draw():
    y = gumbel.harden(gumbel.perturb(LOGITS, 100_000, np.random.default_rng(1)))
    assert ((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all()
    gaussian = (LOGITS + np.random.default_rng(2).normal(size=(100_000, 3))).argmax(1)  # another noise will not do
    assert_frequencies(y.sum(0), SHARES, np.bincount(gaussian) / 100_000, np.full(3, 1 / 3))


def test_logits_of_any_stack():
    eta = np.random.default_rng(0).normal(size=(4, 2, 3))
    G = gumbel.perturb(eta, 5, np.random.default_rng(1))
    assert G.shape == (5, 4, 2, 3) and gumbel.harden(G).shape == G.shape
    assert_allclose(gumbel.soften(G, 0.3).sum(-1), 1)
    assert (gumbel.soften(G, 0.3).argmax(-1) == gumbel.harden(G).argmax(-1)).all()


@pytest.mark.parametrize("softness", [0.4, 1.0, 2.5])
def test_the_density_integrates_to_one(softness):
    model = gumbel.GumbelSoftmax(LOGITS[:2], softness)
    density = lambda a: np.exp(gumbel.log_density(model, [[a, 1 - a]])[0])
    assert_allclose(integrate.quad(density, 0, 1)[0], 1, rtol=1e-6)
    assert not np.isclose(integrate.quad(lambda a: density(a) / softness**0.5, 0, 1)[0], 1) or softness == 1


@pytest.mark.parametrize("softness", [0.7, 1.6])
def test_the_density_is_that_of_the_draws(softness):
    """The share of draws in triangles, against the integral of the density over them."""
    model = gumbel.GumbelSoftmax(LOGITS, softness)
    density = lambda b, a: np.exp(gumbel.log_density(model, [[a, b, 1 - a - b]])[0])
    y = gumbel.sample(model, 100_000, np.random.default_rng(3))
    assert_allclose(y.sum(1), 1)
    low = 0.2  # the first entry, the second, neither is below it
    inside = integrate.dblquad(density, low, 1 - 2 * low, low, lambda a: 1 - low - a, epsabs=1e-5)[0]
    corner = integrate.dblquad(density, 0.5, 0.8, 0.05, lambda a: 0.95 - a, epsabs=1e-5)[0]
    there = (y[:, 0] > 0.5) & (y[:, 0] < 0.8) & (y[:, 1:] > 0.05).all(1)
    for mass, hits in ((inside, (y > low).all(1).sum()), (corner, there.sum())):
        assert_frequencies([hits, len(y) - hits], [mass, 1 - mass], [1.1 * mass, 1 - 1.1 * mass])


def test_two_equal_logits_of_softness_one_are_uniform():
    found = np.exp(gumbel.log_density(gumbel.GumbelSoftmax(np.zeros(2), 1.0), [[0.1, 0.9], [0.5, 0.5], [0.999, 0.001]]))
    assert_allclose(found, 1)


def test_the_slope_goes_back_as_differences_do():
    rng = np.random.default_rng(5)
    G, slope, s = rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), 0.6
    found = gumbel.pull_back(gumbel.soften(G, s), s, slope)
    for k in range(3):
        bump = 1e-6 * np.eye(3)[k]
        change = (gumbel.soften(G + bump, s) - gumbel.soften(G - bump, s)) / 2e-6
        assert_allclose(found[:, k], (change * slope).sum(1), rtol=1e-6, atol=1e-9)
        assert not np.allclose(found[:, k], s * (change * slope).sum(1))


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: gumbel.sample(gumbel.GumbelSoftmax(LOGITS, 0.0), 3, np.random.default_rng(0)),
            "distribution.softness: expected a number above 0",
        ),
        (lambda: gumbel.sample(gumbel.GumbelSoftmax(LOGITS, 1.0), 3, 0), "rng: expected a numpy.random.Generator"),
        (
            lambda: gumbel.log_density(gumbel.GumbelSoftmax(LOGITS, 1.0), [[1.0, 0.0, 0.0]]),
            "y: expected points inside the simplex",
        ),
        (lambda: gumbel.log_density(gumbel.GumbelSoftmax(LOGITS, 1.0), [[0.5, 0.5]]), r"y: expected shape \(N, 3\)"),
        (lambda: gumbel.perturb([1.0], 3, np.random.default_rng(0)), "logits: expected shape"),
        (lambda: gumbel.soften(LOGITS, -1), "softness: expected a number above 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_another_distribution_is_refused():
    with pytest.raises(TypeError, match="expected GumbelSoftmax, got tuple"):
        gumbel.sample((LOGITS, 1.0), 3, np.random.default_rng(0))
