"""The model: its two readings, its loss and the gradient of it.

In all functions ``params`` are `Parameters`, ``y`` is array_like of shape (N, K), and ``source`` is a source density.

References
----------
Eqs. 5.22-5.28 and 9.1-9.5.
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.sources import LOGISTIC
from pedagogy_lib.learning.unmixing import whiten


class Parameters(NamedTuple):
    """What there is to know.

    unmixing : ndarray, shape (K, K), invertible, the textbook's D
    mean : ndarray, shape (K,), m
    """

    unmixing: np.ndarray
    mean: np.ndarray


class Sample(NamedTuple):
    """Draws from the model.

    sources : ndarray, shape (N, K)
    observations : ndarray, shape (N, K)
    """

    sources: np.ndarray
    observations: np.ndarray


def start(y, rng):
    """Choose where learning begins: outputs that are white, turned at random.

    Parameters
    ----------
    y : array_like, shape (N, K)
    rng : numpy.random.Generator

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If the observations vary in fewer than K directions: whiten them to fewer columns first.
    """
    rng, white = checks.generator("rng", rng), whiten(y)
    turn, triangle = np.linalg.qr(rng.standard_normal(white.matrix.shape))
    return Parameters(turn * np.sign(np.diag(triangle)) @ white.matrix, white.mean)


def sample(params, n, rng, source=LOGISTIC):
    """Draw ``n`` vectors of sources, and mix them.

    Parameters
    ----------
    params, source
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample

    References
    ----------
    Eqs. 9.1 and 9.2.
    """
    D, m = _checked(params)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    x = source.sample((n, len(m)), rng)
    return Sample(x, np.linalg.solve(D, x.T).T + m)


def unmix(params, y):
    """Recover the sources: x = D (y - m).

    Parameters
    ----------
    params, y

    Returns
    -------
    ndarray, shape (N, K)

    References
    ----------
    Eq. 5.27.
    """
    params, y = _checked_pair(params, y)
    return _unmix(params, y)


def _unmix(params, y):
    """The same, of arguments that have been checked."""
    return (y - params.mean) @ params.unmixing.T


def squash(params, y, source=LOGISTIC):
    """Unmix, and pass every output through its distribution function: z = psi(x).

    Parameters
    ----------
    params, y, source

    Returns
    -------
    ndarray, shape (N, K)
        Between 0 and 1; uniform in the unit cube if the model is true.

    References
    ----------
    Eqs. 5.22, 5.27.
    """
    return source.cumulative(unmix(params, y))


def log_marginal(params, y, source=LOGISTIC):
    """Evaluate log p(y_n), by the change of variables.

    Parameters
    ----------
    params, y, source

    Returns
    -------
    ndarray, shape (N,)
        In nats.

    References
    ----------
    Eqs. 5.26, 9.5.
    """
    params, y = _checked_pair(params, y)
    return _log_marginal(params, _unmix(params, y), source)


def _log_marginal(params, x, source):
    """log prod_k psi_k'(x_k) |det D|, of sources that have been unmixed."""
    log_normalizer = np.broadcast_to(source.log_normalizer(), x.shape[1]).sum()
    return -source.energy(x).sum(1) - log_normalizer + np.linalg.slogdet(params.unmixing)[1]


def loss(params, y, rng=None, source=LOGISTIC):
    """Minus the mean log likelihood: the entropy of the data less that of the squashed outputs.

    Parameters
    ----------
    params, y, source
    rng : None
        Not used: nothing here is random.

    Returns
    -------
    float
        In nats per observation.

    References
    ----------
    Eqs. 5.25, 9.4.
    """
    return float(-log_marginal(params, y, source).mean())


def gradient(params, y, rng=None, source=LOGISTIC):
    """The derivative of the loss: <E'(X) (Y - m)^T> - D^-T, and -D^T <E'(X)> for the mean.

    Parameters
    ----------
    params, y, rng, source
        As for `loss`.

    Returns
    -------
    Parameters

    References
    ----------
    Eq. 5.28, where y and the derivative stand in the other order.
    """
    params, y = _checked_pair(params, y)
    D, m = params
    slopes = source.derivative(_unmix(params, y))
    return Parameters(slopes.T @ (y - m) / len(y) - np.linalg.inv(D).T, -D.T @ slopes.mean(0))


class Under(NamedTuple):
    """This model under another source density, as `pedagogy_lib.learning.optimization` takes it.

    source : the density of the sources
    """

    source: Any

    def loss(self, params, y, rng=None):
        """`loss` under this density."""
        return loss(params, y, rng, self.source)

    def gradient(self, params, y, rng=None):
        """`gradient` under this density."""
        return gradient(params, y, rng, self.source)


def _checked(params):
    """The same parameters, checked against each other."""
    D = checks.array("params.unmixing", params.unmixing, ("K", "K"))
    K = len(D)
    if D.shape != (K, K) or K == 0:
        raise ValueError(f"params.unmixing: expected shape (K, K), got {D.shape}")
    mean = checks.array("params.mean", params.mean, (K,))
    if _is_singular(D):
        raise ValueError("params.unmixing: expected an invertible matrix, got one with dependent rows")
    return Parameters(D, mean)


def _is_singular(D):
    """Whether no inverse is left, to rounding: the units of columns and then of rows are taken out first."""
    for axis in (0, 1):
        lengths = np.linalg.norm(D, axis=axis, keepdims=True)
        if not lengths.all():
            return True
        D = D / lengths
    return np.linalg.cond(D) > 1e14


def _checked_pair(params, y):
    """Parameters, and observations of their width."""
    params = _checked(params)
    y = checks.observations("y", y, len(params.mean))
    if len(y) == 0:
        raise ValueError("y: expected one observation at least, got none")
    return params, y
