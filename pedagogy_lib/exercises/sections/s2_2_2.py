"""Exercises of section 2.2.2: the Kalman filter and the RTS smoother."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _spd(rng, size):
    """A random positive definite matrix."""
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.5 * np.eye(size)


def _time_cases(rng):
    return [
        (rng.normal(size=k), _spd(rng, k), rng.normal(size=(k, k)), rng.normal(size=k), _spd(rng, k)) for k in (2, 3)
    ]


def _measurement_cases(rng):
    cases = []
    for k, m in ((2, 1), (3, 2)):
        belief = rng.normal(size=k), _spd(rng, k)
        emission = rng.normal(size=(m, k)), rng.normal(size=m), _spd(rng, m)
        cases.append((*belief, *emission, rng.normal(size=m)))
    return cases


def _backward_cases(rng):
    cases = []
    for k in (2, 3):
        mean, covariance, A, noise = rng.normal(size=k), _spd(rng, k), rng.normal(size=(k, k)), _spd(rng, k)
        predicted = A @ mean, A @ covariance @ A.T + noise
        smoothed = predicted[0] + rng.normal(size=k), 0.4 * predicted[1]
        cases.append(((mean, covariance), predicted, smoothed, A))
    return cases


@task("2.2.2-a", cases=_time_cases)
def time_update(mean, covariance, A, push, noise):
    """Return (mean, covariance)."""
    return A @ mean + push, A @ covariance @ A.T + noise


@time_update.mistake(
    "forgot the noise",
    "The transition is noisy: its covariance adds to the one that A carries over (Eq. 2.48).",
)
def _(mean, covariance, A, push, noise):
    return (A @ mean + push, A @ covariance @ A.T)


@time_update.mistake(
    "multiplied on one side only",
    "A covariance has two indices, and A must act on both: A Y A^T. Yours is not even symmetric.",
)
def _(mean, covariance, A, push, noise):
    return (A @ mean + push, A @ covariance + noise)


@time_update.mistake(
    "transposed the transition",
    "A^T Y A measures something else. If z = A x, then Cov[z] = A Cov[x] A^T.",
)
def _(mean, covariance, A, push, noise):
    return (A @ mean + push, A.T @ covariance @ A + noise)


@time_update.mistake(
    "forgot the push",
    "The covariance is right. The mean also moves with B u + a, here called push.",
)
def _(mean, covariance, A, push, noise):
    return (A @ mean, A @ covariance @ A.T + noise)


@task("2.2.2-b", cases=_measurement_cases, stars=2)
def measurement_update(mean, covariance, C, c, noise, y):
    """Return (mean, covariance)."""
    S = C @ covariance @ C.T + noise
    K = np.linalg.solve(S, C @ covariance).T
    return mean + K @ (y - C @ mean - c), covariance - K @ S @ K.T


@measurement_update.mistake(
    "gain without the prediction's spread",
    "You inverted the noise alone. What must be inverted is the covariance of y as predicted, "
    "C Y C^T + noise: the prediction is uncertain too.",
)
def _gain_without_prior(mean, covariance, C, c, noise, y):
    K = np.linalg.solve(noise, C @ covariance).T
    return mean + K @ (y - C @ mean - c), covariance - K @ C @ covariance


@measurement_update.mistake(
    "forgot the offset",
    "The predicted observation is C x + c; the offset c is missing from your innovation.",
)
def _no_offset(mean, covariance, C, c, noise, y):
    return measurement_update(mean, covariance, C, np.zeros_like(c), noise, y)


@measurement_update.mistake(
    "kept the covariance",
    "The mean is right. The covariance must shrink, whatever was seen: take K C Y away.",
)
def _covariance_kept(mean, covariance, C, c, noise, y):
    return measurement_update(mean, covariance, C, c, noise, y)[0], covariance


@measurement_update.mistake(
    "added the correction",
    "The covariance grew. An observation can only take uncertainty away: the sign of K C Y is wrong.",
)
def _covariance_added(mean, covariance, C, c, noise, y):
    new_mean, shrunk = measurement_update(mean, covariance, C, c, noise, y)
    return new_mean, 2 * covariance - shrunk


@measurement_update.mistake(
    "used the observation itself",
    "The correction is K times the surprise, y - (C x + c), not K times y.",
)
def _raw_observation(mean, covariance, C, c, noise, y):
    return measurement_update(mean, covariance, C, -C @ mean, noise, y)[0], measurement_update(
        mean, covariance, C, c, noise, y
    )[1]


@task("2.2.2-c", cases=_backward_cases, stars=2)
def backward_step(filtered, predicted, smoothed, A):
    """Each of the three a pair (mean, covariance), returning a pair."""
    (mean, covariance), (predicted_mean, predicted_covariance), (next_mean, next_covariance) = (
        filtered,
        predicted,
        smoothed,
    )
    J = np.linalg.solve(predicted_covariance, A @ covariance).T
    return (
        mean + J @ (next_mean - predicted_mean),
        covariance + J @ (next_covariance - predicted_covariance) @ J.T,
    )


@backward_step.mistake(
    "compared with the filter's mean",
    "The disparity at t compares smoother and prediction, both about x_t. You compared with the filter's "
    "mean, which is about x_{t-1}.",
)
def _wrong_disparity(filtered, predicted, smoothed, A):
    return backward_step(filtered, (filtered[0], predicted[1]), smoothed, A)


@backward_step.mistake(
    "transposed the gain",
    "J carries a vector at t back to one at t-1: J = Y A^T P^-1, with P the predicted covariance. Yours is "
    "its transpose.",
)
def _gain_transposed(filtered, predicted, smoothed, A):
    J = np.linalg.solve(predicted[1], A @ filtered[1])
    return filtered[0] + J @ (smoothed[0] - predicted[0]), filtered[1] + J @ (smoothed[1] - predicted[1]) @ J.T


@backward_step.mistake(
    "forgot to take the predicted covariance away",
    "The uncertainty grew. Eq. 2.54 has J (smoothed - predicted) J^T, and the difference is negative.",
)
def _no_shrinking(filtered, predicted, smoothed, A):
    J = np.linalg.solve(predicted[1], A @ filtered[1]).T
    mean, _ = backward_step(filtered, predicted, smoothed, A)
    return mean, filtered[1] + J @ smoothed[1] @ J.T


@backward_step.mistake(
    "kept the filter's covariance",
    "The mean is right. The future also makes the estimate more certain: the second line of Eq. 2.54.",
)
def _covariance_of_filter(filtered, predicted, smoothed, A):
    return backward_step(filtered, predicted, smoothed, A)[0], filtered[1]
