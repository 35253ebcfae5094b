"""The posterior of a factor analyzer whose noise variances are many orders of magnitude apart.

The precision C' Lambda^-1 C + I is a sum over the observations. One that is nearly exact contributes
numbers so large that those of the others are lost in rounding, and with them what the others say
about the factors. Here no sum is formed. The mode of the posterior is a least-squares problem,

    min_x || Lambda^(-1/2) (y - c - C x) ||^2 + || x ||^2,

whose rows have very different sizes. Householder's QR decomposition solves it to rounding *within
each row*, provided that the rows stand in order of size and the columns are pivoted.

References
----------
A.J. Cox and N.J. Higham, "Stability of Householder QR factorization for weighted least squares
problems", Numerical Analysis 1997.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack, qr, solve_triangular

from pedagogy_lib.distributions.gaussian import LOG_TAU

#: The largest ratio of two directions' precisions that leaves ten digits of the smaller.
STEEPEST = 1e6


class Solution(NamedTuple):
    """means : ndarray, shape (N, K); covariance : ndarray, shape (K, K); log_marginals : ndarray, shape (N,)."""

    means: np.ndarray
    covariance: np.ndarray
    log_marginals: np.ndarray


def is_too_steep(precision):
    """Whether the normal equations would lose the digits of the least certain direction."""
    eigenvalues = np.linalg.eigvalsh(precision)
    return not eigenvalues[-1] <= STEEPEST * eigenvalues[0]


def posterior(params, y):
    """The posterior, and log p(y_n); the arguments have been checked.

    Parameters
    ----------
    params : pedagogy_lib.models.static.factor_analysis.Parameters
    y : ndarray, shape (N, D)

    Returns
    -------
    Solution
    """
    C, c, variances = params
    (D, K), roots = C.shape, np.sqrt(variances)
    rows = np.vstack([C / roots[:, None], np.eye(K)])              # what x is held to,
    values = np.vstack([(y - c).T / roots[:, None], np.zeros((K, len(y)))])   # and what it should be
    order = np.argsort(-np.abs(rows).max(1), kind="stable")
    (reflectors, tau), R, pivots = qr(rows[order], mode="raw", pivoting=True)
    R = R[:K]
    turned = _turned(reflectors, tau, values[order])               # Q' values
    inverse = np.zeros((K, K))
    inverse[pivots] = solve_triangular(R, np.eye(K))               # R^-1, rows back in their places
    squares = (turned[K:] ** 2).sum(0)                             # what no x can explain
    log_determinant = 2 * np.log(np.abs(np.diag(R))).sum() + np.log(variances).sum()
    costs = 0.5 * (squares + log_determinant + D * LOG_TAU)
    return Solution((inverse @ turned[:K]).T, inverse @ inverse.T, -costs)


def _turned(reflectors, tau, values):
    """Q' values, by Householder's reflections themselves: a product with Q would mix the rows' rounding."""
    work = max(1, values.shape[1]) * 64
    turned, _, failed = lapack.dormqr("L", "T", reflectors, tau, np.asfortranarray(values), work)
    if failed:
        raise np.linalg.LinAlgError(f"dormqr: expected success, got code {failed}")
    return turned
