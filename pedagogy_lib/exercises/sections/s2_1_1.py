"""Exercises of section 2.1.1: inference in the Gaussian mixture model."""

import numpy as np
from scipy.special import logsumexp, softmax
from scipy.stats import multivariate_normal

from pedagogy_lib.exercises.tasks import task


def _responsibilities_cases(rng):
    near = rng.normal(size=(6, 3)) - 2
    far = rng.normal(size=(5, 4)) * 30 - 2000  # exp of these is zero
    return [(near, np.log([0.2, 0.3, 0.5])), (far, np.log([0.7, 0.1, 0.1, 0.1]))]


def _boundary_cases(rng):
    root = rng.normal(size=(3, 3))
    return [
        (np.array([1.0, 0.0]), np.array([-1.0, 1.0]), np.array([[2.0, 0.6], [0.6, 1.0]]), 0.3, 0.7),
        (rng.normal(size=3), rng.normal(size=3), root @ root.T + np.eye(3), 0.6, 0.1),
    ]


def _log_joint(y, weights, means, covariances):
    terms = [multivariate_normal(m, c).logpdf(y) for m, c in zip(means, covariances)]
    return np.stack(terms, axis=1) + np.log(weights)


def _log_marginal_cases(rng):
    means = rng.normal(size=(3, 2)) * 3
    covariances = np.array([np.eye(2), 0.3 * np.eye(2), [[2.0, 0.5], [0.5, 1.0]]])
    weights = np.array([0.5, 0.3, 0.2])
    y = rng.normal(size=(7, 2)) * 3
    return [(y, weights, means, covariances), (100 * y, weights, means, covariances)]


def _scores(y, weights, means, covariances, invert=np.linalg.inv, sign=-1):
    """Eq. 2.8 for every row and class, or one of its wrong versions."""
    centered = y[:, None] - means
    precisions = np.array([invert(covariance) for covariance in covariances])
    squares = np.einsum("nki,kij,nkj->nk", centered, precisions, centered)
    return np.log(weights) - 0.5 * squares + sign * 0.5 * np.linalg.slogdet(covariances)[1]


def _classify_cases(rng):
    wide, narrow, tilted = (a * np.array([[2.0, r], [r, 1.0]]) for a, r in ((4, 0.3), (0.2, -0.4), (1, 1.2)))
    means = np.array([[0.0, 0.0], [0.5, 0.5], [1.5, -1.0]])
    y = 2 * rng.normal(size=(200, 2))
    return [
        (y, np.array([0.5, 0.3, 0.2]), means, np.array([wide, narrow, tilted])),
        (y, np.array([0.1, 0.1, 0.8]), means + rng.normal(size=(3, 2)), np.array([tilted, wide, narrow])),
    ]


def _torn(y, weights, means, covariances, log_density):
    """The posterior of each row, by a log density of its seen entries."""
    z = np.array([[log_density(row, m, c) for m, c in zip(means, covariances)] for row in y])
    return softmax(z + np.log(weights), axis=1)


def _log_seen(row, mean, covariance):
    seen = np.flatnonzero(~np.isnan(row))
    if not len(seen):
        return 0.0
    return multivariate_normal(mean[seen], covariance[np.ix_(seen, seen)]).logpdf(row[seen])


def _log_filled(row, mean, covariance, fill):
    return multivariate_normal(mean, covariance).logpdf(np.where(np.isnan(row), fill, row))


def _torn_cases(rng):
    roots = rng.normal(size=(3, 3, 3))
    covariances = roots @ roots.transpose(0, 2, 1) + np.array([0.3, 1.0, 3.0])[:, None, None] * np.eye(3)
    means = 2 * rng.normal(size=(3, 3))
    y = 2 * rng.normal(size=(8, 3)) + 0.5
    torn = y.copy()
    torn[[0, 1, 2, 3, 3, 4], [0, 1, 2, 0, 1, 2]] = np.nan
    torn[5] = np.nan
    return [(torn, np.array([0.5, 0.3, 0.2]), means, covariances), (y, np.array([0.2, 0.2, 0.6]), means, covariances)]


def _log_seen_by_precision(row, mean, covariance):
    seen = np.flatnonzero(~np.isnan(row))
    if not len(seen):
        return 0.0
    precision = np.linalg.inv(covariance)[np.ix_(seen, seen)]
    return multivariate_normal(mean[seen], np.linalg.inv(precision)).logpdf(row[seen])


def _responsibilities_edges():
    """Rows so far apart that no one number can be taken from all of them; and a class that cannot be."""
    apart = np.array([[-2000.0, -2001.0], [0.0, -1.0], [900.0, 890.0]])
    return [(apart, np.log([0.5, 0.5])), (np.array([[-3.0, -np.inf, -2.0]]), np.log([0.2, 0.3, 0.5]))]


@task("2.1.1-a", cases=_responsibilities_cases, edges=_responsibilities_edges)
def responsibilities(log_likelihoods, log_prior):
    """With shapes (N, K) and (K,), returning (N, K)."""
    return softmax(log_likelihoods + log_prior, axis=1)


@responsibilities.mistake(
    "forgot the prior",
    "This treats all classes as equally common. Add the log prior before the softmax (Eq. 2.6).",
)
def _(log_likelihoods, log_prior):
    return softmax(log_likelihoods, axis=1)


@responsibilities.mistake(
    "normalized over the observations",
    "Your columns sum to one. Each observation must belong to some class: it is the rows that sum to one.",
)
def _(log_likelihoods, log_prior):
    return softmax(log_likelihoods + log_prior, axis=0)


@responsibilities.mistake(
    "did not normalize",
    "This is the joint, the numerator of Eq. 2.6. Divide it by its sum over the classes.",
)
def _(log_likelihoods, log_prior):
    return np.exp(log_likelihoods + log_prior)


@responsibilities.mistake(
    "exponentiated too early",
    "Right in the first case, NaN in the second: exp(-2000) is zero in floating point, and 0/0 is NaN. "
    "Take the largest entry of each row away before you exponentiate; the softmax does not change.",
)
def _naive_softmax(log_likelihoods, log_prior):
    joint = np.exp(log_likelihoods + log_prior)
    return joint / joint.sum(1, keepdims=True)


def _unit_normal(normal, threshold):
    """The same line with a normal of length one: any positive multiple is as good."""
    return normal / np.linalg.norm(normal), threshold / np.linalg.norm(normal)


@task("2.1.1-b", cases=_boundary_cases, canonical=_unit_normal, parts=("normal", "threshold"), stars=2)
def boundary(mean_k, mean_j, covariance, prior_k, prior_j):
    """Return (normal, threshold)."""
    normal = np.linalg.solve(covariance, mean_k - mean_j)
    return normal, normal @ (mean_k + mean_j) / 2 + np.log(prior_j / prior_k)


@boundary.mistake(
    "forgot the prior",
    "Your boundary passes through the midpoint whatever the priors. The right-hand side of Eq. 2.9 moves it.",
)
def _(mean_k, mean_j, covariance, *_):
    return boundary(mean_k, mean_j, covariance, 1.0, 1.0)


@boundary.mistake(
    "priors the wrong way round",
    "Your boundary moves towards the rare class. A common class must gain ground: look at which prior is "
    "in the numerator of Eq. 2.9.",
)
def _flipped_prior(mean_k, mean_j, covariance, prior_k, prior_j):
    return boundary(mean_k, mean_j, covariance, prior_j, prior_k)


@boundary.mistake(
    "covariance not inverted",
    "The normal should be measured in precisions, not covariances: solve with the covariance, do not "
    "multiply by it. Then directions of much noise count less.",
)
def _no_inverse(mean_k, mean_j, covariance, prior_k, prior_j):
    normal = covariance @ (mean_k - mean_j)
    return normal, normal @ (mean_k + mean_j) / 2 + np.log(prior_j / prior_k)


@boundary.mistake(
    "forgot the midpoint",
    "Eq. 2.9 projects the displacement from the midpoint. Bring the midpoint's own projection to the right.",
)
def _no_midpoint(mean_k, mean_j, covariance, prior_k, prior_j):
    return np.linalg.solve(covariance, mean_k - mean_j), np.log(prior_j / prior_k)


def _log_marginal_edges():
    """Far from every mean; and a class that dominates less than it seems."""
    wide = np.array([np.eye(2), 50 * np.eye(2)])
    return [(np.array([[90.0, -80.0], [0.0, 0.0]]), np.array([0.999, 0.001]), np.zeros((2, 2)), wide)]


@task("2.1.1-c", cases=_log_marginal_cases, edges=_log_marginal_edges, stars=2)
def log_marginal(y, weights, means, covariances):
    """With shapes (N, D), (K,), (K, D), (K, D, D), returning (N,)."""
    return logsumexp(_log_joint(y, weights, means, covariances), axis=1)


@log_marginal.mistake(
    "averaged the logarithms",
    "Eq. 2.10 averages densities, and only then takes the logarithm. The log of an average is not the "
    "average of the logs: yours can only be too small.",
)
def _average_of_logs(y, weights, means, covariances):
    return (_log_joint(y, np.ones(len(weights)), means, covariances) * weights).sum(1)


@log_marginal.mistake(
    "forgot the determinant",
    "Each Gaussian needs its normalizer: -1/2 log|Sigma_k| depends on k, so it does not cancel.",
)
def _no_determinant(y, weights, means, covariances):
    half_log_determinants = 0.5 * np.linalg.slogdet(covariances)[1]
    return logsumexp(_log_joint(y, weights, means, covariances) + half_log_determinants, axis=1)


@log_marginal.mistake(
    "kept only the best class",
    "This keeps the largest term of the sum. Far from the boundaries it is close; between classes it is not.",
)
def _(y, weights, means, covariances):
    return _log_joint(y, weights, means, covariances).max(1)


@log_marginal.mistake(
    "forgot the weights",
    "Your density integrates to K, not to 1: weight each component by its prior probability.",
)
def _(y, weights, means, covariances):
    return log_marginal(y, np.ones(len(weights)), means, covariances)


@log_marginal.mistake(
    "exponentiated too early",
    "Minus infinity in the second case: the densities there underflow to zero. Use log-sum-exp: take the "
    "largest log joint out of the sum first.",
)
def _(*case):
    return np.log(np.exp(_log_joint(*case)).sum(1))


@task("2.1.1-d", cases=_classify_cases, stars=2)
def classify(y, weights, means, covariances):
    """With shapes (N, D), (K,), (K, D), (K, D, D), returning (N,)."""
    return _scores(y, weights, means, covariances).argmax(1)


@classify.mistake(
    "both bugs are still there",
    "This is the colleague's answer. Print the three terms of Eq. 2.8 for one bird and one class, and "
    "compute each of them in another way.",
)
def _(*case):
    return _scores(*case, invert=lambda c: 1 / c, sign=1).argmax(1)


@classify.mistake(
    "the precision is still wrong",
    "The determinant is right now. Multiply your precision by the covariance: do you get the identity?",
)
def _(*case):
    return _scores(*case, invert=lambda c: 1 / c).argmax(1)


@classify.mistake(
    "the determinant is still wrong",
    "The precision is right now. What does a very wide class get from its determinant: more, or less?",
)
def _(*case):
    return _scores(*case, sign=1).argmax(1)


@classify.mistake(
    "the determinant is gone",
    "Without its determinant a wide class wins too often. The covariances differ, so that it does not cancel.",
)
def _(*case):
    return _scores(*case, sign=0).argmax(1)


@task("2.1.1-e", cases=_torn_cases, stars=2)
def torn_posterior(y, weights, means, covariances):
    """With shapes (N, D), (K,), (K, D), (K, D, D), returning (N, K)."""
    return _torn(y, weights, means, covariances, _log_seen)


@torn_posterior.mistake(
    "a missing entry counted as zero",
    "A missing measurement is not a measurement of zero. Drop its entry of the mean, and its row and column of "
    "the covariance.",
)
def _(*case):
    return _torn(*case, lambda row, m, c: _log_filled(row, m, c, 0.0))


@torn_posterior.mistake(
    "a missing entry filled with the mean",
    "To fill in each class's own mean says that the class predicted the entry perfectly, and it keeps the "
    "determinant of all entries. Drop the entry instead.",
)
def _(*case):
    return _torn(*case, lambda row, m, c: _log_filled(row, m, c, m))


@torn_posterior.mistake(
    "correlations forgotten",
    "The entries that are left are still correlated: keep the block of the covariance that belongs to them.",
)
def _(*case):
    return _torn(*case, lambda row, m, c: _log_seen(row, m, np.diag(np.diag(c))))


@torn_posterior.mistake(
    "precision cut instead of covariance",
    "You dropped rows and columns of the precision. That holds the missing entries at their means; "
    "to leave them out, drop rows and columns of the covariance.",
)
def _(*case):
    return _torn(*case, lambda row, m, c: _log_seen_by_precision(row, m, c))


@torn_posterior.mistake(
    "rows with a missing entry left as NaN",
    "A NaN spreads through every sum. Choose the entries that are there before you compute.",
)
def _(*case):
    return _torn(*case, lambda row, m, c: np.nan if np.isnan(row).any() else _log_seen(row, m, c))
