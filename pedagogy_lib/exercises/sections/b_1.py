"""Exercises of appendix B.1: matrix calculus."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _ridge_cases(rng):
    return [
        (rng.normal(size=(2, 3)), rng.normal(size=(3, 5)), rng.normal(size=(2, 5)), 0.7),
        (rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), 2.0),
    ]


def _ridge_edges():
    """Without data only the penalty is left."""
    return [(np.array([[1.0, -2.0]]), np.zeros((2, 3)), np.zeros((1, 3)), 0.5)]


@task("B.1-a", cases=_ridge_cases, edges=_ridge_edges)
def ridge_gradient(X, A, B, penalty):
    """With shapes (K, M), (M, N), (K, N) and a number, returning (K, M)."""
    return (X @ A - B) @ A.T + penalty * X


@ridge_gradient.mistake(
    "both factors of one half forgotten",
    "Each square has a one half before it, which cancels the 2 of its derivative.",
)
def _(X, A, B, penalty):
    return 2 * ((X @ A - B) @ A.T + penalty * X)


@ridge_gradient.mistake(
    "the penalty doubled",
    "The penalty's square has a one half before it, which cancels the 2 of its derivative.",
)
def _(X, A, B, penalty):
    return (X @ A - B) @ A.T + 2 * penalty * X


@ridge_gradient.mistake("the penalty left out", "The second term depends on X as well.")
def _(X, A, B, penalty):
    return (X @ A - B) @ A.T


@ridge_gradient.mistake("the sign of the residual", "With R = X A - B the change of R is dX A, with a plus.")
def _(X, A, B, penalty):
    return (B - X @ A) @ A.T + penalty * X


def _covariance_cases(rng):
    cases = []
    for size, count in ((3, 12), (2, 5)):
        root = rng.normal(size=(size, size))
        skew = 0.3 * rng.normal(size=(size, size))
        cases.append((root @ root.T + size * np.eye(size) + skew - skew.T, rng.normal(size=(count, size))))
    return cases


def _covariance_edges():
    """One dimension, where a transpose does not matter and a sign does."""
    return [(np.array([[4.0]]), np.array([[1.0], [3.0]]))]


def _covariance_gradient(covariance, residuals, sign=-1.0):
    precision = np.linalg.inv(covariance)
    scatter = residuals.T @ residuals / len(residuals)
    return 0.5 * (precision + sign * precision @ scatter @ precision)


@task("B.1-b", cases=_covariance_cases, edges=_covariance_edges, stars=2)
def covariance_gradient(covariance, residuals):
    """With shapes (D, D) and (N, D), returning (D, D)."""
    return _covariance_gradient(covariance, residuals).T


@covariance_gradient.mistake(
    "only the sign mended",
    "The sign is right now. Give the function a matrix that is not symmetric, and compare with a difference quotient.",
)
def _(covariance, residuals):
    return _covariance_gradient(covariance, residuals)


@covariance_gradient.mistake(
    "only the transpose mended",
    "The change of an inverse has a minus: d(X^-1) = -X^-1 dX X^-1.",
)
def _(covariance, residuals):
    return _covariance_gradient(covariance, residuals, sign=1.0).T


@covariance_gradient.mistake("as it was given", "Both mistakes are still there.")
def _(covariance, residuals):
    return _covariance_gradient(covariance, residuals, sign=1.0)


@covariance_gradient.mistake(
    "only the second term transposed",
    "Both terms come out as the transpose of the derivative: the log-determinant's, too.",
)
def _(covariance, residuals):
    precision = np.linalg.inv(covariance)
    scatter = residuals.T @ residuals / len(residuals)
    return 0.5 * (precision - (precision @ scatter @ precision).T)


def _information_cases(rng):
    cases = []
    for sensors, states in ((2, 3), (3, 2)):
        root, noise = rng.normal(size=(states, states)), rng.normal(size=(sensors, sensors))
        P, R = root @ root.T + 0.1 * np.eye(states), noise @ noise.T + 0.5 * np.eye(sensors)
        cases.append((rng.normal(size=(sensors, states)), P, R))
    return cases


def _information_edges():
    """A state that is known: no sensor tells anything."""
    return [(np.array([[1.0, 2.0]]), np.zeros((2, 2)), np.array([[3.0]]))]


@task("B.1-c", cases=_information_cases, edges=_information_edges, stars=2)
def information_gradient(C, P, R):
    """With shapes (M, D), (D, D), (M, M), returning (M, D)."""
    return np.linalg.solve(R + C @ P @ C.T, C @ P)


@information_gradient.mistake(
    "only one of the two equal terms",
    "C stands twice in C P C': B.6 has two terms, which are equal here, and they cancel the one half.",
)
def _(C, P, R):
    return 0.5 * np.linalg.solve(R + C @ P @ C.T, C @ P)


@information_gradient.mistake(
    "the one half forgotten",
    "The logarithm has a one half before it, and B.6 has two equal terms: together one.",
)
def _(C, P, R):
    return 2 * np.linalg.solve(R + C @ P @ C.T, C @ P)


@information_gradient.mistake("the noise left out", "The matrix under the first logarithm is R + C P C', not R.")
def _(C, P, R):
    return np.linalg.solve(R, C @ P)


@information_gradient.mistake("the gain itself", "That is transposed: the derivative has the shape of C.")
def _(C, P, R):
    return np.linalg.solve(R + C @ P @ C.T, C @ P).T
