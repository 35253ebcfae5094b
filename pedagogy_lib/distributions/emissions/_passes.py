"""Passes over the data with several Gaussians at once, in NumPy or compiled.

The arguments are not checked here: they are arrays of float64 of the right shapes, because the
functions that call these have checked them. Anything else may read outside of its memory.
"""

import numpy as np
from scipy.linalg import solve_triangular

from pedagogy_lib import kernels
from pedagogy_lib.distributions.gaussian import LOG_TAU


def weighted_sums(weights, y, backend="auto"):
    """Sums over observations without gaps."""
    totals = weights.sum(0)                                              # <X^k>
    sums = weights.T @ y                                                 # <X^k Y>
    own_means = sums / np.where(totals > 0, totals, 1.0)[:, None]        # m_k; of no data, anything
    return totals, sums, scatter(weights, y, own_means, backend)


def log_densities(y, means, roots, backend="auto"):
    """log N(y_n; mu_k, R_k R_k') for every n and k: solve R z = y - mu."""
    D = means.shape[1]
    half_log_determinants = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(1)
    constants = -half_log_determinants - 0.5 * D * LOG_TAU
    kernel = kernels.choose("gaussians", backend)
    if kernel is not None:
        return kernel.log_densities(y, means, roots, constants)
    logs = np.empty((len(y), len(means)))
    for k, (mean, root) in enumerate(zip(means, roots)):
        z = solve_triangular(root, (y - mean).T, lower=True)
        logs[:, k] = constants[k] - 0.5 * (z**2).sum(0)
    return logs


def responsibilities(y, weights, means, covariances, backend="auto"):
    """The softmax of log w_k + log N(y_n; mu_k, Sigma_k), shape (N, K), and what normalizes it, shape (N,)."""
    roots = np.linalg.cholesky(covariances)
    kernel = kernels.choose("gaussians", backend)
    if kernel is not None:
        return kernel.infer(y, weights, means, roots)
    with np.errstate(divide="ignore"):                                           # a weight of zero: impossible
        log_joint = log_densities(y, means, roots, backend) + np.log(weights)                    # Eq. 2.6
    largest = log_joint.max(1, keepdims=True)                                    # so that nothing underflows
    log_marginals = largest[:, 0] + np.log(np.exp(log_joint - largest).sum(1))                   # Eq. 2.10
    return np.exp(log_joint - log_marginals[:, None]), log_marginals                             # Eq. 2.7


def scatter(weights, y, centers, backend="auto"):
    """sum_n w_nk (y_n - c_k)(y_n - c_k)' for every k."""
    kernel = kernels.choose("gaussians", backend)
    if kernel is not None:
        return kernel.scatter(weights, y, centers)
    found = np.empty((*centers.shape, centers.shape[1]))
    for k, center in enumerate(centers):
        centered = y - center
        found[k] = (weights[:, k, None] * centered).T @ centered
    return found
