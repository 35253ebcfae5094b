"""Contrastive encoder: a network whose features of two views tell which views belong together.

::

    f(y)     layers, from D numbers to E features; the same for both views
    h(y, z)  = f(y)' W f(z)                        the score of y as the partner of z
    loss     = <-log softmax over k of h(y^k, z^n), at k = n>

The data are pairs, ``Pairs(first, second)``: rows n of both belong together, such as two patches cut close to each
other. Within a batch the partners of all other rows serve as wrong candidates, so that the batch's size is K: with
batches of another size it is another loss. With its logarithm added, minus the loss is a bound of what the two views
have in common (`information`); `pedagogy_lib.learning.objectives.info_nce` has the loss itself.

Three verbs are missing, because the model has no distribution of the data, only scores of pairs. There is no
``sample`` and no ``log_marginal``, and instead of a posterior of latents there is a function, `encode`.

References
----------
Section 10.1.2, Eqs. 10.6, 10.7, and the bilinear score below Eq. 10.11. A. van den Oord, Y. Li and O. Vinyals (2018).
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import networks
from pedagogy_lib.learning.networks import feedforward
from pedagogy_lib.learning.objectives import info_nce


class Parameters(NamedTuple):
    """What there is to learn.

    layers : tuple of layers, from D inputs to E features
    bilinear : ndarray, shape (E, E), W
    """

    layers: tuple
    bilinear: np.ndarray


class Pairs(NamedTuple):
    """Views that belong together, row by row, each of shape (N, D)."""

    first: np.ndarray
    second: np.ndarray


def start(y, hidden, layer, features, rng):
    """Draw weights to start learning from.

    Parameters
    ----------
    y : Pairs
    hidden : sequence of ints
        The units of each hidden layer.
    layer : class
        Of the hidden layers, such as `networks.Tanh`.
    features : int, E
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
        Of the type of the views: float32 if they are, else float64. W is the identity over E.
    """
    first = checks.numbers("y.first", _pair(y).first)
    if first.ndim != 2:
        raise ValueError(f"y.first: expected shape (N, D), a view in each row, got {first.shape}")
    dtype = np.dtype(np.float32 if first.dtype == np.float32 else np.float64)
    features, rng = checks.count("features", features), checks.generator("rng", rng)
    layers = networks.start((first.shape[1], *hidden, features), rng, layer, networks.Linear, dtype=dtype)
    params = Parameters(layers, np.eye(features, dtype=dtype) / features)
    _checked(params, y)
    return params


def encode(params, y):
    """The features of each row.

    Parameters
    ----------
    y : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N, E)
    """
    _check(params)
    return feedforward.forward(params.layers, y).output


def scores(params, y):
    """h(y^k, z^n) for all rows: z from the first views, candidates from the second.

    Parameters
    ----------
    y : Pairs

    Returns
    -------
    ndarray, shape (N, N)
        Row n belongs to first view n, column k to second view k.
    """
    z, y = _checked(params, y)
    return _scores(params, feedforward.run(params.layers, z).output, feedforward.run(params.layers, y).output)


def information(params, y):
    """What the scores prove of the information that the two views share, in nats: at most log N.

    Parameters
    ----------
    y : Pairs
        Others than those that were learned.

    Returns
    -------
    float
    """
    return info_nce.information(scores(params, y))


def loss(params, y, rng=None):
    """The cross entropy of picking each row's partner among all N.

    Parameters
    ----------
    y : Pairs
    rng : None
        Not used: nothing here is random.

    Returns
    -------
    float

    References
    ----------
    Eq. 10.7.
    """
    return info_nce.loss(scores(params, y))


def value_and_gradient(params, y, rng=None):
    """The loss and its gradient, from one pass of both views through the layers and back.

    Returns
    -------
    float, Parameters
    """
    z, y = _checked(params, y)
    W, N = params.bilinear, len(y)
    record = feedforward.run(params.layers, np.concatenate([z, y]))
    of_z, of_y = record.output[:N], record.output[N:]
    value, slope = info_nce.value_and_slope(_scores(params, of_z, of_y))
    slope = slope.astype(W.dtype)
    to_z, to_y = slope @ (of_y @ W), slope.T @ (of_z @ W.T)  # of h = f(y)' W f(z), by each of its factors
    back = feedforward.run_back(params.layers, record, np.concatenate([to_z, to_y]), input_gradient=False)
    return value, Parameters(back.params, of_y.T @ slope.T @ of_z)


# --- the pieces, and the checks ------------------------------------------------------------------


def _scores(params, of_z, of_y):
    return of_z @ params.bilinear.T @ of_y.T


def _pair(y):
    if not isinstance(y, tuple) or len(y) != 2:
        raise TypeError(f"y: expected Pairs, two arrays, got {type(y).__name__}")
    return Pairs(*y)


def _check(params):
    if not isinstance(params, Parameters):
        raise TypeError(f"params: expected Parameters, got {type(params).__name__}")
    feedforward.check_layers(params.layers, "params.layers")
    last, W = params.layers[-1], params.bilinear
    E = len(last.biases)
    if not isinstance(W, np.ndarray) or W.shape != (E, E):
        got = f"{type(W).__name__} of {np.shape(W)}"
        raise ValueError(f"params.bilinear: expected an array of shape {(E, E)}, got {got}")
    if W.dtype != last.weights.dtype:
        raise ValueError(f"params.bilinear: expected {last.weights.dtype} as in the layers, got {W.dtype}")
    checks.array("params.bilinear", W)


def _checked(params, y):
    _check(params)
    first, second = _pair(y)
    weights = params.layers[0].weights
    first, second = feedforward.inputs("y.first", first, weights), feedforward.inputs("y.second", second, weights)
    if len(first) != len(second) or len(first) < 2:
        raise ValueError(f"y: expected as many first views as second, two at least, got {len(first)} and {len(second)}")
    return first, second
