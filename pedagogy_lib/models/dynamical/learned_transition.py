"""A transition that is learned from films of the state: the state-space model with nothing hidden.

::

    x_t = M(x_{t-1}) + N(0, diag(s^2))        M: some steps along learned terms, as `Clock` says
    y_t = x_t                                 what is seen is the state

With one step of Euler's rule and an interval of one, M(x) = x + term_1(x) + term_2(x) + ...; so a network may stand
for the change from one picture of a film to the next. Since nothing is hidden, the likelihood of a film is a product
of one-step predictions, and learning is regression: all pictures of all films but the last are inputs of one batch. In
data assimilation this is the *weak constraint*, each moment with a fresh start; `universal` takes the same terms under
the *strong* one, a run through the whole film from one state.

There is no ``posterior``: nothing is hidden. There is no ``maximize``: the numbers stand inside the motion.

Everywhere ``params`` are `Parameters` and ``y`` has shape (B, T, K): B films of T >= 2 pictures. `pairs` cuts films
into films of two pictures, to be dealt in batches.

References
----------
`state_estimation_4dvar`, "Null case", "Weak vs strong constrained", "Non-linear flow map".
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning.learned_motion import steps
from pedagogy_lib.learning.learned_motion import terms as equation
from pedagogy_lib.models.dynamical.universal import HALF_LOG_TAU, Clock


class Parameters(NamedTuple):
    """What there is to know.

    log_noise : ndarray, shape (K,), log s
    terms : tuple of terms of `pedagogy_lib.learning.learned_motion`
    clock : Clock of `universal`
    """

    log_noise: np.ndarray
    terms: tuple
    clock: Clock


class Sample(NamedTuple):
    """States and observations, each of shape (n, T, K); they are the same here."""

    states: np.ndarray
    observations: np.ndarray


def start(y, terms, clock=None, rng=None):
    """Begin with the terms as they come, and with noise of half the size of the data's changes.

    Parameters
    ----------
    y : array_like, shape (B, T, K)
    terms : tuple of terms
    clock : Clock, optional
        One step of Euler's rule if none is given.
    rng
        Not used: the terms have drawn what they need.

    Returns
    -------
    Parameters
    """
    y = _observations(y)
    changes = np.diff(y, axis=1).std((0, 1))
    if not np.all(changes > 0):
        raise ValueError(f"y: expected numbers that change, got changes of deviations {changes}")
    params = Parameters(np.log(changes / 2), terms, Clock(1.0, 1, "euler") if clock is None else clock)
    _check(params)
    return params


def pairs(y):
    """Cut films into pairs of pictures that follow each other.

    Parameters
    ----------
    y : array_like, shape (B, T, K)

    Returns
    -------
    ndarray, shape (B (T - 1), 2, K)
    """
    y = _observations(y)
    return np.stack([y[:, :-1], y[:, 1:]], 2).reshape(-1, 2, y.shape[2])


def predict(params, x):
    """M(x), the next state's mean.

    Parameters
    ----------
    params : Parameters
    x : array_like, shape (N, K)

    Returns
    -------
    ndarray, shape (N, K)
    """
    _check(params)
    return _walk(params, checks.array("x", x, ("N", len(params.log_noise))), 1).states[-1]


def free_run(params, first, count):
    """Apply M again and again, without noise and without a look at any datum.

    Parameters
    ----------
    params : Parameters
    first : array_like, shape (N, K)
    count : int
        How many times.

    Returns
    -------
    ndarray, shape (count + 1, N, K)
        Infinite or not a number from where a run leaves all numbers.
    """
    _check(params)
    first = checks.array("first", first, ("N", len(params.log_noise)))
    return _walk(params, first, checks.count("count", count, minimum=0)).states[:: params.clock.steps]


def sample(params, n, rng, first=None, count=10):
    """Draw films, noise at each transition included.

    Parameters
    ----------
    params : Parameters
    n : int
        Films.
    rng : numpy.random.Generator
    first : array_like, shape (n, K), optional
        Their first pictures; zero if none are given.
    count : int
        T, pictures in each.

    Returns
    -------
    Sample
    """
    _check(params)
    n, rng, count = checks.count("n", n), checks.generator("rng", rng), checks.count("count", count)
    K = len(params.log_noise)
    films = [np.zeros((n, K)) if first is None else checks.array("first", first, (n, K))]
    for _ in range(count - 1):
        films.append(predict(params, films[-1]) + np.exp(params.log_noise) * rng.standard_normal((n, K)))
    films = np.stack(films, 1)
    return Sample(films, films.copy())


def log_marginal(params, y):
    """log p(y_2 ... y_T | y_1) of each film, shape (B,): exact, because nothing is hidden.

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
    surprisals = _surprisals(params, *_misfits(params, y)[1:])
    return -surprisals.sum(1).reshape(len(y), -1).sum(1)


def loss(params, y, rng=None):
    """The surprisal of each number that was predicted, in nats.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (B, T, K)
    rng
        Not used: nothing here is random.

    Returns
    -------
    float
    """
    y = _some(_checked(params, y))
    return float(_surprisals(params, *_misfits(params, y)[1:]).mean())


def gradient(params, y, rng=None):
    """The derivative of the loss, a Parameters; arguments as for `loss`."""
    return value_and_gradient(params, y, rng)[1]


def value_and_gradient(params, y, rng=None):
    """Loss and gradient: one transition forward and one back, for all moments side by side.

    Parameters
    ----------
    params, y, rng
        As for `loss`.

    Returns
    -------
    float, Parameters
    """
    y = _some(_checked(params, y))
    path, misfits, scaled = _misfits(params, y)
    n = misfits.size
    with np.errstate(over="ignore", invalid="ignore"):
        pulls = np.zeros(path.states.shape)
        pulls[-1] = scaled * np.exp(-params.log_noise) / n
        back = steps.walk_back(params.terms, path, pulls)
        of_noise = (1 - scaled**2).sum(0) / n
    value = _surprisals(params, misfits, scaled).mean()
    return float(value), Parameters(of_noise, back.terms, params.clock)


# --- checks and shapes ------------------------------------------------------------------------


def _walk(params, first, count):
    clock = params.clock
    return steps.walk(params.terms, first, clock.interval / clock.steps, count * clock.steps, clock.method)


def _misfits(params, y):
    """Every picture but the last is run on by one interval: the paths, M(y_t) - y_{t+1}, and that in units of s."""
    path = _walk(params, y[:, :-1].reshape(-1, y.shape[2]), 1)
    with np.errstate(over="ignore", invalid="ignore"):
        misfits = path.states[-1] - y[:, 1:].reshape(-1, y.shape[2])
        return path, misfits, misfits * np.exp(-params.log_noise)


def _surprisals(params, misfits, scaled):
    """-log N(y_{t+1}; M(y_t), s^2) of each number, shape (B (T - 1), K)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return 0.5 * scaled**2 + params.log_noise + HALF_LOG_TAU


def _check(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    log_noise = checks.array("params.log_noise", params.log_noise, ("K",))
    equation.check(params.terms, len(log_noise), "params.terms")
    if not isinstance(params.clock, Clock):
        raise TypeError(f"params.clock: expected a Clock, got {type(params.clock).__name__}")


def _observations(y, K="K"):
    y = checks.array("y", y, ("B", "T", K))
    if y.shape[1] < 2:
        raise ValueError(f"y: expected films of at least 2 pictures, got {y.shape[1]}")
    return y


def _some(y):
    """Films of which there is one at least: nothing has no mean."""
    if not len(y):
        raise ValueError(f"y: expected one film at least, got shape {y.shape}")
    return y


def _checked(params, y):
    _check(params)
    return _observations(y, len(params.log_noise))
