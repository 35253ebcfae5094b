"""First and second moments of a target and its predictors: what every linear-Gaussian arrow learns from.

The arrow p(y|x) = N(A x + a, S) is a linear regression, whether x and y were observed or only have
posterior distributions. The statistics are the same averages in both cases: `moments` takes them.
The parameters are the same function of them: `regress`.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 7.4, Eq. 7.4.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import AffineGaussian

#: A combination of predictors varies, if its variance is above this part of the largest.
INDEPENDENT = 1e-14


class Moments(NamedTuple):
    """Averages over N pairs of a target y and its predictors x.

    target_mean : ndarray, shape (L,), <Y>
    source_mean : ndarray, shape (K,), <X>
    target_scatter : ndarray, shape (L, L), <(Y - <Y>)(Y - <Y>)'>
    cross_scatter : ndarray, shape (L, K), <(Y - <Y>)(X - <X>)'>
    source_scatter : ndarray, shape (K, K), <(X - <X>)(X - <X>)'>
    size : int, N

    Scatters are centered, where the textbook has <Y X'>: an average far from zero would cancel the
    digits of what the regression is about. `raw` gives the textbook's.
    """

    target_mean: np.ndarray
    source_mean: np.ndarray
    target_scatter: np.ndarray
    cross_scatter: np.ndarray
    source_scatter: np.ndarray
    size: int


def moments(targets, sources, target_covariance=0.0, cross_covariance=0.0, source_covariance=0.0):
    """Average over pairs, each known exactly or through a posterior mean and covariance.

    The law of total covariance: the average of the covariances plus the covariance of the means.

    Parameters
    ----------
    targets : ndarray, shape (N, L)
        The pairs' values, or their posterior means.
    sources : ndarray, shape (N, K)
    target_covariance : ndarray, shape (L, L)
        The average over the pairs of the posterior covariance of the target; zero if observed.
    cross_covariance : ndarray, shape (L, K)
    source_covariance : ndarray, shape (K, K)

    Returns
    -------
    Moments

    References
    ----------
    Section 7.4, "The E step".
    """
    N = len(targets)
    y_mean, x_mean = targets.mean(0), sources.mean(0)
    y, x = targets - y_mean, sources - x_mean
    return Moments(
        y_mean,
        x_mean,
        y.T @ y / N + target_covariance,        # <Cov[Y|.]> + Cov[E[Y|.]]
        y.T @ x / N + cross_covariance,         # <Cov[Y, X|.]> + Cov[E[Y|.], E[X|.]]
        x.T @ x / N + source_covariance,        # <Cov[X|.]> + Cov[E[X|.]]
        N,
    )


def raw(moments):
    """The same averages about zero: <Y Y'>, <Y X'> and <X X'> in the fields of the scatters.

    Parameters
    ----------
    moments : Moments

    Returns
    -------
    Moments
        With both means zero.
    """
    moments = _checked("moments", moments)
    y, x = moments.target_mean, moments.source_mean
    return Moments(
        np.zeros_like(y),
        np.zeros_like(x),
        moments.target_scatter + np.outer(y, y),
        moments.cross_scatter + np.outer(y, x),
        moments.source_scatter + np.outer(x, x),
        moments.size,
    )


def regress(moments, offset=True, name="moments"):
    """The arrow that minimizes the cross entropy of the target, given its predictors.

    Parameters
    ----------
    moments : Moments
    offset : bool
        Whether the arrow may have one. Without: the textbook's equations as they stand.
    name : str
        What to call the moments in a message.

    Returns
    -------
    AffineGaussian

    Raises
    ------
    ValueError
        If some combination of the predictors did not vary: then nothing tells its coefficient.

    References
    ----------
    Eq. 7.4.
    """
    moments = _checked(name, moments)
    y_mean, x_mean, yy, yx, xx, _ = moments if offset else raw(moments)
    _check_varied(name, xx)
    A = np.linalg.solve(xx, yx.T).T             # <Y X'> <X X'>^-1
    # <Y Y'> - A <X Y'>, written as the scatter of Y - A X: cannot become indefinite, for any A.
    S = yy - A @ yx.T - yx @ A.T + A @ xx @ A.T
    checks.held(f"{name}.cross_scatter", yx, S)
    return AffineGaussian(A, y_mean - A @ x_mean, (S + S.T) / 2)


def _checked(name, moments):
    """Averages of shapes that fit each other."""
    checks.kind(name, moments, Moments)
    return checks.record(
        name, moments, target_mean="L", source_mean="K", target_scatter="LL", cross_scatter="LK", source_scatter="KK"
    )


def _check_varied(name, scatter):
    """Refuse predictors of which some combination is constant, in whatever units they are."""
    scale = np.sqrt(np.diag(scatter))
    singular = (scale <= 0).any()
    if not singular and scale.size:
        singular = np.linalg.eigvalsh(scatter / np.outer(scale, scale))[0] <= INDEPENDENT * scale.size
    if singular:
        raise ValueError(
            f"{name}: expected predictors that vary independently, got a singular source_scatter of rank "
            f"{np.linalg.matrix_rank(scatter)}, not {scale.size}; give more steps, or fewer predictors"
        )
