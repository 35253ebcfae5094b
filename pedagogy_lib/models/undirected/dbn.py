"""The deep belief network: arrows down to the data, and at the top a harmonium instead of a prior.

::

    p(y, h_1, ..., h_L) = p(y|h_1) ... p(h_{L-1}|h_L) p(h_L),   p(h_L) the marginal of a harmonium's visible layer

It is learned one layer at a time. A harmonium is learned; its emission becomes the arrow down, its posterior the
arrow up, and its own marginal over the hidden layer, which was never chosen but followed from the rest, is replaced by
a new harmonium (`unroll`, `deepen`). The new one is learned on the *aggregated posterior*, the data as the arrow up
transforms them (`aggregate`, `improve_top`). ``y`` has shape (N, D), a datum in each row; ``params`` are `Parameters`.

What that lowers is a bound: the free energy, `loss`, which is -log p(y) plus the relative entropy of the recognition
distribution to the posterior (`terms`). ``posterior`` is missing: as soon as the top differs from the harmonium that it
replaced, p(h|y) has no closed form, and the arrows up are only near it. ``maximize`` is missing with it.

Everything that needs sums over the hidden layers is exact, and needs layers of at most 2^12 states; and one layer of
the top of at most 2^16. `ascend` and `sample` of a large top go by draws: `up_down` learns larger nets.

References
----------
Section 10.2.3, Eqs. 10.24-10.27; section 3.2 is empty in the draft. G. Hinton, S. Osindero and Y.W. Teh (2006).
"""

from itertools import count
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.layers import Bernoulli
from pedagogy_lib.learning import parameters
from pedagogy_lib.models.undirected import _arrows, harmonium

Arrow, Sample, Terms, Update = _arrows.Arrow, _arrows.Sample, _arrows.Terms, _arrows.Update


class Parameters(NamedTuple):
    """L arrows up, L arrows down, and a harmonium.

    upward : tuple of `Arrow`; upward[l] points from layer l to layer l + 1, the data being layer 0
    downward : tuple of `Arrow`; downward[l] points from layer l + 1 to layer l
    top : `harmonium.Parameters`, whose visible layer is h_L
    """

    upward: tuple
    downward: tuple
    top: harmonium.Parameters


# ------------------------------------------------------------------------------ building


def start(y, units, rng):
    """A net of coins to start learning from: a small harmonium at the bottom, each next one the one below, inverted.

    Parameters
    ----------
    y : array_like, shape (N, D), zeros and ones
    units : int
        The coins of h_1.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
        With one pair of arrows: `unroll` of a small harmonium.
    """
    return unroll(harmonium.start(y, units, Bernoulli, Bernoulli, rng))


def invert(params):
    """Turn a harmonium upside down: its hidden layer is seen, and the other way round.

    Parameters
    ----------
    params : `harmonium.Parameters`

    Returns
    -------
    `harmonium.Parameters`
        The same joint distribution, with the names exchanged.
    """
    W, hidden, visible = harmonium.checked(params)
    return harmonium.Parameters(W.T, visible, hidden)


def unroll(params):
    """Write a harmonium as a deep belief network: the same distribution of y (Fig. 10.2B).

    Parameters
    ----------
    params : `harmonium.Parameters`

    Returns
    -------
    Parameters
        Whose arrow up is the exact posterior, as long as the top stays as it is.
    """
    W, hidden, visible = harmonium.checked(params)
    return Parameters((Arrow(W, hidden),), (Arrow(W.T, visible),), invert(params))


def deepen(params):
    """Unroll the top: one more pair of arrows, and the top inverted. The distribution of y stays what it was.

    Returns
    -------
    Parameters
    """
    below = unroll(_checked(params).top)
    return Parameters(params.upward + below.upward, params.downward + below.downward, below.top)


def replace_top(params, top):
    """The same arrows below another harmonium.

    Parameters
    ----------
    top : `harmonium.Parameters`, whose visible layer has the units of h_L

    Returns
    -------
    Parameters
    """
    return _checked(params._replace(top=top))


# ------------------------------------------------------------------------------ draws


def recognize(params, y, rng):
    """Draw from the recognition model q(h|y), once for each datum.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    tuple of ndarray
        The hidden layers, bottom first, each of shape (N, K).
    """
    params, y = _with_data(params, y)
    return tuple(_arrows.ascend(params, y, checks.generator("rng", rng))[1:])


def sample(params, n, rng, sweeps=None):
    """Draw h_L from the top, then go down.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    sweeps : int, optional
        Steps of block Gibbs sampling in the top, from fair coins: for tops that are too large for exact draws, which
        are the default. The draws are then as good as the chain has mixed.

    Returns
    -------
    Sample
    """
    params = _checked(params)
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    if sweeps is None:
        top = harmonium.sample(params.top, n, rng).observations
    else:
        top = harmonium.draw_independent(params.top, n, rng)
        for _ in range(checks.count("sweeps", sweeps)):
            top = harmonium.sweep(params.top, top, rng)
    y, *latents = _arrows.descend(params, top, rng)
    return Sample(tuple(latents), y)


# ------------------------------------------------------------------------------ exact, for small nets


def aggregate(params, y):
    """The aggregated posterior of h_L: the average of q(h_L|y) over the data (Eqs. 10.24 and 10.26).

    Returns
    -------
    ndarray, shape (S,)
        For every value of h_L, in the order of ``params.top.visible.every()``.
    """
    params, y = _with_data(params, y)
    share = np.full(len(y), 1 / len(y))
    values = [y, *_arrows.every(params)]
    for level, arrow in enumerate(params.upward):
        below = _arrows.statistics(params, level, values[level])
        share = share @ np.exp(_arrows.log_table(arrow, values[level + 1], below))
    return share


def free_energy(params, y):
    """F(y) = E_q[log q(h|y) - log p(y, h)] of each datum.

    Returns
    -------
    ndarray, shape (N,)
        At least -log p(y); equal to it where q is the posterior, as in an unrolled harmonium.

    Raises
    ------
    ValueError
        If a hidden layer has more than 2^12 states, or both of the top have more than 2^16.
    """
    params, y = _with_data(params, y)
    return _arrows.expected(_arrows.costs(params, _log_prior(params), y)[0])


def log_marginal(params, y):
    """log p(y), exact.

    Returns
    -------
    ndarray, shape (N,)

    Raises
    ------
    ValueError
        As for `free_energy`.
    """
    params, y = _with_data(params, y)
    log_prior = _log_prior(params)
    return _arrows.log_marginals(_arrows.costs(params, log_prior, y), log_prior)


def terms(params, y):
    """Take the loss apart (Eq. 10.25): the bound, what it bounds, and the slack between them.

    Returns
    -------
    Terms

    Raises
    ------
    ValueError
        As for `free_energy`.
    """
    params, y = _with_data(params, y)
    log_prior = _log_prior(params)
    return _arrows.terms(_arrows.costs(params, log_prior, y), log_prior)


def loss(params, y, rng=None):
    """The free energy, averaged over the data: a bound on -log p(y). Nothing is drawn from ``rng``.

    Returns
    -------
    float
    """
    return float(free_energy(params, y).mean())


def value_and_gradient(params, y, rng=None):
    """The free energy and its derivative with respect to all parameters.

    Returns
    -------
    float, Parameters

    Raises
    ------
    ValueError
        As for `free_energy`.
    """
    params, y = _with_data(params, y)
    steps = _arrows.costs(params, _log_prior(params), y)
    *_, last = _arrows.climbs(steps)
    top = _top_gradient(params.top, last.sum(0))
    return float(_arrows.expected(steps[0]).mean()), Parameters(*_arrows.slopes(params, steps, y), top)


def top_loss(params, y):
    """What the top pays for the aggregated posterior, and its derivative: all of the loss that the top can change.

    Returns
    -------
    float, `harmonium.Parameters`

    References
    ----------
    The last line of Eq. 10.25, and Eq. 10.27.
    """
    params, y = _with_data(params, y)
    share = aggregate(params, y)
    return float(-share @ _log_prior(params)), _top_gradient(params.top, share)


def budget(params, y):
    """The relative entropy of the aggregated posterior to the prior: the most that a better top can take off the bound.

    Returns
    -------
    float, in nats per datum

    References
    ----------
    The last line of Eq. 10.25, whose constant does not depend on the top.
    """
    params, y = _with_data(params, y)
    share = aggregate(params, y)
    held = share > 0
    return float(share[held] @ (np.log(share[held]) - _log_prior(params)[held]))


def improve_top(params, y, rate):
    """Gradient descent of `top_loss`, exact, the arrows held: the greedy step of one layer, for ever.

    Parameters
    ----------
    rate : float

    Yields
    ------
    Update

    References
    ----------
    Eq. 10.27. For layers that are too large: `contrastive.iterate` of the top, on the last layer of `recognize`.
    """
    params, y = _with_data(params, y)
    share, rate = aggregate(params, y), checks.number("rate", rate, above=0)
    for iteration in count():
        step = rate * parameters.flatten(_top_gradient(params.top, share)).vector
        params = params._replace(top=parameters.view(parameters.flatten(params.top).vector - step, params.top))
        yield Update(iteration, params)


# ------------------------------------------------------------------------------ by draws: fine-tuning


def up_down(params, y, rng, rate, sweeps=1, batch=None):
    """The up-down algorithm: wake-sleep with a harmonium at the top, for ever.

    Up: draw h from q(h|y), and fit the arrows down to it. At the top: contrastive divergence, ``sweeps`` steps of its
    chain begun at that h_L. Down: go on from where the chain ended, and fit the arrows up to what comes down.

    Parameters
    ----------
    rate : float
        What the gradients are multiplied by.
    sweeps : int
    batch : int, optional
        How many data, drawn anew for each step. All by default.
    rng : numpy.random.Generator

    Yields
    ------
    Update
    """
    params, y = _with_data(params, y)
    rate, rng = checks.number("rate", rate, above=0), checks.generator("rng", rng)
    sweeps = checks.count("sweeps", sweeps)
    batch = None if batch is None else checks.count("batch", batch)
    for iteration in count():
        rows = y if batch is None else y[rng.integers(len(y), size=batch)]
        found = _arrows.ascend(params, rows, rng)
        chains = found[-1]
        for _ in range(sweeps):
            chains = harmonium.sweep(params.top, chains, rng)
        dreams = _arrows.descend(params, chains, rng)
        after, before = harmonium.phase(params.top, chains), harmonium.phase(params.top, found[-1])
        difference = parameters.flatten(after).vector - parameters.flatten(before).vector
        gradient = Parameters(
            _arrows.fit_up(params, dreams), _arrows.fit_down(params, found), parameters.view(difference, params.top)
        )
        vector = parameters.flatten(params).vector - rate * parameters.flatten(gradient).vector
        params = parameters.view(vector, params)
        yield Update(iteration, params)


# ------------------------------------------------------------------------------ behind the door


def _log_prior(params):
    """log p(h_L) of every value, by the marginal of the top."""
    every = _arrows.every(params)[-1]
    return -harmonium.marginal_energy(params.top, every) - harmonium.log_partition(params.top)


def _top_gradient(top, share):
    """The model's phase less the data's, where the data are every value of h_L with its share (Eq. 10.19)."""
    seen = harmonium.phase(top, top.visible.every(), share)
    vector = parameters.flatten(harmonium.model_phase(top)).vector - parameters.flatten(seen).vector
    return parameters.view(vector, top)


def _with_data(params, y):
    params = _checked(params)
    return params, params.downward[0].layer.values("y", y)


def _checked(params):
    upward, downward = _arrows.checked("params", params)
    top = harmonium.checked(params.top, "params.top")
    _arrows.alike("params.top.visible", top.visible, upward[-1].layer, "upward[-1] has")
    return Parameters(upward, downward, top)
