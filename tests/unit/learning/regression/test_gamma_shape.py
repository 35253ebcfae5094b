"""Gamma regression of shapes, against SciPy's density: values by search, scores by finite differences."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

from pedagogy_lib.distributions.exponential_family import dispersion as families
from pedagogy_lib.learning.regression import gamma_shape, generalized

RNG = np.random.default_rng(21)
N = 400
Y = RNG.normal(size=(N, 2)) * [1, 0.01] + [0, 7]
Z = np.column_stack([Y - [0, 7], np.ones(N)])
SHAPES = np.exp(Z @ [0.4, -30, 0.8])
MEANS = np.exp(Z @ [-0.7, 20, 2.0])
FIXED = RNG.gamma(SHAPES, 2.0)
X = RNG.gamma(SHAPES, MEANS / SHAPES)


def centered(line):
    return np.append(line.coefficients, line.intercept + line.coefficients @ [0, 7])


def fixed_loss(a, x=FIXED, scale=2.0):
    return -stats.gamma(np.exp(Z @ a), scale=scale).logpdf(x).sum()


def both_loss(beta):
    m, k = np.exp(Z @ beta[:3]), np.exp(Z @ beta[3:])
    return -stats.gamma(k, scale=m / k).logpdf(X).sum()


def slopes(cost, beta, errors):
    return [(cost(beta + e) - cost(beta - e)) / 2e-4 for e in 1e-4 * np.diag(errors)]


def test_shapes_of_a_known_scale():
    fit = gamma_shape.fit(Y, FIXED, scale=2.0)
    a, errors = centered(fit.shape), np.sqrt(np.diag(fit.shape.covariance))[:2]
    errors = np.append(errors, 0.05)
    np.testing.assert_allclose(slopes(fixed_loss, a, errors), 0, atol=1e-5)
    assert np.abs(slopes(lambda v: fixed_loss(v, scale=2.1), a, errors)).max() > 0.1
    search = minimize(fixed_loss, a + 0.1 * errors, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-11, "xatol": 1e-9})
    assert fixed_loss(a) <= search.fun + 1e-8
    assert fit.log_likelihood == pytest.approx(-fixed_loss(a), rel=1e-12)
    assert (np.abs(a - [0.4, -30, 0.8]) < 5 * errors).all()
    np.testing.assert_allclose(fit.shape.at(Y), np.exp(Z @ a), rtol=1e-12)


def test_means_and_shapes_together():
    fit = gamma_shape.fit(Y, X)
    beta = np.concatenate([centered(fit.mean), centered(fit.shape)])
    errors = np.concatenate([np.append(np.sqrt(np.diag(line.covariance))[:2], 0.05) for line in (fit.mean, fit.shape)])
    np.testing.assert_allclose(slopes(both_loss, beta, errors), 0, atol=1e-5)
    assert (np.abs(beta - [-0.7, 20, 2.0, 0.4, -30, 0.8]) < 5 * errors).all()
    assert fit.log_likelihood == pytest.approx(-both_loss(beta), rel=1e-12)
    # One shape for all is a nested model, and worse by more than chance; and not the generalized linear model's fit.
    constant = gamma_shape.fit(np.zeros((N, 0)), X)
    assert fit.log_likelihood > constant.log_likelihood + 50
    plain = generalized.fit(Y, X, families.Gamma(), "log")
    assert not np.allclose(plain.coefficients, fit.mean.coefficients, rtol=1e-3)


def test_one_shape_for_all_is_maximum_likelihood():
    fit = gamma_shape.fit(np.zeros((N, 0)), X)
    k, _, s = stats.gamma.fit(X, floc=0)
    assert np.exp(fit.shape.intercept) == pytest.approx(k, rel=1e-6)
    assert np.exp(fit.mean.intercept) == pytest.approx(k * s, rel=1e-6)


def test_the_standard_errors_are_right():
    """Over 200 data sets the z values of all four slopes have variance one; with twice the information they do not."""
    rng, z = np.random.default_rng(4), []
    for _ in range(200):
        fit = gamma_shape.fit(Y, rng.gamma(SHAPES, MEANS / SHAPES))
        z.append([
            (line.coefficients - truth) / np.sqrt(np.diag(line.covariance))[:2]
            for line, truth in ((fit.mean, [-0.7, 20]), (fit.shape, [0.4, -30]))
        ])
    spread = np.std(np.array(z).reshape(200, 4), axis=0)
    assert (np.abs(spread - 1) < 0.2).all()
    assert (np.abs(np.sqrt(2) * spread - 1) > 0.2).all()


def test_units_and_losses():
    fit, other = gamma_shape.fit(Y, X), gamma_shape.fit(Y * [1e-6, 1e3], X * 60)
    for a, b in ((fit.mean, other.mean), (fit.shape, other.shape)):
        np.testing.assert_allclose(b.coefficients * [1e-6, 1e3], a.coefficients, rtol=1e-7)
    losses = [step.loss for step, _ in zip(gamma_shape.iterate(Y, X), range(8))]
    assert (np.diff(losses) < 1e-9).all()


def test_arguments():
    for call, message in [
        (lambda: gamma_shape.fit(Y, -X), "x: expected numbers above 0"),
        (lambda: gamma_shape.fit(Y[1:], X), "y: expected shape"),
        (lambda: gamma_shape.fit(Y, X, scale=0.0), "scale: expected a number above 0"),
        (lambda: gamma_shape.fit(Y, np.ones(N)), "x: expected outputs that differ"),
        (lambda: gamma_shape.fit(Y[:3], X[:3]), "x: expected outputs that scatter about their means"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
