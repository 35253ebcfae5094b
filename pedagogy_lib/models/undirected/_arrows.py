"""Layers joined by arrows: what the deep belief network and the Helmholtz machine have in common.

The layers are h_0 = y, h_1, ..., h_L. Arrows lead down, p(h_l | h_{l+1}), to generate, and up, q(h_{l+1} | h_l), to
recognize. Each arrow is a distribution of `layers`, whose natural parameters are its biases plus weights times the
statistics of the layer that it comes from. The hidden layers are finite (coins, or dice), so that their statistics are
their values, and all that follows can be done in two ways:

- by drawing, for any size: `ascend`, `descend`, `fit_down`, `fit_up`;
- by trying all values of every hidden layer, one table for each pair of neighbors: the rest. No table has more than
  MOST columns.

The free energy F(y) = E_q[log q(h|y) - log p(y, h)] is a *cost to go*: what the expected remaining cost from layer l on
is, given h_l, depends on no layer below (`costs`). Its gradient follows as in any such recursion (`slopes`).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.layers import Layer

#: A hidden layer of more states than this is not enumerated.
MOST = 2**12


class Arrow(NamedTuple):
    """p(out | in), with natural parameters biases + weights T(in).

    weights : ndarray, shape (M, L), M statistics of the layer that it points to, L of the one that it comes from
    layer : the layer that it points to, with its biases
    """

    weights: np.ndarray
    layer: Layer


class Neighbors(NamedTuple):
    """A pair of neighbors h_l and h_{l+1}, all values against all values; at l = 0 the rows are the data.

    up : ndarray, shape (R, S), log q(h_{l+1} | h_l)
    down : ndarray, shape (R, S), log p(h_l | h_{l+1})
    costs : ndarray, shape (R, S), up - down + the cost to go from h_{l+1}
    """

    up: np.ndarray
    down: np.ndarray
    costs: np.ndarray


class Sample(NamedTuple):
    """Hidden layers h_1, ..., h_L, each with a row for each draw, and observations of shape (n, D)."""

    latents: tuple
    observations: np.ndarray


class Terms(NamedTuple):
    """The loss taken apart, in nats per datum: ``bound = cost + slack`` (Eq. 10.25).

    bound : float, the free energy: the joint relative entropy, up to the entropy of the data
    cost : float, -log p(y), exact: the marginal one, likewise
    slack : float, the relative entropy of q(h|y) to p(h|y), averaged over the data
    """

    bound: float
    cost: float
    slack: float


class Update(NamedTuple):
    """The parameters have taken a step.

    iteration : int, from 0
    params : the parameters after it
    """

    iteration: int
    params: NamedTuple


# ------------------------------------------------------------------------------ one arrow


def natural(arrow, T):
    """Natural parameters for each row of statistics T."""
    return np.ravel(arrow.layer.biases) + T @ arrow.weights.T


def draw(arrow, T, rng):
    """Values for each row of statistics T."""
    return arrow.layer.draw(natural(arrow, T), rng)


def log_table(arrow, values, T):
    """log p(value j | row i of T), shape (rows of T, values)."""
    eta = natural(arrow, T)
    S = arrow.layer.statistics(values)
    return eta @ S.T + arrow.layer.log_base(values) - arrow.layer.log_partition(eta)[:, None]


def fit(arrow, values, T):
    """The gradient of the average of -log p(value | T) over pairs of rows: minus (S - E[S]) T'."""
    gap = (arrow.layer.statistics(values) - arrow.layer.mean(natural(arrow, T))) / len(T)
    return _gradient(arrow, -gap.T @ T, -gap.sum(0))


def _gradient(arrow, weights, biases):
    return Arrow(weights, type(arrow.layer)(biases.reshape(np.shape(arrow.layer.biases))))


def checked(name, net):
    """The arrows up and down, each of a shape and a family that fit its neighbors.

    Raises
    ------
    TypeError
        If an arrow or a layer is none.
    ValueError
        If the numbers of arrows differ, a shape is wrong, a hidden layer is not finite, or the arrows up and down have
        different layers at one level.
    """
    if len(net.upward) != len(net.downward) or not net.upward:
        raise ValueError(
            f"{name}: expected as many arrows up as down, at least one, got {len(net.upward)} and {len(net.downward)}"
        )
    for arrows, first in ((net.upward, 1), (net.downward, 0)):
        for level, arrow in enumerate(arrows, start=first):
            _check_kind(name, arrow, level)
    rooms = [net.downward[0].layer, *(arrow.layer for arrow in net.upward)]
    for room in rooms[1:]:
        if room.states == np.inf:
            raise ValueError(f"{name}: expected hidden layers of finitely many values, got {type(room).__name__}")
    pairs = list(zip(rooms[:-1], rooms[1:]))
    up = tuple(
        _fits(f"{name}.upward[{l}]", arrow, above, below)
        for l, (arrow, (below, above)) in enumerate(zip(net.upward, pairs))
    )
    down = tuple(
        _fits(f"{name}.downward[{l}]", arrow, below, above)
        for l, (arrow, (below, above)) in enumerate(zip(net.downward, pairs))
    )
    return up, down


def _check_kind(name, arrow, level):
    if not isinstance(arrow, Arrow):
        raise TypeError(f"{name}: expected an Arrow(weights, layer) that points to level {level}, got {arrow!r}")
    if not isinstance(arrow.layer, Layer):
        raise TypeError(
            f"{name}: expected a layer such as layers.Bernoulli(biases) at level {level}, got {arrow.layer!r}"
        )


def _fits(name, arrow, out, into):
    """The arrow that points from the layer `into` to the layer `out`."""
    layer = alike(f"{name}.layer", arrow.layer, out, "the arrow the other way leaves")
    return Arrow(checks.array(f"{name}.weights", arrow.weights, (out.size, into.size)), layer)


def alike(name, layer, other, where):
    """The layer checked: of the family and of the shape of the other one, which is the layer that ``where`` says."""
    if not isinstance(layer, Layer):
        raise TypeError(f"{name}: expected a layer such as layers.Bernoulli(biases), got {layer!r}")
    layer, other = layer.checked(name), other.checked(where)
    if type(layer) is not type(other) or layer.biases.shape != other.biases.shape:
        raise ValueError(
            f"{name}: expected {type(other).__name__} with biases of shape {other.biases.shape}, as {where}, got "
            f"{type(layer).__name__} with {layer.biases.shape}"
        )
    return layer


# ------------------------------------------------------------------------------ a net of arrows, by drawing
# ``net`` is anything with ``upward`` and ``downward``, L arrows each: upward[l] points to h_{l+1}, downward[l] to h_l.


def statistics(net, level, h):
    """T(h_l); a hidden layer's statistics are its values."""
    return h if level else net.downward[0].layer.statistics(h)


def ascend(net, y, rng):
    """Draw from q(h|y), a row for each datum: [y, h_1, ..., h_L]."""
    found = [y]
    for level, arrow in enumerate(net.upward):
        found.append(draw(arrow, statistics(net, level, found[-1]), rng))
    return found


def descend(net, top, rng):
    """Draw from p(y, h | h_L), a row for each row of h_L: [y, h_1, ..., h_L]."""
    found = [top]
    for arrow in reversed(net.downward):
        found.insert(0, draw(arrow, found[0], rng))
    return found


def fit_down(net, found):
    """The gradient of the average of -log p(y, h_1, .. | h_L), all layers seen: for the arrows that lead down."""
    return tuple(fit(arrow, found[level], found[level + 1]) for level, arrow in enumerate(net.downward))


def fit_up(net, found):
    """The gradient of the average of -log q(h|y), all layers seen: for the arrows that lead up."""
    return tuple(
        fit(arrow, found[level + 1], statistics(net, level, found[level])) for level, arrow in enumerate(net.upward)
    )


# ------------------------------------------------------------------------------ by trying all values


def every(net):
    """All values of each hidden layer, bottom first."""
    for level, arrow in enumerate(net.upward, start=1):
        if arrow.layer.states > MOST:
            raise ValueError(
                f"params: expected hidden layers of at most {MOST} states for an exact sum, got {arrow.layer.states} "
                f"in layer {level}"
            )
    return [arrow.layer.every() for arrow in net.upward]


def costs(net, log_prior, y):
    """The pairs of neighbors from the data to the top, worked out from the top down.

    Parameters
    ----------
    log_prior : ndarray, shape (S_L,), log p(h_L) for every value of the top layer
    y : ndarray, shape (N, D)

    Returns
    -------
    list of Neighbors, bottom first
    """
    values, to_go, pairs = [y, *every(net)], -log_prior, []
    for level in reversed(range(len(net.upward))):
        below, above = values[level], values[level + 1]
        up = log_table(net.upward[level], above, statistics(net, level, below))
        down = log_table(net.downward[level], below, above).T
        pairs.insert(0, Neighbors(up, down, up - down + to_go))
        to_go = expected(pairs[0])                          # V(h_l) = E[log q - log p + V(h_{l+1})], given h_l
    return pairs


def expected(pair):
    """The cost to go from each row: its cells, averaged over q."""
    return (np.exp(pair.up) * pair.costs).sum(1)


def climbs(pairs):
    """The joint distribution of each pair of neighbors under the data and q; its columns sum to q(h_{l+1})."""
    share = np.full(len(pairs[0].up), 1 / len(pairs[0].up))
    for pair in pairs:
        joint = share[:, None] * np.exp(pair.up)
        share = joint.sum(0)
        yield joint


def log_marginals(pairs, log_prior):
    """log p(y) of each datum: the prior, carried down from the top layer by layer, log p(h_l) at each."""
    for pair in reversed(pairs):
        log_prior = logsumexp(pair.down + log_prior, axis=1)
    return log_prior


def terms(pairs, log_prior):
    """The averages over the data of the free energy, of -log p(y), and of what is between them."""
    bound, cost = float(expected(pairs[0]).mean()), float(-log_marginals(pairs, log_prior).mean())
    return Terms(bound, cost, bound - cost)


def slopes(net, pairs, y):
    """The gradient of the average free energy, for the arrows that lead up and those that lead down.

    An arrow that leads down meets only its own term, -log p. An arrow that leads up moves the weight of whole branches:
    the derivative is <(cost - V) d log q>, the score function with the expected cost as its baseline, all of it summed.
    """
    values, up, down = [y, *every(net)], [], []
    for level, (pair, joint) in enumerate(zip(pairs, climbs(pairs))):
        below, above = statistics(net, level, values[level]), values[level + 1]
        arrow = net.downward[level]
        expected_below = arrow.layer.mean(natural(arrow, above))
        gap = below.T @ joint - expected_below.T * joint.sum(0)
        down.append(_gradient(arrow, -gap @ above, -gap.sum(1)))
        excess = joint * (pair.costs - expected(pair)[:, None])
        up.append(_gradient(net.upward[level], (below.T @ excess @ above).T, excess.sum(0) @ above))
    return tuple(up), tuple(down)
