"""The harmonium of a single moment, for many moments at once: sums over its hidden values, and draws.

``params`` are `recurrent.Parameters`, which have been checked. ``biases``, shape (N, L), has a row for each moment of
each sequence: its own b_t, which came from the moment before.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

#: More hidden states than this are not summed over.
MOST = 2**12


class Expected(NamedTuple):
    """Averages under the model, or an estimate of them: arrays of B T rows.

    hidden : ndarray, shape (BT, L), of x_t
    visible : ndarray, shape (BT, M), of U(y_t)
    products : ndarray, shape (L, M), of x_t U(y_t)', summed over the rows
    """

    hidden: np.ndarray
    visible: np.ndarray
    products: np.ndarray


def rows(values):
    """From (B, T, K) to (B T, K)."""
    return values.reshape(-1, values.shape[-1])


def every(params):
    """All hidden values, and the log of what the visible layer sums to for each: B(b_y + W'x)."""
    if params.hidden.states > MOST:
        raise ValueError(
            f"params: expected at most {MOST} hidden states for an exact sum, got {params.hidden.states}; "
            "learn by divergence"
        )
    states = params.hidden.every()
    return states, params.visible.log_partition(params.visible.biases + states @ params.weights)


def heights(params, y, biases):
    """log of the unnormalized p(y_t | past) of each row: minus the marginal energy of its harmonium."""
    y = rows(y)
    U = params.visible.statistics(y)
    summed = np.logaddexp(0, biases + U @ params.weights.T).sum(1)              # over x_t, in closed form
    return params.visible.log_base(y) + U @ params.visible.biases + summed


def model_averages(params, biases):
    """Averages under the harmonium of each row, and its log Z, by a sum over the hidden values."""
    states, free = every(params)
    logits = free + biases @ states.T
    log_Z = logsumexp(logits, axis=1)
    p = np.exp(logits - log_Z[:, None])
    means = params.visible.mean(params.visible.biases + states @ params.weights)
    return Expected(p @ states, p @ means, (states.T * p.sum(0)) @ means), log_Z


def drawn(params, biases, rng):
    """A draw of x_t for each row of biases, exact: the largest of logits and Gumbel noise."""
    states, free = every(params)
    logits = free + biases @ states.T
    return states[(logits + rng.gumbel(size=logits.shape)).argmax(1)]


def swept(params, biases, rng, sweeps):
    """The same by a chain, which begins at coins that have not seen anything yet."""
    x = params.hidden.draw(biases, rng)
    for _ in range(sweeps):
        U = params.visible.statistics(params.visible.draw(params.visible.biases + x @ params.weights, rng))
        x = params.hidden.draw(biases + U @ params.weights.T, rng)
    return x
