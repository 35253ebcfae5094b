"""Softmax regression against a general search, logistic regression, and refusals."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from pedagogy_lib.distributions.exponential_family import dispersion as families
from pedagogy_lib.learning.regression import generalized, separation, softmax

RNG = np.random.default_rng(7)
N = 240
Y = RNG.normal(size=(N, 2)) * [1, 30] + [5, -100]
LOGITS = np.column_stack([np.zeros(N), Y[:, 0] - 5, (Y[:, 1] + 100) / 30 + 0.5])
X = (LOGITS + RNG.gumbel(size=(N, 3))).argmax(1)


def loss(beta, y=Y, x=X, weights=1.0, penalty=0.0):
    d = np.vstack([np.zeros(3), beta.reshape(2, 3)])
    own = log_softmax(y @ d[:, :2].T + d[:, 2], axis=1)[np.arange(len(x)), x]
    return -np.sum(weights * own) + penalty / 2 * np.sum(d[:, :2] ** 2)


def both(fit):
    return np.column_stack([fit.coefficients, fit.intercepts])[1:]


@pytest.mark.parametrize("weights, penalty", [(None, 0.0), (np.arange(N) % 3, 0.0), (None, 5.0)])
def test_the_likelihood_is_highest(weights, penalty):
    fit = softmax.fit(Y, X, weights=weights, penalty=penalty)
    cost = lambda beta: loss(beta, weights=1.0 if weights is None else weights, penalty=penalty)
    beta = both(fit).ravel()
    step = np.sqrt(np.diag(fit.covariance))
    for i in range(6):                                       # no coordinate improves, to second order
        e = 1e-4 * step[i] * np.eye(6)[i]
        slope = (cost(beta + e) - cost(beta - e)) / 2e-4
        assert abs(slope) < 1e-6
        assert abs(cost(beta + 1e4 * e) - cost(beta)) > 1e-2
    search = minimize(cost, beta + 0.1 * step, method="Nelder-Mead", options={"maxiter": 6000, "fatol": 1e-12, "xatol": 1e-9})
    assert cost(beta) <= search.fun + 1e-9
    assert fit.log_likelihood == pytest.approx(-loss(beta, weights=1.0 if weights is None else weights), rel=1e-12)


def test_the_covariance_is_the_inverse_hessian():
    fit = softmax.fit(Y, X)
    beta, h = both(fit).ravel(), 1e-2 * np.sqrt(np.diag(fit.covariance))
    hessian = np.empty((6, 6))
    for i in range(6):
        for j in range(6):
            a, b = h[i] * np.eye(6)[i], h[j] * np.eye(6)[j]
            hessian[i, j] = (loss(beta + a + b) - loss(beta + a - b) - loss(beta - a + b) + loss(beta - a - b)) / (4 * h[i] * h[j])
    np.testing.assert_allclose(np.linalg.inv(hessian), fit.covariance, rtol=1e-2, atol=1e-8)


def test_two_classes_are_logistic_regression():
    x = (X == 2).astype(int)
    fit, coins = softmax.fit(Y, x), generalized.fit(Y, x.astype(float), families.Bernoulli())
    np.testing.assert_allclose(fit.coefficients[1], coins.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, coins.covariance, rtol=1e-8)
    np.testing.assert_allclose(softmax.probabilities(fit, Y)[:, 1], generalized.predict(coins, Y), rtol=1e-9)


def test_probabilities_of_classes_are_matched():
    """The score of the intercepts: predicted probabilities of each class sum to its count. Units do not matter."""
    fit = softmax.fit(Y, X)
    np.testing.assert_allclose(softmax.probabilities(fit, Y).sum(0), np.bincount(X), rtol=1e-9)
    other = softmax.fit(Y * [1e-6, 1e3], X)
    np.testing.assert_allclose(other.coefficients * [1e-6, 1e3], fit.coefficients, rtol=1e-8)
    losses = [event.loss for event, _ in zip(softmax.iterate(Y, X), range(6))]
    assert (np.diff(losses) < 1e-9).all()


def test_separated_classes():
    y = RNG.normal(size=(60, 2))
    x = np.digitize(y[:, 0], [-0.5, 0.5])
    with pytest.raises(separation.SeparationError, match="a direction of the inputs separates") as caught:
        softmax.fit(y, x)
    d = np.vstack([np.zeros(3), caught.value.separation.direction.reshape(2, 3)])
    s = y @ d[:, :2].T + d[:, 2]
    assert (s[np.arange(60), x] >= s.max(1) - 1e-7).all()
    assert np.isfinite(softmax.fit(y, x, penalty=1.0).coefficients).all()
    with pytest.raises(separation.SeparationError, match="no sample of class 3"):
        softmax.fit(Y, X, K=4)
    x[:20] = RNG.integers(0, 3, 20)
    assert np.isfinite(softmax.fit(y, x).coefficients).all()


def test_arguments():
    for call, message in [
        (lambda: softmax.fit(Y, X.astype(float)), "x: expected classes"),
        (lambda: softmax.fit(Y, X - 1), "x: expected classes"),
        (lambda: softmax.fit(Y, X, K=2), "x: expected classes from 0 to 1"),
        (lambda: softmax.fit(Y[1:], X), "y: expected shape"),
        (lambda: softmax.fit(Y, X, weights=-np.ones(N)), "weights"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
