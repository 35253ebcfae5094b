"""The model: what there is to know, draws from it, and its two arrows as the Gaussian rules take them.

In all functions ``params`` are `Parameters`.

References
----------
Section 2.1.2, Eq. 2.20.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian


class Parameters(NamedTuple):
    """What there is to know about a factor analyzer.

    loadings : ndarray, shape (D, K), the textbook's C
    offset : ndarray, shape (D,), its c
    noise_variances : ndarray, shape (D,), above zero, the diagonal of its Lambda
    """

    loadings: np.ndarray
    offset: np.ndarray
    noise_variances: np.ndarray


class Sample(NamedTuple):
    """Draws from the model.

    factors : ndarray, shape (N, K)
    observations : ndarray, shape (N, D)
    """

    factors: np.ndarray
    observations: np.ndarray


def sample(params, n, rng):
    """Draw ``n`` vectors of factors and an observation from each.

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
    Eq. 2.20.
    """
    C, c, variances = _checked(params)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    factors = rng.standard_normal((n, C.shape[1]))
    noise = rng.standard_normal((n, len(c))) * np.sqrt(variances)
    return Sample(factors, factors @ C.T + c + noise)


def source(params):
    """The source p(x) = N(0, I), in the form that the Gaussian rules take.

    Parameters
    ----------
    params

    Returns
    -------
    pedagogy_lib.distributions.gaussian.Gaussian
    """
    K = _checked(params).loadings.shape[1]
    return Gaussian(np.zeros(K), np.eye(K))


def emission(params):
    """The emission p(y|x), in the form that the Gaussian rules take.

    `pedagogy_lib.distributions.gaussian.invert` and ``marginalize`` answer every question about
    this model from `source` and `emission`. `posterior` and `log_marginal` say the same without
    a D x D matrix.

    Parameters
    ----------
    params

    Returns
    -------
    pedagogy_lib.distributions.gaussian.AffineGaussian

    References
    ----------
    Eq. 2.20.
    """
    C, c, variances = _checked(params)
    return AffineGaussian(C, c, np.diag(variances))


def communalities(params):
    """The share of each observation's variance that the factors explain.

    A share near one warns of a Heywood case. Unlike the loadings, the shares do not change when
    the factors are rotated.

    Parameters
    ----------
    params

    Returns
    -------
    ndarray, shape (D,)
        Between zero and one.
    """
    C, _, variances = _checked(params)
    sizes = np.hypot.reduce(C, axis=1) / np.sqrt(variances)      # a ratio first: squares of large loadings overflow
    return (sizes / np.hypot(1, sizes)) ** 2


def _checked(params):
    """The same parameters, their fields checked against each other."""
    loadings = checks.array("params.loadings", params.loadings, ("D", "K"))
    D, K = loadings.shape
    if D == 0 or K == 0:
        raise ValueError(f"params.loadings: expected one row and one column at least, got {loadings.shape}")
    offset = checks.array("params.offset", params.offset, (D,))
    variances = checks.array("params.noise_variances", params.noise_variances, (D,))
    if (variances <= 0).any():
        raise ValueError(
            f"params.noise_variances: expected numbers above 0, got {variances.min():.3g} "
            f"at index {int(variances.argmin())}"
        )
    return Parameters(loadings, offset, variances)
