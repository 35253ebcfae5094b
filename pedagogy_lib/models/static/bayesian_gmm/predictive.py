"""What the fitted factors say of new data: a mixture of Student's t, to draw from and to evaluate.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D).

References
----------
C.M. Bishop, Pattern Recognition and Machine Learning (2006), section 10.2.
"""

import numpy as np
from scipy.special import gammaln, logsumexp

from pedagogy_lib import checks
from pedagogy_lib.models.static import gmm
from pedagogy_lib.models.static.bayesian_gmm.model import _checked, _checked_pair


def sample(params, n, rng):
    """Draw ``n`` classes and observations, the parameters averaged out, by ancestral sampling.

    Parameters
    ----------
    params
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    pedagogy_lib.models.static.gmm.Sample
        Independent draws from `log_predictive`'s density.
    """
    params = _checked(params)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    D = params.means.shape[1]
    classes = rng.choice(len(params.counts), n, p=params.counts / params.counts.sum())
    freedom, scales = _student(params)
    z = rng.standard_normal((n, D)) / np.sqrt(rng.chisquare(freedom[classes]) / freedom[classes])[:, None]
    roots = np.linalg.cholesky(scales)
    return gmm.Sample(classes, params.means[classes] + np.einsum("nij,nj->ni", roots[classes], z))


def log_predictive(params, y):
    """The log density of a new observation, averaged over the learned factor: a mixture of Student's t.

    Parameters
    ----------
    params, y

    Returns
    -------
    ndarray, shape (N,)
        In nats.
    """
    params, y = _checked_pair(params, y)
    D = y.shape[1]
    freedom, scales = _student(params)
    roots = np.linalg.cholesky(scales)
    logs = np.empty((len(y), len(freedom)))
    for k, (root, nu) in enumerate(zip(roots, freedom)):
        square = (np.linalg.solve(root, (y - params.means[k]).T) ** 2).sum(0)
        constant = gammaln((nu + D) / 2) - gammaln(nu / 2) - 0.5 * D * np.log(nu * np.pi) - np.log(np.diag(root)).sum()
        logs[:, k] = constant - 0.5 * (nu + D) * np.log1p(square / nu)
    return logsumexp(logs + np.log(params.counts / params.counts.sum()), axis=1)


def _student(params):
    """Degrees of freedom and scale matrices of the predictive density of each class."""
    D = params.means.shape[1]
    freedom = params.degrees - D + 1
    return freedom, params.scatters * ((1 + 1 / params.strengths) / freedom)[:, None, None]
