"""Inference: which factors are behind an observation, and what the observation costs.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D), in which NaN is an entry that is
missing; why it is missing must not depend on its value. Where noise variances are many orders of magnitude apart,
`_graded` takes the place of the sums.

References
----------
Section 2.1.2, Eqs. 2.21 and 2.22; Eq. 7.3.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import LOG_TAU
from pedagogy_lib.models.static.factor_analysis import _graded
from pedagogy_lib.models.static.factor_analysis.model import Parameters, _checked


class Posterior(NamedTuple):
    """p(x_n|y_n) for every n: each has a mean of its own, and all have one covariance.

    means : ndarray, shape (N, K)
    covariance : ndarray, shape (K, K)
        It depends on which entries were seen, and not on their values. Where entries of y are
        missing each row therefore has its own, shape (N, K, K).
    """

    means: np.ndarray
    covariance: np.ndarray


def posterior(params, y):
    """Infer the factors behind each observation.

    Parameters
    ----------
    params, y

    Returns
    -------
    Posterior
        With one covariance, shape (K, K), if nothing is missing; else with N of them.

    Notes
    -----
    Everything is solved in the space of the K factors; in that of the D observations only Lambda
    is inverted, entry by entry. The cost is O(D K^2 + N D K), and with missing entries another
    O(D K^2 + K^3) for each set of entries that occurs.

    References
    ----------
    Eq. 2.22; Eq. 7.3, whose offset is zero.
    """
    params = _checked(params)
    y = checks.observations("y", y, len(params.offset), missing=True)
    return (_posterior_of_seen if np.isnan(y).any() else _posterior)(params, y)[0]


def _posterior_of_seen(params, y):
    """As `_posterior`, where NaN is missing: each row's seen entries are a factor analyzer too."""
    C, c, variances = params
    N, K = len(y), C.shape[1]
    means, covariances, log_marginals = np.empty((N, K)), np.empty((N, K, K)), np.empty(N)
    patterns, which = np.unique(~np.isnan(y), axis=0, return_inverse=True)
    for n, seen in enumerate(patterns):
        rows = which.ravel() == n
        rest = Parameters(C[seen], c[seen], variances[seen])      # to marginalize is to leave out
        found, log_marginals[rows] = _posterior(rest, y[np.ix_(rows, seen)])
        means[rows], covariances[rows] = found
    return Posterior(means, covariances), log_marginals


def _posterior(params, y):
    """The posterior, and log p(y_n), of arguments that have been checked."""
    C, c, variances = params
    carried = C.T / variances                             # C' Lambda^-1
    precision = carried @ C + np.eye(C.shape[1])          # Eq. 2.14
    if _graded.is_too_steep(precision):                   # one sensor drowns the digits of the others
        means, covariance, log_marginals = _graded.posterior(params, y)
        return Posterior(means, covariance), log_marginals
    factor = cho_factor(precision, lower=True)
    gain = cho_solve(factor, carried)                     # Eq. 2.15
    covariance = cho_solve(factor, np.eye(len(precision)))
    found = Posterior((y - c) @ gain.T, (covariance + covariance.T) / 2)
    log_determinant = 2 * np.log(np.diag(factor[0])).sum()
    return found, _log_marginal(params, y, found, log_determinant)


def log_marginal(params, y):
    """Evaluate log p(y_n), what each observation costs (with the sign turned round).

    Parameters
    ----------
    params, y

    Returns
    -------
    ndarray, shape (N,)
        In nats. Of a row with missing entries, the log density of those that were seen.

    Notes
    -----
    p(y) = N(c, C C' + Lambda), but no D x D matrix is formed. The determinant lemma gives
    |C C' + Lambda| = |Lambda| |C' Lambda^-1 C + I|. With m the posterior mean, the Woodbury lemma
    (Eq. B.14) gives for e = y - c

        e' (C C' + Lambda)^-1 e = (e - C m)' Lambda^-1 (e - C m) + m' m,

    the misfit that is left, plus what the factors cost: two squares, so that no digits cancel.

    References
    ----------
    Eq. 2.21.
    """
    params = _checked(params)
    y = checks.observations("y", y, len(params.offset), missing=True)
    return (_posterior_of_seen if np.isnan(y).any() else _posterior)(params, y)[1]


def _log_marginal(params, y, found, log_determinant):
    """log p(y_n), from the posterior and log |C' Lambda^-1 C + I|."""
    C, c, variances = params
    misfit = y - c - found.means @ C.T
    squares = (misfit**2 / variances).sum(1) + (found.means**2).sum(1)
    return -0.5 * (squares + log_determinant + np.log(variances).sum() + len(c) * LOG_TAU)
