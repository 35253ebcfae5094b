"""Exponential families: densities by SciPy, derivatives by finite differences and 50 digits, samples by their moments."""

import mpmath
import numpy as np
import pytest
from scipy import integrate, stats

from pedagogy_lib.distributions.exponential_family import dispersion as one
from pedagogy_lib.distributions.exponential_family import vectors

RNG = np.random.default_rng(512)
# family, outcomes, natural parameters, dispersion, SciPy's log density
SCALAR = {
    "bernoulli": (one.Bernoulli(), np.array([0.0, 1, 1, 0]), np.array([-3.0, -0.2, 0.7, 2]), 1.0,
                  lambda x, eta, phi: stats.bernoulli(1 / (1 + np.exp(-eta))).logpmf(x)),
    "binomial": (one.Binomial(7), np.array([0.0, 3, 7, 1]), np.array([-3.0, -0.2, 0.7, 2]), 1.0,
                 lambda x, eta, phi: stats.binom(7, 1 / (1 + np.exp(-eta))).logpmf(x)),
    "poisson": (one.Poisson(), np.array([0.0, 3, 12, 1]), np.array([-3.0, -0.2, 2.7, 2]), 1.0,
                lambda x, eta, phi: stats.poisson(np.exp(eta)).logpmf(x)),
    "gaussian": (one.Gaussian(), np.array([0.0, -3, 12, 1]), np.array([-3.0, -0.2, 2.7, 2]), 2.5,
                 lambda x, eta, phi: stats.norm(eta, np.sqrt(phi)).logpdf(x)),
    "gamma": (one.Gamma(), np.array([0.1, 3, 12, 1]), np.array([-3.0, -0.2, -2.7, -2]), 0.4,
              lambda x, eta, phi: stats.gamma(1 / phi, scale=-phi / eta).logpdf(x)),
}
VECTOR = {
    "categorical": (vectors.Categorical(), np.eye(3)[[0, 2, 1]], np.array([0.3, -1, 2.0])),
    "gaussian": (vectors.Gaussian(), np.array([0.3, -1, 2.0]), np.array([1.5, -0.7])),
    "gamma": (vectors.Gamma(), np.array([0.3, 1, 2.0]), np.array([1.5, -0.7])),
    "beta": (vectors.Beta(), np.array([0.3, 0.9, 0.01]), np.array([-0.7, 1.5])),
    "dirichlet": (vectors.Dirichlet(), RNG.dirichlet([1, 2, 3], 4), np.array([1.5, -0.7, 0.2])),
}


def scipy_log_density(name, x, eta):
    if name == "categorical":
        return np.log(x @ (np.exp(eta) / np.exp(eta).sum()))
    if name == "gaussian":
        return stats.norm(-eta[0] / 2 / eta[1], np.sqrt(-0.5 / eta[1])).logpdf(x)
    if name == "gamma":
        return stats.gamma(eta[0] + 1, scale=-1 / eta[1]).logpdf(x)
    if name == "beta":
        return stats.beta(*(eta + 1)).logpdf(x)
    return stats.dirichlet(eta + 1).logpdf(x.T)


@pytest.mark.parametrize("name", SCALAR)
def test_densities_of_one_parameter(name):
    family, x, eta, phi, oracle = SCALAR[name]
    np.testing.assert_allclose(one.log_density(family, x, eta, phi), oracle(x, eta, phi), rtol=1e-12)
    assert not np.allclose(one.log_density(family, x, eta * 0.9, phi), oracle(x, eta, phi), rtol=1e-3)
    # The form of Eq. 5.12: what depends on eta is (eta x - A(eta)) / phi.
    other = eta * 0.8
    left = one.log_density(family, x, eta, phi) - one.log_density(family, x, other, phi)
    right = (eta * x - family.log_partition(eta) - other * x + family.log_partition(other)) / phi
    np.testing.assert_allclose(left, right, rtol=1e-9)


@pytest.mark.parametrize("name", SCALAR)
def test_derivatives_are_mean_and_variance(name):
    family, _, eta, phi, _ = SCALAR[name]
    h = 1e-5
    slope = (family.log_partition(eta + h) - family.log_partition(eta - h)) / (2 * h)
    bend = (family.mean(eta + h) - family.mean(eta - h)) / (2 * h)
    np.testing.assert_allclose(family.mean(eta), slope, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(family.curvature(eta), bend, rtol=1e-8)
    np.testing.assert_allclose(family.variance(family.mean(eta)), family.curvature(eta), rtol=1e-12)
    np.testing.assert_allclose(family.natural(family.mean(eta)), eta, rtol=1e-12)
    drawn = one.sample(family, np.repeat(eta[:, None], 200_000, 1), phi, np.random.default_rng(1))
    deviation = np.sqrt(phi * family.curvature(eta))
    assert (np.abs(drawn.mean(1) - family.mean(eta)) < 5 * deviation / np.sqrt(200_000)).all()
    np.testing.assert_allclose(drawn.var(1), deviation**2, rtol=0.1)
    assert not np.allclose(drawn.var(1), 2 * deviation**2, rtol=0.1)


def test_log_loss_at_logits_of_a_thousand():
    """Against 60 digits, from -1000 to 1000; the textbook formula of a sigmoid overflows there."""
    eta = np.array([-1000, -745.2, -40, -1e-9, 0, 1e-9, 37, 745.2, 1000.0])
    with mpmath.workdps(500):
        for x in (0.0, 1.0):
            exact = np.array([float(x * mpmath.mpf(e) - mpmath.log1p(mpmath.exp(e))) for e in eta])
            found = one.log_density(one.Bernoulli(), np.full(len(eta), x), eta)
            np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-320)
            with np.errstate(all="ignore"):
                p = 1 / (1 + np.exp(-eta))
                naive = np.where(x == 1, np.log(p), np.log(1 - p))
            assert not np.allclose(naive, exact, rtol=1e-12, atol=1e-320)
    many = one.log_density(one.Binomial(5), np.array([0.0, 5.0, 2.0]), np.array([-1000.0, 1000.0, 1000.0]))
    np.testing.assert_allclose(many, [0, 0, -3000 + np.log(10)], rtol=1e-12)


def test_deviance_is_twice_the_missing_log_likelihood():
    for family, x, eta, phi, _ in SCALAR.values():
        inside = family.interior(x) if family.kind != "bernoulli" else x
        best = family.log_peak(inside, phi)
        now = one.log_density(family, inside, eta, phi)
        np.testing.assert_allclose(best - now, family.half_deviance(inside, eta) / phi, rtol=1e-9)
        assert (family.half_deviance(inside, eta) >= 0).all()


@pytest.mark.parametrize("name", VECTOR)
def test_vector_families(name):
    family, x, eta = VECTOR[name]
    np.testing.assert_allclose(vectors.log_density(family, x, eta), scipy_log_density(name, x, eta), rtol=1e-11)
    h = 1e-5 * np.eye(len(eta))
    slope = [(family.log_partition(eta + e) - family.log_partition(eta - e)) / 2e-5 for e in h]
    bend = [(family.mean(eta + e) - family.mean(eta - e)) / 2e-5 for e in h]
    np.testing.assert_allclose(family.mean(eta), slope, rtol=1e-7)
    np.testing.assert_allclose(family.covariance(eta), bend, rtol=1e-7, atol=1e-9)
    back = family.customary(eta)
    again = family.natural(*back) if isinstance(back, tuple) else family.natural(back)
    np.testing.assert_allclose(again - again[0], eta - eta[0], rtol=1e-12)      # a die's logits but for a constant
    t = family.statistics(family.sample(eta, 300_000, np.random.default_rng(2)))
    error = np.sqrt(np.diag(family.covariance(eta)) / 300_000)
    assert (np.abs(t.mean(0) - family.mean(eta)) < 5 * error).all()
    np.testing.assert_allclose(np.cov(t.T), family.covariance(eta), rtol=0.05, atol=0.02)


def test_a_density_integrates_to_one():
    for name in ("gaussian", "gamma", "beta"):
        family, _, eta = VECTOR[name]
        low, high = {"gaussian": (-30, 30), "gamma": (1e-300, 60), "beta": (1e-300, 1 - 1e-12)}[name]
        density = lambda x, family=family, eta=eta: np.exp(vectors.log_density(family, np.array(x), eta))
        assert integrate.quad(density, low, high, limit=200)[0] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", VECTOR)
def test_maximum_likelihood_matches_moments(name):
    """Where the averages of the statistics are those of the model; neighbors are less likely."""
    family, _, eta = VECTOR[name]
    x = family.sample(eta, 500, np.random.default_rng(3))
    moments = family.statistics(x).mean(0)
    found = vectors.match(family, moments)
    np.testing.assert_allclose(family.mean(found), moments, rtol=1e-9)
    best = vectors.log_density(family, x, found).mean()
    for e in 1e-2 * np.eye(len(eta)):
        assert vectors.log_density(family, x, found + e).mean() < best
        assert vectors.log_density(family, x, found - e).mean() < best


def test_maximum_likelihood_against_scipy():
    x = stats.gamma(2.5, scale=3).rvs(400, random_state=0)
    shape, scale = vectors.Gamma().customary(vectors.match(vectors.Gamma(), vectors.Gamma().statistics(x).mean(0)))
    k, _, s = stats.gamma.fit(x, floc=0)
    np.testing.assert_allclose([shape, scale], [k, s], rtol=1e-6)


def test_arguments():
    for call, message in [
        (lambda: one.log_density(one.Bernoulli(), [0.0, 2.0], 0.0), "x: expected numbers from 0 to 1, got 2.0 at index"),
        (lambda: one.log_density(one.Binomial(3), [4.0], 0.0), "x: expected numbers from 0 to the number of trials"),
        (lambda: one.log_density(one.Poisson(), [-1.0], 0.0), "x: expected numbers that are not negative"),
        (lambda: one.log_density(one.Gamma(), [0.0], -1.0), "x: expected numbers above 0"),
        (lambda: one.log_density(one.Gamma(), [1.0], 1.0), "eta: expected numbers below 0"),
        (lambda: one.log_density(one.Poisson(), [1.0], 0.0, 2.0), "dispersion: expected 1"),
        (lambda: one.log_density(one.Gaussian(), [1.0], 0.0, 0.0), "dispersion: expected a number above 0"),
        (lambda: one.sample(one.Gaussian(), [1.0], 1.0, 0), "rng: expected a numpy.random.Generator"),
        (lambda: vectors.log_density(vectors.Gamma(), [1.0], [-2.0, -1.0]), "eta: expected natural parameters"),
        (lambda: vectors.log_density(vectors.Gamma(), [-1.0], [1.0, -1.0]), "x: expected numbers above 0"),
        (lambda: vectors.match(vectors.Gaussian(), [1.0, 0.5]), "moments: expected E"),
        (lambda: vectors.match(vectors.Gamma(), [1.0, 0.5]), "moments: expected E"),
        (lambda: vectors.match(vectors.Dirichlet(), [-0.1, -0.1]), "moments: expected mean log"),
        (lambda: vectors.match(vectors.Categorical(), [0.5, 0.8]), "moments: expected averages"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
