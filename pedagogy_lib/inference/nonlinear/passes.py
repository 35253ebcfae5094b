"""Filter and smooth a whole sequence: `pedagogy_lib.inference.recursions`, run with `rules.Rules`.

In all functions ``transition`` and ``emission`` are each a `Curve` or an AffineGaussian, or a callable of t that
returns one: step t of the transition moves x_t to x_{t+1}, counted from 0. ``y`` is array_like of shape (T, L), in
which NaN marks what is missing, a whole row or single entries, and ``line`` is `tangent`, ``sigma_points()`` or
``gauss_hermite()``.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import recursions
from pedagogy_lib.inference.kalman import health
from pedagogy_lib.inference.nonlinear.lines import Curve, tangent
from pedagogy_lib.inference.nonlinear.rules import Rules


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


def filter(initial, transition, emission, y, line=tangent, repeats=0):
    """Filter a sequence: p(x_t | y_1 ... y_t), approximately.

    Parameters
    ----------
    initial : Gaussian, with K dimensions
    transition, emission, y, line
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
    except ValueError as error:  # a LinAlgError is one, and that of `watch` names its step
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
