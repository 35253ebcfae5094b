"""Exercises of chapter 2.3: filters for curves."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _spd(rng, size):
    """A random positive definite matrix."""
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.5 * np.eye(size)


def _extended_update(mean, covariance, f, jacobian, noise, y):
    F = jacobian(mean)
    S = F @ covariance @ F.T + noise
    K = np.linalg.solve(S, F @ covariance).T
    return mean + K @ (y - f(mean)), covariance - K @ S @ K.T


def _sine(x):
    return np.array([np.sin(x[0]) * x[1], x[0] ** 2 + x[1]])


def _sine_slope(x):
    return np.array([[np.cos(x[0]) * x[1], np.sin(x[0])], [2 * x[0], 1.0]])


def _extended_cases(rng):
    return [
        (rng.normal(size=2), _spd(rng, 2), _sine, _sine_slope, _spd(rng, 2), rng.normal(size=2)) for _ in range(3)
    ]


def _image_of_the_slope(mean, covariance, f, jacobian, noise, y):
    F = jacobian(mean)
    return _extended_update(mean, covariance, lambda x: F @ x, jacobian, noise, y)


def _slope_at_zero(mean, covariance, f, jacobian, noise, y):
    return _extended_update(mean, covariance, f, lambda x: jacobian(np.zeros_like(x)), noise, y)


def _no_noise(mean, covariance, f, jacobian, noise, y):
    return _extended_update(mean, covariance, f, jacobian, 0 * noise, y)


def _transposed(mean, covariance, f, jacobian, noise, y):
    return _extended_update(mean, covariance, f, lambda x: jacobian(x).T, noise, y)


def _covariance_kept(mean, covariance, f, jacobian, noise, y):
    return _extended_update(mean, covariance, f, jacobian, noise, y)[0], covariance


EXTENDED_UPDATE = Task(
    "2.3-a",
    "extended_update(mean, covariance, f, jacobian, noise, y), returning (mean, covariance)",
    _extended_update,
    _extended_cases,
    (
        Mistake(
            "predicted with the slope",
            _image_of_the_slope,
            "You predicted F m. The tangent goes through (m, f(m)): what you expect to see is f(m), and the slope is "
            "needed for the gain only.",
        ),
        Mistake(
            "took the slope at zero",
            _slope_at_zero,
            "This is the tangent at zero. The belief is at the mean, and that is where the line must be good.",
        ),
        Mistake(
            "forgot the noise",
            _no_noise,
            "The covariance of what you expect to see is F Sigma F' plus the noise of the sensor.",
        ),
        Mistake(
            "transposed the slope",
            _transposed,
            "The Jacobian has a row for each thing seen and a column for each state: F Sigma F', not F' Sigma F.",
        ),
        Mistake(
            "kept the covariance",
            _covariance_kept,
            "The mean is right. Looking also makes the belief narrower: take K S K' away from the covariance.",
        ),
    ),
)


def _sigma_points(mean, covariance, kappa):
    K = len(mean)
    steps = np.sqrt(K + kappa) * np.linalg.cholesky(covariance).T
    weights = np.full(2 * K + 1, 0.5 / (K + kappa))
    weights[0] = kappa / (K + kappa)
    return mean + np.vstack([np.zeros(K), steps, -steps]), weights


def _sigma_cases(rng):
    return [(rng.normal(size=k), _spd(rng, k), kappa) for k, kappa in ((2, 1.0), (3, 0.5), (4, 2.0))]


def _rows_of_the_root(mean, covariance, kappa):
    K = len(mean)
    steps = np.sqrt(K + kappa) * np.linalg.cholesky(covariance)
    return mean + np.vstack([np.zeros(K), steps, -steps]), _sigma_points(mean, covariance, kappa)[1]


def _one_deviation(mean, covariance, kappa):
    points, weights = _sigma_points(mean, covariance, kappa)
    return mean + (points - mean) / np.sqrt(len(mean) + kappa), weights


def _not_rooted(mean, covariance, kappa):
    K = len(mean)
    steps = (K + kappa) * np.linalg.cholesky(covariance).T
    return mean + np.vstack([np.zeros(K), steps, -steps]), _sigma_points(mean, covariance, kappa)[1]


def _equal_weights(mean, covariance, kappa):
    points, weights = _sigma_points(mean, covariance, kappa)
    return points, np.full(len(weights), 1 / len(weights))


def _weights_not_halved(mean, covariance, kappa):
    points, weights = _sigma_points(mean, covariance, kappa)
    return points, np.concatenate([weights[:1], 2 * weights[1:]])


def _not_centred(mean, covariance, kappa):
    points, weights = _sigma_points(mean, covariance, kappa)
    return points - mean, weights


SIGMA_POINTS = Task(
    "2.3-b",
    "sigma_points(mean, covariance, kappa), returning (points, weights) with shapes (2K + 1, K) and (2K + 1,)",
    _sigma_points,
    _sigma_cases,
    (
        Mistake(
            "stepped along the rows of the root",
            _rows_of_the_root,
            "With Sigma = L L' a step is a column of L. Rows of L have the sum of squares L' L, another matrix.",
        ),
        Mistake(
            "stepped one standard deviation",
            _one_deviation,
            "The points lie too near: their covariance is Sigma / (K + kappa). Step sqrt(K + kappa) times as far.",
        ),
        Mistake(
            "forgot the root of K + kappa",
            _not_rooted,
            "You stepped K + kappa deviations. A variance is a square: sqrt(K + kappa) makes it right.",
        ),
        Mistake(
            "weighed all alike",
            _equal_weights,
            "The mean has the weight kappa / (K + kappa), each of the others 1 / (2 (K + kappa)).",
        ),
        Mistake(
            "gave each pair its weight twice",
            _weights_not_halved,
            "Your weights do not sum to one. There are two points for each dimension, so each has half: "
            "1 / (2 (K + kappa)).",
        ),
        Mistake(
            "left the points about zero",
            _not_centred,
            "The spread is right. Shift all points by the mean.",
        ),
    ),
)


def _nearest_line(points, images, weights):
    m, mean = weights @ points, weights @ images
    dx, dy = points - m, images - mean
    S, cross = (weights[:, None] * dx).T @ dx, (weights[:, None] * dx).T @ dy
    A = np.linalg.solve(S, cross).T
    missed = dy - dx @ A.T
    return A, mean - A @ m, (weights[:, None] * missed).T @ missed


def _line_cases(rng):
    cases = []
    for k, n in ((1, 2), (2, 1), (2, 3)):
        points = rng.normal(size=(9, k))
        cases.append((points, np.sin(points @ rng.normal(size=(k, n))) + 1.0, rng.dirichlet(np.ones(9))))
    return cases


def _unweighted(points, images, weights):
    return _nearest_line(points, images, np.full(len(weights), 1 / len(weights)))


def _through_zero(points, images, weights):
    A, b, omega = _nearest_line(points, images, weights)
    return A, weights @ images, omega


def _slope_transposed(points, images, weights):
    A, b, omega = _nearest_line(points, images, weights)
    return A.T, b, omega


def _variance_of_images(points, images, weights):
    A, b, _ = _nearest_line(points, images, weights)
    dy = images - weights @ images
    return A, b, (weights[:, None] * dy).T @ dy


def _nothing_missed(points, images, weights):
    A, b, omega = _nearest_line(points, images, weights)
    return A, b, 0 * omega


def _not_centred_line(points, images, weights):
    S, cross = (weights[:, None] * points).T @ points, (weights[:, None] * points).T @ images
    A = np.linalg.solve(S, cross).T
    b = weights @ images - A @ (weights @ points)
    missed = images - points @ A.T - b
    return A, b, (weights[:, None] * missed).T @ missed


NEAREST_LINE = Task(
    "2.3-c",
    "nearest_line(points, images, weights), with shapes (P, K), (P, L), (P,), returning (A, b, omega)",
    _nearest_line,
    _line_cases,
    (
        Mistake(
            "ignored the weights",
            _unweighted,
            "This is the line of ordinary least squares, in which every point counts alike. Weigh every average.",
        ),
        Mistake(
            "took the mean image for the offset",
            _through_zero,
            "The line passes through (mean of x, mean of f). So b = E[f] - A E[x]; yours lacks the second term.",
        ),
        Mistake(
            "transposed the slope",
            _slope_transposed,
            "A has a row for each image and a column for each state, (L, K): A = Cov[f, x] Sigma^-1.",
        ),
        Mistake(
            "gave all of the spread to omega",
            _variance_of_images,
            "This is the covariance of f. Omega is only what the line leaves over: take A Sigma A' away.",
        ),
        Mistake(
            "missed nothing",
            _nothing_missed,
            "A and b are right. What the line misses, f(x) - A x - b, has a covariance: that is omega.",
        ),
        Mistake(
            "did not centre",
            _not_centred_line,
            "You regressed raw values. With an offset in the line, the slope is a ratio of covariances: take the "
            "weighted means away first.",
        ),
    ),
)

TASKS = (EXTENDED_UPDATE, SIGMA_POINTS, NEAREST_LINE)
