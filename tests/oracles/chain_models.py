"""Chains of Gaussians to test filters on: easy ones, with holes in the data, damped, and stiff."""

import numpy as np

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference._matrices import covariance_root


def covariances(rng, size, lead=()):
    root = rng.standard_normal((*lead, size, size + 2))
    return root @ np.swapaxes(root, -1, -2) / size


def model(rng, K=3, L=2, T=None):
    """A stable model; with T, every parameter changes in time."""
    moves, looks = ((T - 1,), (T,)) if T else ((), ())
    A = rng.standard_normal((*moves, K, K))
    A *= 0.9 / np.abs(np.linalg.eigvals(A)).max(-1)[..., None, None]
    return (
        Gaussian(rng.standard_normal(K), covariances(rng, K)),
        AffineGaussian(A, rng.standard_normal((*moves, K)), covariances(rng, K, moves)),
        AffineGaussian(
            rng.standard_normal((*looks, L, K)),
            rng.standard_normal((*looks, L)),
            covariances(rng, L, looks),
        ),
    )


def holes(rng, y, kind):
    y = y.copy()
    if "entries" in kind:
        y[rng.random(y.shape) < 0.3] = np.nan
    if "rows" in kind:
        y[len(y) // 2] = np.nan
        y[-1] = np.nan
    return y


def damped(rates, T, seed):
    """Pairs of states that turn and are damped, without noise, seen through two sensors."""
    rng, K = np.random.default_rng(seed), 2 * len(rates)
    basis, turn = np.linalg.qr(rng.standard_normal((K, K)))[0], np.zeros((K, K))
    for i, (rate, angle) in enumerate(zip(rates, rng.uniform(0.2, 1.5, len(rates)))):
        pair = slice(2 * i, 2 * i + 2)
        turn[pair, pair] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        turn[pair, pair] *= rate
    move = AffineGaussian(basis @ turn @ basis.T, np.zeros(K), np.zeros((K, K)))
    look = AffineGaussian(rng.standard_normal((2, K)), np.zeros(2), np.eye(2))
    return Gaussian(np.ones(K), np.eye(K)), move, look, rng.standard_normal((T, 2))


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
        root, y = covariance_root(Q), np.empty((T, len(C)))
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


def seen_late(count):
    """Problems from easy to hopeless in which each sensor but the last is read once, and then the next."""
    rng = np.random.default_rng(5)
    for _ in range(count):
        K = int(rng.integers(2, 5))
        P0, R, q = 10.0 ** rng.uniform((0, -12, -14), (10, 0, 0))
        C = rng.standard_normal((K + 1, K)) * 10.0 ** rng.uniform(-3, 3, (K + 1, 1))
        x, y = np.sqrt(P0) * rng.standard_normal(K), np.full((K + 3, K + 1), np.nan)
        for t in range(len(y)):
            now = min(t, K)
            y[t, now] = C[now] @ x + np.sqrt(R) * rng.standard_normal()
            x = x + np.sqrt(q) * rng.standard_normal(K)
        still = AffineGaussian(np.eye(K), np.zeros(K), q * np.eye(K))
        look = AffineGaussian(C, np.zeros(K + 1), R * np.eye(K + 1))
        yield Gaussian(np.zeros(K), P0 * np.eye(K)), still, look, y
