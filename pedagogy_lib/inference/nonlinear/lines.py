"""Which line: a curve, and three ways to replace it by a line near the present belief.

In all functions ``source`` is a Gaussian with K dimensions, and ``curve`` is a `Curve`. A way to draw a line is a
function of both, which returns an AffineGaussian.

Building blocks, which trust their arguments because their callers have checked them: `tangent`, `nearest_line` and
`observed`.

References
----------
S.J. Julier and J.K. Uhlmann (1997); K. Ito and K. Xiong (2000); I. Arasaratnam and S. Haykin (2009), cubature.
Statistical linear regression: T. Lefebvre, H. Bruyninckx and J. De Schutter (2002).
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import AffineGaussian
from pedagogy_lib.inference._matrices import covariance_root, solve_semidefinite
from pedagogy_lib.inference.nonlinear.differences import numerical_jacobian


class Curve(NamedTuple):
    """A conditional distribution p(y|x) = N(f(x), R) whose mean is any function of x.

    function : callable
        Takes states in rows, shape (N, K), returns their images, shape (N, L).
    covariance : ndarray, shape (L, L), R
    jacobian : callable, optional
        Takes one state, shape (K,), returns df/dx', shape (L, K). Without it `tangent` uses
        differences.
    """

    function: Callable
    covariance: np.ndarray
    jacobian: Callable | None = None


def tangent(source, curve):
    """The tangent at the mean: f(x) ~ f(m) + F (x - m), and nothing missed.

    Parameters
    ----------
    source, curve

    Returns
    -------
    AffineGaussian
        With F = df/dx' at the mean of the source.
    """
    m = source.mean
    F = _slopes(curve, m)
    image = _images(curve, m[None])[0]
    return AffineGaussian(F, image - F @ m, curve.covariance)


def sigma_points(kappa=None):
    """The line nearest to the curve at 2K + 1 points: the mean, and two for each dimension.

    Parameters
    ----------
    kappa : float, optional
        The points lie sqrt(K + kappa) standard deviations out. 3 - K (the default) makes the
        fourth moments of each dimension right; 0 leaves the mean out, and all weights are equal
        (the cubature filter). Above three dimensions the default makes the mean's weight negative;
        then 0 is used.

    Returns
    -------
    callable
        As `tangent`.
    """
    if kappa is not None:
        kappa = checks.number("kappa", kappa)

    def line(source, curve):
        K = len(source.mean)
        k = max(3.0 - K, 0.0) if kappa is None else kappa
        if K + k <= 0:
            raise ValueError(f"kappa: expected a number above -{K}, minus the number of states, got {k}")
        steps = np.sqrt(K + k) * np.eye(K)
        weights = np.full(2 * K + 1, 0.5 / (K + k))
        weights[0] = k / (K + k)
        return nearest_line(source, curve, np.vstack([np.zeros(K), steps, -steps]), weights)

    return line


def gauss_hermite(order=5):
    """The line nearest to the curve on average over the belief, by Gauss-Hermite quadrature.

    It is exact where f is a polynomial of degree below ``order``. It takes order^K points.

    Parameters
    ----------
    order : int
        Points in each dimension.

    Returns
    -------
    callable
        As `tangent`.
    """
    order = checks.count("order", order, minimum=2)

    def line(source, curve):
        return nearest_line(source, curve, *_grid(order, len(source.mean)))

    return line


def nearest_line(source, curve, points, weights):
    """The line with the least mean square distance from the curve, and what it misses as noise.

    Parameters
    ----------
    source, curve
    points : ndarray, shape (P, K)
        In units of standard deviations: their weighted mean is 0, their covariance I.
    weights : ndarray, shape (P,)
        They sum to one.

    Returns
    -------
    AffineGaussian
    """
    m, S = source
    x = m + points @ covariance_root(S).T
    images = _images(curve, x)
    mean = weights @ images
    dx, dy = x - m, images - mean
    cross = (weights[:, None] * dx).T @ dy            # Cov[x, f(x)]
    A = solve_semidefinite(S, cross).T                # regression of f(x) on x
    missed = dy - dx @ A.T
    omega = (weights[:, None] * missed).T @ missed
    omega = (omega + omega.T) / 2                     # symmetric to the last digit
    return AffineGaussian(A, mean - A @ m, curve.covariance + omega)


def observed(curve, seen):
    """The curve of those entries of y that were seen: their rows of f, F and R, and their columns of R.

    Parameters
    ----------
    curve
    seen : ndarray of bool, shape (L,)

    Returns
    -------
    Curve
    """
    R = np.atleast_2d(curve.covariance)[np.ix_(seen, seen)]
    slopes = None if curve.jacobian is None else lambda x: _slopes(curve, x)[seen]
    return Curve(lambda x: _images(curve, x)[:, seen], R, slopes)


def _slopes(curve, m):
    """The Jacobian at m, by the curve's own function where it has one, checked."""
    F = numerical_jacobian(curve.function, m) if curve.jacobian is None else np.asarray(curve.jacobian(m), float)
    L = len(np.atleast_2d(curve.covariance))
    if F.shape != (L, len(m)) or not np.isfinite(F).all():
        raise ValueError(f"jacobian: expected {L} x {len(m)} finite numbers, got shape {F.shape}")
    return F


def _images(curve, x):
    """f of each row, checked."""
    images = np.asarray(curve.function(x), float)
    L = len(np.atleast_2d(curve.covariance))
    if images.shape != (len(x), L):
        raise ValueError(f"function: expected shape ({len(x)}, {L}) for {len(x)} states, got {images.shape}")
    if not np.isfinite(images).all():
        raise ValueError("function: expected finite numbers, got others: the belief has run away")
    return images


@lru_cache
def _grid(order, K):
    """Points and weights of the product rule for N(0, I)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    points = np.array(list(product(nodes, repeat=K)))
    return points, np.array([np.prod(w) for w in product(weights, repeat=K)])
