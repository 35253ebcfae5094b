"""What the learned factor costs against the prior: divergences of Dirichlet and normal-Wishart distributions.

References
----------
C.M. Bishop, Pattern Recognition and Machine Learning (2006), section 10.2.
"""

import numpy as np
from scipy.special import digamma, gammaln, multigammaln

from pedagogy_lib.learning import parameters
from pedagogy_lib.models.static.bayesian_gmm.inference import _log_gammas
from pedagogy_lib.models.static.bayesian_gmm.model import _checked


def divergence(params):
    """KL{q(pi, mu, Sigma) || p(pi, mu, Sigma)}: what the learned factor costs against the prior, in nats.

    Parameters
    ----------
    params

    Returns
    -------
    float
    """
    return _divergence(_checked(params))


def _divergence(params):
    found = float(_dirichlet_divergence(params) + _normal_wishart_divergences(params).sum())
    return parameters.held(params, found)


def _dirichlet_divergence(params):
    """KL of the two Dirichlet distributions over the weights."""
    a, a0 = params.counts, np.full(len(params.counts), params.prior.count)
    expected_logs = digamma(a) - digamma(a.sum())
    return gammaln(a.sum()) - gammaln(a).sum() - gammaln(a0.sum()) + gammaln(a0).sum() + (a - a0) @ expected_logs


def _normal_wishart_divergences(params):
    """KL of means and covariances, for each class: that of N(m, Sigma / kappa), then that of Sigma."""
    prior, _, means, strengths, scatters, degrees = params
    D = means.shape[1]
    inverses = np.linalg.inv(scatters)
    away = means - prior.mean
    ratio = prior.strength / strengths
    squares = np.einsum("ki,kij,kj->k", away, inverses, away)
    of_means = 0.5 * (D * (ratio - 1 - np.log(ratio)) + prior.strength * degrees * squares)
    traces = np.einsum("ij,kji->k", prior.scatter, inverses)
    logs = np.linalg.slogdet(scatters)[1] - np.linalg.slogdet(prior.scatter)[1]
    of_covariances = (
        0.5 * prior.degrees * logs
        - multigammaln(degrees / 2, D)
        + multigammaln(prior.degrees / 2, D)
        + 0.5 * (degrees - prior.degrees) * _log_gammas(degrees, D)
        + 0.5 * degrees * (traces - D)
    )
    return of_means + of_covariances
