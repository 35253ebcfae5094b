"""Exercises of section 2.1.1: inference in the Gaussian mixture model."""

import numpy as np
from scipy.special import logsumexp, softmax
from scipy.stats import multivariate_normal

from pedagogy_lib.exercises import Mistake, Task


def _responsibilities(log_likelihoods, log_prior):
    return softmax(log_likelihoods + log_prior, axis=1)


def _responsibilities_cases(rng):
    near = rng.normal(size=(6, 3)) - 2
    far = rng.normal(size=(5, 4)) * 30 - 2000       # exp of these is zero
    return [(near, np.log([0.2, 0.3, 0.5])), (far, np.log([0.7, 0.1, 0.1, 0.1]))]


def _naive_softmax(log_likelihoods, log_prior):
    joint = np.exp(log_likelihoods + log_prior)
    return joint / joint.sum(1, keepdims=True)


RESPONSIBILITIES = Task(
    "2.1.1-a",
    "responsibilities(log_likelihoods, log_prior), with shapes (N, K) and (K,), returning (N, K)",
    _responsibilities,
    _responsibilities_cases,
    (
        Mistake(
            "forgot the prior",
            lambda log_likelihoods, log_prior: softmax(log_likelihoods, axis=1),
            "This treats all classes as equally common. Add the log prior before the softmax (Eq. 2.6).",
        ),
        Mistake(
            "normalised over the observations",
            lambda log_likelihoods, log_prior: softmax(log_likelihoods + log_prior, axis=0),
            "Your columns sum to one. Each observation must belong to some class: it is the rows that sum to one.",
        ),
        Mistake(
            "did not normalise",
            lambda log_likelihoods, log_prior: np.exp(log_likelihoods + log_prior),
            "This is the joint, the numerator of Eq. 2.6. Divide it by its sum over the classes.",
        ),
        Mistake(
            "exponentiated too early",
            _naive_softmax,
            "Right in the first case, NaN in the second: exp(-2000) is zero in floating point, and 0/0 is NaN. "
            "Take the largest entry of each row away before you exponentiate; the softmax does not change.",
        ),
    ),
)


def _boundary(mean_k, mean_j, covariance, prior_k, prior_j):
    normal = np.linalg.solve(covariance, mean_k - mean_j)
    return normal, normal @ (mean_k + mean_j) / 2 + np.log(prior_j / prior_k)


def _boundary_cases(rng):
    root = rng.normal(size=(3, 3))
    return [
        (np.array([1.0, 0.0]), np.array([-1.0, 1.0]), np.array([[2.0, 0.6], [0.6, 1.0]]), 0.3, 0.7),
        (rng.normal(size=3), rng.normal(size=3), root @ root.T + np.eye(3), 0.6, 0.1),
    ]


def _flipped_prior(mean_k, mean_j, covariance, prior_k, prior_j):
    return _boundary(mean_k, mean_j, covariance, prior_j, prior_k)


def _no_inverse(mean_k, mean_j, covariance, prior_k, prior_j):
    normal = covariance @ (mean_k - mean_j)
    return normal, normal @ (mean_k + mean_j) / 2 + np.log(prior_j / prior_k)


def _no_midpoint(mean_k, mean_j, covariance, prior_k, prior_j):
    return np.linalg.solve(covariance, mean_k - mean_j), np.log(prior_j / prior_k)


BOUNDARY = Task(
    "2.1.1-b",
    "boundary(mean_k, mean_j, covariance, prior_k, prior_j), returning (normal, threshold)",
    _boundary,
    _boundary_cases,
    (
        Mistake(
            "forgot the prior",
            lambda mean_k, mean_j, covariance, *_: _boundary(mean_k, mean_j, covariance, 1.0, 1.0),
            "Your boundary passes through the midpoint whatever the priors. The right-hand side of Eq. 2.9 moves it.",
        ),
        Mistake(
            "priors the wrong way round",
            _flipped_prior,
            "Your boundary moves towards the rare class. A common class must gain ground: look at which prior is "
            "in the numerator of Eq. 2.9.",
        ),
        Mistake(
            "covariance not inverted",
            _no_inverse,
            "The normal should be measured in precisions, not covariances: solve with the covariance, do not "
            "multiply by it. Then directions of much noise count less.",
        ),
        Mistake(
            "forgot the midpoint",
            _no_midpoint,
            "Eq. 2.9 projects the displacement from the midpoint. Bring the midpoint's own projection to the right.",
        ),
    ),
)


def _log_marginal(y, weights, means, covariances):
    return logsumexp(_log_joint(y, weights, means, covariances), axis=1)


def _log_joint(y, weights, means, covariances):
    terms = [multivariate_normal(m, c).logpdf(y) for m, c in zip(means, covariances)]
    return np.stack(terms, axis=1) + np.log(weights)


def _log_marginal_cases(rng):
    means = rng.normal(size=(3, 2)) * 3
    covariances = np.array([np.eye(2), 0.3 * np.eye(2), [[2.0, 0.5], [0.5, 1.0]]])
    weights = np.array([0.5, 0.3, 0.2])
    y = rng.normal(size=(7, 2)) * 3
    return [(y, weights, means, covariances), (100 * y, weights, means, covariances)]


def _average_of_logs(y, weights, means, covariances):
    return (_log_joint(y, np.ones(len(weights)), means, covariances) * weights).sum(1)


def _no_determinant(y, weights, means, covariances):
    half_log_determinants = 0.5 * np.linalg.slogdet(covariances)[1]
    return logsumexp(_log_joint(y, weights, means, covariances) + half_log_determinants, axis=1)


LOG_MARGINAL = Task(
    "2.1.1-c",
    "log_marginal(y, weights, means, covariances), with shapes (N, D), (K,), (K, D), (K, D, D), returning (N,)",
    _log_marginal,
    _log_marginal_cases,
    (
        Mistake(
            "averaged the logarithms",
            _average_of_logs,
            "Eq. 2.10 averages densities, and only then takes the logarithm. The log of an average is not the "
            "average of the logs: yours can only be too small.",
        ),
        Mistake(
            "forgot the determinant",
            _no_determinant,
            "Each Gaussian needs its normaliser: -1/2 log|Sigma_k| depends on k, so it does not cancel.",
        ),
        Mistake(
            "kept only the best class",
            lambda y, weights, means, covariances: _log_joint(y, weights, means, covariances).max(1),
            "This keeps the largest term of the sum. Far from the boundaries it is close; between classes it is not.",
        ),
        Mistake(
            "forgot the weights",
            lambda y, weights, means, covariances: _log_marginal(y, np.ones(len(weights)), means, covariances),
            "Your density integrates to K, not to 1: weight each component by its prior probability.",
        ),
        Mistake(
            "exponentiated too early",
            lambda *case: np.log(np.exp(_log_joint(*case)).sum(1)),
            "Minus infinity in the second case: the densities there underflow to zero. Use log-sum-exp: take the "
            "largest log joint out of the sum first.",
        ),
    ),
)


def _scores(y, weights, means, covariances, invert=np.linalg.inv, sign=-1):
    """Eq. 2.8 for every row and class, or one of its wrong versions."""
    centred = y[:, None] - means
    precisions = np.array([invert(covariance) for covariance in covariances])
    squares = np.einsum("nki,kij,nkj->nk", centred, precisions, centred)
    return np.log(weights) - 0.5 * squares + sign * 0.5 * np.linalg.slogdet(covariances)[1]


def _classify_cases(rng):
    wide, narrow, tilted = (a * np.array([[2.0, r], [r, 1.0]]) for a, r in ((4, 0.3), (0.2, -0.4), (1, 1.2)))
    means = np.array([[0.0, 0.0], [0.5, 0.5], [1.5, -1.0]])
    y = 2 * rng.normal(size=(200, 2))
    return [
        (y, np.array([0.5, 0.3, 0.2]), means, np.array([wide, narrow, tilted])),
        (y, np.array([0.1, 0.1, 0.8]), means + rng.normal(size=(3, 2)), np.array([tilted, wide, narrow])),
    ]


CLASSIFY = Task(
    "2.1.1-d",
    "classify(y, weights, means, covariances), with shapes (N, D), (K,), (K, D), (K, D, D), returning (N,)",
    lambda *case: _scores(*case).argmax(1),
    _classify_cases,
    (
        Mistake(
            "both bugs are still there",
            lambda *case: _scores(*case, invert=lambda c: 1 / c, sign=1).argmax(1),
            "This is the colleague's answer. Print the three terms of Eq. 2.8 for one bird and one class, and "
            "compute each of them in another way.",
        ),
        Mistake(
            "the precision is still wrong",
            lambda *case: _scores(*case, invert=lambda c: 1 / c).argmax(1),
            "The determinant is right now. Multiply your precision by the covariance: do you get the identity?",
        ),
        Mistake(
            "the determinant is still wrong",
            lambda *case: _scores(*case, sign=1).argmax(1),
            "The precision is right now. What does a very wide class get from its determinant: more, or less?",
        ),
        Mistake(
            "the determinant is gone",
            lambda *case: _scores(*case, sign=0).argmax(1),
            "Without its determinant a wide class wins too often. The covariances differ, so that it does not cancel.",
        ),
    ),
)


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


TORN_POSTERIOR = Task(
    "2.1.1-e",
    "torn_posterior(y, weights, means, covariances), with shapes (N, D), (K,), (K, D), (K, D, D), returning (N, K)",
    lambda *case: _torn(*case, _log_seen),
    _torn_cases,
    (
        Mistake(
            "a missing entry counted as zero",
            lambda *case: _torn(*case, lambda row, m, c: _log_filled(row, m, c, 0.0)),
            "A missing measurement is not a measurement of zero. Drop its entry of the mean, and its row and column of "
            "the covariance.",
        ),
        Mistake(
            "a missing entry filled with the mean",
            lambda *case: _torn(*case, lambda row, m, c: _log_filled(row, m, c, m)),
            "To fill in each class's own mean says that the class predicted the entry perfectly, and it keeps the "
            "determinant of all entries. Drop the entry instead.",
        ),
        Mistake(
            "correlations forgotten",
            lambda *case: _torn(*case, lambda row, m, c: _log_seen(row, m, np.diag(np.diag(c)))),
            "The entries that are left are still correlated: keep the block of the covariance that belongs to them.",
        ),
        Mistake(
            "precision cut instead of covariance",
            lambda *case: _torn(*case, lambda row, m, c: _log_seen_by_precision(row, m, c)),
            "You dropped rows and columns of the precision. That holds the missing entries at their means; "
            "to leave them out, drop rows and columns of the covariance.",
        ),
        Mistake(
            "rows with a missing entry left as NaN",
            lambda *case: _torn(*case, lambda row, m, c: np.nan if np.isnan(row).any() else _log_seen(row, m, c)),
            "A NaN spreads through every sum. Choose the entries that are there before you compute.",
        ),
    ),
)


def _log_seen_by_precision(row, mean, covariance):
    seen = np.flatnonzero(~np.isnan(row))
    if not len(seen):
        return 0.0
    precision = np.linalg.inv(covariance)[np.ix_(seen, seen)]
    return multivariate_normal(mean[seen], np.linalg.inv(precision)).logpdf(row[seen])


TASKS = (RESPONSIBILITIES, BOUNDARY, LOG_MARGINAL, CLASSIFY, TORN_POSTERIOR)
