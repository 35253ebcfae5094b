"""The sums of a harmonium whose two layers both have infinitely many values: over what is finite, and in closed form.

Units of finitely many values (coins, dice) may stand in both layers beside others. Once all of them are settled, what
is left is independent, but for Gaussian units, of which some are above and some below: these have a joint Gaussian.
With g for their natural parameters, from both layers, and V for the weights between them,

    sum over the rest = prod exp A(eta) * |J|^(-1/2) exp(g'J^-1 g / 2),     J = [[I, -V], [-V', I]]

so that log Z is a finite sum of such terms. ``params`` is a triple of weights, hidden and visible layer, checked.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib.distributions.exponential_family.layers import Gaussian
from pedagogy_lib.models.undirected._consistency import parts_of
from pedagogy_lib.models.undirected._sums import MOST


class Side(NamedTuple):
    """One layer, for every setting of what is finite in both.

    parts : list of pairs, a layer of one family and the places of its statistics
    values : dict, of a finite part's number, its values in each setting
    statistics : ndarray, shape (n, M), of the finite parts, 0 elsewhere
    logs : ndarray, shape (n,), the finite parts' log base measures and biases
    eta : ndarray, shape (n, M), the natural parameters, given the other layer's finite parts
    """

    parts: list
    values: dict
    statistics: np.ndarray
    logs: np.ndarray
    eta: Any


class Settings(NamedTuple):
    """Every setting of the finite parts, n of them, and what follows for the rest.

    p : ndarray, shape (n,), their probabilities
    log_partition : float
    sides : the hidden layer and the visible one
    means : tuple of ndarray, shapes (n, L) and (n, M), the expected statistics in each setting
    covariance : ndarray, that of the Gaussian units, hidden ones first: J^-1, the same in every setting
    """

    p: np.ndarray
    log_partition: float
    sides: tuple
    means: tuple
    covariance: np.ndarray


def needed(params):
    """Whether no layer is finite, so that the sums of `_sums` have no end."""
    return min(params.hidden.states, params.visible.states) == np.inf


def settings(params):
    """Try all settings of the finite parts."""
    W, hidden, visible = params
    _check_sums(W, hidden, visible)
    sides = _sides(hidden, visible)
    x, y = (side.statistics for side in sides)
    etas = np.ravel(hidden.biases) + y @ W.T, np.ravel(visible.biases) + x @ W
    sides = tuple(side._replace(eta=eta) for side, eta in zip(sides, etas))
    logs = sides[0].logs + sides[1].logs + ((x @ W) * y).sum(1)
    for part, places, side in _unsettled(sides):
        if type(part) is not Gaussian:
            logs = logs + part.log_partition(side.eta[:, places])
    above, below = (_gaussians(side.parts) for side in sides)
    V = W[np.ix_(above, below)]
    J = np.block([[np.eye(len(above)), -V], [-V.T, np.eye(len(below))]])
    g = np.hstack([etas[0][:, above], etas[1][:, below]])
    centers = np.linalg.solve(J, g.T).T
    logs = logs + 0.5 * (g * centers).sum(1) - 0.5 * np.linalg.slogdet(J)[1]
    total = logsumexp(logs)
    if not np.isfinite(total):
        raise ValueError(f"params: expected weights for which Z is a number, got log Z = {total}")
    means = _means(sides, (above, below), centers)
    return Settings(np.exp(logs - total), float(total), sides, means, np.linalg.inv(J))


def averages(params):
    """<T U'>, <T> and <U> under the model: in each setting T and U are independent, but for the Gaussian units."""
    W, hidden, visible = params
    found = settings(params)
    T, U = found.means
    both = (T * found.p[:, None]).T @ U
    above, below = (_gaussians(side.parts) for side in found.sides)
    both[np.ix_(above, below)] += found.covariance[: len(above), len(above) :]
    biases = [(found.p @ one).reshape(np.shape(layer.biases)) for one, layer in zip(found.means, params[1:])]
    return type(params)(both, type(hidden)(biases[0]), type(visible)(biases[1]))


def draw(params, n, rng):
    """Draw n pairs: first a setting, then the Gaussian units together, and all others alone.

    Returns
    -------
    two ndarrays, values of the hidden and of the visible layer
    """
    found = settings(params)
    chosen = rng.choice(len(found.p), n, p=found.p)
    root = np.linalg.cholesky(found.covariance)
    deviations = rng.standard_normal((n, len(root))) @ root.T
    drawn = []
    for side, means in zip(found.sides, found.means):
        blocks = []
        for i, (part, places) in enumerate(side.parts):
            if i in side.values:
                blocks.append(side.values[i][chosen])
            elif type(part) is Gaussian:                    # the hidden units' deviations come first
                own, deviations = np.split(deviations, [len(places)], axis=1)
                blocks.append(means[chosen][:, places] + own)
            else:
                blocks.append(part.draw(side.eta[chosen][:, places], rng))
        drawn.append(np.hstack(blocks))
    return tuple(drawn)


# --- the pieces ---------------------------------------------------------------------------------


def _check_sums(W, hidden, visible):
    """Refuse weights between infinite units for which no closed form is known."""
    for part, rows in parts_of(hidden):
        for other, columns in parts_of(visible):
            infinite = min(part.states, other.states) == np.inf
            if infinite and {type(part), type(other)} != {Gaussian} and W[np.ix_(rows, columns)].any():
                raise ValueError(
                    f"params.weights: expected weights of 0 between {type(part).__name__} and {type(other).__name__} "
                    "units for an exact sum, got others; estimate log Z with annealed_importance"
                )
    n = np.prod([part.states for layer in (hidden, visible) for part, _ in parts_of(layer) if part.states < np.inf])
    if n > MOST:
        raise ValueError(f"params: expected at most {MOST} settings of the finite units for an exact sum, got {n:g}")


def _sides(hidden, visible):
    """Both layers in every setting: each of one with each of the other."""
    one, other = _alone(hidden), _alone(visible)
    n, m = len(one.logs), len(other.logs)
    spread = lambda side, turn: side._replace(
        values={i: turn(v) for i, v in side.values.items()}, statistics=turn(side.statistics), logs=turn(side.logs)
    )
    return spread(one, lambda rows: np.repeat(rows, m, 0)), spread(other, lambda rows: np.concatenate([rows] * n))


def _alone(layer):
    """One layer, over the settings of its own finite parts."""
    parts, values, n = parts_of(layer), {}, 1
    for i, (part, _) in enumerate(parts):
        if part.states < np.inf:
            own = part.every()
            values = {j: np.repeat(v, len(own), 0) for j, v in values.items()} | {i: np.tile(own, (n, 1))}
            n *= len(own)
    T, logs = np.zeros((n, layer.size)), np.zeros(n)
    for i, v in values.items():
        part, places = parts[i]
        T[:, places] = part.statistics(v)
        logs += part.log_base(v) + T[:, places] @ np.ravel(part.biases)
    return Side(parts, values, T, logs, None)


def _unsettled(sides):
    """The parts of infinitely many values, with their places and sides."""
    return [(part, places, side) for side in sides for part, places in side.parts if part.states == np.inf]


def _gaussians(parts):
    """The places of the Gaussian units."""
    return np.concatenate([places for part, places in parts if type(part) is Gaussian] or [np.zeros(0, int)])


def _means(sides, gaussians, centers):
    """The expected statistics of both layers in every setting."""
    found = tuple(side.statistics.copy() for side in sides)
    for mean, side in zip(found, sides):
        for part, places in side.parts:
            if part.states == np.inf and type(part) is not Gaussian:
                mean[:, places] = part.mean(side.eta[:, places])
    for mean, places, center in zip(found, gaussians, np.split(centers, [len(gaussians[0])], axis=1)):
        mean[:, places] = center
    return found
