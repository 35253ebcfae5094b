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


def _iterated_cases(rng):
    near = lambda: (rng.normal(size=2), 0.1 * _spd(rng, 2), _sine, _sine_slope, _spd(rng, 2), rng.normal(size=2))
    return [(*near(), repeats) for repeats in (0, 1, 2, 3)]


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
def _not_centered(mean, covariance, kappa):
    points, weights = sigma_points(mean, covariance, kappa)
    return points - mean, weights


@task("2.3-c", cases=_iterated_cases, stars=2)
def iterated_update(mean, covariance, f, jacobian, noise, y, repeats):
    """Return (mean, covariance); with ``repeats`` zero the extended update."""
    place = mean
    for _ in range(repeats + 1):
        H = jacobian(place)
        S = H @ covariance @ H.T + noise
        K = np.linalg.solve(S, H @ covariance).T
        place = mean + K @ (y - f(place) - H @ (mean - place))
    return place, covariance - K @ S @ K.T


@iterated_update.mistake(
    "counted the datum again and again",
    "Each turn starts from the belief that has seen y already. The prior must stay what it was; only the place of "
    "the tangent moves.",
)
def _counted_again(mean, covariance, f, jacobian, noise, y, repeats):
    for _ in range(repeats + 1):
        mean, covariance = extended_update(mean, covariance, f, jacobian, noise, y)
    return mean, covariance


@iterated_update.mistake(
    "moved the mean alone",
    "The covariance is that of one update now, but the mean still starts from the last one: y pulls it again in each "
    "turn. Start from the prior's mean.",
)
def _mean_moved(mean, covariance, f, jacobian, noise, y, repeats):
    for _ in range(repeats + 1):
        H = jacobian(mean)
        S = H @ covariance @ H.T + noise
        K = np.linalg.solve(S, H @ covariance).T
        mean = mean + K @ (y - f(mean))
    return mean, covariance - K @ S @ K.T


@iterated_update.mistake(
    "read the tangent at its own place",
    "The tangent touches the curve at the last belief, and is read at the prior's mean: what it expects there is "
    "f(place) + H (mean - place), not f(place).",
)
def _read_at_the_place(mean, covariance, f, jacobian, noise, y, repeats):
    place = mean
    for _ in range(repeats + 1):
        H = jacobian(place)
        S = H @ covariance @ H.T + noise
        K = np.linalg.solve(S, H @ covariance).T
        place = mean + K @ (y - f(place))
    return place, covariance - K @ S @ K.T


@iterated_update.mistake(
    "drew the line once",
    "The tangent is drawn at the prior's mean in every turn. Draw it at the belief just found.",
)
def _drawn_once(mean, covariance, f, jacobian, noise, y, repeats):
    return extended_update(mean, covariance, f, jacobian, noise, y)


@iterated_update.mistake(
    "stopped one turn early",
    "``repeats`` counts the turns after the first update, so that there are repeats + 1 in all.",
)
def _one_short(mean, covariance, f, jacobian, noise, y, repeats):
    return iterated_update(mean, covariance, f, jacobian, noise, y, max(repeats - 1, 0))
