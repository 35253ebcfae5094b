"""Harmoniums in time: one harmonium for each moment, whose hidden biases come from the moment before.

::

    b_t = b_x + F r_{t-1}                       r_0 = initial
    p(x_t, y_t | past) = exp(b_t'x_t + b_y'U(y_t) + x_t'W U(y_t) + log k(y_t)) / Z(b_t)
    r_t = E[x_t | y_t, past] = sigma(b_t + W U(y_t))

With r the *means* of the hidden coins this is the recurrent temporal restricted Boltzmann machine (RTRBM): r_t is a
function of the data so far, so that log p(y_1 ... y_T) is a sum of T terms, each with a normalizer of its own, and is
exact where 2^L is small (`log_marginal`, `value_and_gradient`: the gradient goes back through time, `_backward`). With
*draws* in the place of the means it is the temporal one (TRBM): then r_t is a guess, and the gradient stops at one step
(``feedback="draws"``). With r_{t-1} not a cause but a second thing to be *seen* at time t, it is the recurrent
exponential-family harmonium (rEFH): one harmonium over (y_t, r_{t-1}), learned as any other, moment by moment, and
nothing goes back through time (`refh_divergence`).

In all three the hidden layer is a filter: r_t says what y_1 ... y_t tell of the present (`filter`), at the cost of one
matrix product a moment. The hidden layer is coins; the visible one any class of `layers` with one statistic a unit.
``y`` has shape (B, T, D), B sequences; ``params`` are `Parameters`. ``posterior`` is missing: `filter` gives the means,
and hidden coins of one moment are independent given the past. ``maximize`` is missing, as for `harmonium`.
The sums and the draws of the harmonium of a single moment stand in ``_moments``.

References
----------
Sections 3.4 and 10.2.4 are empty in the draft. I. Sutskever and G. Hinton (2007), TRBM; I. Sutskever, G. Hinton and
G. Taylor (2009), RTRBM; J. Makin, B. Dichter and P. Sabes (2015), rEFH.
"""

from itertools import count
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.layers import Bernoulli, Layer
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.optimization.schedules import rate_at
from pedagogy_lib.models.undirected import _moments

FEEDBACK = ("means", "draws")

Expected = _moments.Expected


class Parameters(NamedTuple):
    """L hidden coins, M statistics of the visible layer.

    weights : ndarray, shape (L, M), W
    feedback : ndarray, shape (L, L), F, from the hidden layer of the moment before
    hidden : Bernoulli, with the biases b_x
    visible : layer, with the biases b_y
    initial : ndarray, shape (L,), r_0
    past : Bernoulli, biases of r_{t-1} where it is seen: for the rEFH alone, the others leave it as it is
    """

    weights: np.ndarray
    feedback: np.ndarray
    hidden: Bernoulli
    visible: Layer
    initial: np.ndarray
    past: Bernoulli


class Filtered(NamedTuple):
    """What the hidden layer knows at each moment.

    biases : ndarray, shape (B, T, L), b_t, before y_t is seen
    means : ndarray, shape (B, T, L), after it is seen
    past : ndarray, shape (B, T, L), what b_t was made of: r_{t-1}, means or draws
    """

    biases: np.ndarray
    means: np.ndarray
    past: np.ndarray


class Sample(NamedTuple):
    """Hidden values, shape (n, T, L), and observations, shape (n, T, D)."""

    latents: np.ndarray
    observations: np.ndarray


class Update(NamedTuple):
    """The parameters have taken a step.

    iteration : int, from 0
    params : the parameters after it
    """

    iteration: int
    params: Parameters


def start(y, units, visible, rng):
    """Draw small weights; the visible biases give the data their mean.

    Parameters
    ----------
    y : array_like, shape (B, T, D)
    units : int
        The hidden coins.
    visible : class of `layers` with one statistic a unit, such as `layers.Bernoulli`
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    y, rng = checks.array("y", y, ("B", "T", "D")), checks.generator("rng", rng)
    if not (isinstance(visible, type) and issubclass(visible, Layer) and len(visible.rest) == 1):
        raise TypeError(f"visible: expected a class of layers with one statistic a unit, got {visible!r}")
    seen, coins = visible.matched(y.reshape(-1, y.shape[2])), Bernoulli.at_rest(units)
    small = lambda columns: 0.01 * rng.standard_normal((units, columns))
    return Parameters(small(seen.size), small(units), coins, seen, np.full(units, 0.5), coins)


# ------------------------------------------------------------------------------ inference


def filter(params, y, rng=None, feedback="means"):
    """What the hidden layer knows of the present, given the data so far.

    Parameters
    ----------
    rng : numpy.random.Generator, optional
        For draws.
    feedback : "means" or "draws"
        What goes on to the next moment.

    Returns
    -------
    Filtered
    """
    params, y = _with_data(params, y)
    checks.option("feedback", feedback, FEEDBACK)
    if feedback == "draws":
        rng = checks.generator("rng", rng)
    return _filtered(params, y, rng if feedback == "draws" else None)


def predict(params, y):
    """The mean of U(y_t) given y_1 ... y_{t-1}, for each moment, all hidden values tried.

    Returns
    -------
    ndarray, shape (B, T, M)

    Raises
    ------
    ValueError
        If the hidden layer has more than 2^12 states.
    """
    params, y = _with_data(params, y)
    found = _moments.model_averages(params, _moments.rows(_filtered(params, y).biases))[0]
    return found.visible.reshape(*y.shape[:2], -1)


def log_marginal(params, y):
    """log p(y_1 ... y_T) of each sequence, exact, for feedback by means.

    Returns
    -------
    ndarray, shape (B,)

    Raises
    ------
    ValueError
        As for `predict`.
    """
    params, y = _with_data(params, y)
    biases = _moments.rows(_filtered(params, y).biases)
    heights = _moments.heights(params, y, biases) - _moments.model_averages(params, biases)[1]
    return heights.reshape(y.shape[:2]).sum(1)


def sample(params, n, rng, length=20, sweeps=None):
    """Draw sequences: at each moment from the harmonium of that moment; its mean given what was drawn goes on.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    length : int, T
    sweeps : int, optional
        Steps of block Gibbs sampling at each moment: for hidden layers that are too large for
        exact draws, which are the default.

    Returns
    -------
    Sample

    Raises
    ------
    ValueError
        As for `predict`, without ``sweeps``.
    """
    params = _checked(params)
    n, length, rng = checks.count("n", n), checks.count("length", length), checks.generator("rng", rng)
    sweeps = None if sweeps is None else checks.count("sweeps", sweeps)
    known, hidden, seen = np.tile(params.initial, (n, 1)), [], []
    for _ in range(length):
        biases = params.hidden.biases + known @ params.feedback.T
        x = _moments.drawn(params, biases, rng) if sweeps is None else _moments.swept(params, biases, rng, sweeps)
        hidden.append(x)
        seen.append(params.visible.draw(params.visible.biases + x @ params.weights, rng))
        known = expit(biases + params.visible.statistics(seen[-1]) @ params.weights.T)
    return Sample(np.stack(hidden, 1), np.stack(seen, 1))


# ------------------------------------------------------------------------------ learning


def loss(params, y, rng=None):
    """Minus log p(y_1 ... y_T), per moment, averaged over sequences: exact, so that nothing is drawn from ``rng``.

    Returns
    -------
    float
    """
    found = log_marginal(params, y)
    return float(-found.mean() / np.shape(y)[1])


def value_and_gradient(params, y, rng=None):
    """The loss and its derivative, back through time.

    Returns
    -------
    float, Parameters

    Raises
    ------
    ValueError
        As for `predict`.
    """
    params, y = _with_data(params, y)
    known = _filtered(params, y)
    model, log_Z = _moments.model_averages(params, _moments.rows(known.biases))
    value = -(_moments.heights(params, y, _moments.rows(known.biases)) - log_Z).mean()
    return float(value), _gradient(params, y, known, model, through_time=True)


def divergence(params, y, rng, steps=1, feedback="means"):
    """Contrastive divergence: at each moment a few steps of its harmonium's chain, begun at the datum.

    Parameters
    ----------
    rng : numpy.random.Generator
    steps : int
    feedback : "means" or "draws"
        RTRBM, whose gradient goes back through time; or TRBM, whose gradient stops at its draws.

    Returns
    -------
    Parameters
        An estimate of the gradient of the loss.
    """
    params, y = _with_data(params, y)
    steps, rng = checks.count("steps", steps), checks.generator("rng", rng)
    checks.option("feedback", feedback, FEEDBACK)
    known = _filtered(params, y, rng if feedback == "draws" else None)
    biases, U = _moments.rows(known.biases), params.visible.statistics(_moments.rows(y))
    for _ in range(steps):
        x = params.hidden.draw(biases + U @ params.weights.T, rng)
        U = params.visible.statistics(params.visible.draw(params.visible.biases + x @ params.weights, rng))
    means = expit(biases + U @ params.weights.T)
    model = Expected(means, U, means.T @ U)
    return _gradient(params, y, known, model, through_time=feedback == "means")


def refh_divergence(params, y, rng, steps=1, feedback="draws"):
    """Contrastive divergence of the rEFH: y_t and r_{t-1} are both seen, and both are made anew by the chain.

    Parameters
    ----------
    rng : numpy.random.Generator
    steps : int
    feedback : "means" or "draws"
        What is seen of the moment before.

    Returns
    -------
    Parameters
        A direction for descent, moment by moment; nothing goes back through time.
    """
    params, y = _with_data(params, y)
    steps, rng = checks.count("steps", steps), checks.generator("rng", rng)
    checks.option("feedback", feedback, FEEDBACK)
    known = _filtered(params, y, rng if feedback == "draws" else None)
    before = [params.visible.statistics(_moments.rows(y)), _moments.rows(known.past), _moments.rows(known.means)]
    U, past = before[:2]
    up = lambda U, past: params.hidden.biases + U @ params.weights.T + past @ params.feedback.T
    for _ in range(steps):
        x = params.hidden.draw(up(U, past), rng)
        U = params.visible.statistics(params.visible.draw(params.visible.biases + x @ params.weights, rng))
        past = params.past.draw(params.past.biases + x @ params.feedback, rng)
    after, n = [U, past, expit(up(U, past))], len(U)
    (U0, past0, x0), (U1, past1, x1) = before, after
    return Parameters(
        (x1.T @ U1 - x0.T @ U0) / n, (x1.T @ past1 - x0.T @ past0) / n, Bernoulli((x1 - x0).mean(0)),
        type(params.visible)((U1 - U0).mean(0)), np.zeros_like(params.initial), Bernoulli((past1 - past0).mean(0)),
    )


def iterate(params, y, rng, rate, rule=divergence, batch=None, momentum=0.9):
    """Go downhill along estimates of a gradient, with momentum.

    Parameters
    ----------
    rate : float, or callable of the iteration
        Above 0; a callable may reach 0.
    rule : callable
        Of (params, y, rng). Returns a direction: `divergence`, `refh_divergence`, or one of them with options.
    batch : int, optional
        How many sequences, drawn anew for each step. All by default.
    momentum : float
        The share of the last step that is kept, at least 0 and below 1.

    Yields
    ------
    Update
    """
    params, y = _with_data(params, y)
    rng, momentum = checks.generator("rng", rng), checks.number("momentum", momentum, at_least=0)
    if momentum >= 1:
        raise ValueError(f"momentum: expected a number below 1, got {momentum:g}")
    batch = None if batch is None else checks.count("batch", batch)
    rate = rate if callable(rate) else checks.number("rate", rate, above=0)
    vector = parameters.flatten(params).vector
    velocity = np.zeros_like(vector)
    for iteration in count():
        rows = y if batch is None else y[rng.integers(len(y), size=batch)]
        gradient = parameters.flatten(rule(params, rows, rng)).vector
        velocity = momentum * velocity - rate_at(rate, iteration) * gradient
        vector = vector + velocity
        params = parameters.view(vector, params)
        yield Update(iteration, params)


# ------------------------------------------------------------------------------ behind the door


def _filtered(params, y, rng=None):
    """Forward in time: the only loop of inference. With ``rng`` draws go on, without it means."""
    evidence = params.visible.statistics(_moments.rows(y)).reshape(*y.shape[:2], -1) @ params.weights.T
    known = np.tile(params.initial, (len(y), 1))
    biases, means, past = [], [], []
    for t in range(y.shape[1]):
        past.append(known)
        biases.append(params.hidden.biases + known @ params.feedback.T)
        means.append(expit(biases[-1] + evidence[:, t]))
        known = means[-1] if rng is None else (rng.random(means[-1].shape) < means[-1]).astype(float)
    return Filtered(*(np.stack(each, 1) for each in (biases, means, past)))


def _gradient(params, y, known, model, through_time):
    """Sleep less wake at each moment; and what each r_t does to all later ones, back through time.

    With g_t the derivative in b_t,   g_t = E[x_t] - r_t + e_t,   e_t = (F'g_{t+1}) r_t (1 - r_t):
    b_t lowers its own normalizer and its own height, and moves r_t, which is all that later moments know.
    """
    B, T, L = known.means.shape
    n, U = B * T, params.visible.statistics(_moments.rows(y))
    g = model.hidden.reshape(B, T, L) - known.means
    later = np.zeros_like(g)
    slope = known.means * (1 - known.means)
    if through_time:
        for t in range(T - 2, -1, -1):
            later[:, t] = (g[:, t + 1] + later[:, t + 1]) @ params.feedback * slope[:, t]
    g, later = _moments.rows(g + later), _moments.rows(later)
    weights = model.products - _moments.rows(known.means).T @ U + later.T @ U
    first = (g.reshape(B, T, L)[:, 0] @ params.feedback).sum(0) if through_time else np.zeros(L)
    return Parameters(
        weights / n, g.T @ _moments.rows(known.past) / n, Bernoulli(g.sum(0) / n),
        type(params.visible)((model.visible - U).sum(0) / n), first / n, Bernoulli(np.zeros(L)),
    )


def _with_data(params, y):
    params = _checked(params)
    y = checks.array("y", y, ("B", "T", params.visible.size))
    if not y.size:
        raise ValueError(f"y: expected at least one sequence of one moment, got shape {y.shape}")
    params.visible.values("y", _moments.rows(y))
    return params, y


def _checked(params):
    for name in ("hidden", "past"):
        if not isinstance(getattr(params, name), Bernoulli):
            raise TypeError(f"params.{name}: expected layers.Bernoulli(biases), got {getattr(params, name)!r}")
    if not isinstance(params.visible, Layer) or len(params.visible.rest) != 1:
        raise TypeError(f"params.visible: expected a layer with one statistic a unit, got {params.visible!r}")
    hidden, visible = params.hidden.checked("params.hidden"), params.visible.checked("params.visible")
    L = hidden.size
    past = params.past.checked("params.past")
    if past.size != L:
        raise ValueError(f"params.past: expected {L} biases, as the hidden layer has, got {past.size}")
    return Parameters(
        checks.array("params.weights", params.weights, (L, visible.size)),
        checks.array("params.feedback", params.feedback, (L, L)), hidden, visible,
        checks.array("params.initial", params.initial, (L,)), past,
    )
