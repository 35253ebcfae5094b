"""The model: what there is to know, draws from it, its emission, and the boundary between two classes.

In all functions ``params`` are `Parameters`.

References
----------
Section 2.1.1, Eqs. 2.2, 2.4 and 2.9.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Categorical
from pedagogy_lib.distributions.emissions import Gaussians


class Parameters(NamedTuple):
    """What there is to know about a Gaussian mixture.

    weights : ndarray, shape (K,), the prior probabilities pi of the classes
    means : ndarray, shape (K, D)
    covariances : ndarray, shape (K, D, D), positive definite
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


class Sample(NamedTuple):
    """Draws from the model.

    classes : ndarray of int, shape (N,), numbered from 0
    observations : ndarray, shape (N, D)
    """

    classes: np.ndarray
    observations: np.ndarray


def sample(params, n, rng):
    """Draw ``n`` classes and an observation from each.

    Parameters
    ----------
    params
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample

    References
    ----------
    Eq. 2.2.
    """
    weights, means, covariances = _checked(params)
    classes = categorical.sample(Categorical(weights), n, rng)
    return Sample(classes, Gaussians(means, covariances).sample(classes, rng))


def emission(params):
    """The emission p(y|x): ``emission(params).log_densities(y)`` has one column for each class.

    With it, `pedagogy_lib.distributions.categorical.invert` and ``marginalize`` answer every question
    about this model. `posterior` and `log_marginal` say the same in one pass over the data.

    Parameters
    ----------
    params

    Returns
    -------
    pedagogy_lib.distributions.emissions.Gaussians

    References
    ----------
    Eq. 2.4.
    """
    return Gaussians(*_checked(params)[1:])


def linear_boundary(params, k, j):
    """The line on which classes k and j are equally probable, when they share a covariance.

    Parameters
    ----------
    params
        The covariances of the two classes must be equal.
    k, j : int
        Two different classes.

    Returns
    -------
    normal : ndarray, shape (D,)
        Sigma^-1 (mu_k - mu_j). Class k is the more probable where ``normal @ y > threshold``.
    threshold : float

    References
    ----------
    Eq. 2.9.
    """
    weights, means, covariances = _checked(params)
    for name, side in (("k", k), ("j", j)):
        if checks.count(name, side, minimum=0) >= len(weights):
            raise ValueError(f"{name}: expected a class from 0 to {len(weights) - 1}, got {side}")
    if k == j:
        raise ValueError(f"j: expected another class than k, got {j} for both")
    if not np.allclose(covariances[k], covariances[j], rtol=1e-10, atol=0):
        raise ValueError("params.covariances: expected equal covariances; unequal ones have a curved boundary")
    normal = np.linalg.solve(covariances[k], means[k] - means[j])
    midpoint = (means[k] + means[j]) / 2
    return normal, float(normal @ midpoint + np.log(weights[j] / weights[k]))


def _checked(params):
    """The same parameters, their fields checked against each other."""
    weights = checks.probabilities("params.weights", params.weights, ("K",))
    means = checks.array("params.means", params.means, (len(weights), "D"))
    D = means.shape[1]
    covariances = checks.array("params.covariances", params.covariances, (len(weights), D, D))
    return Parameters(weights, means, checks.covariance("params.covariances", covariances, D))


def _checked_pair(params, y):
    """The parameters, and observations that fit them: at least one."""
    params = _checked(params)
    y = checks.observations("y", y, params.means.shape[1])
    if len(y) == 0:
        raise ValueError("y: expected one observation at least, got none")
    return params, y
