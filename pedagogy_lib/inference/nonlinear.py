"""Filtering and smoothing along curves: extended, unscented and Gauss-Hermite Kalman filters.

::

    p(x_1)         = N(mu_1, Sigma_1)
    p(x_t|x_{t-1}) = N(f(x_{t-1}), Q)
    p(y_t|x_t)     = N(h(x_t), R)

Bent by f, a Gaussian is a Gaussian no longer, and the two operations have no closed form. Every
method here makes the same bargain: near the present belief, replace the curve by a line, and what
the line misses by noise::

    f(x)  ~  A x + b + N(0, Omega)

Then the rules of `pedagogy_lib.distributions.gaussian` are exact again, and
`pedagogy_lib.inference.recursions` runs as it stands. The methods differ in which line:

    ``tangent``        the tangent at the mean: the extended Kalman filter
    ``sigma_points``   the line nearest to f at a few points: the unscented Kalman filter
    ``gauss_hermite``  the line nearest to f on average, by quadrature: assumed-density filtering

Building blocks, which trust their arguments because their callers have checked them: `tangent`,
`nearest_line` and `Rules`.

References
----------
`state_estimation_4dvar`, "Extended Kalman filter"; S.J. Julier and J.K. Uhlmann (1997); K. Ito and
K. Xiong (2000); I. Arasaratnam and S. Haykin (2009), cubature. Statistical linear regression:
T. Lefebvre, H. Bruyninckx and J. De Schutter (2002).
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions import gaussian
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import recursions
from pedagogy_lib.inference._matrices import covariance_root, solve_semidefinite
from pedagogy_lib.inference.kalman import health

#: About the cube root of the rounding: at this step central differences err least.
ROOT = 6e-6


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


class Filtered(NamedTuple):
    """What a filter believed.

    means : ndarray, shape (T, K)
    covariances : ndarray, shape (T, K, K)
    log_likelihoods : ndarray, shape (T,), log p(y_t | y_1 ... y_{t-1}), of the approximation
    """

    means: np.ndarray
    covariances: np.ndarray
    log_likelihoods: np.ndarray

    @property
    def log_likelihood(self):
        """The sum of `log_likelihoods`."""
        return float(self.log_likelihoods.sum())


class Smoothed(NamedTuple):
    """What all observations together say.

    means : ndarray, shape (T, K)
    covariances : ndarray, shape (T, K, K)
    """

    means: np.ndarray
    covariances: np.ndarray


# -------------------------------------------------------------------------- which line


def tangent(source, curve):
    """The tangent at the mean: f(x) ~ f(m) + F (x - m), and nothing missed.

    Parameters
    ----------
    source : Gaussian, with K dimensions
    curve : Curve

    Returns
    -------
    AffineGaussian
        With F = df/dx' at the mean of the source.
    """
    m = source.mean
    F = (numerical_jacobian(curve.function, m) if curve.jacobian is None
         else np.asarray(curve.jacobian(m), float))
    image = _images(curve, m[None])[0]
    if F.shape != (len(image), len(m)) or not np.isfinite(F).all():
        raise ValueError(f"jacobian: expected {len(image)} x {len(m)} finite numbers, "
                         f"got shape {F.shape}")
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
    source : Gaussian, with K dimensions
    curve : Curve
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


def numerical_jacobian(function, x):
    """df/dx' at x by central differences.

    Parameters
    ----------
    function : callable
        Takes rows, shape (N, K), returns rows, shape (N, L).
    x : ndarray, shape (K,)

    Returns
    -------
    ndarray, shape (L, K)
    """
    x = checks.array("x", x, ("K",))
    checks.function("function", function)
    if not len(x):
        raise ValueError("x: expected one state at least, got none")
    largest = np.maximum(1.0, np.abs(x))
    smallest = np.where(x == 0, 1e-12, np.minimum(largest, np.abs(x)))
    first, _ = coarse = _differences(function, x, ROOT * largest)
    for share in (0.25, 0.5, 0.75, 1.0):                      # from steps of size one down to those of x itself
        fine = _differences(function, x, ROOT * largest ** (1 - share) * smallest**share)
        apart = np.abs(coarse[0] - fine[0])
        if (apart <= 1e-3 * (np.abs(coarse[0]) + np.abs(fine[0])).max(0) + fine[1]).all():
            return checks.held("x", x, coarse[0])
        coarse = fine
    return checks.held("x", x, first)                         # no step is small enough: a jump


def _differences(function, x, h):
    """Central differences with a step for each state, shape (L, K), and how much of them may be rounding."""
    steps = np.diag(h)
    ahead, behind = (np.asarray(function(x + sign * steps), float) for sign in (1, -1))
    rounding = 1e-15 * (np.abs(ahead) + np.abs(behind)) / h[:, None]
    return ((ahead - behind) / (2 * h[:, None])).T, rounding.T


# ------------------------------------------------------------------ rules and recursions


class Rules(NamedTuple):
    """Marginalize and invert, for curves: draw a line, then use the Gaussian rules.

    Give it to `pedagogy_lib.inference.recursions` in the place of a module of exact rules.

    line : callable
        `tangent`, or what `sigma_points` or `gauss_hermite` return.
    repeats : int
        How often a measurement update draws its line anew, about the belief that it has found (the
        iterated extended Kalman filter, which is Gauss-Newton's method for the most probable state).
    """

    line: Callable = tangent
    repeats: int = 0

    def marginalize(self, source, emission):
        """As `gaussian.marginalize`; the emission may be a `Curve`."""
        return gaussian.marginalize(source, self.straight(source, emission))

    def invert(self, source, emission, y=None):
        """As `gaussian.invert`; the emission may be a `Curve`."""
        straight = self.straight(source, emission)
        found = gaussian.invert(source, straight, y)
        if y is not None and isinstance(emission, Curve):
            for _ in range(self.repeats):
                found = gaussian.invert(source, self.line(found, emission), y)
        return found

    def log_density(self, distribution, y):
        """As `gaussian.log_density`."""
        return gaussian.log_density(distribution, y)

    def watch(self):
        """As `gaussian.watch`; the emission may be a `Curve`."""
        look = gaussian.watch()
        return lambda t, source, emission: look(t, source, self.straight(source, emission))

    def straight(self, source, emission):
        """The line in the place of a `Curve`; what is a line already, as it is."""
        bent = isinstance(emission, Curve)
        return self.line(source, emission) if bent else emission


def filter(initial, transition, emission, y, line=tangent, repeats=0):
    """Filter a sequence: p(x_t | y_1 ... y_t), approximately.

    Parameters
    ----------
    initial : Gaussian, with K dimensions
    transition : Curve or AffineGaussian, or a callable of t that returns one
        Step t moves x_t to x_{t+1}, counted from 0.
    emission : Curve or AffineGaussian, or a callable of t that returns one
    y : array_like, shape (T, L)
        A row of NaN is missing.
    line : callable
        `tangent`, ``sigma_points()`` or ``gauss_hermite()``.
    repeats : int
        As in `Rules`.

    Returns
    -------
    Filtered

    Raises
    ------
    ValueError
        If an argument has the wrong shape, or a belief has ceased to be one; with the time step.
    numpy.linalg.LinAlgError
        If rounding has taken over, with the time step: `gaussian.watch`.
    """
    y = checks.array("y", y, ("T", "L"), missing=True)
    repeats = checks.count("repeats", repeats, minimum=0)
    initial = _checked(initial, transition, emission, line)
    rules = Rules(_drawn_once(line), repeats)
    means, covariances, costs = [], [], []
    events = recursions.filter(rules, initial, transition, emission, y)
    try:
        for event in events:
            if isinstance(event, recursions.MeasurementUpdate):
                means.append(event.distribution.mean)
                covariances.append(event.distribution.covariance)
                costs.append(event.log_likelihood)
    except ValueError as error:                     # a LinAlgError is one, and that of `watch` names its step
        if str(error).startswith("at time step"):
            raise
        kind = np.linalg.LinAlgError if isinstance(error, np.linalg.LinAlgError) else ValueError
        raise kind(f"at time step t={len(means)} (counted from 0): {error}") from error
    K = len(initial.mean)
    return Filtered(np.reshape(means, (-1, K)), np.reshape(covariances, (-1, K, K)), np.array(costs))


def smooth(transition, filtered, line=tangent):
    """Smooth a filtered sequence: p(x_t | y_1 ... y_T), approximately.

    Parameters
    ----------
    transition, line
        As for `filter`.
    filtered : Filtered

    Returns
    -------
    Smoothed

    Raises
    ------
    ValueError
        If a belief cannot be inverted, or has ceased to be one because rounding has grown on the way
        back; with the time step.
    """
    filtered = _checked_beliefs(filtered)
    _checked_arrow("transition", transition)
    checks.function("line", line)
    beliefs = [Gaussian(m, S) for m, S in zip(filtered.means, filtered.covariances)]
    means, covariances, t = filtered.means.copy(), filtered.covariances.copy(), len(beliefs)
    try:
        for event in recursions.smooth(Rules(line), beliefs, transition):
            t = event.t
            if isinstance(event, recursions.BackwardStep):
                means[t], covariances[t] = event.distribution
    except ValueError as error:
        raise ValueError(f"at time step t={t - 1} (counted from 0): {error}") from error
    return Smoothed(means, covariances)


def innovations(initial, transition, emission, y, filtered, line=tangent):
    """Take out of each observation what the filter expected of it, with the spread that it stated.

    What it stated is S_t = A Sigma_{t|t-1} A' + Omega + R, for the line that it drew about the
    prediction. `kalman.consistency` and `kalman.whiteness` test them.

    Parameters
    ----------
    initial, transition, emission, y, line
        As for `filter`.
    filtered : Filtered
        What `filter` returned for them.

    Returns
    -------
    kalman.health.Innovations
    """
    y = checks.array("y", y, ("T", "L"), missing=True)
    checks.having("filtered", filtered, "means", "covariances")
    checks.array("filtered.means", filtered.means, (len(y), "K"))
    filtered = _checked_beliefs(filtered)
    initial = _checked(initial, transition, emission, line)
    rules, at = Rules(line), recursions.at
    predicted = [initial] + [rules.marginalize(Gaussian(m, S), at(transition, t)) for t, (m, S)
                             in enumerate(zip(filtered.means[:-1], filtered.covariances[:-1]))]
    lines = [rules.straight(source, at(emission, t)) for t, source in enumerate(predicted)]
    parts = (np.array([np.asarray(part, float) for part in each]) for each in zip(*lines))
    return health.innovations(AffineGaussian(*parts), y, _Predicted(*map(np.array, zip(*predicted))))


# ----------------------------------------------------------------------------- helpers


def _checked(initial, transition, emission, line):
    """The first belief in double precision; the arrows' kinds."""
    checks.having("initial", initial, "mean", "covariance")
    mean = checks.array("initial.mean", initial.mean, ("K",))
    _checked_arrow("transition", transition)
    _checked_arrow("emission", emission)
    checks.function("line", line)
    covariance = checks.covariance("initial.covariance", initial.covariance, len(mean), definite=False, stack=False)
    return Gaussian(mean, covariance)


def _checked_arrow(name, arrow):
    """Refuse what is no arrow, and no function that tells one for each time step."""
    if isinstance(arrow, Curve):
        checks.function(f"{name}.function", arrow.function)
        checks.covariance(f"{name}.covariance", arrow.covariance, definite=False, stack=False)
    elif not callable(arrow):
        checks.kind(name, arrow, Curve, AffineGaussian)


def _checked_beliefs(filtered):
    """What a filter found, in double precision."""
    checks.having("filtered", filtered, "means", "covariances")
    means = checks.array("filtered.means", filtered.means, ("T", "K"))
    shape = (*means.shape, means.shape[1])
    return filtered._replace(means=means, covariances=checks.array("filtered.covariances", filtered.covariances, shape))


class _Predicted(NamedTuple):
    """What `health.innovations` reads of a filter's answer."""

    predicted_means: np.ndarray
    predicted_covariances: np.ndarray


def _drawn_once(line):
    """The same line for the same belief and curve, which two operations and the watch ask for in turn."""
    last = None, None, None

    def draw(source, curve):
        nonlocal last
        if last[0] is not source or last[1] is not curve:
            last = source, curve, line(source, curve)
        return last[2]

    return draw


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
