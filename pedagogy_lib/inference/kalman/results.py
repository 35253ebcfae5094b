"""What the filter and the smoother return."""

from typing import NamedTuple

import numpy as np


class Filtered(NamedTuple):
    """What the filter found. B sequences add a first axis of length B to every field.

    predicted_means : ndarray, shape (T, K), the textbook's x_{t|t-1} (Eq. 2.46)
    predicted_covariances : ndarray, shape (T, K, K), Y_{t|t-1} (Eq. 2.46)
    means : ndarray, shape (T, K), x_{t|t} (Eq. 2.45)
    covariances : ndarray, shape (T, K, K), Y_{t|t} (Eq. 2.45)
    log_likelihoods : ndarray, shape (T,), log p(y_t | y_1 ... y_{t-1}), 0 where y_t is missing
    roots : ndarray, shape (T, K, K), or None; with ``method="sqrt"`` the lower triangular roots
        of ``covariances``, which the smoother needs to keep its digits

    Sequences that miss the same observations share their covariances: these are then one array
    seen B times, and read-only.
    """

    predicted_means: np.ndarray
    predicted_covariances: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    log_likelihoods: np.ndarray
    roots: np.ndarray | None = None

    @property
    def log_likelihood(self):
        """log p(y_1 ... y_T), a number, or shape (B,) (Eq. 2.40)."""
        return self.log_likelihoods.sum(-1)


class Corrected(NamedTuple):
    """What one observation changed.

    belief : Gaussian, p(x_t | y_1 ... y_t)
    log_likelihood : float, or ndarray of shape (B,), log p(y_t | y_1 ... y_{t-1})
    innovation_root : ndarray, shape (L, L), lower triangular root of the covariance of y_t, from
        which `guards` tell whether rounding has taken over
    """

    belief: tuple
    log_likelihood: float
    innovation_root: np.ndarray


class Smoothed(NamedTuple):
    """What the smoother found. B sequences add a first axis of length B to every field.

    means : ndarray, shape (T, K), x_{t|T} (Eq. 2.50)
    covariances : ndarray, shape (T, K, K), Y_{t|T} (Eq. 2.50)
    cross_covariances : ndarray, shape (T-1, K, K); row t is Cov[x_{t+1}, x_t | y_1 ... y_T],
        counting from 0 (Eq. 2.55)
    gains : ndarray, shape (T-1, K, K), J_t (Eq. 2.53); None from `adjoint_smoother`, which has none
    """

    means: np.ndarray
    covariances: np.ndarray
    cross_covariances: np.ndarray
    gains: np.ndarray | None
