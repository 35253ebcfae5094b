"""Several Gaussians at once, one for each class or state: what mixtures and hidden Markov models share.

Arguments are not checked here; the models that call these functions have checked them.
"""

import numpy as np
from scipy.linalg import solve_triangular

from pedagogy_lib import kernels
from pedagogy_lib.distributions.gaussian import LOG_TAU


def log_densities(y, means, roots, backend="auto"):
    """Evaluate log N(y_n; mu_k, R_k R_k') for every n and k.

    Parameters
    ----------
    y : ndarray, shape (..., D)
    means : ndarray, shape (K, D)
    roots : ndarray, shape (K, D, D)
        Lower triangular: the Cholesky factors of the covariances.
    backend : {"auto", "numba", "numpy"}

    Returns
    -------
    ndarray, shape (..., K)
        In nats.
    """
    y, (K, D) = np.asarray(y, float), means.shape
    half_log_determinants = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(1)
    constants = -half_log_determinants - 0.5 * D * LOG_TAU
    rows = y.reshape(-1, D)
    kernel = kernels.choose("gaussians", backend)
    found = (kernel or _Reference).log_densities(rows, means, roots, constants)
    return found.reshape(*y.shape[:-1], K)


def scatter(weights, y, centers, backend="auto"):
    """Sum w_nk (y_n - c_k)(y_n - c_k)' over n, for every k.

    Parameters
    ----------
    weights : ndarray, shape (N, K)
    y : ndarray, shape (N, D)
    centers : ndarray, shape (K, D)
    backend : {"auto", "numba", "numpy"}

    Returns
    -------
    ndarray, shape (K, D, D)
    """
    kernel = kernels.choose("gaussians", backend)
    return (kernel or _Reference).scatter(weights, y, centers)


class _Reference:
    """What the compiled kernels do, in NumPy."""

    def log_densities(y, means, roots, constants):
        """A constant less half the squared distance: solve R z = y - mu for all n at once."""
        logs = np.empty((len(y), len(means)))
        for k, (mean, root) in enumerate(zip(means, roots)):
            z = solve_triangular(root, (y - mean).T, lower=True)
            logs[:, k] = constants[k] - 0.5 * (z**2).sum(0)
        return logs

    def scatter(weights, y, centers):
        """One weighted product for each k."""
        found = np.empty((*centers.shape, centers.shape[1]))
        for k, center in enumerate(centers):
            centred = y - center
            found[k] = (weights[:, k, None] * centred).T @ centred
        return found
