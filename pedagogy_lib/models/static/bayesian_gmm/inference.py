"""The factor over the classes: the responsibilities of an ordinary mixture, discounted for what is not known of it.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D).

References
----------
C.M. Bishop, Pattern Recognition and Machine Learning (2006), section 10.2.
"""

import numpy as np
from scipy.special import digamma

from pedagogy_lib import checks
from pedagogy_lib.distributions.emissions import _passes
from pedagogy_lib.models.static import gmm
from pedagogy_lib.models.static.bayesian_gmm.model import _checked, _checked_pair

LOG_2 = np.log(2)


def discounts(params):
    """How much of its weight each class keeps for being known: at most one, and one where all is known.

    The factor q(X) is the posterior of an ordinary mixture with means m_k, covariances S_k / nu_k and
    weights alpha_k / sum(alpha), each multiplied by this discount.

    Parameters
    ----------
    params

    Returns
    -------
    ndarray, shape (K,)
    """
    return _discounts(_checked(params))


def _discounts(params):
    """exp E[log .] over . of E[.], for the weight and the covariance; and the mean's own spread."""
    _, counts, means, strengths, _, degrees = params
    D = means.shape[1]
    weights = np.exp(digamma(counts) - np.log(counts) - digamma(counts.sum()) + np.log(counts.sum()))
    covariances = np.exp(0.5 * (_log_gammas(degrees, D) + D * LOG_2 - D * np.log(degrees)))
    return weights * covariances * np.exp(-0.5 * D / strengths)


def posterior(params, y, backend="auto"):
    """Infer the classes: the factor q(X), given that over the parameters.

    Parameters
    ----------
    params, y
    backend : {"auto", "numba", "numpy"}

    Returns
    -------
    pedagogy_lib.models.static.gmm.Posterior
        ``log_marginals`` are what normalized it: log sum_k exp E[log p(x_k, y_n | pi, mu, Sigma)].
    """
    return _posterior(*_checked_pair(params, y), backend)


def _posterior(params, y, backend="auto"):
    """log q(x_k) = E[log pi_k + log N(y; mu_k, Sigma_k)] + constant: an ordinary posterior, discounted."""
    checks.squarable("params.means", params.means)
    weights = params.counts / params.counts.sum() * _discounts(params)
    if not weights.sum() > 0:
        raise ValueError(
            "params.counts, params.strengths: expected one class at least whose weight is above 0 when discounted, got "
            f"counts up to {params.counts.max():.3g} and strengths up to {params.strengths.max():.3g}"
        )
    checks.squarable("y", y)
    covariances = params.scatters / params.degrees[:, None, None]
    return gmm.Posterior(*_passes.responsibilities(y, weights, params.means, covariances, backend))


def _log_gammas(degrees, D):
    """sum_i digamma((nu + 1 - i) / 2), i = 1..D, for each nu: E[log |Sigma^-1|] less its scale."""
    return digamma((degrees[:, None] - np.arange(D)) / 2).sum(1)
