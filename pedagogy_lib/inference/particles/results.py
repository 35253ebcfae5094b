"""What is returned: the two half-updates, and what a filter found."""

from typing import NamedTuple

import numpy as np

from pedagogy_lib.inference.particles.resampling import effective_size


class TimeUpdate(NamedTuple):
    """The particles moved: p(x_t | y_1 ... y_{t-1}).

    t : int, from 0
    particles : ndarray, shape (N, K)
    weights : ndarray, shape (N,), equal if they were resampled
    ancestors : ndarray of int, shape (N,), from which particle of t - 1 each one came
    resampled : bool
    """

    t: int
    particles: np.ndarray
    weights: np.ndarray
    ancestors: np.ndarray
    resampled: bool


class MeasurementUpdate(NamedTuple):
    """The particles were weighted by how well they explain y_t: p(x_t | y_1 ... y_t).

    t : int, from 0
    particles : ndarray, shape (N, K)
    weights : ndarray, shape (N,), summing to one
    log_likelihood : float, the estimate of log p(y_t | y_1 ... y_{t-1})
    """

    t: int
    particles: np.ndarray
    weights: np.ndarray
    log_likelihood: float


class Filtered(NamedTuple):
    """What the filter found.

    particles : ndarray, shape (T, N, K)
    weights : ndarray, shape (T, N), rows sum to one
    ancestors : ndarray of int, shape (T, N); the first row is 0 ... N - 1
    log_likelihoods : ndarray, shape (T,)
    resampled : ndarray of bool, shape (T,)
    """

    particles: np.ndarray
    weights: np.ndarray
    ancestors: np.ndarray
    log_likelihoods: np.ndarray
    resampled: np.ndarray

    @property
    def log_likelihood(self):
        """The estimate of log p(y_1 ... y_T). Its exponential is right on average, for every N."""
        return float(self.log_likelihoods.sum())

    @property
    def means(self):
        """The mean of each belief, shape (T, K)."""
        return np.einsum("tn,tnk->tk", self.weights, self.particles)

    @property
    def effective_sizes(self):
        """The effective sample size of each belief, shape (T,)."""
        return effective_size(self.weights)


class Moments(NamedTuple):
    """What the filter's beliefs come to.

    means, variances : ndarray, shape (T, K)
    log_likelihoods : ndarray, shape (T,)
    effective_sizes : ndarray, shape (T,)
    resampled : ndarray of bool, shape (T,)
    """

    means: np.ndarray
    variances: np.ndarray
    log_likelihoods: np.ndarray
    effective_sizes: np.ndarray
    resampled: np.ndarray

    @property
    def log_likelihood(self):
        """The estimate of log p(y_1 ... y_T). Its exponential is right on average, for every N."""
        return float(self.log_likelihoods.sum())
