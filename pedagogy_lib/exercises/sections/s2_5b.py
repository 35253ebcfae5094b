"""Exercises of lesson 2.5b: weak constraint, parameters, and which forecaster is too sure."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _spd(rng, size):
    """A random positive definite matrix."""
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.5 * np.eye(size)


def _weak_cases(rng):
    return [
        (rng.normal(size=(k, k)), _spd(rng, k), _spd(rng, k), rng.normal(size=(n, k)), _spd(rng, n), T)
        for k, n, T in ((2, 1, 3), (2, 2, 4), (3, 1, 2))
    ]


@task("2.5b-a", cases=_weak_cases, stars=2)
def weak_precision(A, B, Q, H, R, T):
    """Return an array of shape (T K, T K)."""
    K, seen = len(A), H.T @ np.linalg.solve(R, H)
    B1, Q1 = np.linalg.inv(B), np.linalg.inv(Q)
    found = np.zeros((T, K, T, K))
    for t in range(T):
        found[t, :, t] = seen + (B1 if t == 0 else Q1)
        if t < T - 1:
            found[t, :, t] += A.T @ Q1 @ A
            found[t + 1, :, t] = -Q1 @ A
            found[t, :, t + 1] = -A.T @ Q1
    return found.reshape(T * K, T * K)


@weak_precision.mistake(
    "forgot that a state is also a source",
    "x_t stands in two departures: as the target of x_{t-1} and as the source of x_{t+1}. The second gives "
    "A' Q^-1 A on the diagonal.",
)
def _no_push_back(A, B, Q, H, R, T):
    K = len(A)
    found = weak_precision(A, B, Q, H, R, T).reshape(T, K, T, K).copy()
    for t in range(T - 1):
        found[t, :, t] -= A.T @ np.linalg.inv(Q) @ A
    return found.reshape(T * K, T * K)


@weak_precision.mistake(
    "gave the last state a successor",
    "No departure follows the last state: its block has no A' Q^-1 A.",
)
def _last_has_a_successor(A, B, Q, H, R, T):
    K = len(A)
    found = weak_precision(A, B, Q, H, R, T).copy()
    found[-K:, -K:] += A.T @ np.linalg.inv(Q) @ A
    return found


@weak_precision.mistake(
    "lost the sign between neighbors",
    "In |x_{t+1} - A x_t|^2 the mixed term has a minus: the block below the diagonal is -Q^-1 A.",
)
def _off_diagonal_sign(A, B, Q, H, R, T):
    K = len(A)
    found = weak_precision(A, B, Q, H, R, T).reshape(T, K, T, K)
    same = np.eye(T, dtype=bool)[:, None, :, None]
    return np.where(same, found, -found).reshape(T * K, T * K)


@weak_precision.mistake(
    "swapped the blocks beside the diagonal",
    "Block (t+1, t), below the diagonal, is -Q^-1 A; its transpose, -A' Q^-1, lies above.",
)
def _blocks_swapped(A, B, Q, H, R, T):
    K = len(A)
    found = weak_precision(A, B, Q, H, R, T).reshape(T, K, T, K)
    same = np.eye(T, dtype=bool)[:, None, :, None]
    return np.where(same, found, found.transpose(2, 1, 0, 3)).reshape(T * K, T * K)


@weak_precision.mistake(
    "charged the first state by Q",
    "The first state departs from the background, not from a motion: its block has B^-1 where the others have Q^-1.",
)
def _q_for_the_first(A, B, Q, H, R, T):
    return weak_precision(A, Q, Q, H, R, T)


@weak_precision.mistake(
    "forgot the observations",
    "This is the precision of the prior. Every time that is observed adds H' R^-1 H to its block.",
)
def _nothing_seen(A, B, Q, H, R, T):
    return weak_precision(A, B, Q, 0 * H, R, T)


def _bias_cases(rng):
    cases = []
    for k, n, T in ((3, 2, 5), (2, 1, 4), (2, 3, 6)):
        states, y, beta = (rng.normal(size=shape) for shape in ((T, k), (T, n), n))
        cases.append((states, y, beta, rng.normal(size=(n, k)), _spd(rng, n), _spd(rng, n)))
    return cases


@task("2.5b-b", cases=_bias_cases, stars=1)
def bias_slope(states, y, beta, H, R, C):
    """With shapes (T, K), (T, L), (L,), (L, K), (L, L), (L, L), returning shape (L,)."""
    misfits = y - states @ H.T - beta
    return np.linalg.solve(C, beta) - np.linalg.solve(R, misfits.sum(0))


@bias_slope.mistake(
    "forgot the prior", "The data's part is all there. The bias has a prior, too, whose charge has the slope C^-1 beta."
)
def _(states, y, beta, H, R, C):
    return -np.linalg.solve(R, (y - states @ H.T - beta).sum(0))


@bias_slope.mistake("left the bias out of the misfit", "A reading is H x + beta: take both away from it.")
def _(states, y, beta, H, R, C):
    return np.linalg.solve(C, beta) - np.linalg.solve(R, (y - states @ H.T).sum(0))


@bias_slope.mistake(
    "went uphill", "The misfit is y - H x - beta, so that its slope by beta is -1: the data pull with a minus."
)
def _(states, y, beta, H, R, C):
    return np.linalg.solve(C, beta) + np.linalg.solve(R, (y - states @ H.T - beta).sum(0))


@bias_slope.mistake("took the mean over time", "J is a sum over time, not a mean.")
def _(states, y, beta, H, R, C):
    return np.linalg.solve(C, beta) - np.linalg.solve(R, (y - states @ H.T - beta).mean(0))


@bias_slope.mistake("did not weigh the misfits", "Each misfit is divided by the covariance of the noise, R.")
def _(states, y, beta, H, R, C):
    return np.linalg.solve(C, beta) - (y - states @ H.T - beta).sum(0)


@bias_slope.mistake(
    "carried the slope to the state",
    "You multiplied by H'. That is the slope by the state; the bias is added to the reading itself.",
)
def _(states, y, beta, H, R, C):
    return H.T @ (np.linalg.solve(C, beta) - np.linalg.solve(R, (y - states @ H.T - beta).sum(0)))


def _judge_cases(rng):
    cases = []
    for forecasters, windows in ((8, 30), (6, 80)):
        readings = rng.integers(40, 90, size=(forecasters, windows))
        kind = rng.permutation(np.arange(forecasters) % 3)
        J = 0.5 * rng.chisquare(readings)
        far = np.array([0, 9, -9])[kind] * rng.uniform(1, 2, forecasters)
        total = np.where(kind == 0, rng.uniform(-2, 2, forecasters), far)
        n = readings.sum(1)
        J *= ((n + total * np.sqrt(2 * n)) / (2 * J.sum(1)))[:, None]     # so that no case is a close call
        cases.append((J, readings))
    return cases


@task("2.5b-c", cases=_judge_cases, stars=2)
def judge(J, readings):
    """With two arrays of shape (M, W), returning M whole numbers."""
    n = readings.sum(1)
    z = (2 * J.sum(1) - n) / np.sqrt(2 * n)
    return np.select([z > 4, z < -4], [1, 2], 0)


@judge.mistake("forgot the half", "J is a half of the sum of squares: compare 2 J with the number of readings.")
def _(J, readings):
    n = readings.sum(1)
    z = (J.sum(1) - n) / np.sqrt(2 * n)
    return np.select([z > 4, z < -4], [1, 2], 0)


@judge.mistake(
    "mixed up the two",
    "Covariances that are too small make each misfit count for too much, so that the cost is too high.",
)
def _(J, readings):
    return np.array([0, 2, 1])[judge(J, readings)]


@judge.mistake(
    "looked at each window alone",
    "One window is uncertain by a sixth, so that few stand out. Add the windows of a forecaster first.",
)
def _(J, readings):
    z = ((2 * J - readings) / np.sqrt(2 * readings)).mean(1)
    return np.select([z > 4, z < -4], [1, 2], 0)


@judge.mistake(
    "took the standard deviation of one window",
    "Variances of independent windows add: the sum has the variance 2 n, with n all readings of the forecaster.",
)
def _(J, readings):
    n = readings.sum(1)
    z = (2 * J.sum(1) - n) / np.sqrt(2 * readings.mean(1))
    return np.select([z > 4, z < -4], [1, 2], 0)


def _grown_cases(rng):
    cases = []
    for T, N, K, n in ((9, 3, 2, 4), (12, 2, 3, 5)):
        r = np.cumsum(rng.normal(size=(T, N, K)), axis=0) + rng.normal()
        cases.append((r, n))
    return cases


@task("2.5b-f", cases=_grown_cases, stars=2)
def grown(residuals, n):
    """Return a number."""
    stretches = np.lib.stride_tricks.sliding_window_view(residuals, n, axis=0)
    return (stretches.sum(-1) ** 2).mean() / (n * (residuals**2).mean())


@grown.mistake(
    "took stretches that do not overlap",
    "Every stretch of n successive residuals counts, also those that begin inside of another.",
)
def _apart(residuals, n):
    whole = residuals[: len(residuals) // n * n].reshape(-1, n, *residuals.shape[1:])
    return (whole.sum(1) ** 2).mean() / (n * (residuals**2).mean())


@grown.mistake(
    "compared with one residual",
    "Independent residuals add up too: n of them have n times the variance of one. Divide by n.",
)
def _by_one(residuals, n):
    return n * grown(residuals, n)


@grown.mistake(
    "took means for sums",
    "The error after n steps is the sum of the residuals, not their mean.",
)
def _means(residuals, n):
    return grown(residuals, n) / n**2


@grown.mistake(
    "compared standard deviations",
    "Variances were asked for: this is the root of the right answer.",
)
def _roots(residuals, n):
    return np.sqrt(grown(residuals, n))


@grown.mistake(
    "summed over runs in the place of times",
    "The first axis is time. Residuals of different runs are independent, and their sum says nothing about memory.",
)
def _other_axis(residuals, n):
    stretches = np.lib.stride_tricks.sliding_window_view(residuals, min(n, residuals.shape[1]), axis=1)
    return (stretches.sum(-1) ** 2).mean() / (n * (residuals**2).mean())


@grown.mistake(
    "took the mean out",
    "A mean that the model lacks in every step is the worst of what is remembered. Take the residuals as they are.",
)
def _centered(residuals, n):
    return grown(residuals - residuals.mean((0, 1)), n)
