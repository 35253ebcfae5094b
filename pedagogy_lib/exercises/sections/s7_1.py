"""Exercises of section 7.1: EM for the Gaussian mixture model, K-means, and how many classes."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _soft_data(rng):
    """Responsibilities and data, for two sizes."""
    return [(rng.dirichlet(np.ones(k), size=n), 5 + rng.normal(size=(n, d))) for n, d, k in ((12, 2, 3), (20, 3, 2))]


def _covariance_cases(rng):
    return [(r, y, update_means(r, y)) for r, y in _soft_data(rng)]


def _assign_cases(rng):
    return [(rng.normal(size=(9, 2)), rng.normal(size=(3, 2))), (rng.normal(size=(8, 3)), rng.normal(size=(4, 3)))]


@task("7.1-a", cases=_soft_data)
def update_means(responsibilities, y):
    """With shapes (N, K) and (N, D), returning (K, D)."""
    return responsibilities.T @ y / responsibilities.sum(0)[:, None]


@update_means.mistake(
    "divided by the number of observations",
    "This is <X_k Y>. A mean is <X_k Y> / <X_k>: divide by the share of class k, not by all of N.",
)
def _(responsibilities, y):
    return responsibilities.T @ y / len(y)


@update_means.mistake(
    "did not divide",
    "These are weighted sums. A weighted average also divides by the sum of the weights, class by class.",
)
def _(responsibilities, y):
    return responsibilities.T @ y


@update_means.mistake(
    "assigned hard",
    "You gave each observation to its most probable class. That is the M step of K-means; EM lets every "
    "class take its share of every observation.",
)
def _hard_means(responsibilities, y):
    hard = np.eye(responsibilities.shape[1])[responsibilities.argmax(1)]
    return hard.T @ y / hard.sum(0)[:, None]


@update_means.mistake(
    "transposed",
    "The numbers are right and the axes are swapped: one row for each class, shape (K, D).",
)
def _(responsibilities, y):
    return update_means(responsibilities, y).T


@task("7.1-b", cases=_covariance_cases, stars=2)
def update_covariances(responsibilities, y, means):
    """With shapes (N, K), (N, D), (K, D), returning (K, D, D)."""
    centered = y[:, None, :] - means
    weighted = np.einsum("nk,nki,nkj->kij", responsibilities, centered, centered)
    return weighted / responsibilities.sum(0)[:, None, None]


@update_covariances.mistake(
    "divided by the number of observations",
    "Divide by the share of class k, not by all of N: a rare class is not a tight class.",
)
def _(responsibilities, y, means):
    return update_covariances(responsibilities, y, means) * responsibilities.mean(0)[:, None, None]


@update_covariances.mistake(
    "centered on the mean of all data",
    "You measured the spread about the mean of all the data. Each class spreads about its own mean.",
)
def _about_global_mean(responsibilities, y, means):
    return update_covariances(responsibilities, y, np.broadcast_to(y.mean(0), means.shape))


@update_covariances.mistake(
    "forgot the mean",
    "This is the raw second moment, <X_k Y Y^T> / <X_k>. Take mu_k mu_k^T away.",
)
def _(responsibilities, y, means):
    return update_covariances(responsibilities, y, np.zeros_like(means))


@update_covariances.mistake(
    "kept the diagonal only",
    "The variances are right and the covariances are missing: use the outer product of each deviation "
    "with itself, not its square.",
)
def _diagonal_only(responsibilities, y, means):
    return update_covariances(responsibilities, y, means) * np.eye(y.shape[1])


@update_covariances.mistake(
    "forgot the responsibilities",
    "Every class here uses all the data equally. Weight each outer product by the responsibility.",
)
def _(responsibilities, y, means):
    return update_covariances(np.ones_like(responsibilities), y, means)


def _assign_edges():
    """Points that the largest coordinate, the sum of all, or the inner product would give to another mean."""
    return [
        (np.array([[1.0, 0.0], [3.0, 0.5]]), np.array([[1.0, 0.5], [4.0, 0.0]])),
        (np.array([[2.0, 2.0], [2.2, 1.9]]), np.array([[0.0, 0.0], [4.5, 1.0]])),
        (np.array([[3.0, 0.0], [0.1, 2.9]]), np.array([[0.0, 0.0], [1.2, 2.2]])),
    ]


@task("7.1-c", cases=_assign_cases, edges=_assign_edges, stars=2)
def assign(y, means):
    """With shapes (N, D) and (K, D), returning one-hot rows of shape (N, K)."""
    distances = ((y[:, None, :] - means) ** 2).sum(2)
    return np.eye(len(means))[distances.argmin(1)]


@assign.mistake(
    "took the farthest mean",
    "You chose the largest distance. K-means minimizes.",
)
def _farthest(y, means):
    distances = ((y[:, None, :] - means) ** 2).sum(2)
    return np.eye(len(means))[distances.argmax(1)]


@assign.mistake(
    "assigned softly",
    "These are the responsibilities of a mixture with covariance I. Let the covariance go to zero: each "
    "row becomes one-hot.",
)
def _soft_assign(y, means):
    distances = ((y[:, None, :] - means) ** 2).sum(2)
    weights = np.exp(-0.5 * (distances - distances.min(1, keepdims=True)))
    return weights / weights.sum(1, keepdims=True)


@assign.mistake(
    "compared the wrong way",
    "You gave each mean its nearest observation. Each observation must get its nearest mean, so that "
    "every row has exactly one 1.",
)
def _(y, means):
    return assign(means, y).T


@assign.mistake(
    "used inner products",
    "The largest inner product favors long means. Expand ||y - mu||^2: the term ||mu||^2 differs from class to class.",
)
def _(y, means):
    return np.eye(len(means))[(y @ means.T).argmax(1)]


def _bic_cases(rng):
    """Numbers of classes, losses per datum, how many data and in how many dimensions."""
    sizes = (4, 300, 2), (5, 80, 3), (3, 1000, 1)
    return [(np.arange(1, m + 1), np.sort(rng.uniform(1, 5, m))[::-1], n, d) for m, n, d in sizes]


def _cost(kinds, losses, n, numbers):
    return n * np.asarray(losses) + 0.5 * np.log(n) * numbers


@task("7.1-d", cases=_bic_cases, stars=2, points=3)
def bic(kinds, losses, n, d):
    """With shapes (M,) and (M,) and two whole numbers, returning an array of shape (M,)."""
    kinds = np.asarray(kinds)
    return _cost(kinds, losses, n, kinds - 1 + kinds * d + d * (d + 1) / 2)


@bic.mistake(
    "a covariance for every class",
    "You counted a covariance for each class. Here all classes share one.",
)
def _bic_own_covariances(kinds, losses, n, d):
    return _cost(kinds, losses, n, kinds - 1 + kinds * d + kinds * d * (d + 1) / 2)


@bic.mistake(
    "all of the weights",
    "You counted K weights. They sum to one, so that K - 1 are free.",
)
def _bic_weights(kinds, losses, n, d):
    return _cost(kinds, losses, n, kinds + kinds * d + d * (d + 1) / 2)


@bic.mistake(
    "every entry of the covariance",
    "You counted all d x d entries of the covariance. It is symmetric, so that d (d + 1) / 2 are free.",
)
def _bic_square(kinds, losses, n, d):
    return _cost(kinds, losses, n, kinds - 1 + kinds * d + d * d)


@bic.mistake(
    "per datum",
    "The losses are per datum, and BIC is for all of the data: multiply them by n.",
)
def _bic_per_datum(kinds, losses, n, d):
    return np.asarray(losses) + 0.5 * np.log(n) * (kinds - 1 + kinds * d + d * (d + 1) / 2)


@bic.mistake(
    "twice as large",
    "This is twice the BIC in nats. Statisticians often print it so; the task asks for the cost, with half of log n.",
)
def _bic_twice(kinds, losses, n, d):
    return 2 * bic(kinds, losses, n, d)
