"""An energy that is a polynomial: the smallest model whose normalizer has no formula.

::

    p(y) = exp(d_1 y + d_2 y^2 + ... + d_K y^K) / Z,      y a number, K even, d_K below 0

With K = 2 it is a Gaussian, and with K = 4 it may have two heaps. On a line the normalizer is an integral that a sum
over some hundred places gives to nearly all digits, so that maximum likelihood is exact here: it is what estimates that
do without the normalizer are measured against.

``params`` are `Parameters`, ``y`` has shape (N, 1). Give data of about unit size: high powers of large numbers are
inexact. There is no ``posterior``, because nothing is hidden, and no ``maximize``: the equations <y^k>_model =
<y^k>_data have no closed form. `fit` solves them by Newton's method.

References
----------
Chapter 10, the display before section 10.1; R.A. Fisher (1922), on curves of this kind.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib import checks

#: Where the energy has risen this far above its least value, the density counts as zero.
RISE = 45.0
#: Places of a sum.
PLACES = 400


class Parameters(NamedTuple):
    """The coefficients of the log density.

    coefficients : ndarray, shape (K,), d_1 ... d_K
    """

    coefficients: np.ndarray


class Places(NamedTuple):
    """Where an integral is summed.

    y : ndarray, shape (M, 1)
    weights : ndarray, shape (M,)
    """

    y: np.ndarray
    weights: np.ndarray


def start(y, degree, rng=None):
    """Begin at the Gaussian of the data's mean and variance, and a little of the highest power.

    Parameters
    ----------
    y : array_like, shape (N, 1)
    degree : int, K, even
    rng : None
        Not used: nothing here is random.

    Returns
    -------
    Parameters
    """
    y = checks.array("y", y, ("N", 1))
    degree = checks.count("degree", degree, minimum=2)
    if degree % 2 or not y.std() > 0:
        raise ValueError(f"degree, y: expected an even degree and data that vary, got {degree}, deviation {y.std():g}")
    d = np.zeros(degree)
    d[:2] = y.mean() / y.var(), -0.5 / y.var()
    if degree > 2:
        d[-1] = -0.01 / y.std() ** degree
    return Parameters(d)


def statistics(params, y):
    """The powers of each datum.

    Returns
    -------
    ndarray, shape (N, K)
    """
    return _powers(checks.array("y", y, ("N", 1)), _coefficients(params))


def marginal_energy(params, y):
    """Minus the log density but for its normalizer.

    Returns
    -------
    ndarray, shape (N,)
    """
    d, y = _coefficients(params), checks.array("y", y, ("N", 1))
    return checks.held("y", y, -_powers(y, d) @ d)


def phase(params, y, weights=None):
    """The weighted sum of the derivatives of minus the energy: of the powers.

    Parameters
    ----------
    weights : array_like, shape (N,), optional
        In the place of 1/N.

    Returns
    -------
    Parameters
    """
    y = checks.array("y", y, ("N", 1))
    if len(y) == 0:
        raise ValueError("y: expected at least one datum, got none")
    w = np.full(len(y), 1 / len(y)) if weights is None else checks.array("weights", weights, (len(y),))
    return Parameters(checks.held("y", y, w @ _powers(y, _coefficients(params))))


def places(params):
    """Choose where to sum: as far out as the density is above nought.

    Returns
    -------
    Places
        Of Gauss and Legendre.

    Raises
    ------
    ValueError
        If the density has no normalizer: the highest power must be even, with a coefficient below zero.
    """
    d = _coefficients(params)
    if len(d) % 2 or not len(d) or not d[-1] < 0:
        raise ValueError(f"params.coefficients: expected an even number of them, the last below 0, got {d}")
    log_density = np.polynomial.Polynomial([0, *d])
    turns = log_density.deriv().roots()
    highest = log_density(turns[np.abs(turns.imag) < 1e-9].real).max()
    ends = (log_density - (highest - RISE)).roots()
    ends = ends[np.abs(ends.imag) < 1e-6].real
    nodes, weights = _gauss_legendre()
    middle, half = 0.5 * (ends.max() + ends.min()), 0.5 * (ends.max() - ends.min())
    return Places((middle + half * nodes)[:, None], half * weights)


def log_partition(params):
    """log Z, by a sum over places.

    Returns
    -------
    float
    """
    at = places(params)
    return _log_partition(params, at)


def log_marginal(params, y):
    """log p(y_n), in nats.

    Returns
    -------
    ndarray, shape (N,)
    """
    return -marginal_energy(params, y) - log_partition(params)


def sample(params, n, rng):
    """Draw by the inverse of the distribution function, read off a fine table.

    Returns
    -------
    ndarray, shape (n, 1)
    """
    n, rng, at = checks.count("n", n, minimum=0), checks.generator("rng", rng), places(params)
    table = np.linspace(at.y[0, 0], at.y[-1, 0], 20 * PLACES)
    log_density = -marginal_energy(params, table[:, None])
    mass = np.exp(log_density - log_density.max())
    below = np.concatenate([[0.0], np.cumsum(0.5 * (mass[1:] + mass[:-1]))])
    return np.interp(rng.random(n), below / below[-1], table)[:, None]


def loss(params, y, rng=None):
    """The mean of -log p(y), exact.

    Parameters
    ----------
    rng : None
        Not used: nothing here is random.

    Returns
    -------
    float
    """
    found = log_marginal(params, y)
    if not len(found):
        raise ValueError("y: expected at least one datum, got none")
    return float(-found.mean())


def value_and_gradient(params, y, rng=None):
    """The loss, and its gradient: the average powers under the model less those of the data.

    Returns
    -------
    float, Parameters
    """
    return loss(params, y), Parameters(_moments(params)[0] - phase(params, y).coefficients)


def fit(y, degree, steps=100):
    """Find maximum likelihood by Newton's method, halving steps that do not go down.

    Parameters
    ----------
    y : array_like, shape (N, 1)
    degree : int, even
    steps : int
        The most steps.

    Returns
    -------
    Parameters

    Raises
    ------
    RuntimeError
        If it has not arrived after all steps.
    """
    params, steps = start(y, degree), checks.count("steps", steps)
    value, gradient = value_and_gradient(params, y)
    for _ in range(steps):
        step = np.linalg.solve(_moments(params)[1], gradient.coefficients)
        if gradient.coefficients @ step < 1e-18:
            return params
        params, value = _downhill(params, y, value, step)
        gradient = value_and_gradient(params, y)[1]
    raise RuntimeError(f"fit: not converged after {steps} steps, the last gradient {gradient.coefficients}")


# --- the pieces, and the checks ------------------------------------------------------------------


@lru_cache
def _gauss_legendre():
    return np.polynomial.legendre.leggauss(PLACES)


def _downhill(params, y, value, step):
    """The longest of the steps 1, 1/2, 1/4 ... after which the loss is no higher."""
    for halvings in range(60):
        d = params.coefficients - 0.5**halvings * step
        if d[-1] < 0:
            there = loss(Parameters(d), y)
            if there <= value + 1e-15:
                return Parameters(d), there
    return params, value


def _moments(params):
    """The powers' averages under the model, and their covariance, which is the Hessian of the loss."""
    at = places(params)
    share = at.weights * np.exp(-marginal_energy(params, at.y) - _log_partition(params, at))
    T = statistics(params, at.y)
    mean = share @ T
    return mean, (T * share[:, None]).T @ T - np.outer(mean, mean)


def _log_partition(params, at):
    return float(logsumexp(-marginal_energy(params, at.y), b=at.weights))


def _powers(y, d):
    return y ** np.arange(1, len(d) + 1)


def _coefficients(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    return checks.array("params.coefficients", params.coefficients, ("K",))
