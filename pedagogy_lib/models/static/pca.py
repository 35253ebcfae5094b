"""Principal-components analysis: the factor analyzer whose noise has shrunk to nothing.

With noise covariance epsilon I and epsilon going to zero, the posterior of a factor analyzer puts
all of its mass on one point, the least-squares projection of y (Section 7.3.1). The E step becomes
one regression, the M step the opposite one. It has no ``sample`` and no ``log_marginal``: a density
of zero width assigns no density to data that lie off the plane.

`principal_components` arrives at the same plane at once, by a singular-value decomposition.

References
----------
Section 7.3.1.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.models.static import factor_analysis
from pedagogy_lib.models.static.factor_analysis import observed_statistics  # noqa: F401, one of the verbs


class Parameters(NamedTuple):
    """What there is to know: a plane through ``offset``, spanned by the columns of ``loadings``.

    loadings : ndarray, shape (D, K), the textbook's C, of rank K; columns need not be orthogonal
    offset : ndarray, shape (D,), its c
    """

    loadings: np.ndarray
    offset: np.ndarray


class Posterior(NamedTuple):
    """Where all of the mass is.

    means : ndarray, shape (N, K), coordinates within the plane, (C'C)^-1 C' (y_n - c)
    """

    means: np.ndarray


class Components(NamedTuple):
    """The axes of the data, the longest first.

    directions : ndarray, shape (D, K), orthonormal columns; the largest entry of each is positive
    offset : ndarray, shape (D,), the mean
    variances : ndarray, shape (K,), along each direction, falling (divided by N)
    """

    directions: np.ndarray
    offset: np.ndarray
    variances: np.ndarray


def principal_components(y, k):
    """Find the K orthogonal directions in which the data vary most.

    Parameters
    ----------
    y : array_like, shape (N, D)
    k : int
        At most D, and at most N.

    Returns
    -------
    Components

    Notes
    -----
    The directions are the eigenvectors of the covariance of the data. They are computed from the
    singular values of the centered data: forming the covariance would square away half the digits.
    """
    y = checks.array("y", y, ("N", "D"))
    k = checks.count("k", k)
    if k > min(y.shape):
        raise ValueError(f"k: expected at most {min(y.shape)}, the smaller side of y, got {k}")
    offset = y.mean(0)
    _, singular, directions = np.linalg.svd(y - offset, full_matrices=False)
    directions = directions[:k].T
    largest = directions[np.abs(directions).argmax(0), np.arange(k)]
    return Components(directions * np.sign(largest), offset, singular[:k] ** 2 / len(y))


def start(y, k, rng):
    """Choose a plane to start from: through the mean, in random directions.

    Parameters
    ----------
    y : array_like, shape (N, D)
    k : int
        At most D.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    y = checks.array("y", y, ("N", "D"))
    k, rng = checks.count("k", k), checks.generator("rng", rng)
    if k > y.shape[1] or len(y) == 0:
        raise ValueError(f"k: expected at most the number of columns, and data, got {k} and shape {y.shape}")
    return Parameters(rng.standard_normal((y.shape[1], k)), y.mean(0))


def posterior(params, y):
    """Project each observation onto the plane: where the posterior puts all of its mass.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)

    Returns
    -------
    Posterior

    References
    ----------
    Section 7.3.1, the E step of iterative principal-components analysis.
    """
    C, c = _checked(params)
    y = checks.observations("y", y, len(c))
    # Least squares by QR: forming C'C would square the condition number.
    Q, R = np.linalg.qr(C)
    return Posterior(np.linalg.solve(R, Q.T @ (y - c).T).T)


def reconstruct(params, coordinates):
    """The points of the plane with these coordinates: C x + c.

    Parameters
    ----------
    params : Parameters
    coordinates : array_like, shape (N, K)

    Returns
    -------
    ndarray, shape (N, D)
    """
    C, c = _checked(params)
    return checks.observations("coordinates", coordinates, C.shape[1]) @ C.T + c


def expected_statistics(params, y):
    """The E step: project, then treat the projections as if they had been observed.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)

    Returns
    -------
    pedagogy_lib.models.static.factor_analysis.Statistics
        Its loss is the mean squared distance from the plane.

    References
    ----------
    Section 7.3.1, the E step.
    """
    x = posterior(params, y).means
    loss = ((np.asarray(y, float) - reconstruct(params, x)) ** 2).sum(1).mean()
    return factor_analysis.observed_statistics(x, y)._replace(loss=float(loss))


def maximize(statistics):
    """The M step: the plane nearest to the data, with the coordinates held fixed.

    Parameters
    ----------
    statistics : pedagogy_lib.models.static.factor_analysis.Statistics

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If the projections do not vary in K directions.

    References
    ----------
    Section 7.3.1, the M step.
    """
    return Parameters(*factor_analysis.regression(statistics))


def _checked(params):
    """The same parameters, their fields checked against each other."""
    loadings = checks.array("params.loadings", params.loadings, ("D", "K"))
    D, K = loadings.shape
    if K == 0 or np.linalg.matrix_rank(loadings) < K:
        raise ValueError(f"params.loadings: expected {K} independent columns, one at least, got {loadings.shape}")
    return Parameters(loadings, checks.array("params.offset", params.offset, (D,)))
