"""Exercises of chapter 2.3: filters for curves."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _spd(rng, size):
    """A random positive definite matrix."""
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.5 * np.eye(size)


def _sine(x):
    return np.array([np.sin(x[0]) * x[1], x[0] ** 2 + x[1]])


def _sine_slope(x):
    return np.array([[np.cos(x[0]) * x[1], np.sin(x[0])], [2 * x[0], 1.0]])


def _extended_cases(rng):
    return [(rng.normal(size=2), _spd(rng, 2), _sine, _sine_slope, _spd(rng, 2), rng.normal(size=2)) for _ in range(3)]


def _sigma_cases(rng):
    return [(rng.normal(size=k), _spd(rng, k), kappa) for k, kappa in ((2, 1.0), (3, 0.5), (4, 2.0))]


def _line_cases(rng):
    cases = []
    for k, n in ((1, 2), (2, 1), (2, 3)):
        points = rng.normal(size=(9, k))
        cases.append((points, np.sin(points @ rng.normal(size=(k, n))) + 1.0, rng.dirichlet(np.ones(9))))
    return cases


@task("2.3-a", cases=_extended_cases)
def extended_update(mean, covariance, f, jacobian, noise, y):
    """Return (mean, covariance)."""
    F = jacobian(mean)
    S = F @ covariance @ F.T + noise
    K = np.linalg.solve(S, F @ covariance).T
    return mean + K @ (y - f(mean)), covariance - K @ S @ K.T


@extended_update.mistake(
    "predicted with the slope",
    "You predicted F m. The tangent goes through (m, f(m)): what you expect to see is f(m), and the slope is "
    "needed for the gain only.",
)
def _image_of_the_slope(mean, covariance, f, jacobian, noise, y):
    F = jacobian(mean)
    return extended_update(mean, covariance, lambda x: F @ x, jacobian, noise, y)


@extended_update.mistake(
    "took the slope at zero",
    "This is the tangent at zero. The belief is at the mean, and that is where the line must be good.",
)
def _slope_at_zero(mean, covariance, f, jacobian, noise, y):
    return extended_update(mean, covariance, f, lambda x: jacobian(np.zeros_like(x)), noise, y)


@extended_update.mistake(
    "forgot the noise",
    "The covariance of what you expect to see is F Sigma F' plus the noise of the sensor.",
)
def _no_noise(mean, covariance, f, jacobian, noise, y):
    return extended_update(mean, covariance, f, jacobian, 0 * noise, y)


@extended_update.mistake(
    "transposed the slope",
    "The Jacobian has a row for each thing seen and a column for each state: F Sigma F', not F' Sigma F.",
)
def _transposed(mean, covariance, f, jacobian, noise, y):
    return extended_update(mean, covariance, f, lambda x: jacobian(x).T, noise, y)


@extended_update.mistake(
    "kept the covariance",
    "The mean is right. Looking also makes the belief narrower: take K S K' away from the covariance.",
)
def _covariance_kept(mean, covariance, f, jacobian, noise, y):
    return extended_update(mean, covariance, f, jacobian, noise, y)[0], covariance


@task("2.3-b", cases=_sigma_cases, stars=2)
def sigma_points(mean, covariance, kappa):
    """Return (points, weights) with shapes (2K + 1, K) and (2K + 1,)."""
    K = len(mean)
    steps = np.sqrt(K + kappa) * np.linalg.cholesky(covariance).T
    weights = np.full(2 * K + 1, 0.5 / (K + kappa))
    weights[0] = kappa / (K + kappa)
    return mean + np.vstack([np.zeros(K), steps, -steps]), weights


@sigma_points.mistake(
    "stepped along the rows of the root",
    "With Sigma = L L' a step is a column of L. Rows of L have the sum of squares L' L, another matrix.",
)
def _rows_of_the_root(mean, covariance, kappa):
    K = len(mean)
    steps = np.sqrt(K + kappa) * np.linalg.cholesky(covariance)
    return mean + np.vstack([np.zeros(K), steps, -steps]), sigma_points(mean, covariance, kappa)[1]


@sigma_points.mistake(
    "stepped one standard deviation",
    "The points lie too near: their covariance is Sigma / (K + kappa). Step sqrt(K + kappa) times as far.",
)
def _one_deviation(mean, covariance, kappa):
    points, weights = sigma_points(mean, covariance, kappa)
    return mean + (points - mean) / np.sqrt(len(mean) + kappa), weights


@sigma_points.mistake(
    "forgot the root of K + kappa",
    "You stepped K + kappa deviations. A variance is a square: sqrt(K + kappa) makes it right.",
)
def _not_rooted(mean, covariance, kappa):
    K = len(mean)
    steps = (K + kappa) * np.linalg.cholesky(covariance).T
    return mean + np.vstack([np.zeros(K), steps, -steps]), sigma_points(mean, covariance, kappa)[1]


@sigma_points.mistake(
    "weighed all alike",
    "The mean has the weight kappa / (K + kappa), each of the others 1 / (2 (K + kappa)).",
)
def _equal_weights(mean, covariance, kappa):
    points, weights = sigma_points(mean, covariance, kappa)
    return points, np.full(len(weights), 1 / len(weights))


@sigma_points.mistake(
    "gave each pair its weight twice",
    "Your weights do not sum to one. There are two points for each dimension, so each has half: 1 / (2 (K + kappa)).",
)
def _weights_not_halved(mean, covariance, kappa):
    points, weights = sigma_points(mean, covariance, kappa)
    return points, np.concatenate([weights[:1], 2 * weights[1:]])


@sigma_points.mistake(
    "left the points about zero",
    "The spread is right. Shift all points by the mean.",
)
def _not_centred(mean, covariance, kappa):
    points, weights = sigma_points(mean, covariance, kappa)
    return points - mean, weights


@task("2.3-c", cases=_line_cases, stars=2)
def nearest_line(points, images, weights):
    """With shapes (P, K), (P, L), (P,), returning (A, b, omega)."""
    m, mean = weights @ points, weights @ images
    dx, dy = points - m, images - mean
    S, cross = (weights[:, None] * dx).T @ dx, (weights[:, None] * dx).T @ dy
    A = np.linalg.solve(S, cross).T
    missed = dy - dx @ A.T
    return A, mean - A @ m, (weights[:, None] * missed).T @ missed


@nearest_line.mistake(
    "ignored the weights",
    "This is the line of ordinary least squares, in which every point counts alike. Weigh every average.",
)
def _unweighted(points, images, weights):
    return nearest_line(points, images, np.full(len(weights), 1 / len(weights)))


@nearest_line.mistake(
    "took the mean image for the offset",
    "The line passes through (mean of x, mean of f). So b = E[f] - A E[x]; yours lacks the second term.",
)
def _through_zero(points, images, weights):
    A, b, omega = nearest_line(points, images, weights)
    return A, weights @ images, omega


@nearest_line.mistake(
    "transposed the slope",
    "A has a row for each image and a column for each state, (L, K): A = Cov[f, x] Sigma^-1.",
)
def _slope_transposed(points, images, weights):
    A, b, omega = nearest_line(points, images, weights)
    return A.T, b, omega


@nearest_line.mistake(
    "gave all of the spread to omega",
    "This is the covariance of f. Omega is only what the line leaves over: take A Sigma A' away.",
)
def _variance_of_images(points, images, weights):
    A, b, _ = nearest_line(points, images, weights)
    dy = images - weights @ images
    return A, b, (weights[:, None] * dy).T @ dy


@nearest_line.mistake(
    "missed nothing",
    "A and b are right. What the line misses, f(x) - A x - b, has a covariance: that is omega.",
)
def _nothing_missed(points, images, weights):
    A, b, omega = nearest_line(points, images, weights)
    return A, b, 0 * omega


@nearest_line.mistake(
    "did not centre",
    "You regressed raw values. With an offset in the line, the slope is a ratio of covariances: take the "
    "weighted means away first.",
)
def _not_centred_line(points, images, weights):
    S, cross = (weights[:, None] * points).T @ points, (weights[:, None] * points).T @ images
    A = np.linalg.solve(S, cross).T
    b = weights @ images - A @ (weights @ points)
    missed = images - points @ A.T - b
    return A, b, (weights[:, None] * missed).T @ missed
