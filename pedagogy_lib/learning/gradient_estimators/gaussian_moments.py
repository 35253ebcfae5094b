"""The gradient of E[f(X)] in the mean and the covariance of X ~ N(m, C): from values, slopes or curvatures of f.

Three expectations that are equal, because one integration by parts moves a derivative from the density to f::

    d/dm E[f] = E[ u f ]                       = E[ f' ]                      u = C^-1 (X - m)
    d/dC E[f] = E[ (u u' - C^-1) f ] / 2       = E[ u f'^T ] / 2 = E[ f'' ] / 2

The last of the first line is Bonnet's theorem, and the last of the second Price's: these are the identities
behind Eqs. 8.3, 8.4, 8.13 and 8.14. Each holds only if f is as smooth as the derivatives that it names.

The derivative with respect to C is the symmetric matrix whose inner product tr(D dC) with a symmetric change dC
is the change of E[f].

Parameters that all functions share: ``mean``, shape (K,); ``covariance``, shape (K, K); ``size`` N or (..., N);
``rng``. Each draws the same X from the same seed.

References
----------
G. Bonnet (1964); R. Price (1958); D.J. Rezende, S. Mohamed and D. Wierstra (2014).
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve

from pedagogy_lib import checks
from pedagogy_lib.learning.gradient_estimators import _calls


class Terms(NamedTuple):
    """One estimate of the gradient from each draw, for both parameters.

    mean : ndarray, shape (..., N, K)
    covariance : ndarray, shape (..., N, K, K), symmetric
    """

    mean: np.ndarray
    covariance: np.ndarray


def by_values(f, mean, covariance, size, rng, baseline=0.0):
    """From values of f: the score-function estimator. ``baseline`` is a number.

    Returns
    -------
    Terms
    """
    x, u, precision = _draw(mean, covariance, size, rng)
    values = (_calls.values(f, x) - checks.number("baseline", baseline))[..., None]
    return Terms(u * values, 0.5 * (_outer(u, u) - precision) * values[..., None])


def by_slopes(slope, mean, covariance, size, rng):
    """From slopes df/dx: the pathwise estimator. For the covariance the symmetric part of u f'^T / 2.

    Returns
    -------
    Terms
    """
    x, u, _ = _draw(mean, covariance, size, rng)
    slopes = _calls.slopes(slope, x)
    return Terms(slopes, 0.25 * (_outer(u, slopes) + _outer(slopes, u)))


def by_curvatures(slope, hessian, mean, covariance, size, rng):
    """From slopes and Hessians: Bonnet's and Price's theorems. ``hessian`` takes (..., K) and returns (..., K, K).

    Returns
    -------
    Terms
    """
    x, _, _ = _draw(mean, covariance, size, rng)
    curvatures = checks.array("hessian(x)", hessian(x), (*x.shape, x.shape[-1]))
    return Terms(_calls.slopes(slope, x), 0.5 * curvatures)


def _draw(mean, covariance, size, rng):
    """X = m + L z (Eq. 8.24) with C = L L', and u = C^-1 (X - m), and C^-1."""
    m = checks.array("mean", mean, ("K",))
    C = checks.covariance("covariance", covariance, len(m), stack=False)
    shape, rng = _calls.sizes(size), checks.generator("rng", rng)
    L = np.linalg.cholesky(C)
    away = rng.standard_normal((*shape, len(m))) @ L.T
    precision = cho_solve((L, True), np.eye(len(m)))
    return m + away, away @ precision, precision


def _outer(a, b):
    return a[..., :, None] * b[..., None, :]
