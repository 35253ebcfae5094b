"""Exercises of section 3.4, harmoniums in time."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _logistic(a):
    return 1 / (1 + np.exp(-a))


def _filter_cases(rng):
    draw = lambda T, D, L: (
        rng.poisson(1.0, (T, D)).astype(float), rng.normal(size=(L, D)), rng.normal(size=(L, L)), rng.normal(size=L),
        rng.random(L),
    )
    return [draw(6, 4, 3), draw(3, 2, 2)]


def _filter_edges():
    """One moment."""
    return [(np.ones((1, 2)), np.array([[1.0, -1.0]]), np.array([[2.0]]), np.array([0.5]), np.array([1.0]))]


@task("3.4-a", cases=_filter_cases, edges=_filter_edges)
def filtered(y, weights, feedback, biases, initial):
    """With shapes (T, D), (L, D), (L, L), (L,) and (L,), returning (T, L)."""
    means, known = [], initial
    for now in y:
        known = _logistic(biases + feedback @ known + weights @ now)
        means.append(known)
    return np.array(means)


@filtered.mistake("the feedback transposed", "Row l of the feedback holds what reaches coin l: feedback @ means.")
def _(y, weights, feedback, biases, initial):
    return filtered.solution(y, weights, feedback.T, biases, initial)


@filtered.mistake("the same past at all times", "After each moment the new means are the past of the next.")
def _(y, weights, feedback, biases, initial):
    return np.array([_logistic(biases + feedback @ initial + weights @ now) for now in y])


@filtered.mistake(
    "the past before the data",
    "The means of a moment know its data: add weights @ y before the logistic function.",
)
def _(y, weights, feedback, biases, initial):
    means = filtered.solution(y, weights, feedback, biases, initial)
    return _logistic(biases + np.vstack([initial, means[:-1]]) @ feedback.T)


@filtered.mistake("the logistic function left out", "Means of coins lie between 0 and 1: take the logistic function.")
def _(y, weights, feedback, biases, initial):
    means, known = [], initial
    for now in y:
        known = biases + feedback @ known + weights @ now
        means.append(known)
    return np.array(means)


def _time_cases(rng):
    draw = lambda T, L: (rng.normal(size=(T, L)), rng.random((T, L)), rng.normal(size=(L, L)))
    return [draw(5, 3), draw(4, 2)]


def _time_edges():
    """One moment, and three of a single coin."""
    return [
        (np.array([[0.3, -0.2]]), np.array([[0.5, 0.9]]), np.eye(2)),
        (np.array([[0.1], [0.2], [-0.4]]), np.array([[0.5], [0.3], [0.8]]), np.array([[2.0]])),
    ]


def _back(local, means, feedback, slope=True, whole=True):
    g = local.copy()
    for t in range(len(local) - 2, -1, -1):
        back = feedback.T @ (g if whole else local)[t + 1]
        g[t] = local[t] + back * (means[t] * (1 - means[t]) if slope else 1.0)
    return g


@task("3.4-b", cases=_time_cases, edges=_time_edges, stars=2)
def through_time(local, means, feedback):
    """With shapes (T, L), (T, L) and (L, L), returning (T, L)."""
    return _back(local, means, feedback)


@through_time.mistake(
    "one step back only",
    "What comes back is the whole g of the next moment, which has its own later moments in it.",
)
def _(local, means, feedback):
    return _back(local, means, feedback, whole=False)


@through_time.mistake(
    "the feedback not transposed",
    "Activity goes forward through F, errors go back through its transpose.",
)
def _(local, means, feedback):
    return _back(local, means, feedback.T)


@through_time.mistake(
    "both bugs",
    "Two things: the whole g of the next moment comes back, and through the transpose of F.",
)
def _(local, means, feedback):
    return _back(local, means, feedback.T, whole=False)


@through_time.mistake("the slope left out", "The means are logistic: multiply with means times one minus means.")
def _(local, means, feedback):
    return _back(local, means, feedback, slope=False)


@through_time.mistake(
    "nothing comes back",
    "Add what the next moments say: the transpose of F times g of the next moment, times the slope.",
)
def _(local, means, feedback):
    return local.copy()


def _pulse_cases(rng):
    centers = np.linspace(0, 1, 6)
    return [
        (rng.normal(), 0.1 + rng.random(), rng.poisson(1.0, 6).astype(float), centers, 0.2),
        (rng.normal(), 0.5 + rng.random(), 1.0 + rng.poisson(2.0, 3), np.array([-1.0, 0.0, 2.0]), 1.5),
    ]


def _pulse_edges():
    """No pulse; and one."""
    centers = np.array([-1.0, 1.0])
    return [(0.3, 0.5, np.zeros(2), centers, 0.4), (0.3, 0.5, np.array([0.0, 1.0]), centers, 0.4)]


def _after(mean, variance, n, summed):
    precision = 1 / variance + n
    return np.array([(mean / variance + summed) / precision, 1 / precision])


@task("3.4-c", cases=_pulse_cases, edges=_pulse_edges, stars=2)
def after_pulses(mean, variance, counts, centers, width):
    """With two numbers, shapes (D,) and (D,), and a number, returning (2,)."""
    return _after(mean, variance, counts.sum() / width**2, counts @ centers / width**2)


@after_pulses.mistake(
    "one measurement, however many pulses",
    "Each pulse is a measurement of its own: n of them have n times the precision.",
)
def _(mean, variance, counts, centers, width):
    n = max(counts.sum(), 1e-12)
    return _after(mean, variance, (n > 0.5) / width**2, (n > 0.5) * counts @ centers / n / width**2)


@after_pulses.mistake("the width in the place of its square", "The variance of a pulse is the width squared.")
def _(mean, variance, counts, centers, width):
    return _after(mean, variance, counts.sum() / width, counts @ centers / width)


@after_pulses.mistake("the pulses alone", "The belief counts too: its precision is one over its variance.")
def _(mean, variance, counts, centers, width):
    n = max(counts.sum(), 1e-12)
    return np.array([counts @ centers / n, width**2 / n])


@after_pulses.mistake("the precision returned", "The second number is the variance, one over the precision.")
def _(mean, variance, counts, centers, width):
    m, v = after_pulses.solution(mean, variance, counts, centers, width)
    return np.array([m, 1 / v])
