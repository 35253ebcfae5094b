"""The smoother is right, or raises, where it makes rounding grow."""

import re

import numpy as np
import pytest
from chain_models import damped
from numpy.testing import assert_allclose

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman

METHODS = kalman.METHODS
BACKENDS = ("numpy", "numba")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
def test_the_smoother_is_right_or_raises_where_it_undoes_damping(method, backend):
    right = 0
    for seed, rates in enumerate([(0.95, 0.95), (0.99, 0.98), (0.95, 0.9), (0.9, 0.6), (0.999, 0.5)] * 4):
        initial, move, look, y = arguments = damped(rates, 120, seed)
        K = len(initial.mean)
        powers = np.array([np.linalg.matrix_power(move.matrix, t) for t in range(120)])
        rows = (look.matrix @ powers).reshape(-1, K)            # all is known from x_1
        covariance = np.linalg.inv(np.eye(K) + rows.T @ rows)
        mean = covariance @ (np.ones(K) + rows.T @ y.ravel())
        try:
            smoothed = kalman.smooth(*arguments, method=method, backend=backend)
        except np.linalg.LinAlgError as error:
            assert re.search(r"t=\d+ .*the smoother has lost its digits", str(error))
            assert rates[0] > 1.02 * rates[1]
            continue
        assert_allclose(smoothed.means, powers @ mean, atol=1e-6 * np.abs(mean).max())
        expected = powers @ covariance @ np.swapaxes(powers, 1, 2)
        assert_allclose(smoothed.covariances, expected, atol=1e-6 * np.abs(expected).max())
        right += 1
    assert 8 <= right <= 16


@pytest.mark.parametrize("backend", BACKENDS)
def test_rounding_errors_are_watched_in_every_direction(backend, monkeypatch):
    """The gain takes the difference of two nearly equal errors, or their sum: no sign is sure."""
    move = AffineGaussian(np.array([[0.12, -0.16], [0.96, -1.18]]), np.zeros(2), np.zeros((2, 2)))
    for sensor in ([1.0, 1.0], [1.0, 0.2], [1.0, -1.0]):
        look = AffineGaussian(np.array([sensor]), np.zeros(1), 1e-3 * np.eye(1))
        y = np.random.default_rng(0).standard_normal((12, 1))
        arguments = Gaussian(np.zeros(2), 10.0 * np.eye(2)), move, look, y
        with pytest.raises(np.linalg.LinAlgError, match="the smoother has lost its digits"):
            kalman.smooth(*arguments, backend=backend)
        with monkeypatch.context() as unwatched:
            unwatched.setattr(kalman.growth, "watch", lambda *_: None)
            found = kalman.smooth(*arguments, backend=backend)
        rows = np.array([look.matrix[0] @ np.linalg.matrix_power(move.matrix, t) for t in range(12)])
        exact = np.linalg.inv(0.1 * np.eye(2) + 1e3 * rows.T @ rows)        # of x_1
        assert np.abs(found.covariances[0] - exact).max() > 1e-6 * np.abs(exact).max()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
def test_large_models_are_watched_too(method, backend):
    slow, mixed = damped([0.95] * 10, 80, 0), damped(np.linspace(0.95, 0.3, 10), 80, 0)
    assert np.isfinite(kalman.smooth(*slow, method=method, backend=backend).covariances).all()
    with pytest.raises(np.linalg.LinAlgError, match="the smoother has lost its digits"):
        kalman.smooth(*mixed, method=method, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_rounding_of_means_is_watched_too(backend):
    """Means far larger than their deviations: they lose their digits before the roots do."""
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    move = AffineGaussian(turn @ np.diag([0.3, 0.04]) @ turn.T, np.array([1.0, -0.5]), np.zeros((2, 2)))
    look = AffineGaussian(np.array([[1.0, 0.5]]), np.zeros(1), 1e-4 * np.eye(1))
    initial, states = Gaussian(np.ones(2), 1e-3 * np.eye(2)), [np.ones(2)]
    for _ in range(11):
        states.append(move.matrix @ states[-1] + move.offset)
    noise = 1e-2 * np.random.default_rng(1).standard_normal(12)
    y = (states @ look.matrix[0] + noise)[:, None]
    rows = np.array([look.matrix[0] @ np.linalg.matrix_power(move.matrix, t) for t in range(8)])
    exact = 1 + np.linalg.solve(1e3 * np.eye(2) + 1e4 * rows.T @ rows, 1e4 * rows.T @ noise[:8])
    found = kalman.smooth(initial, move, look, y[:8], method="sqrt", backend=backend)
    assert_allclose(found.means[0], exact, atol=1e-6)
    with pytest.raises(np.linalg.LinAlgError, match="the smoother has lost its digits"):
        kalman.smooth(initial, move, look, y, method="sqrt", backend=backend)


def test_both_backends_follow_rounding_alike():
    kernel = pytest.importorskip("pedagogy_lib.kernels.kalman")
    for rates in ((0.95, 0.95), (0.95, 0.9)):
        initial, move, look, y = damped(rates, 60, 3)
        y = np.stack([y, y + 1])
        filtered = kalman.filter(initial, move, look, y)
        K = len(initial.mean)
        gains = filtered.covariances[0, :-1] @ move.matrix.T @ np.linalg.pinv(filtered.predicted_covariances[0, 1:])
        means = np.where(np.arange(K) < 2, filtered.means, 0.5)         # half of them not changed
        variances = np.diagonal(filtered.predicted_covariances[0], axis1=1, axis2=2).copy()
        arguments = (1e-16, (np.inf, np.inf), gains, variances, filtered.means, means)
        expected = kalman.growth.follow_rounding(*arguments)
        assert_allclose(kernel.follow_rounding(*arguments), expected, rtol=1e-9)
        for limits in ((expected[0] / 9, np.inf), (np.inf, expected[1] / 3)):
            stopped = [f(1e-16, limits, *arguments[2:]) for f in (kernel.follow_rounding, kalman.growth.follow_rounding)]
            assert_allclose(*stopped, rtol=1e-9)
            assert stopped[0][2] > 0 and (np.array(stopped[0][:2]) > limits).sum() == 1
        for rounding in (kernel.follow_rounding, kalman.growth.follow_rounding):
            found = rounding(1e-16, (1e200, np.inf), 1e40 * gains, *arguments[3:])
            assert 1e200 < found[0] < np.inf                # before the end of numbers
            lost = np.where(np.arange(len(gains))[:, None, None] == 5, np.nan, gains)
            assert rounding(1e-16, (np.inf, np.inf), lost, *arguments[3:])[2] == 5


@pytest.mark.parametrize("method", ["joseph", "covariance"])
def test_a_variance_brought_to_nothing_is_taken_for_rounding(method):
    """An exact sensor leaves 1e-30 of a variance of 1000; a gain that divides by it makes numbers of nothing."""
    T, K = 3, 2
    predicted = np.array([np.diag([1e3, 1e3]), np.diag([1e3, 1e-30]), np.diag([1.0, 1e-30])])
    means, covariances = np.ones((1, T, K)), np.array([np.diag([1e3, 1e-30]), np.diag([1.0, 1e-30]), np.diag([1.0, 1e-30])])
    filtered = kalman.Filtered(means, predicted, means + 0, covariances, np.zeros((1, T)))
    tame = np.tile(np.eye(K), (T - 1, 1, 1))
    wild = tame.copy()
    wild[0, 0, 1] = 5e15
    kalman.growth.watch(filtered, [means + 0, covariances, None, tame], method)
    # Damped to 1e-30, not brought there by an update: such a variance keeps its digits.
    damped = filtered._replace(covariances=predicted.copy())
    kalman.growth.watch(damped, [means + 0, covariances, None, wild], method)
    with pytest.raises(np.linalg.LinAlgError, match="the smoother has lost its digits"):
        kalman.growth.watch(filtered, [means + 0, covariances, None, wild], method)
