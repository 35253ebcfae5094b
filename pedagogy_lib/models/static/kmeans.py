"""K-means: the Gaussian mixture whose common covariance has shrunk to nothing.

With covariance epsilon I in every class and epsilon going to zero, the posterior (Eq. 7.1) puts
all of its mass on the nearest mean. What is left of the model are the means. It has no ``sample``
and no ``log_marginal``: a density of zero width assigns no density to data.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D).

References
----------
Section 7.1.1.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks, kernels


class Parameters(NamedTuple):
    """What there is to know.

    means : ndarray, shape (K, D)
    """

    means: np.ndarray


class Posterior(NamedTuple):
    """Where all of the mass is.

    probabilities : ndarray, shape (N, K), one-hot: 1 at the nearest mean; of equally near ones, the first
    """

    probabilities: np.ndarray


class Statistics(NamedTuple):
    """All that the M step needs to know of the data, averaged over N observations.

    shares : ndarray, shape (K,), the fraction of the data that is nearest to mean k
    sums : ndarray, shape (K, D), <X_k Y>
    loss : float, the mean squared distance to the nearest mean
    """

    shares: np.ndarray
    sums: np.ndarray
    loss: float


def start(y, k, rng):
    """Choose ``k`` observations as starting means, far from each other: k-means++.

    Each next mean is an observation, drawn with probability proportional to its squared distance
    to the nearest mean so far.

    Parameters
    ----------
    y : array_like, shape (N, D)
    k : int
    rng : numpy.random.Generator

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If there are fewer than ``k`` different observations.
    """
    y = checks.array("y", y, ("N", "D"))
    k, rng = checks.count("k", k), checks.generator("rng", rng)
    if len(np.unique(y, axis=0)) < k:
        raise ValueError(f"k: expected at most the number of different observations, got {k}")
    means = [y[rng.integers(len(y))]]
    while len(means) < k:
        distances = _squared_distances(means, y).min(1)
        means.append(y[rng.choice(len(y), p=distances / distances.sum())])
    return Parameters(np.array(means))


def squared_distances(params, y):
    """||y_n - mu_k||^2 for every n and k.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N, K)
    """
    return _squared_distances(*_checked_pair(params, y))


def _squared_distances(means, y):
    # Differences first, one class at a time: expanding the square would cancel digits.
    return np.stack([((y - mean) ** 2).sum(1) for mean in means], axis=1)


def posterior(params, y):
    """Assign each observation to its nearest mean, one-hot; of equally near ones, to the first.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)

    Returns
    -------
    Posterior

    References
    ----------
    Section 7.1.1, the E step of K-means.
    """
    distances = squared_distances(params, y)
    return Posterior(np.eye(distances.shape[1])[distances.argmin(1)])


def expected_statistics(params, y, backend="auto"):
    """The E step: assign, then count and sum.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    backend : {"auto", "numba", "numpy"}

    Returns
    -------
    Statistics
    """
    means, y = _checked_pair(params, y)
    kernel = kernels.choose("kmeans", backend)
    counts, sums, cost = (_assign if kernel is None else kernel.assign)(means, y)
    return Statistics(counts / len(y), sums / len(y), cost / len(y))     # <X_k>, <X_k Y>


def _assign(means, y):
    """Counts, sums and the cost: one-hot rows, of which the first minimum takes all."""
    distances = _squared_distances(means, y)
    nearest = np.eye(len(means))[distances.argmin(1)]
    return nearest.sum(0), nearest.T @ y, distances.min(1).sum()


def observed_statistics(assignments, y):
    """The same statistics for classes that are known.

    Parameters
    ----------
    assignments : array_like, shape (N, K)
        Rows sum to one; one-hot where each observation has one class.
    y : array_like, shape (N, D)

    Returns
    -------
    Statistics
        Its loss is NaN.
    """
    y = checks.array("y", y, ("N", "D"))
    r = checks.probabilities("assignments", assignments, (len(y), "K"))
    return Statistics(r.mean(0), r.T @ y / len(y), np.nan)


def maximize(statistics):
    """The M step: each mean moves to the average of its observations.

    Parameters
    ----------
    statistics : Statistics

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If some mean is nearest to no observation. Start again, from `start`.

    References
    ----------
    Section 7.1.1, the M step of K-means.
    """
    statistics = checks.record("statistics", statistics, shares="K", sums="KD")
    if (statistics.shares <= 0).any():
        empty = int(np.argmin(statistics.shares))
        raise ValueError(
            f"statistics.shares: expected data nearest to every mean, got none for mean {empty}; "
            "start again from other means"
        )
    return Parameters(statistics.sums / statistics.shares[:, None])


def _checked_pair(params, y):
    """The means, one at least, and observations that fit them, one at least."""
    means = checks.array("params.means", params.means, ("K", "D"))
    if 0 in means.shape:
        raise ValueError(f"params.means: expected one mean and one dimension at least, got shape {means.shape}")
    y = checks.observations("y", y, means.shape[1])
    if len(y) == 0:
        raise ValueError("y: expected one observation at least, got none")
    return means, y
