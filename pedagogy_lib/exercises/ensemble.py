"""Exercises of chapter 2.4: ensemble Kalman filters."""

import numpy as np

from pedagogy_lib.exercises import Mistake, Task


def _ensembles(rng, shapes):
    """Members, and images of them that are not straight."""
    found = []
    for N, K, L in shapes:
        members = 2.0 + rng.normal(size=(N, K)) @ rng.normal(size=(K, K))
        root = rng.normal(size=(L, L))
        found.append((members, np.sin(members[:, :L]) + members[:, -L:], root @ root.T + 0.5 * np.eye(L)))
    return found


# ------------------------------------------------------------------------------ a: the gain


def _ensemble_gain(members, images, noise, count=None, covary=True):
    N = len(members) - 1 if count is None else count
    X, Y = (members - members.mean(0), images - images.mean(0)) if covary else (members, images)
    return np.linalg.solve(Y.T @ Y / N + noise, Y.T @ X / N).T


def _gain_cases(rng):
    return _ensembles(rng, ((6, 3, 2), (4, 5, 2), (9, 2, 1)))


def _gain_counted_n(members, images, noise):
    return _ensemble_gain(members, images, noise, len(members))


def _gain_not_centred(members, images, noise):
    return _ensemble_gain(members, images, noise, covary=False)


def _gain_no_noise(members, images, noise):
    return _ensemble_gain(members, images, 0 * noise)


def _gain_transposed(members, images, noise):
    return _ensemble_gain(members, images, noise).T


def _gain_undivided(members, images, noise):
    return _ensemble_gain(members, images, noise, 1)


def _gain_noise_twice(members, images, noise):
    return _ensemble_gain(members, images, 2 * noise)


ENSEMBLE_GAIN = Task(
    "2.4-a",
    "ensemble_gain(members, images, noise), with shapes (N, K), (N, L), (L, L), returning (K, L)",
    _ensemble_gain,
    _gain_cases,
    (
        Mistake(
            "divided by N",
            _gain_counted_n,
            "Almost. The mean was taken from the same members, so a covariance has the divisor N - 1.",
        ),
        Mistake(
            "did not centre",
            _gain_not_centred,
            "These are mean products, not covariances. Take the means of the members and of the images away first.",
        ),
        Mistake(
            "forgot the noise",
            _gain_no_noise,
            "This gain trusts the data completely. What you expect to see varies with the members and with the "
            "station's noise: add R to the covariance of the images.",
        ),
        Mistake(
            "transposed the gain",
            _gain_transposed,
            "The numbers are right. The gain carries a surprise, of length L, to a state, of length K: shape (K, L).",
        ),
        Mistake(
            "did not divide",
            _gain_undivided,
            "Both products of deviations grow with the number of members, and R does not: divide them by N - 1.",
        ),
        Mistake(
            "added the noise twice",
            _gain_noise_twice,
            "R counts once. If your images carry perturbations already, their covariance holds R: do not add it again. "
            "Here they do not.",
        ),
    ),
)


# -------------------------------------------------------------------- b: one datum at a time


def _serial_update(members, images, y, r, alpha=None, count=None):
    mean, X = members.mean(0), members - members.mean(0)
    d, N = images - images.mean(), len(images) - 1 if count is None else count
    s = d @ d / N
    k = X.T @ d / N / (s + r)
    alpha = 1 / (1 + np.sqrt(r / (s + r))) if alpha is None else alpha
    return mean + k * (y - images.mean()) + X - alpha * np.outer(d, k)


def _serial_cases(rng):
    return [(x, h[:, 0], rng.normal(), R[0, 0]) for x, h, R in _ensembles(rng, ((6, 3, 1), (5, 5, 2), (12, 2, 1)))]


def _serial_full(members, images, y, r):
    return _serial_update(members, images, y, r, alpha=1.0)


def _serial_not_shrunk(members, images, y, r):
    return _serial_update(members, images, y, r, alpha=0.0)


def _serial_mean_too(members, images, y, r):
    d = images - images.mean()
    s = d @ d / (len(d) - 1)
    right, alpha = _serial_update(members, images, y, r), 1 / (1 + np.sqrt(r / (s + r)))
    k = (members - members.mean(0)).T @ d / (len(d) - 1) / (s + r)
    return right - (1 - alpha) * k * (y - images.mean())


def _serial_ratio_turned(members, images, y, r):
    d = images - images.mean()
    s = d @ d / (len(d) - 1)
    return _serial_update(members, images, y, r, alpha=1 / (1 + np.sqrt(s / (s + r))))


def _serial_other_root(members, images, y, r):
    d = images - images.mean()
    s = d @ d / (len(d) - 1)
    return _serial_update(members, images, y, r, alpha=1 / (1 - np.sqrt(r / (s + r))))


def _serial_counted_n(members, images, y, r):
    return _serial_update(members, images, y, r, count=len(images))


SERIAL_UPDATE = Task(
    "2.4-b",
    "serial_update(members, images, y, r), with shapes (N, K), (N,) and two numbers, returning (N, K)",
    _serial_update,
    _serial_cases,
    (
        Mistake(
            "pulled the deviations with the whole gain",
            _serial_full,
            "This is alpha = 1: the update without perturbed observations. The mean is right, and the ensemble too "
            "narrow, by k r k'.",
        ),
        Mistake(
            "left the deviations",
            _serial_not_shrunk,
            "The mean is right, but the members are as far apart as before. Take alpha d_i k away from each deviation.",
        ),
        Mistake(
            "used alpha for the mean too",
            _serial_mean_too,
            "The deviations are right. The mean moves by the whole gain; alpha is for the deviations only.",
        ),
        Mistake(
            "took the root of s / (s + r)",
            _serial_ratio_turned,
            "In alpha stands r, the variance of the noise: with r = 0 the datum is certain, alpha is 1/(1 + 0), and "
            "nothing of d must be left.",
        ),
        Mistake(
            "took the other root",
            _serial_other_root,
            "The covariance comes out right, but with alpha above one: the members change sides. Take 1 / (1 + root).",
        ),
        Mistake(
            "divided by N",
            _serial_counted_n,
            "Variances of a sample have the divisor N - 1, here in s and in the covariance of the states with d.",
        ),
    ),
)


# ------------------------------------------------------------------- c: how much inflation?


def _needed_inflation(surprises, variances, r):
    squared = ((surprises**2).sum() - r * surprises.size) / variances.sum()
    return np.sqrt(max(squared, 0.0))


def _inflation_cases(rng):
    cases = []
    for T, L, scale, r in ((30, 4, 1.3, 1.0), (50, 1, 1.0, 0.4), (12, 6, 2.0, 0.1), (40, 3, 0.05, 1.0)):
        variances = rng.gamma(2.0, 0.5, size=(T, L)) + 0.05
        root = np.sqrt(scale**2 * variances + (r if scale > 0.1 else 0.3 * r))
        cases.append((0.3 + root * rng.normal(size=(T, L)), variances, r))
    return cases


def _inflation_with_noise(surprises, variances, r):
    return np.sqrt((surprises**2).sum() / variances.sum())


def _inflation_squared(surprises, variances, r):
    return _needed_inflation(surprises, variances, r) ** 2


def _inflation_centred(surprises, variances, r):
    return _needed_inflation(surprises - surprises.mean(), variances, r)


def _inflation_of_ratios(surprises, variances, r):
    return np.sqrt(max(((surprises**2 - r) / variances).mean(), 0.0))


def _inflation_noise_once(surprises, variances, r):
    return np.sqrt(max(((surprises**2).sum() - r) / variances.sum(), 0.0))


def _inflation_of_everything(surprises, variances, r):
    return np.sqrt((surprises**2).sum() / (variances + r).sum())


NEEDED_INFLATION = Task(
    "2.4-c",
    "needed_inflation(surprises, variances, r), with shapes (T, L), (T, L) and a number, returning a number",
    _needed_inflation,
    _inflation_cases,
    (
        Mistake(
            "kept the noise in the surprises",
            _inflation_with_noise,
            "A surprise has two causes: the forecast errs, and the station errs. Take r away from each square first.",
        ),
        Mistake(
            "forgot the root",
            _inflation_squared,
            "This is lambda squared. Deviations are multiplied by lambda, so variances by its square.",
        ),
        Mistake(
            "centred the surprises",
            _inflation_centred,
            "You took the mean of the surprises away. A surprise that is always on one side is an error too: use the "
            "mean square.",
        ),
        Mistake(
            "averaged ratios",
            _inflation_of_ratios,
            "You divided each square by its own variance. Where that is small, chance makes huge ratios. Sum both "
            "sides first, then divide.",
        ),
        Mistake(
            "took the noise away once",
            _inflation_noise_once,
            "Each of the T L squares holds an r of its own.",
        ),
        Mistake(
            "inflated the noise too",
            _inflation_of_everything,
            "Inflation widens the ensemble, not the noise of the stations: lambda^2 multiplies the variances only.",
        ),
    ),
)

TASKS = (ENSEMBLE_GAIN, SERIAL_UPDATE, NEEDED_INFLATION)
