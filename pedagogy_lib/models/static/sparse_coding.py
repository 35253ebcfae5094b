"""Sparse coding: many independent causes, of which only a few act at a time.

::

    p(x)   = prod_k exp(-E_k(x_k)) / Z_k       codes: K of them, heavy-tailed
    p(y|x) = N(C x, I / lambda)                observations: D dimensions, often fewer than K

The factor analyzer's Gaussian source becomes one of the priors `Laplace`, `Cauchy` and
`HyperbolicCosine`. With that, two verbs are lost. There is no ``posterior`` and no ``log_marginal``:
none of these priors is conjugate to the Gaussian emission, so neither the posterior nor the
integral that normalizes it has a closed form. What can be computed is the posterior's `mode`, and
Laplace's approximation round it: `laplace_approximation`.

References
----------
Section 2.1.3, Eqs. 2.28-2.34; Section 8.1.1 (learning).
"""

from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks, kernels
from pedagogy_lib.distributions.gaussian import LOG_TAU
from pedagogy_lib.distributions.heavy_tailed import Laplace
from pedagogy_lib.inference import modes
from pedagogy_lib.inference.modes import coordinates, costs


class Parameters(NamedTuple):
    """What there is to know.

    dictionary : ndarray, shape (D, K), the textbook's C; its columns are the elements
    precision : float, above zero, lambda
    prior : Laplace, Cauchy or HyperbolicCosine
    """

    dictionary: np.ndarray
    precision: float
    prior: Any


class Sample(NamedTuple):
    """Draws from the model.

    codes : ndarray, shape (N, K)
    observations : ndarray, shape (N, D)
    """

    codes: np.ndarray
    observations: np.ndarray


class Approximation(NamedTuple):
    """Laplace's approximation of N posteriors, and of what the observations cost.

    modes : ndarray, shape (N, K), the means of the Gaussians
    precisions : ndarray, shape (N, K, K), the Hessians of the energy there (Eq. 2.31)
    log_marginals : ndarray, shape (N,), approximate log p(y_n) (Eq. 2.32), in nats
    """

    modes: np.ndarray
    precisions: np.ndarray
    log_marginals: np.ndarray


class Statistics(NamedTuple):
    """All that the dictionary's update needs to know of the data, averaged over N observations.

    params : Parameters, those that gave the codes
    cross : ndarray, shape (D, K), <Y X^T>
    scatter : ndarray, shape (K, K), <X X^T>
    loss : float, the mean energy of the joint at the modes, for a start and a fit to compare
    """

    params: Parameters
    cross: np.ndarray
    scatter: np.ndarray
    loss: float


class Options(NamedTuple):
    """What may be asked of learning, by ``em.fit(sparse_coding, params, y, options=Options(...))``.

    sweeps : int, how often `maximize` goes through the elements of the dictionary
    """

    sweeps: int = 10


PLAIN = Options()


def start(y, k, precision, prior, rng):
    """Choose a dictionary to start learning from: observations, drawn and brought to length one.

    Parameters
    ----------
    y : array_like, shape (N, D)
    k : int
    precision : float
    prior : Laplace, Cauchy or HyperbolicCosine
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    y = checks.array("y", y, ("N", "D"))
    k, rng = checks.count("k", k), checks.generator("rng", rng)
    lengths = np.linalg.norm(y, axis=1)
    usable = np.flatnonzero(lengths)
    if len(usable) < k:
        raise ValueError(f"k: expected at most the number of observations that are not zero, got {k}")
    chosen = rng.choice(usable, k, replace=False)
    return costs.checked(Parameters((y[chosen] / lengths[chosen, None]).T, precision, prior))


def sample(params, n, rng):
    """Draw ``n`` codes and an observation from each.

    Parameters
    ----------
    params : Parameters
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample

    References
    ----------
    Eq. 2.28.
    """
    C, precision, prior = costs.checked(params)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    codes = prior.sample((n, C.shape[1]), rng)
    noise = rng.standard_normal((n, len(C))) / np.sqrt(precision)
    return Sample(codes, codes @ C.T + noise)


def energy(params, x, y):
    """The energy of the joint, less its constants: misfit plus price of the codes.

    Parameters
    ----------
    params : Parameters
    x : array_like, shape (N, K)
    y : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N,)
        lambda/2 ||y - C x||^2 + sum_k E_k(x_k).

    References
    ----------
    Section 2.1.3, between Eqs. 2.32 and 2.33.
    """
    return costs.energy(*costs.checked_pair(params, x, y))


def energy_gradient(params, x, y):
    """The derivative of the energy with respect to the codes.

    Parameters
    ----------
    params, x, y
        As for `energy`.

    Returns
    -------
    ndarray, shape (N, K)
    """
    return costs.gradient(*costs.checked_pair(params, x, y))


def energy_hessian(params, x):
    """The second derivative of the energy with respect to the codes.

    Parameters
    ----------
    params : Parameters
        With a prior that has a curvature: not `Laplace`.
    x : array_like, shape (N, K)

    Returns
    -------
    ndarray, shape (N, K, K)

    References
    ----------
    Section 2.1.3, between Eqs. 2.32 and 2.33.
    """
    C, precision, prior = costs.smooth(costs.checked(params))
    x = checks.observations("x", x, C.shape[1])
    return precision * C.T @ C + costs.diagonals(prior.curvature(x))


def log_joint(params, x, y):
    """Evaluate log p(x_n, y_n).

    Parameters
    ----------
    params, x, y
        As for `energy`.

    Returns
    -------
    ndarray, shape (N,)
        In nats.

    References
    ----------
    Eq. 2.28.
    """
    params, x, y = costs.checked_pair(params, x, y)
    return -costs.energy(params, x, y) - _log_normalizer(params)


def _log_normalizer(params):
    """log Z of the joint: that of the prior, and (tau / lambda)^(D/2) of the emission."""
    D, K = params.dictionary.shape
    of_prior = np.broadcast_to(params.prior.log_normalizer(), K).sum()
    return of_prior + 0.5 * D * (LOG_TAU - np.log(params.precision))


# --- the mode of the posterior ---------------------------------------------------------------


def mode(params, y, start=None, *, tolerance=1e-10, max_iterations=10_000, backend="auto"):
    """Find the most probable code of each observation (MAP).

    Coordinate descent under a `Laplace` prior, and otherwise Newton's method. Under a `Cauchy`
    prior there may be several modes; the answer is one of them, and depends on the start.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    start : array_like, shape (N, K), optional
        Codes to start from; zeros if not given.
    tolerance : float
        Stop when the energy is above its minimum by no more than this, times 1 + lambda/2 ||y||^2.
    max_iterations : int
    backend : {"auto", "numba", "numpy"}
        Whether coordinate descent is compiled; automatically, where numba is installed.

    Returns
    -------
    ndarray, shape (N, K)

    Raises
    ------
    ValueError
        Besides bad arguments, if the search has not converged after ``max_iterations``.
    """
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    limit = checks.count("max_iterations", max_iterations)
    kernel = kernels.choose("sparse", backend)
    params, y, x = costs.checked_start(params, y, start)
    if kernel is not None and isinstance(params.prior, Laplace):
        return coordinates.compiled(kernel, params, y, x, tolerance, limit)
    search = modes.coordinate_descent if isinstance(params.prior, Laplace) else modes.newton
    for step in islice(search(params, y, x, tolerance=tolerance), limit + 1):
        if (step.excess <= tolerance).all():
            return step.codes
    raise ValueError(costs.not_converged(int(step.excess.argmax()), tolerance, limit))


# --- Laplace's approximation -----------------------------------------------------------------


def laplace_approximation(params, y, sharpness=None, *, modes=None):
    """Put a Gaussian on the mode of each posterior, as curved as the energy is there.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    sharpness : float, optional
        For a `Laplace` prior, which has no curvature, and only for that: the Hessian, and nothing
        else, is that of its smooth neighbor ``prior.smooth(sharpness)``.
    modes : array_like, shape (N, K), optional
        The modes, if they are known; otherwise `mode` finds them.

    Returns
    -------
    Approximation

    Raises
    ------
    ValueError
        If the Hessian is not positive definite at a given mode: then it is none.

    References
    ----------
    Eqs. 2.30-2.32; for the Laplace prior Eqs. 2.33 and 2.34, the latter with -alpha' |x| in the
    exponent.
    """
    params = costs.checked(params)
    y = checks.observations("y", y, len(params.dictionary))
    curved = params
    if isinstance(params.prior, Laplace):
        if sharpness is None:
            raise ValueError("sharpness: expected a number above 0, because a Laplace prior has no curvature, got None")
        curved = params._replace(prior=params.prior.smooth(checks.number("sharpness", sharpness, above=0)))
    elif sharpness is not None:
        raise ValueError(f"sharpness: expected None, because the prior is smooth already, got {sharpness!r}")
    if modes is None:
        modes = mode(params, y)
    x = checks.array("modes", modes, (len(y), params.dictionary.shape[1]))
    precisions = energy_hessian(curved, x)                       # Eq. 2.31
    try:
        roots = np.linalg.cholesky(precisions)
    except np.linalg.LinAlgError:
        raise ValueError(
            "modes: expected modes of the posterior, got points where the energy is not curved upwards"
        ) from None
    half_log_determinants = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(1)
    # Eq. 2.32: log p(x0, y) + K/2 log tau - 1/2 log |Hessian|
    log_marginals = log_joint(params, x, y) + 0.5 * x.shape[1] * LOG_TAU - half_log_determinants
    return Approximation(x, precisions, log_marginals)


# --- learning, in the simplest way -----------------------------------------------------------


def expected_statistics(params, y, options=PLAIN):
    """Code the data, then treat the modes as if they had been observed.

    Not an expectation under the posterior, which is out of reach: all of its mass is put on the
    mode. Section 8.1.1 does better, with a Gaussian.

    Parameters
    ----------
    params : Parameters
        The elements of the dictionary are at most of length one.
    y : array_like, shape (N, D)
    options : Options
        Of learning; none of them concerns this step.

    Returns
    -------
    Statistics
    """
    params = costs.checked(params)
    y = checks.observations("y", y, len(params.dictionary))
    longest = np.linalg.norm(params.dictionary, axis=0).max()
    if longest > 1 + 1e-8:
        raise ValueError(f"params.dictionary: expected columns of length 1 at most, got {longest:.3g}")
    x = mode(params, y)
    return observed_statistics(x, y, params)._replace(loss=float(costs.energy(params, x, y).mean()))


def observed_statistics(codes, y, params):
    """The same statistics for codes that are known. The loss is NaN.

    Parameters
    ----------
    codes : array_like, shape (N, K)
    y : array_like, shape (N, D)
    params : Parameters
        What the dictionary's update begins at.

    Returns
    -------
    Statistics
    """
    params, x, y = costs.checked_pair(params, codes, y, "codes")
    if len(y) == 0:
        raise ValueError("y: expected one observation at least, got none")
    return Statistics(params, y.T @ x / len(y), x.T @ x / len(y), np.nan)


def maximize(statistics, options=PLAIN):
    """Move each element of the dictionary to where the codes would have it, in turn.

    No element becomes longer than one. Otherwise long elements and small codes would cost nothing:
    the prior prices the codes, not the dictionary.

    Parameters
    ----------
    statistics : Statistics
    options : Options

    Returns
    -------
    Parameters
        An element that no code uses stays as it is.
    """
    sweeps = checks.count("sweeps", options.sweeps)
    params, cross, scatter, _ = checks.record("statistics", statistics, cross="DK", scatter="KK")
    checks.array("statistics.params.dictionary", params.dictionary, cross.shape)
    C = params.dictionary.copy()
    for _ in range(sweeps):
        for k in np.flatnonzero(np.diag(scatter)):
            # <(Y - C X) X_k> / <X_k^2>: regression of what is left of Y on X_k alone
            c = C[:, k] + (cross[:, k] - C @ scatter[:, k]) / scatter[k, k]
            C[:, k] = c / max(1.0, np.linalg.norm(c))
    return params._replace(dictionary=C)
