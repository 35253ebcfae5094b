"""The prior, and the factor over the parameters that takes its form."""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks


class Prior(NamedTuple):
    """What is believed before the data, the same of every class.

    count : float, above 0
        Imaginary observations of each class (alpha_0). Below one, few classes are expected to be used.
    mean : ndarray, shape (D,)
        Where a class's mean is expected (m_0).
    strength : float, above 0
        How many observations that expectation is worth (kappa_0).
    scatter : ndarray, shape (D, D), positive definite
        The scatter matrix of imaginary observations (S_0).
    degrees : float, above D - 1
        How many observations that scatter is worth (nu_0).
    """

    count: float
    mean: np.ndarray
    strength: float
    scatter: np.ndarray
    degrees: float


class Parameters(NamedTuple):
    """The prior, and the factor q(pi, mu, Sigma) that has been learned.

    prior : Prior
    counts : ndarray, shape (K,), of the Dirichlet distribution over the weights (alpha)
    means : ndarray, shape (K, D), where each mean is expected (m)
    strengths : ndarray, shape (K,), how many observations tell of each mean (kappa)
    scatters : ndarray, shape (K, D, D), of each inverse-Wishart distribution (S)
    degrees : ndarray, shape (K,), its degrees of freedom (nu)
    """

    prior: Prior
    counts: np.ndarray
    means: np.ndarray
    strengths: np.ndarray
    scatters: np.ndarray
    degrees: np.ndarray


def vague_prior(y, count=1.0):
    """A prior that knows only where the data lie: it is worth about one observation a class.

    Parameters
    ----------
    y : array_like, shape (N, D)
    count : float
        As in `Prior`.

    Returns
    -------
    Prior
        With the mean and covariance of all data, strength 1 and D + 2 degrees of freedom, the fewest
        (in whole numbers) for which a class's covariance has an expectation: that of all data.
    """
    y = checks.array("y", y, ("N", "D"))
    covariance = checks.covariance("the covariance of y", np.atleast_2d(np.cov(y.T, bias=True)))
    return Prior(checks.number("count", count, above=0), y.mean(0), 1.0, covariance, y.shape[1] + 2.0)


def _checked(params):
    """The same parameters, their fields checked against each other."""
    means = checks.array("params.means", params.means, ("K", "D"))
    K, D = means.shape
    positive = {}
    for name, bound in (("counts", 0), ("strengths", 0), ("degrees", D - 1)):
        positive[name] = checks.array(f"params.{name}", getattr(params, name), (K,))
        if not (positive[name] > bound).all():
            raise ValueError(f"params.{name}: expected numbers above {bound}, got {positive[name].min():.3g}")
    scatters = checks.array("params.scatters", params.scatters, (K, D, D))
    scatters = checks.covariance("params.scatters", scatters, D)
    return Parameters(_checked_prior(params.prior, D), means=means, scatters=scatters, **positive)


def _checked_prior(prior, D):
    scatter = checks.covariance("prior.scatter", prior.scatter, D, stack=False)
    return Prior(
        checks.number("prior.count", prior.count, above=0),
        checks.array("prior.mean", prior.mean, (D,)),
        checks.number("prior.strength", prior.strength, above=0),
        scatter,
        checks.number("prior.degrees", prior.degrees, above=D - 1),
    )


def _checked_pair(params, y):
    """The parameters, and observations that fit them: at least one."""
    params = _checked(params)
    y = checks.observations("y", y, params.means.shape[1])
    if len(y) == 0:
        raise ValueError("y: expected one observation at least, got none")
    return params, y
