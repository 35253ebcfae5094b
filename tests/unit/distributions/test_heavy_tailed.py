"""The heavy-tailed priors, against quadrature, SciPy's distributions and finite differences."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from pedagogy_lib.distributions.heavy_tailed import Cauchy, HyperbolicCosine, Laplace

PRIORS = [Laplace(1.7), Cauchy(0.6), HyperbolicCosine(1.7, 2.5)]
X = np.array([-3.0, -0.4, 0.1, 0.9, 4.0])


@pytest.mark.parametrize("prior", PRIORS, ids=lambda p: type(p).__name__)
def test_normalizer(prior):
    total = 2 * quad(lambda x: np.exp(-prior.energy(x)), 0, np.inf)[0]
    assert prior.log_normalizer() == pytest.approx(np.log(total), rel=1e-8)
    assert type(prior)(1.1 * prior[0], *prior[1:]).log_normalizer() != pytest.approx(np.log(total), rel=1e-3)


@pytest.mark.parametrize("prior", PRIORS, ids=lambda p: type(p).__name__)
def test_derivatives(prior):
    h = 1e-5
    slope = (prior.energy(X + h) - prior.energy(X - h)) / (2 * h)
    np.testing.assert_allclose(prior.derivative(X), slope, rtol=1e-8)
    assert not np.allclose(1.01 * prior.derivative(X), slope, rtol=1e-4)
    if hasattr(prior, "curvature"):
        bend = (prior.derivative(X + h) - prior.derivative(X - h)) / (2 * h)
        np.testing.assert_allclose(prior.curvature(X), bend, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(prior.weight(X) * X, prior.derivative(X), rtol=1e-13)
        assert prior.weight(0.0) == pytest.approx(prior.curvature(0.0))


def test_the_curvature_far_out_does_not_overflow():
    """E'' goes as -2 / x^2, of which nothing is left beyond 1e162."""
    far = np.array([1e3, -1e8, 1e100, 1e200, -1e300])
    np.testing.assert_allclose(Cauchy(0.6).curvature(far), -2 / far / far, rtol=2e-6, atol=0)
    with np.errstate(all="ignore"):
        assert np.isnan(2 * (0.36 - far**2) / (0.36 + far**2) ** 2).any()         # as the formula is written


@pytest.mark.parametrize("prior", PRIORS[1:], ids=lambda p: type(p).__name__)
def test_the_weight_is_the_curvature_of_a_parabola_above(prior):
    away = np.linspace(-6, 6, 121)
    for x in X:
        parabola = prior.energy(x) + prior.weight(x) / 2 * (away**2 - x**2)
        assert (parabola >= prior.energy(away) - 1e-12).all()
        narrower = prior.energy(x) + 0.9 * prior.weight(x) / 2 * (away**2 - x**2)
        assert (narrower < prior.energy(away) - 1e-6).any()


def test_samples_follow_the_density():
    rng = np.random.default_rng(0)
    named = [stats.laplace(scale=1 / 1.7), stats.cauchy(scale=0.6)]
    for prior, peer in zip(PRIORS, named):
        assert stats.kstest(prior.sample(20_000, rng), peer.cdf).pvalue > 0.01
        np.testing.assert_allclose(-prior.energy(X) - prior.log_normalizer(), peer.logpdf(X), rtol=1e-12)
    prior = PRIORS[2]
    # (1 + tanh(beta x)) / 2 has a beta distribution: the CDF, by SciPy
    cdf = lambda x: stats.beta(0.34, 0.34).cdf((1 + np.tanh(2.5 * x)) / 2)
    assert cdf(0.7) == pytest.approx(
        quad(lambda x: np.exp(-prior.energy(x) - prior.log_normalizer()), -np.inf, 0.7)[0], rel=1e-8
    )
    assert stats.kstest(prior.sample(20_000, rng), cdf).pvalue > 0.01
    assert stats.kstest(Laplace(1.7).sample(20_000, rng), cdf).pvalue < 1e-6


def test_a_sharp_hyperbolic_cosine_is_a_laplace_prior():
    smooth, corner = Laplace(1.7).smooth(1e4), Laplace(1.7)
    np.testing.assert_allclose(smooth.energy(X), corner.energy(X), rtol=1e-3)
    assert smooth.log_normalizer() == pytest.approx(corner.log_normalizer(), abs=1e-3)
    draw = smooth.sample(20_000, np.random.default_rng(1))
    assert stats.kstest(draw, stats.laplace(scale=1 / 1.7).cdf).pvalue > 0.01
    far = np.array([1e6, -1e6])                           # nothing overflows
    np.testing.assert_allclose(smooth.energy(far), corner.energy(far), rtol=1e-6)
    assert (smooth.curvature(far) == 0).all()


def test_proximal_minimizes():
    for v in (-2.0, -0.3, 0.0, 0.2, 1.5):
        found = Laplace(1.7).proximal(v, 0.5)
        best = minimize_scalar(lambda x, v=v: (x - v) ** 2 / 2 + 0.5 * Laplace(1.7).energy(x), bracket=(-3, 3), tol=1e-12)
        assert found == pytest.approx(best.x, abs=1e-6)
    assert Laplace(1.7).proximal(0.2, 0.5) == 0


def test_every_code_may_have_its_own_parameters():
    rates = np.array([0.5, 1.0, 4.0])
    draw = Laplace(rates).sample((50_000, 3), np.random.default_rng(2))
    np.testing.assert_allclose(np.abs(draw).mean(0), 1 / rates, rtol=0.03)
    draw = HyperbolicCosine(rates, 50.0).sample((50_000, 3), np.random.default_rng(3))
    np.testing.assert_allclose(np.abs(draw).mean(0), 1 / rates, rtol=0.05)
    draw = Cauchy(rates).sample((50_000, 3), np.random.default_rng(4))
    np.testing.assert_allclose(np.median(np.abs(draw), axis=0), rates, rtol=0.03)
