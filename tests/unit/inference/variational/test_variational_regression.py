"""Mean field for regression against quadrature over both precisions, SciPy's Gammas, and nearby factors."""

from itertools import islice

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import logsumexp

from pedagogy_lib.inference.variational import regression
from pedagogy_lib.inference.variational.regression import Gamma

RNG = np.random.default_rng(0)
X = np.column_stack([np.ones(12), RNG.normal(size=(12, 2))])
Y = X @ [1.0, -0.5, 0.3] + 0.4 * RNG.normal(size=12)
PRIORS = Gamma(2.0, 1.0), Gamma(1.5, 0.5)


def exact(x, y, priors, n=70):
    """log p(y) and the posterior mean of w, by a grid of the logarithms of both precisions."""
    axis = np.linspace(-6, 6, n)
    logs, means = np.empty((n, n)), np.empty((n, n, x.shape[1]))
    for i, log_alpha in enumerate(axis):
        for j, log_beta in enumerate(axis):
            alpha, beta = np.exp(log_alpha), np.exp(log_beta)
            covariance = np.eye(len(y)) / beta + x @ x.T / alpha
            logs[i, j] = stats.multivariate_normal(cov=covariance).logpdf(y) + log_alpha + log_beta
            for prior, value in zip(priors, (alpha, beta)):
                logs[i, j] += stats.gamma(prior.shape, scale=1 / prior.rate).logpdf(value)
            means[i, j] = np.linalg.solve(alpha * np.eye(x.shape[1]) + beta * x.T @ x, beta * x.T @ y)
    weights = np.exp(logs - logs.max())
    evidence = logsumexp(logs) + 2 * np.log(axis[1] - axis[0])
    return evidence, np.einsum("ij,ijk->k", weights, means) / weights.sum()


def by_draws(found, x, y, priors, n=400_000):
    """The free energy by draws from the factors and SciPy's densities."""
    rng = np.random.default_rng(1)
    w = rng.multivariate_normal(found.mean, found.covariance, n)
    q = [stats.gamma(g.shape, scale=1 / g.rate) for g in (found.weight_precision, found.noise_precision)]
    alpha, beta = (g.rvs(n, random_state=rng) for g in q)
    log_q = stats.multivariate_normal(found.mean, found.covariance).logpdf(w) + q[0].logpdf(alpha) + q[1].logpdf(beta)
    log_p = stats.norm(0, 1 / np.sqrt(alpha)[:, None]).logpdf(w).sum(1)
    log_p += sum(stats.norm(w @ row, 1 / np.sqrt(beta)).logpdf(value) for row, value in zip(x, y))
    log_p += sum(stats.gamma(p.shape, scale=1 / p.rate).logpdf(v) for p, v in zip(priors, (alpha, beta)))
    return (log_q - log_p).mean(), (log_q - log_p).std() / np.sqrt(n)


def test_the_free_energy_is_what_it_says():
    for rounds in (1, 3):
        *_, found = islice(regression.iterate(X, Y, *PRIORS), rounds)
        mean, error = by_draws(found, X, Y, PRIORS)
        assert found.free_energy == pytest.approx(mean, abs=5 * error)
        assert abs(found.free_energy + np.log(2) - mean) > 20 * error            # a constant is missed


def test_it_never_rises_and_ends_a_little_above_the_evidence():
    energies = np.array([found.free_energy for found in islice(regression.iterate(X, Y, *PRIORS), 60)])
    assert (np.diff(energies) < 1e-12).all() and energies[0] > energies[-1] + 1e-3
    evidence, mean = exact(X, Y, PRIORS)
    found = regression.fit(X, Y, *PRIORS)
    assert 0 < found.free_energy + evidence < 0.3
    assert_allclose(found.mean, mean, atol=0.02)
    wrong = regression.fit(X, Y + 1.0, *PRIORS)
    assert np.abs(wrong.mean - mean).max() > 0.5


def test_no_factor_nearby_costs_less():
    found = regression.fit(X, Y, *PRIORS, tolerance=1e-14)
    scatter, rng = X.T @ X, np.random.default_rng(2)

    def energy(mean, covariance, alpha, beta):
        squares = mean @ mean + np.trace(covariance)
        misfit = ((Y - X @ mean) ** 2).sum() + np.trace(scatter @ covariance)
        return regression._free_energy(len(Y), covariance, squares, misfit, (alpha, beta), PRIORS)

    best = energy(*found[:4])
    assert best == pytest.approx(found.free_energy, abs=1e-10)
    for _ in range(200):
        root = np.linalg.cholesky(found.covariance) @ (np.eye(3) + 0.05 * rng.normal(size=(3, 3)))
        near = [Gamma(*(np.array(g) * np.exp(0.05 * rng.normal(size=2)))) for g in found[2:4]]
        assert energy(found.mean + 0.05 * rng.normal(size=3), root @ root.T, *near) > best


def test_with_known_precisions_it_is_ridge_regression():
    sure = Gamma(4e8, 2e8), Gamma(9e8, 3e8)                  # alpha is 2 and beta is 3
    found = regression.fit(X, Y, *sure)
    assert_allclose(found.mean, np.linalg.solve(2 / 3 * np.eye(3) + X.T @ X, X.T @ Y), rtol=1e-6)
    assert_allclose(found.covariance, np.linalg.inv(2 * np.eye(3) + 3 * X.T @ X), rtol=1e-6)
    cost = -stats.multivariate_normal(cov=np.eye(12) / 3 + X @ X.T / 2).logpdf(Y)
    assert found.free_energy == pytest.approx(cost, abs=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: regression.fit(X, Y[:3]), "y: expected shape"),
        (lambda: regression.fit(X, Y, (1, 1)), "weight_prior: expected a Gamma, got tuple"),
        (lambda: regression.fit(X, Y, Gamma(0.0, 1.0)), "weight_prior.shape"),
        (lambda: regression.fit(X, Y, noise_prior=Gamma(1.0, np.inf)), "noise_prior.rate"),
        (lambda: regression.fit(X, Y, max_iterations=2), "max_iterations: expected enough rounds"),
        (lambda: next(regression.iterate(X * np.nan, Y)), "x"),
    ],
)
def test_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
