"""Right, or it raises: the Kalman filter and smoother against answers with 80 digits."""

import mpmath
import numpy as np
import pytest

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman

BACKENDS = ("numpy", "numba")

#: What the documentation promises of every answer that is returned.
PROMISE = 1e-6


def exact(initial, transition, emission, y):
    """Log-likelihood and smoothed means and covariances, by dense conditioning in 80 digits."""
    (T, L), K = y.shape, len(initial.mean)
    matrix = lambda values: mpmath.matrix(np.asarray(values).tolist())
    with mpmath.workdps(80):
        A, Q, P = map(matrix, (transition.matrix, transition.covariance, initial.covariance))
        C, R = matrix(emission.matrix), matrix(emission.covariance)
        means, spreads = [matrix(initial.mean)], [P]
        for _ in range(T - 1):
            means.append(A * means[-1])
            spreads.append(A * spreads[-1] * A.T + Q)
        joint, cross = mpmath.zeros(T * L), mpmath.zeros(T * K, T * L)
        error = mpmath.zeros(T * L, 1)
        for s in range(T):
            block = spreads[s]                      # Cov[x_t, x_s] for t = s, s + 1, ...
            for t in range(s, T):
                for u, v, B in ((t, s, block), (s, t, block.T)):
                    cross[u * K : (u + 1) * K, v * L : (v + 1) * L] = B * C.T
                    joint[u * L : (u + 1) * L, v * L : (v + 1) * L] = C * B * C.T
                block = A * block
            joint[s * L : (s + 1) * L, s * L : (s + 1) * L] = C * spreads[s] * C.T + R
            error[s * L : (s + 1) * L, 0] = matrix(y[s]) - C * means[s]
        precision = joint**-1
        gain = cross * precision
        change = gain * error
        log_likelihood = -(error.T * precision * error)[0] / 2
        log_likelihood -= mpmath.log(mpmath.det(2 * mpmath.pi * joint)) / 2
        x = [[float(means[t][k] + change[t * K + k]) for k in range(K)] for t in range(T)]
        Y = []
        for t in range(T):
            rows = slice(t * K, (t + 1) * K)
            posterior = spreads[t] - gain[rows, :] * cross[rows, :].T
            Y.append([[float(posterior[i, j]) for j in range(K)] for i in range(K)])
        return float(log_likelihood), np.array(x), np.array(Y)


def errors(filtered, smoothed, truth):
    """Of the log-likelihood, relative; of means and covariances, relative to their largest."""
    log_likelihood, means, covariances = truth
    largest = np.abs(means).max(0)
    return (
        abs(filtered.log_likelihood - log_likelihood) / max(1.0, abs(log_likelihood)),
        (np.abs(smoothed.means - means) / np.where(largest > 0, largest, 1.0)).max(),
        np.abs(smoothed.covariances - covariances).max() / max(np.abs(covariances).max(), 1e-300),
    )


def chain(K):
    """K integrators, one feeding the next."""
    factorial = np.cumprod([1.0, *range(1, K)])
    return np.array([[1 / factorial[j - i] if j >= i else 0.0 for j in range(K)] for i in range(K)])


def problems(kind, count):
    """Random problems from easy to hopeless: sensors of variance 1e-12, priors of 1e10."""
    rng = np.random.default_rng({"twins": 1, "companion": 2, "rotation": 3, "one noise": 4}[kind])
    for i in range(count):
        K, T = int(rng.integers(2, 5)), 10
        R, P0, q = 10.0 ** rng.uniform((-12, -2, -10), (0, 10, 0))
        P0, q = P0 * (i % 7 > 0), q * (i % 5 > 0)               # a known start; no noise
        if kind == "twins":             # two sensors, equal or nearly so, on integrators
            A, Q = chain(K), np.diag([*[0.0] * (K - 1), q])
            C = np.zeros((2, K))
            C[:, 0], C[1, 1] = 1.0, (i % 3) * 1e-5
        elif kind == "companion":       # an autoregression, observed with or without error
            A, Q, C = np.zeros((K, K)), np.zeros((K, K)), np.eye(K)[:1]
            A[0], A[1:, :-1] = 0.4 * rng.standard_normal(K), np.eye(K - 1)
            Q[0, 0], R, P0 = q or 1.0, R * (i % 3 > 0), max(P0, 1e-3)
        elif kind == "rotation":
            A = np.linalg.qr(rng.standard_normal((K, K)))[0] * rng.uniform(0.3, 1.02)
            Q, C = q * np.eye(K), rng.standard_normal((1, K))
        else:                           # noise that enters along one direction only
            A, G = rng.standard_normal((K, K)), rng.standard_normal((K, 1))
            A *= 0.9 / np.abs(np.linalg.eigvals(A)).max()
            Q, C = q * G @ G.T, rng.standard_normal((2, K))
        x = rng.standard_normal(K) * (np.sqrt(P0) if i % 2 else min(P0, 1.0))
        root, y = kalman.covariance_root(Q), np.empty((T, len(C)))
        for t in range(T):
            y[t] = C @ x + np.sqrt(R) * rng.standard_normal(len(C))
            x = A @ x + root @ rng.standard_normal(K)
        L = len(C)
        yield (
            Gaussian(np.zeros(K), P0 * np.eye(K)),
            AffineGaussian(A, np.zeros(K), Q),
            AffineGaussian(C, np.zeros(L), R * np.eye(L)),
            y,
        )


@pytest.mark.parametrize("kind", ["twins", "companion", "rotation", "one noise"])
def test_right_or_raises(kind):
    """Every method, over a sweep of stiffness, returns the answer to 1e-6, or says that it cannot."""
    returned = dict.fromkeys(kalman.METHODS, 0)
    for problem in problems(kind, 24):
        truth = exact(*problem)
        for method in kalman.METHODS:
            for backend in BACKENDS:
                try:
                    filtered = kalman.filter(*problem, method=method, backend=backend)
                    smoothed = kalman.smooth(*problem, method=method, filtered=filtered, backend=backend)
                except np.linalg.LinAlgError as error:
                    assert "at time step t=" in str(error)
                    continue
                returned[method] += 1
                assert max(errors(filtered, smoothed, truth)) < PROMISE, (method, backend, problem)
    # The sweep has both sides of the edge, and roots reach further than covariances.
    assert 0 < returned["covariance"] <= returned["joseph"] < returned["sqrt"]


def test_unguarded_covariances_are_silently_wrong(monkeypatch):
    """The guards are needed: without them the same sweep returns wrong answers, and says nothing."""
    monkeypatch.setattr(kalman, "DIGITS", dict.fromkeys(kalman.METHODS, 0.0))
    monkeypatch.setattr(kalman, "_watch_growth", lambda *_: None)
    wrong = 0
    for problem in problems("twins", 24):
        truth = exact(*problem)
        for method in ("joseph", "covariance"):
            try:
                filtered = kalman.filter(*problem, method=method, backend="numpy")
                smoothed = kalman.smooth(*problem, method=method, filtered=filtered, backend="numpy")
            except np.linalg.LinAlgError:
                continue
            wrong += not max(errors(filtered, smoothed, truth)) < PROMISE
    assert wrong > 3


def integrators(R, P0):
    """Four integrators, two equal precise sensors of the first, a prior that knows nothing."""
    rng = np.random.default_rng(0)
    A, Q, C = chain(4), np.diag([0, 0, 0, 1.0]), np.array([[1.0, 0, 0, 0], [1, 0, 0, 0]])
    x, y = rng.standard_normal(4), np.empty((25, 2))
    for t in range(25):
        y[t] = C @ x + np.sqrt(R) * rng.standard_normal(2)
        x = A @ x + Q @ rng.standard_normal(4)
    return (
        Gaussian(np.zeros(4), P0 * np.eye(4)),
        AffineGaussian(A, np.zeros(4), Q),
        AffineGaussian(C, np.zeros(2), R * np.eye(2)),
        y,
    )


@pytest.mark.parametrize(
    ("R", "P0"), [(1e-1, 1e0), (1e-4, 1e2), (1e-8, 1e6), (1e-10, 1e8), (1e-12, 1e10)]
)
def test_square_roots_keep_their_digits(R, P0):
    problem = integrators(R, P0)
    truth = exact(*problem)
    for backend in BACKENDS:
        found = [
            run(*problem, method="sqrt", backend=backend) for run in (kalman.filter, kalman.smooth)
        ]
        of_log_likelihood, of_means, of_covariances = errors(*found, truth)
        assert of_log_likelihood < (1e-12 if R > 1e-2 else 1e-8)
        assert max(of_means, of_covariances) < 1e-8
        for method in ("joseph", "covariance"):
            if R > 1e-6:
                assert errors(kalman.filter(*problem, method=method), found[1], truth)[0] < 1e-8
            else:
                with pytest.raises(np.linalg.LinAlgError, match="method='sqrt'"):
                    kalman.filter(*problem, method=method, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_roots_cannot_do_they_refuse(backend):
    with pytest.raises(np.linalg.LinAlgError, match="t=0.*even on square roots"):
        kalman.filter(*integrators(1e-15, 1e13), method="sqrt", backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", kalman.METHODS)
def test_data_far_from_zero_are_refused(method, backend):
    """A clock's reading of 1e12 seconds, known to a microsecond, is not in a float any more."""
    one = AffineGaussian(np.eye(1), np.zeros(1), 1e-12 * np.eye(1))
    y = np.array([[1e6], [1e12]])
    initial = Gaussian(np.array([1e6]), 1e-12 * np.eye(1))
    with pytest.raises(np.linalg.LinAlgError, match="t=0.*Subtract a constant"):
        kalman.filter(initial, one, one, y, method=method, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_cancellation_is_noticed(backend):
    """Y - K C Y of a sensor a million times better than the prior: Joseph keeps what that loses."""
    one = AffineGaussian(np.eye(1), np.zeros(1), 1e-12 * np.eye(1))
    moving = AffineGaussian(np.eye(1), np.zeros(1), np.eye(1))
    arguments = (Gaussian(np.zeros(1), np.eye(1)), moving, one, np.zeros((3, 1)))
    with pytest.raises(np.linalg.LinAlgError, match="t=0.*Y - K C Y.*method='joseph'"):
        kalman.filter(*arguments, method="covariance", backend=backend)
    for method in ("joseph", "sqrt"):
        kept = kalman.filter(*arguments, method=method, backend=backend).covariances
        np.testing.assert_allclose(kept, 1e-12, rtol=1e-9)
