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

TASKS = (RESPONSIBILITIES, BOUNDARY, LOG_MARGINAL)
