"""Section 7.4: EM for the linear-Gaussian state-space model, without offsets as in the textbook."""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy.optimize import minimize

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.models.dynamical import lgssm

A = np.array([[0.9, 0.3], [-0.2, 0.7]])
C = np.array([[1.0, 0.5], [0.2, -1.0]])
Q, R = np.array([[0.3, 0.1], [0.1, 0.2]]), np.array([[0.4, -0.1], [-0.1, 0.5]])
MEAN, SPREAD = np.array([1.0, -0.5]), np.array([[0.6, 0.2], [0.2, 0.5]])
MODEL = lgssm.Parameters(Gaussian(MEAN, SPREAD), AffineGaussian(A, np.zeros(2), Q), AffineGaussian(C, np.zeros(2), R))
B, T = 6, 7
Y = np.stack([lgssm.sample(MODEL, T, rng).observations for rng in np.random.default_rng(74).spawn(B)])


def smoothed():
    """Posterior means (B, T, 2) and covariances (T, 2, T, 2) of all states, from one big matrix."""
    precision = np.zeros((T, 2, T, 2))                  # of x_1 ... x_T: a chain is tridiagonal
    linear = np.zeros((T, 2))
    precision[0, :, 0] += np.linalg.inv(SPREAD)
    linear[0] += np.linalg.solve(SPREAD, MEAN)
    for t in range(1, T):
        carried = A.T @ np.linalg.inv(Q)
        precision[t, :, t] += np.linalg.inv(Q)
        precision[t - 1, :, t - 1] += carried @ A
        precision[t - 1, :, t] -= carried
        precision[t, :, t - 1] -= carried.T
    for t in range(T):
        precision[t, :, t] += C.T @ np.linalg.solve(R, C)
    covariance = np.linalg.inv(precision.reshape(2 * T, 2 * T))
    pushed = linear + Y @ np.linalg.solve(R, C)
    return (pushed.reshape(B, -1) @ covariance).reshape(B, T, 2), covariance.reshape(T, 2, T, 2)


X, COV = smoothed()


def second(t, s):
    """<X_t X_s'>, averaged over the sequences."""
    return COV[t, :, s] + np.einsum("bi,bj->ij", X[:, t], X[:, s]) / B


LATER = sum(second(t, t) for t in range(1, T)) / (T - 1)
EARLIER = sum(second(t - 1, t - 1) for t in range(1, T)) / (T - 1)
ACROSS = sum(second(t, t - 1) for t in range(1, T)) / (T - 1)
ALL = sum(second(t, t) for t in range(T)) / T
YX = np.einsum("bti,btj->ij", Y, X) / (B * T)
YY = np.einsum("bti,btj->ij", Y, Y) / (B * T)


def gaussian_cost(matrix, covariance, yy, yx, xx):
    """The cross entropy of N(M x, S), less its constant."""
    error = yy - matrix @ yx.T - yx @ matrix.T + matrix @ xx @ matrix.T
    return 0.5 * (np.linalg.slogdet(covariance)[1] + np.trace(np.linalg.solve(covariance, error)))


def least(yy, yx, xx):
    """The arrow of the smallest cross entropy, by a general optimizer."""

    def unpack(f):
        root = np.array([[np.exp(f[4]), 0], [f[5], np.exp(f[6])]])
        return f[:4].reshape(2, 2), root @ root.T

    found = minimize(lambda f: gaussian_cost(*unpack(f), yy, yx, xx), np.zeros(7), tol=1e-13, options={"gtol": 1e-9})
    return unpack(found.x)


@pytest.fixture(scope="module")
def ours():
    return lgssm.maximize(lgssm.expected_statistics(MODEL, Y), lgssm.Options(offsets=False))


def test_eq_7_4(ours):
    """All six, each the minimizer of its part of the joint cross entropy."""
    matrix, covariance = least(LATER, ACROSS, EARLIER)
    right = ACROSS @ np.linalg.inv(EARLIER)
    everything = ACROSS @ np.linalg.inv(ALL)                            # all T terms
    assert_only_as_printed(matrix, right, ACROSS.T @ np.linalg.inv(EARLIER), everything, rtol=1e-4)
    spread = LATER - right @ ACROSS.T
    assert_only_as_printed(covariance, spread, LATER - right @ ACROSS, EARLIER - right @ ACROSS.T, rtol=1e-4)
    np.testing.assert_allclose(ours.transition.matrix, right, rtol=1e-9)
    np.testing.assert_allclose(ours.transition.covariance, spread, rtol=1e-8)

    matrix, covariance = least(YY, YX, ALL)
    right = YX @ np.linalg.inv(ALL)
    means_only = np.einsum("bti,btj->ij", X, X) / (B * T)               # the posterior covariance forgotten
    assert_only_as_printed(matrix, right, YX @ np.linalg.inv(means_only), YX @ np.linalg.inv(LATER), rtol=1e-4)
    spread = YY - right @ YX.T
    assert_only_as_printed(covariance, spread, YY - right @ YX, YY, rtol=1e-4)
    np.testing.assert_allclose(ours.emission.matrix, right, rtol=1e-9)
    np.testing.assert_allclose(ours.emission.covariance, spread, rtol=1e-8)

    first = X[:, 0].mean(0)
    start = second(0, 0) - np.outer(first, first)

    def initial_cost(f):
        root = np.array([[np.exp(f[2]), 0], [f[3], np.exp(f[4])]])
        centered = second(0, 0) - np.outer(first, f[:2]) - np.outer(f[:2], first) + np.outer(f[:2], f[:2])
        return 0.5 * (np.linalg.slogdet(root)[1] * 2 + np.trace(np.linalg.solve(root @ root.T, centered)))

    found = minimize(initial_cost, np.zeros(5), tol=1e-13).x
    root = np.array([[np.exp(found[2]), 0], [found[3], np.exp(found[4])]])
    assert_only_as_printed(found[:2], first, X.mean((0, 1)), MEAN, rtol=1e-4)
    assert_only_as_printed(root @ root.T, start, second(0, 0), COV[0, :, 0], rtol=1e-4)
    np.testing.assert_allclose(ours.initial.mean, first, rtol=1e-9)
    np.testing.assert_allclose(ours.initial.covariance, start, rtol=1e-8)


def transition_cost(matrix, precision):
    """The sum over time of the cross entropy of the transition."""
    covariance = np.linalg.inv(precision)
    return (T - 1) * gaussian_cost(matrix, covariance, LATER, ACROSS, EARLIER)


def differences(function, at, step=1e-6):
    slope = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            d = np.zeros((2, 2))
            d[i, j] = step
            slope[i, j] = (function(at + d) - function(at - d)) / (2 * step)
    return slope


def test_text_7_4_slope_of_the_transition_has_the_wrong_sign(evidence):
    """A slip: the third line of dH/dA lost a minus sign. What is set to zero is the same."""
    precision = np.linalg.inv(Q)
    left = differences(lambda M: transition_cost(M, precision), A)
    printed = (T - 1) * precision @ (ACROSS - A @ EARLIER)
    assert_only_as_printed(left, -printed, printed, rtol=1e-6)
    evidence("Text 7.4-a", slope=left[0, 0], printed=printed[0, 0])


def test_text_7_4_slope_of_the_precision_lost_a_half(evidence):
    """A slip: the third line of dH/dSigma^-1 lost the factor 1/2. What is set to zero is the same."""
    error = LATER - A @ ACROSS.T - ACROSS @ A.T + A @ EARLIER @ A.T
    left = differences(lambda P: transition_cost(A, P), np.linalg.inv(Q))
    printed = -(T - 1) * (Q - error)
    assert_only_as_printed(left, printed / 2, printed, -printed / 2, rtol=1e-5)
    evidence("Text 7.4-b", slope=left[0, 0], printed=printed[0, 0])


def test_text_7_4_one_trajectory_gives_an_initial_covariance_of_low_rank():
    """With the states observed the rank is at most one less than the number of sequences."""
    rng = np.random.default_rng(0)
    for sequences, rank in ((1, 0), (2, 1), (3, 2), (9, 2)):
        draws = [lgssm.sample(MODEL, 12, rng) for _ in range(sequences)]
        found = lgssm.maximize(lgssm.observed_statistics(
            [d.states for d in draws], [d.observations for d in draws]
        ))
        assert np.linalg.matrix_rank(found.initial.covariance, tol=1e-9) == rank


def test_text_7_4_the_first_and_third_statistics_are_not_identical():
    assert_only_as_printed(EARLIER + (second(T - 1, T - 1) - second(0, 0)) / (T - 1), LATER, EARLIER)


def test_text_7_4_observed_states_are_a_special_case():
    """The same maximize, with sample averages in the place of expected ones."""
    draws = [lgssm.sample(MODEL, 30, rng) for rng in np.random.default_rng(1).spawn(4)]
    x, y = np.stack([d.states for d in draws]), np.stack([d.observations for d in draws])
    found = lgssm.maximize(lgssm.observed_statistics(x, y), lgssm.Options(offsets=False))
    before, after = x[:, :-1].reshape(-1, 2), x[:, 1:].reshape(-1, 2)
    left = np.linalg.lstsq(before, after, rcond=None)[0].T
    assert_only_as_printed(left, found.transition.matrix, A, left.T)
    left = np.linalg.lstsq(x.reshape(-1, 2), y.reshape(-1, 2), rcond=None)[0].T
    assert_only_as_printed(left, found.emission.matrix, C, left.T)
