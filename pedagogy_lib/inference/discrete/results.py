"""What the forward-backward algorithm and Viterbi's find, and what they raise where the data are impossible.

`ImpossibleError` is a building block: it trusts the step that it is given.
"""

from typing import NamedTuple

import numpy as np


class Filtered(NamedTuple):
    """What the filter found.

    predicted : ndarray, shape (T, K), p(x_t | y_1 ... y_{t-1}); the first row is p(x_1)
    probabilities : ndarray, shape (T, K), p(x_t | y_1 ... y_t)
    log_likelihoods : ndarray, shape (T,), log p(y_t | y_1 ... y_{t-1})
    logs : pair of ndarray, shape (T, K), or None; the logarithms of ``predicted`` and of
        ``probabilities``, where floats cannot hold these and what is lost could matter
    """

    predicted: np.ndarray
    probabilities: np.ndarray
    log_likelihoods: np.ndarray
    logs: tuple | None = None

    @property
    def log_likelihood(self):
        """log p(y_1 ... y_T) (Eq. 2.40)."""
        return float(self.log_likelihoods.sum())


class Smoothed(NamedTuple):
    """What the smoother found.

    probabilities : ndarray, shape (T, K), the textbook's gamma_t: p(x_t | y_1 ... y_T) (Eq. 2.43)
    pair_sums : ndarray, shape (K, K); entry i, j is the sum over t of
        p(x_t = i, x_{t-1} = j | y_1 ... y_T), the expected number of moves from j to i
    """

    probabilities: np.ndarray
    pair_sums: np.ndarray


class Path(NamedTuple):
    """The most probable sequence of states.

    states : ndarray of int, shape (T,)
    log_probability : float, log p(x_1 ... x_T, y_1 ... y_T)
    """

    states: np.ndarray
    log_probability: float


class ImpossibleError(ValueError):
    """An observation has probability zero, given those before it.

    t : int, its time step, counted from 0
    """

    def __init__(self, t, name="log_emissions"):
        super().__init__(
            f"{name}: expected observations that the model can emit, got one of probability zero at "
            f"time step {t}, given those before it"
        )
        self.t, self.name = t, name

    def __reduce__(self):
        return type(self), (self.t, self.name)

    def about(self, name):
        """The same error, about an argument of another name."""
        return ImpossibleError(self.t, name)
