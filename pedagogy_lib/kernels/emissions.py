"""Gaussian emissions of K states as compiled loops, for `pedagogy_lib.distributions.emissions`.

The innermost loop runs over the states, which lie next to each other in memory: arrays have their
axis of states last.
"""

import numpy as np

from pedagogy_lib.kernels._jit import jit_sums


@jit_sums
def _log_densities(y, means, factors, scales, constants, logs):
    """Forward substitution for every row of y and every state; fills ``logs``, shape (T, K)."""
    T, D = y.shape
    K = means.shape[1]
    z = np.empty((D, K))
    for t in range(T):
        for k in range(K):
            logs[t, k] = constants[k]
        for d in range(D):
            for k in range(K):
                z[d, k] = (y[t, d] - means[d, k]) * scales[d, k]
            for e in range(d):
                for k in range(K):
                    z[d, k] -= factors[d, e, k] * z[e, k]
            for k in range(K):
                logs[t, k] -= 0.5 * z[d, k] * z[d, k]


@jit_sums
def _scatters(weights, y, means, scatters):
    """Weighted products of deviations; fills ``scatters``, shape (D, D, K)."""
    T, D = y.shape
    K = means.shape[1]
    centred, weighted = np.empty((D, K)), np.empty(K)
    for t in range(T):
        for d in range(D):
            for k in range(K):
                centred[d, k] = y[t, d] - means[d, k]
                weighted[k] = weights[t, k] * centred[d, k]
            for e in range(d + 1):
                for k in range(K):
                    scatters[d, e, k] += weighted[k] * centred[e, k]
    for d in range(D):
        for e in range(d):
            for k in range(K):
                scatters[e, d, k] = scatters[d, e, k]


# ------------------------------------------------------------------------- for the caller


def log_densities(y, means, roots, constants):
    """As the reference of this name: shape (T, K)."""
    diagonals = np.diagonal(roots, axis1=1, axis2=2)
    factors = np.moveaxis(roots / diagonals[:, :, None], 0, 2)
    logs = np.empty((len(y), len(means)))
    _log_densities(
        _plain(y), _plain(means.T), _plain(factors), _plain(1 / diagonals.T), _plain(constants), logs
    )
    return logs


def scatters(weights, y, means):
    """As the reference of this name: shape (K, D, D)."""
    K, D = means.shape
    sums = np.zeros((D, D, K))
    _scatters(_plain(weights), _plain(y), _plain(means.T), sums)
    return np.moveaxis(sums, 2, 0).copy()


def _plain(array):
    """The one kind of array that kernels are compiled for: another kind would compile anew."""
    return np.require(array, np.float64, "CAW")
