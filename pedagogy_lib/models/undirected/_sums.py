"""The sums of a harmonium: over one layer in closed form, over the other by trying all its values.

``params`` is a triple of weights, hidden and visible layer, which has been checked.
"""

import numpy as np
from scipy.special import logsumexp

#: A layer of more states than this is not summed over.
MOST = 2**16


def conditional(layer, weights, other, values):
    """The natural parameters and the means of a layer given rows of values of the other; weights has its rows."""
    eta = np.ravel(layer.biases) + other.statistics(values) @ weights.T
    with np.errstate(over="ignore"):
        return eta, layer.mean(eta)


def heights(layer, other, weights, values):
    """The log of a layer's unnormalized marginal: log h + b'T + A of the other; W has the other's rows."""
    T = layer.statistics(values)
    with np.errstate(over="ignore"):
        normalizers = other.log_partition(np.ravel(other.biases) + T @ weights.T)
    return layer.log_base(values) + T @ np.ravel(layer.biases) + normalizers


def sums_hidden(params):
    """Whether the sum goes over the hidden layer: the one of fewer states."""
    return params.hidden.states <= params.visible.states


def summed(params):
    """All values of the layer that is summed over, their probabilities, and log Z."""
    W, hidden, visible = params
    one, other, weights = (hidden, visible, W.T) if sums_hidden(params) else (visible, hidden, W)
    if one.states > MOST:
        raise ValueError(
            f"params: expected a layer of at most {MOST} states for an exact sum, got {hidden.states} and "
            f"{visible.states}; estimate log Z with annealed_importance"
        )
    every = one.every()
    logs = heights(one, other, weights, every)
    total = logsumexp(logs)
    if not np.isfinite(total):
        raise ValueError(f"params: expected weights for which Z is a number, got log Z = {total}")
    return every, np.exp(logs - total), float(total)


def averages(params, T, U, weights):
    """<T U'>, <T> and <U>, in the places of the parameters, and of their type."""
    W, hidden, visible = params
    typed = lambda found, like: found.reshape(np.shape(like)).astype(W.dtype, copy=False)
    return type(params)(
        typed((T * weights[:, None]).T @ U, W),
        type(hidden)(typed(weights @ T, hidden.biases)),
        type(visible)(typed(weights @ U, visible.biases)),
    )
