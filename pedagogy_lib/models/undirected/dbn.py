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

`free_energy`, `terms`, `value_and_gradient` and `recognize` are the Helmholtz machine's, and stand in ``_layered``.

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
from pedagogy_lib.models.undirected import _arrows, _layered, harmonium
from pedagogy_lib.models.undirected._layered import (  # noqa: F401
    free_energy,
    log_marginal,
    loss,
    recognize,
    terms,
    value_and_gradient,
)

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
    below = unroll(_layered.checked(params).top)
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
    return _layered.checked(params._replace(top=top))


# ------------------------------------------------------------------------------ draws


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
    params = _layered.checked(params)
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
    params, y = _layered.with_data(params, y)
    share = np.full(len(y), 1 / len(y))
    values = [y, *_arrows.every(params)]
    for level, arrow in enumerate(params.upward):
        below = _arrows.statistics(params, level, values[level])
        share = share @ np.exp(_arrows.log_table(arrow, values[level + 1], below))
    return share


def top_loss(params, y):
    """What the top pays for the aggregated posterior, and its derivative: all of the loss that the top can change.

    Returns
    -------
    float, `harmonium.Parameters`

    References
    ----------
    The last line of Eq. 10.25, and Eq. 10.27.
    """
    params, y = _layered.with_data(params, y)
    share = aggregate(params, y)
    return float(-share @ _layered.log_prior(params)), _layered.top_gradient(params.top, share)


def budget(params, y):
    """The relative entropy of the aggregated posterior to the prior: the most that a better top can take off the bound.

    Returns
    -------
    float, in nats per datum

    References
    ----------
    The last line of Eq. 10.25, whose constant does not depend on the top.
    """
    params, y = _layered.with_data(params, y)
    share = aggregate(params, y)
    held = share > 0
    return float(share[held] @ (np.log(share[held]) - _layered.log_prior(params)[held]))


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
    params, y = _layered.with_data(params, y)
    share, rate = aggregate(params, y), checks.number("rate", rate, above=0)
    for iteration in count():
        params = params._replace(top=_layered.moved(params.top, _layered.top_gradient(params.top, share), rate))
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
    params, y = _layered.with_data(params, y)
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
        params = _layered.moved(params, gradient, rate)
        yield Update(iteration, params)
