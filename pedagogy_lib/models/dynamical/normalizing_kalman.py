"""Normalizing Kalman filter: a state-space model that is linear and Gaussian behind a bent scale.

::

    z_t ~ linear-Gaussian state-space model     `lgssm`, of any size
    y_t = d_1^-1(d_2^-1(... d_L^-1(z_t)))       what is read: the layers of a flow, undone

    log p(y_1 ... y_T) = log p(z_1 ... z_T) + sum_t sum_l log|det J_l|,    z_t = d_L(... d_1(y_t))

Both parts are called and not written anew: the filter of `lgssm` for the first term, the bijections of section
9.2 for the second. So the likelihood is exact, and filtering, smoothing and forecasting are the Kalman filter's
own, on the unbent scale.

The two parts are learned in turn, `iterate`. With the layers held, the z_t are plain observations, and the
state-space model takes an EM step (`refit`). With the state-space model held, the layers descend the exact
gradient, `value_and_gradient`: the state-space model stands in a `StateSpace`, of which nothing is learned by
gradient. Either part lowers one and the same loss.

There is no ``maximize``: no sum over the data solves for the layers.

Everywhere ``params`` are `Parameters` and ``y`` has shape (T, D); a row of NaN is a moment without a reading.

References
----------
Sections 2.2.2 and 9.2; `state_estimation_4dvar`, "Approximate Inference". E. de Bezenac et al. (2020),
"Normalizing Kalman filters for multivariate time series analysis".
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import quasi_newton
from pedagogy_lib.learning.bijections import composition
from pedagogy_lib.models.dynamical import lgssm


class StateSpace(tuple):
    """A state-space model that is handed on as it is.

    Parameters
    ----------
    params : lgssm.Parameters
        That do not change in time, and have no controls.
    """

    def __new__(cls, params):
        if not isinstance(params, lgssm.Parameters):
            raise TypeError(f"params: expected lgssm.Parameters, got {type(params).__name__}")
        if params.control is not None:
            raise ValueError("params.control: expected None, got controls, which this model has no use for")
        held = super().__new__(cls)
        held.params = params
        return held

    def __getnewargs__(self):
        return (self.params,)


class Parameters(NamedTuple):
    """What there is to know.

    layers : tuple of L bijections, from the readings to the straight scale
    state_space : StateSpace
    """

    layers: tuple
    state_space: StateSpace


class Straight(NamedTuple):
    """Readings on the straight scale.

    values : ndarray, shape (T, D), z_t; NaN where nothing was read
    log_volumes : ndarray, shape (T,), sum_l log|det J_l|; 0 where nothing was read
    """

    values: np.ndarray
    log_volumes: np.ndarray


class Sample(NamedTuple):
    """States, shape (n, K), and readings, shape (n, D)."""

    states: np.ndarray
    observations: np.ndarray


class Turn(NamedTuple):
    """Both parts have been learned once more.

    iteration : int, from 0
    params : Parameters
    loss : float, per reading
    """

    iteration: int
    params: Parameters
    loss: float


def start(y, layers, state_space, rng=None):
    """Begin with layers and a state-space model as they come.

    Parameters
    ----------
    y : array_like, shape (T, D)
    layers : tuple of bijections
    state_space : lgssm.Parameters
        Of observations of D numbers, on the scale that the layers begin with.
    rng
        Not used: the layers have drawn what they need.

    Returns
    -------
    Parameters
    """
    if isinstance(state_space, lgssm.Parameters):
        checks.record("state_space", state_space)
    params = Parameters(layers, StateSpace(state_space))
    _checked(params, y)
    return params


def straighten(params, y):
    """Carry the readings to the straight scale.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (T, D)

    Returns
    -------
    Straight
    """
    return _straighten(params, _checked(params, y))[0]


def bend(params, z):
    """Carry values of the straight scale to readings; the inverse of `straighten`.

    Parameters
    ----------
    params : Parameters
    z : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N, D)
    """
    D = _check(params)
    return composition.undo(params.layers, checks.array("z", z, ("N", D)))


def filter(params, y):
    """Infer each state from the readings up to it.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (T, D)

    Returns
    -------
    pedagogy_lib.inference.kalman.Filtered
        Its log_likelihoods are of the readings, in their own units.
    """
    z, log_volumes = straighten(params, y)
    found = lgssm.filter(params.state_space.params, z)
    return found._replace(log_likelihoods=found.log_likelihoods + log_volumes)


def posterior(params, y):
    """Infer each state from all of the readings.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (T, D)

    Returns
    -------
    pedagogy_lib.inference.kalman.Smoothed
    """
    return lgssm.posterior(params.state_space.params, straighten(params, y).values)


def log_marginal(params, y):
    """log p(y_1 ... y_T), exact, in nats; arguments as for `filter`."""
    return float(filter(params, y).log_likelihood)


def sample(params, n, rng):
    """Draw a sequence of n readings.

    Parameters
    ----------
    params : Parameters
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample
    """
    _check(params)
    drawn = lgssm.sample(params.state_space.params, n, rng)
    return Sample(drawn.states, composition.undo(params.layers, drawn.observations))


def loss(params, y, rng=None):
    """-log p(y_1 ... y_T) for each reading, in nats.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (T, D)
    rng
        Not used.

    Returns
    -------
    float
    """
    y = _checked(params, y)
    return -log_marginal(params, y) / _readings(y)


def gradient(params, y, rng=None):
    """The derivative of the loss with respect to the layers, a Parameters; arguments as for `loss`."""
    return value_and_gradient(params, y, rng)[1]


def value_and_gradient(params, y, rng=None):
    """Loss and gradient, from one pass of the filter and one of the smoother.

    What a z_t receives is, by Fisher's identity, the average under the smoother of what it would receive if the
    states were known::

        d log p(z_1 ... z_T) / dz_t = -R^-1 (z_t - C E[x_t | z_1 ... z_T] - c)

    Parameters
    ----------
    params, y, rng
        As for `loss`.

    Returns
    -------
    float, Parameters
    """
    y = _checked(params, y)
    n, seen, model = _readings(y), ~np.isnan(y).any(1), params.state_space.params
    (z, log_volumes), record = _straighten(params, y)
    value = -(lgssm.log_marginal(model, z) + log_volumes.sum()) / n
    (C, c, R), means = model.emission, lgssm.posterior(model, z).means
    pulls = np.linalg.solve(R, (z - means @ C.T - c)[seen].T).T / n          # of the loss, by z_t
    below = composition.run_back(params.layers, record, pulls, np.full(int(seen.sum()), -1 / n))
    return float(value), Parameters(below.layer, params.state_space)


def refit(params, y, iterations=1):
    """Let the state-space model take EM steps, at the readings as the layers have them.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (T, D)
    iterations : int

    Returns
    -------
    Parameters
        Whose loss is no higher.
    """
    z, model = straighten(params, y).values, params.state_space.params
    for _ in range(checks.count("iterations", iterations)):
        model = lgssm.maximize(lgssm.expected_statistics(model, z))
    return params._replace(state_space=StateSpace(model))


def iterate(params, y, descents=10, refits=5):
    """Learn both parts in turn, without end.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (T, D)
    descents : int
        Steps of `quasi_newton` that the layers take in each turn.
    refits : int
        EM steps that the state-space model takes in each turn.

    Yields
    ------
    Turn
    """
    y, turn = _checked(params, y), 0
    while True:
        params = quasi_newton.fit(_SELF, params, y, iterations=descents).params
        params = refit(params, y, refits)
        yield Turn(turn, params, loss(params, y))
        turn += 1


class _SELF:
    """This module's loss, as `quasi_newton` asks for it: infinite where the layers overflow."""

    @staticmethod
    def value_and_gradient(params, y, rng):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            z = composition.run(params.layers, y[~np.isnan(y).any(1)])
            if not (np.isfinite(z.output).all() and np.isfinite(z.log_volume).all()):
                return np.inf, params
            return value_and_gradient(params, y, rng)


# --- checks and shapes ------------------------------------------------------------------------


def _readings(y):
    return int((~np.isnan(y).any(1)).sum())


def _straighten(params, y):
    """The readings on the straight scale, and the record of the layers."""
    seen = ~np.isnan(y).any(1)
    record = composition.run(params.layers, y[seen])
    z, log_volumes = np.full(y.shape, np.nan), np.zeros(len(y))
    z[seen], log_volumes[seen] = record.output, record.log_volume
    return Straight(z, log_volumes), record


def _check(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    if not isinstance(params.state_space, StateSpace):
        raise TypeError(f"params.state_space: expected a StateSpace, got {type(params.state_space).__name__}")
    D = len(np.atleast_1d(params.state_space.params.emission.offset))
    composition.check(params.layers, D, "params.layers")
    return D


def _checked(params, y):
    y = checks.observations("y", y, _check(params), missing=True)
    gaps = np.isnan(y)
    if (gaps.any(1) & ~gaps.all(1)).any():
        raise ValueError("y: expected whole readings or rows of NaN, got a row with some NaN")
    if len(y) < 2 or gaps.all():
        raise ValueError(f"y: expected at least two moments and one reading, got shape {y.shape}")
    return y
