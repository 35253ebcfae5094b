"""Exercises of section 7.1: EM for the Gaussian mixture model, and K-means."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _soft_data(rng):
    """Responsibilities and data, for two sizes."""
    return [
        (rng.dirichlet(np.ones(k), size=n), 5 + rng.normal(size=(n, d))) for n, d, k in ((12, 2, 3), (20, 3, 2))
    ]


def _means(responsibilities, y):
    return responsibilities.T @ y / responsibilities.sum(0)[:, None]


def _hard_means(responsibilities, y):
    hard = np.eye(responsibilities.shape[1])[responsibilities.argmax(1)]
    return hard.T @ y / hard.sum(0)[:, None]


MEANS = Task(
    "7.1-a",
    "update_means(responsibilities, y), with shapes (N, K) and (N, D), returning (K, D)",
    _means,
    _soft_data,
    (
        Mistake(
            "divided by the number of observations",
            lambda responsibilities, y: responsibilities.T @ y / len(y),
            "This is <X_k Y>. A mean is <X_k Y> / <X_k>: divide by the share of class k, not by all of N.",
        ),
        Mistake(
            "did not divide",
            lambda responsibilities, y: responsibilities.T @ y,
            "These are weighted sums. A weighted average also divides by the sum of the weights, class by class.",
        ),
        Mistake(
            "assigned hard",
            _hard_means,
            "You gave each observation to its most probable class. That is the M step of K-means; EM lets every "
            "class take its share of every observation.",
        ),
        Mistake(
            "transposed",
            lambda responsibilities, y: _means(responsibilities, y).T,
            "The numbers are right and the axes are swapped: one row for each class, shape (K, D).",
        ),
    ),
)


def _covariances(responsibilities, y, means):
    centred = y[:, None, :] - means
    weighted = np.einsum("nk,nki,nkj->kij", responsibilities, centred, centred)
    return weighted / responsibilities.sum(0)[:, None, None]


def _covariance_cases(rng):
    return [(r, y, _means(r, y)) for r, y in _soft_data(rng)]


def _about_global_mean(responsibilities, y, means):
    return _covariances(responsibilities, y, np.broadcast_to(y.mean(0), means.shape))


def _diagonal_only(responsibilities, y, means):
    return _covariances(responsibilities, y, means) * np.eye(y.shape[1])


COVARIANCES = Task(
    "7.1-b",
    "update_covariances(responsibilities, y, means), with shapes (N, K), (N, D), (K, D), returning (K, D, D)",
    _covariances,
    _covariance_cases,
    (
        Mistake(
            "divided by the number of observations",
            lambda responsibilities, y, means: _covariances(responsibilities, y, means)
            * responsibilities.mean(0)[:, None, None],
            "Divide by the share of class k, not by all of N: a rare class is not a tight class.",
        ),
        Mistake(
            "centred on the mean of all data",
            _about_global_mean,
            "You measured the spread about the mean of all the data. Each class spreads about its own mean.",
        ),
        Mistake(
            "forgot the mean",
            lambda responsibilities, y, means: _covariances(responsibilities, y, np.zeros_like(means)),
            "This is the raw second moment, <X_k Y Y^T> / <X_k>. Take mu_k mu_k^T away.",
        ),
        Mistake(
            "kept the diagonal only",
            _diagonal_only,
            "The variances are right and the covariances are missing: use the outer product of each deviation "
            "with itself, not its square.",
        ),
        Mistake(
            "forgot the responsibilities",
            lambda responsibilities, y, means: _covariances(np.ones_like(responsibilities), y, means),
            "Every class here uses all the data equally. Weight each outer product by the responsibility.",
        ),
    ),
)


def _assign(y, means):
    distances = ((y[:, None, :] - means) ** 2).sum(2)
    return np.eye(len(means))[distances.argmin(1)]


def _assign_cases(rng):
    return [(rng.normal(size=(9, 2)), rng.normal(size=(3, 2))), (rng.normal(size=(8, 3)), rng.normal(size=(4, 3)))]


def _farthest(y, means):
    distances = ((y[:, None, :] - means) ** 2).sum(2)
    return np.eye(len(means))[distances.argmax(1)]


def _soft_assign(y, means):
    distances = ((y[:, None, :] - means) ** 2).sum(2)
    weights = np.exp(-0.5 * (distances - distances.min(1, keepdims=True)))
    return weights / weights.sum(1, keepdims=True)


ASSIGN = Task(
    "7.1-c",
    "assign(y, means), with shapes (N, D) and (K, D), returning one-hot rows of shape (N, K)",
    _assign,
    _assign_cases,
    (
        Mistake(
            "took the farthest mean",
            _farthest,
            "You chose the largest distance. K-means minimises.",
        ),
        Mistake(
            "assigned softly",
            _soft_assign,
            "These are the responsibilities of a mixture with covariance I. Let the covariance go to zero: each "
            "row becomes one-hot.",
        ),
        Mistake(
            "compared the wrong way",
            lambda y, means: _assign(means, y).T,
            "You gave each mean its nearest observation. Each observation must get its nearest mean, so that "
            "every row has exactly one 1.",
        ),
        Mistake(
            "used inner products",
            lambda y, means: np.eye(len(means))[(y @ means.T).argmax(1)],
            "The largest inner product favours long means. Expand ||y - mu||^2: the term ||mu||^2 differs from "
            "class to class.",
        ),
    ),
)

TASKS = (MEANS, COVARIANCES, ASSIGN)
