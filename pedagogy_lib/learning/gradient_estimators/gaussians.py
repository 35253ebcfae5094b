"""Three estimators of the gradient of E[f(X)] for independent Gaussians, X_k ~ N(m_k, s_k^2).

Parameters that all functions share: ``mean`` m and ``deviations`` s, shape (K,); ``size``, the number of draws N,
or (..., N); ``rng``, a numpy.random.Generator. ``f`` takes rows (..., K) and returns their values (...), and
``slope`` takes rows and returns df/dx, (..., K). Each function returns `Terms`. The score function and the
pathwise estimator draw the same X from the same seed.

References
----------
Section 8.2.1. For the measure-valued gradient, G.C. Pflug (1989); S. Mohamed et al. (2020), section 6.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning.gradient_estimators import _calls
from pedagogy_lib.learning.gradient_estimators import score_function as general

ROOT_TAU = np.sqrt(2 * np.pi)


class Terms(NamedTuple):
    """One estimate of the gradient from each draw, for both parameters.

    mean : ndarray, shape (..., N, K), of d/dm E[f(X)]
    deviations : ndarray, shape (..., N, K), of d/ds E[f(X)]
    """

    mean: np.ndarray
    deviations: np.ndarray


def draw(mean, deviations, size, rng):
    """Draw X = m + s z with z standard Gaussian: the path of Eq. 8.24.

    Returns
    -------
    ndarray, shape (..., N, K)
    """
    m, s, shape, rng = _checked(mean, deviations, size, rng)
    return m + s * rng.standard_normal((*shape, len(m)))


def scores(mean, deviations, x):
    """The derivatives of log N(x; m, s^2): z/s with respect to m, and (z^2 - 1)/s to s, where z = (x - m)/s.

    Parameters
    ----------
    x : array_like, shape (..., K)

    Returns
    -------
    Terms
    """
    m, s = _moments(mean, deviations)
    x = checks.array("x", x)
    if x.shape[-1:] != m.shape:
        raise ValueError(f"x: expected shape (..., {len(m)}), got {x.shape}")
    return _scores((x - m) / s, s)


def score_function(f, mean, deviations, size, rng, baseline=0.0):
    """E[score(X) (f(X) - baseline)]: asks for values of f only, which may jump.

    Parameters
    ----------
    baseline : float, "leave-one-out", or Terms of arrays of shape (K,)
        See `score_function.terms`.

    Returns
    -------
    Terms
    """
    m, s, shape, rng = _checked(mean, deviations, size, rng)
    z = rng.standard_normal((*shape, len(m)))
    found, values = _scores(z, s), _calls.values(f, m + s * z)
    pair = baseline if isinstance(baseline, Terms) else (baseline, baseline)
    return Terms(*(general.terms(score, values, beta) for score, beta in zip(found, pair)))


def optimal_baseline(f, mean, deviations, size, rng):
    """The baselines of least variance, from draws of their own: hand them to `score_function`.

    Returns
    -------
    Terms, arrays of shape (K,)
    """
    m, s, shape, rng = _checked(mean, deviations, size, rng)
    z = rng.standard_normal((*shape, len(m)))
    values = _calls.values(f, m + s * z)
    return Terms(*(general.optimal_baseline(score, values) for score in _scores(z, s)))


def pathwise(slope, mean, deviations, size, rng):
    """E[dX/dphi df/dx(X)] along the path X = m + s z: dX/dm = 1 and dX/ds = z.

    Where f jumps, its slope does not know, and the estimate is wrong.

    Returns
    -------
    Terms
    """
    m, s, shape, rng = _checked(mean, deviations, size, rng)
    z = rng.standard_normal((*shape, len(m)))
    slopes = _calls.slopes(slope, m + s * z)
    return Terms(slopes, slopes * z)


def measure_valued(f, mean, deviations, size, rng):
    """Write the derivative of the density as a difference of two densities, and average f over both.

    In m_k: (z/s) N(z) is, for z > 0, a Rayleigh density over s sqrt(tau), and for z < 0 minus its mirror image.
    In s_k: ((z^2 - 1)/s) N(z) is a double-sided Maxwell density z^2 N(z), less the Gaussian, over s.
    Both members of a pair share their random number, so that what they have in common cancels. Costs 4K values
    of f for each draw.

    Returns
    -------
    Terms
    """
    m, s, shape, rng = _checked(mean, deviations, size, rng)
    K = len(m)
    z = rng.standard_normal((*shape, K))
    radius = np.sqrt(2 * rng.standard_exponential((*shape, K)))  # Rayleigh
    sign = rng.choice([-1.0, 1.0], (*shape, K))
    maxwell = sign * np.sqrt(2 * rng.standard_gamma(1.5, (*shape, K)))
    gauss = maxwell * rng.random((*shape, K))  # Maxwell times uniform is Gaussian
    at = lambda new: _calls.values(f, m + s * _replaced(z, new))  # (..., N, K): entry k replaced
    return Terms((at(radius) - at(-radius)) / (s * ROOT_TAU), (at(maxwell) - at(gauss)) / s)


# --- the pieces ---------------------------------------------------------------------------------


def _scores(z, s):
    return Terms(z / s, (z**2 - 1) / s)


def _replaced(z, new):
    """K copies of each row of z, the kth with its entry k taken from ``new``: shape (..., N, K, K)."""
    return np.where(np.eye(z.shape[-1], dtype=bool), new[..., None, :], z[..., None, :])


def _moments(mean, deviations):
    m = checks.array("mean", mean, ("K",))
    s = checks.array("deviations", deviations, m.shape)
    if (s <= 0).any():
        raise ValueError(f"deviations: expected numbers above 0, got {s.min():.3g}")
    return m, s


def _checked(mean, deviations, size, rng):
    return *_moments(mean, deviations), _calls.sizes(size), checks.generator("rng", rng)
