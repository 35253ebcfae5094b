"""Universal differential equation: an equation of motion of which a part is a law, and the rest is a network.

::

    dx/dt = term_1(x) + term_2(x) + ...         known laws, laws with unknown numbers, networks
    y_t   = x_t + N(0, diag(s^2))               observations, at even times; NaN where one is missing

The first state of each sequence is unknown, and is learned with the rest. With `learned_motion.Network` as the
only term this is a *neural ordinary differential equation*. The loss is that of the steps which `Clock` says,
and its gradient comes back through those steps: the discrete adjoint, `learned_motion.pull_back`.

There is no ``posterior``: the motion is exact, so that the parameters leave no state uncertain. There is no
``maximize``: the parameters stand inside the motion, where no sum over the data solves for them.

Everywhere ``params`` are `Parameters` and ``y`` has shape (B, T, K): B sequences of T moments.

References
----------
`state_estimation_4dvar`, "Universal Differential Equations". R.T.Q. Chen, Y. Rubanova, J. Bettencourt and
D. Duvenaud (2018); C. Rackauckas et al. (2020).
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.dynamics import steppers
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.learned_motion import steps
from pedagogy_lib.learning.learned_motion import terms as equation

HALF_LOG_TAU = 0.5 * np.log(2 * np.pi)


class Clock(tuple):
    """How time passes; nothing of it is learned.

    Parameters
    ----------
    interval : float
        From one observation to the next.
    steps : int
        Of the rule, in an interval.
    method : {"rk4", "euler"}
    """

    def __new__(cls, interval=1.0, steps=1, method="rk4"):
        clock = super().__new__(cls)
        clock.interval, clock.steps = checks.number("interval", interval, above=0), checks.count("steps", steps)
        steppers.rule(method)
        clock.method = method
        return clock

    def __getnewargs__(self):
        return self.interval, self.steps, self.method


class Parameters(NamedTuple):
    """What there is to know.

    first : ndarray, shape (B, K), the first state of each sequence
    log_noise : ndarray, shape (K,), log s
    terms : tuple of terms of `pedagogy_lib.learning.learned_motion`
    clock : Clock
    """

    first: np.ndarray
    log_noise: np.ndarray
    terms: tuple
    clock: Clock


class Sample(NamedTuple):
    """States and observations, each of shape (n, T, K)."""

    states: np.ndarray
    observations: np.ndarray


def start(y, terms, clock, rng=None):
    """Begin at the first observations, with the terms as they come.

    Parameters
    ----------
    y : array_like, shape (B, T, K)
        With every number of each first moment.
    terms : tuple of terms
    clock : Clock
    rng
        Not used: the terms have drawn what they need.

    Returns
    -------
    Parameters
        The noise begins at a quarter of the data's deviation.
    """
    y = _observations(y, None)
    if np.isnan(y[:, 0]).any():
        raise ValueError("y: expected a first moment without gaps in every sequence, got NaN")
    deviation = np.nanstd(y, (0, 1))
    if not np.all(deviation > 0):
        raise ValueError(f"y: expected numbers that vary, got deviations {deviation}")
    params = Parameters(y[:, 0].copy(), np.log(deviation / 4), terms, clock)
    _check(params)
    return params


def states(params, count):
    """Where the motion goes from each first state.

    Parameters
    ----------
    params : Parameters
    count : int
        T, moments of observation, the first included.

    Returns
    -------
    ndarray, shape (B, T, K)
    """
    _check(params)
    count, clock = checks.count("count", count), params.clock
    path = steps.run(params.terms, params.first, clock.interval / clock.steps, (count - 1) * clock.steps, clock.method)
    return _at_observations(path, clock)


def sample(params, n, rng, count=10):
    """Draw observations of motions that begin where those of the data did, chosen evenly.

    Parameters
    ----------
    params : Parameters
    n : int
        Sequences.
    rng : numpy.random.Generator
    count : int
        T, moments in each.

    Returns
    -------
    Sample
    """
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    _check(params)
    drawn = params._replace(first=params.first[rng.integers(len(params.first), size=n)])
    found = states(drawn, count)
    return Sample(found, found + np.exp(params.log_noise) * rng.standard_normal(found.shape))


def log_marginal(params, y):
    """log p(y) of each sequence, shape (B,): exact, because nothing is hidden but the noise.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (B, T, K)

    Returns
    -------
    ndarray, shape (B,)
        In nats.
    """
    y = _checked(params, y)
    found = -_surprisals(params, y, _at_observations(_walk(params, y), params.clock)).sum((1, 2))
    return parameters.held(params._replace(clock=None), found)


def loss(params, y, rng=None):
    """The surprisal of each observed number, in nats.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (B, T, K)
    rng
        Not used: nothing here is random.

    Returns
    -------
    float
        Infinite or not a number where the motion runs away.
    """
    y = _checked(params, y)
    found = _surprisals(params, y, _at_observations(_walk(params, y), params.clock))
    return float(found.sum() / np.isfinite(y).sum())


def gradient(params, y, rng=None):
    """The derivative of the loss, a Parameters; arguments as for `loss`."""
    return value_and_gradient(params, y, rng)[1]


def value_and_gradient(params, y, rng=None):
    """Loss and gradient from one motion forward and one adjoint state back.

    Parameters
    ----------
    params, y, rng
        As for `loss`.

    Returns
    -------
    float, Parameters
    """
    y = _checked(params, y)
    path, clock, n = _walk(params, y), params.clock, np.isfinite(y).sum()
    with np.errstate(over="ignore", invalid="ignore"):
        found = _at_observations(path, clock)
        value = _surprisals(params, y, found).sum() / n
        scaled = np.where(np.isnan(y), 0.0, found - y) * np.exp(-params.log_noise)      # misfits in units of s
        pulls = np.zeros(path.states.shape)
        pulls[:: clock.steps] = (scaled * np.exp(-params.log_noise) / n).swapaxes(0, 1)
        back = steps.walk_back(params.terms, path, pulls)
        of_noise = (np.isfinite(y) - scaled**2).sum((0, 1)) / n
    return float(value), Parameters(back.first, of_noise, back.terms, clock)


# --- checks and shapes ------------------------------------------------------------------------


def _walk(params, y):
    clock = params.clock
    count = (y.shape[1] - 1) * clock.steps
    return steps.walk(params.terms, params.first, clock.interval / clock.steps, count, clock.method)


def _at_observations(path, clock):
    """Of all steps, those at which something was observed: shape (B, T, K)."""
    return path.states[:: clock.steps].swapaxes(0, 1)


def _surprisals(params, y, found):
    """-log N(y; x, s^2) of each number, 0 where it is missing."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (y - found) * np.exp(-params.log_noise)
        return np.where(np.isnan(y), 0.0, 0.5 * scaled**2 + params.log_noise + HALF_LOG_TAU)


def _check(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    first = checks.array("params.first", params.first, ("B", "K"))
    checks.array("params.log_noise", params.log_noise, (first.shape[1],))
    equation.check(params.terms, first.shape[1], "params.terms")
    if not isinstance(params.clock, Clock):
        raise TypeError(f"params.clock: expected a Clock, got {type(params.clock).__name__}")


def _observations(y, like):
    y = checks.array("y", y, ("B", "T", "K") if like is None else (len(like), "T", like.shape[1]), missing=True)
    if not np.isfinite(y).any():
        raise ValueError("y: expected at least one number, got NaN alone")
    return y


def _checked(params, y):
    _check(params)
    return _observations(y, params.first)
