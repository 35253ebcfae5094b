"""Several Gaussians at once, as compiled loops: densities, responsibilities, scatters.

The same work as the references in `pedagogy_lib.distributions.emissions` and
`pedagogy_lib.models.static.gmm`. Where the pass is long, the data are taken in blocks of rows that fit into
the processor's nearest memory, and transposed there: every innermost loop then runs over the rows
of a block, several in each SIMD register. The densities alone have their innermost loop over the
classes instead.
"""

import numpy as np

from pedagogy_lib.kernels import arrays
from pedagogy_lib.kernels._jit import jit_sums

ROWS = 128                              # of a block


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
def _infer(y, means, roots, constants, responsibilities, log_marginals):
    """p(x|y) and log p(y). Fills the last two arguments.

    ``constants`` are log pi_k less the logarithm of the Gaussian's normalizer.
    """
    N, D = y.shape
    K = len(means)
    block, white = np.zeros((D, ROWS)), np.zeros((D, ROWS))
    log_joint, square = np.zeros((K, ROWS)), np.zeros(ROWS)
    largest, total = np.zeros(ROWS), np.zeros(ROWS)
    for first in range(0, N, ROWS):
        rows = min(ROWS, N - first)
        for d in range(D):
            for b in range(rows):
                block[d, b] = y[first + b, d]
        for k in range(K):
            for b in range(ROWS):
                square[b] = 0.0
            for i in range(D):          # R^-1 (y - mu), forwards through the root
                shift, scale = means[k, i], 1.0 / roots[k, i, i]
                for b in range(ROWS):
                    white[i, b] = block[i, b] - shift
                for j in range(i):
                    factor = roots[k, i, j]
                    for b in range(ROWS):
                        white[i, b] -= factor * white[j, b]
                for b in range(ROWS):
                    white[i, b] *= scale
                    square[b] += white[i, b] * white[i, b]
            for b in range(ROWS):
                log_joint[k, b] = constants[k] - 0.5 * square[b]             # z-hat of Eq. 2.6
        for b in range(ROWS):
            largest[b] = log_joint[0, b]
            total[b] = 0.0
        for k in range(1, K):
            for b in range(ROWS):
                largest[b] = max(largest[b], log_joint[k, b])
        for k in range(K):
            for b in range(ROWS):
                log_joint[k, b] = np.exp(log_joint[k, b] - largest[b])
                total[b] += log_joint[k, b]
        for b in range(rows):
            log_marginals[first + b] = largest[b] + np.log(total[b])         # Eq. 2.10
            scale = 1.0 / total[b]
            for k in range(K):
                responsibilities[first + b, k] = log_joint[k, b] * scale     # Eq. 2.7


@jit_sums
def _scatter(weights, y, centers, out):
    """sum_n w_nk (y_n - c_k)(y_n - c_k)' for every k. Adds to the last argument, which is zero."""
    N, D = y.shape
    K = len(centers)
    block, own = np.zeros((D, ROWS)), np.zeros((K, ROWS))
    centered, weighted = np.zeros((D, ROWS)), np.zeros(ROWS)
    for first in range(0, N, ROWS):
        rows = min(ROWS, N - first)
        for d in range(D):
            for b in range(rows):
                block[d, b] = y[first + b, d]
        for k in range(K):
            for b in range(rows):
                own[k, b] = weights[first + b, k]
        for b in range(rows, ROWS):
            for k in range(K):
                own[k, b] = 0.0
        for k in range(K):
            for i in range(D):
                shift = centers[k, i]
                for b in range(ROWS):
                    centered[i, b] = block[i, b] - shift
                    weighted[b] = own[k, b] * centered[i, b]
                for j in range(i + 1):
                    total = 0.0
                    for b in range(ROWS):
                        total += weighted[b] * centered[j, b]
                    out[k, i, j] += total
    for k in range(K):
        for i in range(D):
            for j in range(i):
                out[k, j, i] = out[k, i, j]


# ------------------------------------------------------------------------- for the caller


def log_densities(y, means, roots, constants):
    """As the reference of this name: shape (N, K)."""
    diagonals = np.diagonal(roots, axis1=1, axis2=2)
    factors = np.moveaxis(roots / diagonals[:, :, None], 0, 2)
    logs = np.empty((len(y), len(means)))
    _log_densities(_plain(y), _plain(means.T), _plain(factors), _plain(1 / diagonals.T), _plain(constants), logs)
    return logs


def infer(y, weights, means, roots):
    """Responsibilities, shape (N, K), and log marginals, shape (N,)."""
    half_log_determinants = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(1)
    with np.errstate(divide="ignore"):                           # a weight of zero: impossible
        constants = np.log(weights) - half_log_determinants - 0.5 * y.shape[1] * np.log(2 * np.pi)
    responsibilities, log_marginals = arrays((len(y), len(means)), (len(y),))
    _infer(_plain(y), _plain(means), _plain(roots), _plain(constants), responsibilities, log_marginals)
    return responsibilities, log_marginals


def scatter(weights, y, centers):
    """As the reference of this name: shape (K, D, D)."""
    found = np.zeros((*centers.shape, centers.shape[1]))
    _scatter(_plain(weights), _plain(y), _plain(centers), found)
    return found


def _plain(array):
    """The one kind of array that kernels are compiled for: another kind would compile anew."""
    return np.require(array, np.float64, "CAW")
