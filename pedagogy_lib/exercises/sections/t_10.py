"""Exercises of T.10: a law learned under noise."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _gaussian_cases(rng):
    return [
        (rng.normal(size=(n, K)), rng.normal(size=(n, K)) / 2, rng.normal(size=(n, K)), rng.normal(size=K))
        for n, K in ((4, 1), (3, 2))
    ]


def _record_cases(rng):
    return [
        (rng.normal(size=(T, D)), rng.normal(size=(H, H)) / 2, rng.normal(size=(H, D)))
        for T, D, H in ((5, 1, 2), (4, 2, 3))
    ]


def _level_cases(rng):
    return [
        (np.array([1.0, 0.8, -0.2, -1.0, 0.7, 1.1, 0.9, -0.3, -0.9, -1.0]),),
        (np.array([0.6, 0.7, -0.4, -0.8]),),
        (np.array([0.5, 0.9, 1.1]),),
        (np.array([0.9, -1.1, -0.8, 1.0]),),
        (np.repeat([1.0, -1.0, 1.0, -1.0], rng.integers(2, 7, 4)) + rng.uniform(-0.5, 0.5, 1),),
    ]


@task("T.10-a", cases=_gaussian_cases)
def divergence(mu, log_s, expected, log_q):
    """Return the divergence for each row, shape (N,)."""
    ratio = np.exp(2 * log_s - log_q)
    away = (mu - expected) ** 2 / np.exp(log_q)
    return 0.5 * (ratio + away - 1 - 2 * log_s + log_q).sum(axis=1)


@divergence.mistake(
    "took the logarithm of s for that of its square",
    "log_s belongs to a deviation: the variance is exp(2 log_s).",
)
def _not_doubled(mu, log_s, expected, log_q):
    return divergence(mu, log_s / 2, expected, log_q)


@divergence.mistake(
    "turned the divergence round",
    "This is the divergence from the prior to the recognition model. The expectation is under the first one named.",
)
def _turned(mu, log_s, expected, log_q):
    return divergence(expected, 0.5 * log_q + 0 * log_s, mu, 2 * log_s)


@divergence.mistake(
    "forgot the minus one",
    "Two equal Gaussians must have divergence zero: is it zero with yours?",
)
def _no_one(mu, log_s, expected, log_q):
    return divergence(mu, log_s, expected, log_q) + 0.5 * mu.shape[1]


@divergence.mistake(
    "left out the distance of the means",
    "The means differ, too: their squared distance counts, in units of the prior's variance.",
)
def _no_means(mu, log_s, expected, log_q):
    return divergence(mu, log_s, mu, log_q)


@divergence.mistake(
    "averaged over the numbers",
    "Independent numbers add their divergences: sum over the K, and do not average.",
)
def _averaged(mu, log_s, expected, log_q):
    return divergence(mu, log_s, expected, log_q) / np.maximum(mu.shape[1], 1.5)


@task("T.10-b", cases=_record_cases, stars=2)
def messages(y, D, E):
    """Return what has been heard from each time on, shape (T, H)."""
    h, heard = np.zeros(len(D)), []
    for t in range(len(y) - 1, -1, -1):
        h = np.tanh(D @ h + E @ y[t])
        heard.append(h)
    return np.array(heard)[::-1]


@messages.mistake(
    "heard the future alone",
    "Row t of yours has not read y[t]. Is the state kept before or after the reading came in?",
)
def _deaf(y, D, E):
    return np.concatenate([messages(y, D, E)[1:], np.zeros((1, len(D)))])


@messages.mistake(
    "read forwards",
    "Row t must know the readings from t on, not those up to t: begin with the last one.",
)
def _forwards(y, D, E):
    return messages(y[::-1], D, E)[::-1]


@messages.mistake(
    "returned the rows backwards",
    "The rows are right and in the order in which they were made, latest time first. Turn them round.",
)
def _backwards(y, D, E):
    return messages(y, D, E)[::-1]


@messages.mistake(
    "bent only what comes from before",
    "The tanh is of the whole sum: of the message and of the reading.",
)
def _half_bent(y, D, E):
    h, heard = np.zeros(len(D)), []
    for t in range(len(y) - 1, -1, -1):
        h = np.tanh(D @ h) + E @ y[t]
        heard.append(h)
    return np.array(heard)[::-1]


@task("T.10-c", cases=_level_cases, stars=2)
def mean_stay(levels):
    """Return the mean length of complete stays, or nan."""
    changes = np.flatnonzero(np.diff(np.sign(levels)) != 0)
    return np.diff(changes).mean() if len(changes) > 1 else np.nan


@mean_stay.mistake(
    "counted stays that the record cuts",
    "The first and the last stay are cut by the record's ends: nobody knows how long they were.",
)
def _cut(levels):
    return len(levels) / ((np.diff(np.sign(levels)) != 0).sum() + 1)


@mean_stay.mistake(
    "divided the whole time by the changes",
    "This is the length of the record over the number of changes. Measure from change to change.",
)
def _by_changes(levels):
    n = (np.diff(np.sign(levels)) != 0).sum()
    return len(levels) / n if n else np.nan


@mean_stay.mistake(
    "counted one step too few",
    "From one change to the next there are as many steps as the difference of their indices.",
)
def _one_less(levels):
    return mean_stay(levels) - 1


@mean_stay.mistake(
    "returned zero where nothing is known",
    "Without a complete stay the mean is not zero: nothing is known of it. Return nan.",
)
def _zero(levels):
    return np.nan_to_num(mean_stay(levels))
