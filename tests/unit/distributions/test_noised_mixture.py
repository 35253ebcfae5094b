"""The noised mixture against quadrature over the data, and differences of the log density."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from pedagogy_lib.distributions import gaussian, noised_mixture, noising

LEVELS = [noising.Level(0.9, 0.3), noising.Level(1.0, 2.0), noising.Level(0.2, 0.95)]
LINE = noised_mixture.Mixture(np.array([0.3, 0.7]), np.array([[-1.0], [0.8]]), np.array([[[0.2]], [[0.05]]]))
PLANE = noised_mixture.Mixture(
    np.array([0.2, 0.5, 0.3]), np.array([[1.0, 0.0], [-1.0, 1.0], [0.0, -2.0]]),
    np.array([[[0.3, 0.1], [0.1, 0.2]], [[0.5, -0.2], [-0.2, 0.4]], [[0.0, 0.0], [0.0, 0.0]]]),
)


@pytest.mark.parametrize("level", LEVELS)
def test_density_and_posterior_mean_are_the_integrals(level):
    def prior(y):
        return 0.3 * stats.norm.pdf(y, -1.0, 0.2**0.5) + 0.7 * stats.norm.pdf(y, 0.8, 0.05**0.5)

    for x in (-1.3, 0.1, 2.0):
        def joint(y, power, x=x):
            return y**power * prior(y) * stats.norm.pdf(x, level.signal * y, level.deviation)

        mass, moment = (integrate.quad(joint, -8, 8, (p,), points=[-1, 0.8], limit=200)[0] for p in (0, 1))
        assert_allclose(noised_mixture.log_density(LINE, [[x]], level), np.log(mass), rtol=1e-7)
        assert_allclose(noised_mixture.denoise(LINE, [[x]], level), moment / mass, rtol=1e-6)
        unscaled = noised_mixture.denoise(LINE, [[x]], noising.Level(1.05 * level.signal, level.deviation))
        assert not np.allclose(unscaled, moment / mass, rtol=1e-3)


@pytest.mark.parametrize("level", LEVELS)
def test_the_score_is_the_slope_of_the_log_density(level):
    x = np.random.default_rng(0).normal(size=(5, 2))
    found = noised_mixture.score(PLANE, x, level)
    for axis in range(2):
        bump = 1e-5 * np.eye(2)[axis]
        up, down = (noised_mixture.log_density(PLANE, x + s * bump, level) for s in (1, -1))
        assert_allclose(found[:, axis], (up - down) / 2e-5, rtol=1e-6, atol=1e-8)
    assert not np.allclose(found, -x / (level.signal**2 + level.deviation**2), rtol=0.1)


def test_samples_have_the_moments():
    y = noised_mixture.sample(PLANE, 200_000, np.random.default_rng(1))
    mean = PLANE.weights @ PLANE.means
    spread = np.einsum("k,kij->ij", PLANE.weights, PLANE.covariances + np.einsum("ki,kj->kij", PLANE.means, PLANE.means))
    assert_allclose(y.mean(0), mean, atol=0.02)
    assert_allclose(np.cov(y.T), spread - np.outer(mean, mean), atol=0.03)


def test_what_does_not_fit_is_named():
    level = LEVELS[0]
    for match, call in (
        ("x: expected shape", lambda: noised_mixture.score(PLANE, [[1.0]], level)),
        ("mixture.weights", lambda: noised_mixture.sample(PLANE._replace(weights=np.ones(3)), 2, np.random.default_rng(0))),
        ("mixture.covariances: expected shape", lambda: noised_mixture.denoise(PLANE._replace(covariances=np.eye(2)), [[0.0, 0.0]], level)),
    ):
        with pytest.raises(ValueError, match=match):
            call()


def test_an_observation_leaves_the_mixture_that_bayes_leaves():
    """On a grid of the plane: the prior's density times the likelihood, over its sum."""
    axis = np.linspace(-7, 7, 281)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    prior = PLANE._replace(covariances=PLANE.covariances + 0.05 * np.eye(2))
    see = gaussian.AffineGaussian(np.array([[1.0, -0.5]]), np.array([0.3]), np.array([[0.2]]))
    found = noised_mixture.invert(prior, see, [0.9])

    def density(mixture):
        return sum(w * stats.multivariate_normal(m, c).pdf(grid) for w, m, c in zip(*mixture))

    joint = density(prior) * stats.norm.pdf(0.9, grid @ see.matrix[0] + 0.3, 0.2**0.5)
    exact = joint / joint.sum() / (axis[1] - axis[0]) ** 2
    assert_allclose(density(found), exact, rtol=1e-6, atol=1e-9)
    # Wrong ones: the weights of before, and the components of before.
    assert np.abs(density(found._replace(weights=prior.weights)) - exact).max() > 0.05
    assert np.abs(density(prior._replace(weights=found.weights)) - exact).max() > 0.05


def test_a_component_that_cannot_be_right_is_left_without_weight():
    see = gaussian.AffineGaussian(np.eye(1), np.zeros(1), np.array([[1e-4]]))
    found = noised_mixture.invert(LINE._replace(means=np.array([[-900.0], [0.8]])), see, [0.8])
    assert_allclose(found.weights, [0, 1])
    assert_allclose(noised_mixture.invert(LINE, see, [400.0]).weights.sum(), 1)       # far from both
    with pytest.raises(ValueError, match="y: expected shape"):
        noised_mixture.invert(LINE, see, [0.8, 0.8])
