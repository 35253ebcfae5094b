"""Autoregressions: least squares against statsmodels, the stacked model against the Kalman filter and Yule and Walker."""

import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov, solve_toeplitz
from scipy.stats import multivariate_normal
from statsmodels.tsa.api import VAR

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.learning.regression import autoregression
from pedagogy_lib.models.dynamical import lgssm


def record(rng, T=400):
    """Two numbers with two lags, and an offset."""
    A = np.array([[[0.9, 0.2], [-0.3, 0.5]], [[-0.3, 0.1], [0.0, 0.2]]])
    y = [np.zeros(2), np.zeros(2)]
    for _ in range(T):
        y.append(A[0] @ y[-1] + A[1] @ y[-2] + [0.3, -0.2] + rng.normal(size=2) * [0.5, 0.3])
    return np.array(y[50:])


@pytest.mark.parametrize("p", [1, 2, 3])
def test_least_squares_are_those_of_statsmodels(p):
    y = record(np.random.default_rng(0))
    found, other = autoregression.fit(y, p), VAR(y).fit(p)
    assert found.coefficients == pytest.approx(other.coefs, abs=1e-9)
    assert found.offset == pytest.approx(other.intercept, abs=1e-9)
    assert found.covariance == pytest.approx(np.asarray(other.sigma_u_mle), abs=1e-9)
    assert found.coefficients != pytest.approx(other.coefs.transpose(0, 2, 1), abs=1e-3)
    assert autoregression.forecast(found, y, 7) == pytest.approx(other.forecast(y, 7), abs=1e-9)
    assert autoregression.forecast(found, y, 7) != pytest.approx(other.forecast(y[::-1], 7), abs=1e-3)


def test_lags_are_stacked_with_the_latest_first():
    y = np.arange(12.0).reshape(6, 2)
    found = autoregression.lagged(y, 3)
    assert found.shape == (4, 6)
    assert found[0].tolist() == [4, 5, 2, 3, 0, 1] and found[-1].tolist() == [10, 11, 8, 9, 6, 7]
    assert (autoregression.lagged(y, 1) == y).all()


def test_the_companion_matrix_moves_the_stacked_state():
    rng = np.random.default_rng(1)
    A, y = rng.normal(size=(3, 2, 2)), rng.normal(size=(4, 2))
    y[3] = sum(A[lag] @ y[2 - lag] for lag in range(3))
    before, after = autoregression.lagged(y, 3)
    assert autoregression.companion(A) @ before == pytest.approx(after, abs=1e-12)
    assert autoregression.companion(A.transpose(0, 2, 1)) @ before != pytest.approx(after, abs=1e-2)
    assert (autoregression.companion(A[:1]) == A[0]).all()
    a = np.array([0.5, -0.3, 0.1])                                                   # eigenvalues: roots of z^3 - a_1 z^2 ...
    roots = np.sort_complex(np.roots([1, *-a]))
    assert np.sort_complex(np.linalg.eigvals(autoregression.companion(a.reshape(3, 1, 1)))) == pytest.approx(roots)


def test_its_correlations_solve_the_equations_of_yule_and_walker():
    a, variance = np.array([1.2, -0.6, 0.1]), 0.7
    F = autoregression.companion(a.reshape(3, 1, 1))
    stationary = solve_discrete_lyapunov(F, np.diag([variance, 0, 0]))
    r = np.array([(np.linalg.matrix_power(F, k) @ stationary)[0, 0] for k in range(4)])
    assert solve_toeplitz(r[:3], r[1:]) == pytest.approx(a, abs=1e-10)
    assert r[0] - a @ r[1:] == pytest.approx(variance)
    assert solve_toeplitz(r[:3], r[:3]) != pytest.approx(a, abs=1e-2)


def test_as_a_state_space_model_it_has_the_same_likelihood():
    """The Kalman filter of the stacked state, seen without noise, says what the product of one-step densities says."""
    y = record(np.random.default_rng(2), T=60)
    params = autoregression.fit(y, 2)
    F, K = autoregression.companion(params.coefficients), 2
    noise, offset = np.zeros((4, 4)), np.zeros(4)
    noise[:2, :2], offset[:2] = params.covariance, params.offset
    begin = autoregression.lagged(y[:2], 2)[0]
    model = lgssm.Parameters(
        Gaussian(F @ begin + offset, noise), AffineGaussian(F, offset, noise),
        AffineGaussian(np.eye(K, 4), np.zeros(K), 1e-10 * np.eye(K)),
    )
    means = autoregression.lagged(y, 2)[:-1] @ np.concatenate(params.coefficients, 1).T + params.offset
    expected = multivariate_normal(np.zeros(2), params.covariance).logpdf(y[2:] - means).sum()
    assert lgssm.log_marginal(model, y[2:]) == pytest.approx(expected, abs=1e-4)
    one = autoregression.fit(y, 1)
    assert multivariate_normal(np.zeros(2), one.covariance).logpdf(y[2:] - y[1:-1] @ one.coefficients[0].T - one.offset).sum() < expected - 1


def test_what_does_not_determine_it_is_refused():
    y = np.random.default_rng(3).normal(size=(20, 2))
    params = autoregression.fit(y, 3)
    refused = [
        (lambda: autoregression.fit(y[:7], 2), ValueError, "y: expected more than 7 moments"),
        (lambda: autoregression.fit(np.ones((20, 2)), 1), ValueError, "y: expected moments that determine"),
        (lambda: autoregression.lagged(y, 21), ValueError, "p: expected at most 20"),
        (lambda: autoregression.lagged(y, 0), ValueError, "p: "),
        (lambda: autoregression.forecast(params, y[:2], 4), ValueError, "y: expected at least the last 3"),
        (lambda: autoregression.forecast(params._replace(offset=np.zeros(3)), y, 4), ValueError, "params.offset: "),
        (lambda: autoregression.forecast(tuple(params), y, 4), TypeError, "params: expected Parameters"),
    ]
    for call, kind, words in refused:
        with pytest.raises(kind, match=words):
            call()
    assert autoregression.forecast(params, y, 0).shape == (0, 2)
