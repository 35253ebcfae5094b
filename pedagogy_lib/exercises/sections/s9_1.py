"""Exercises of sections 9.0.1 and 9.1, one density with two readings."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _values_cases(rng):
    return [(rng.normal(size=9),), (rng.integers(0, 5, size=12).astype(float),)]


def _values_edges():
    """One value, and values that are all the same."""
    return [(np.array([3.0]),), (np.full(4, 2.0),)]


def _below(values):
    return (values[:, None] > values).mean(1)


@task("9.1-a", cases=_values_cases, edges=_values_edges)
def equalize(values):
    """With shape (N,), returning (N,)."""
    return _below(values) + (values[:, None] == values).mean(1) / 2


@equalize.mistake("ranks from zero", "The smallest answer is 1 / 2N, half a step above zero.")
def _(values):
    return _below(values)


@equalize.mistake("a straight line", "That keeps the distances of the values. Use their ranks.")
def _(values):
    return (values - values.min()) / max(np.ptp(values), 1e-12)


@equalize.mistake("sorted", "Answer n belongs to value n: do not sort them.")
def _(values):
    return (np.arange(len(values)) + 0.5) / len(values)


@equalize.mistake("equal values told apart", "Equal values get the same answer, the mean of what they would get.")
def _(values):
    return (np.argsort(np.argsort(values, kind="stable"), kind="stable") + 0.5) / len(values)


@equalize.mistake("whole steps", "Half a step: the share below, plus half the share of values that are equal.")
def _(values):
    return _below(values) + (values[:, None] == values).mean(1)


def _entropy_cases(rng):
    return [
        (1.3, rng.normal(size=(3, 3)), rng.normal(size=(7, 3))),
        (-0.4, rng.normal(size=(2, 2)), rng.normal(size=(5, 2))),
    ]


def _entropy_edges():
    """One observation, at the origin, where the logistic slope is 1/4."""
    return [(0.0, np.array([[2.0, 1.0], [0.0, 1.0]]), np.zeros((1, 2)))]


def _stretching(D, x):
    return (-np.logaddexp(0, x) - np.logaddexp(0, -x)).sum(1) + np.linalg.slogdet(D)[1]


@task("9.1-b", cases=_entropy_cases, edges=_entropy_edges, stars=2)
def entropy_of_answers(entropy_of_data, D, y):
    """With a number and shapes (K, K) and (N, K), returning a number."""
    return entropy_of_data + _stretching(D, y @ D.T).mean()


@entropy_of_answers.mistake("both of them left", "Nothing is mended yet: look at the product, and at the last sign.")
def _(entropy_of_data, D, y):
    return entropy_of_data - _stretching(D, y @ D).mean()


@entropy_of_answers.mistake("the stretching subtracted", "A map that stretches spreads the answers out.")
def _(entropy_of_data, D, y):
    return entropy_of_data - _stretching(D, y @ D.T).mean()


@entropy_of_answers.mistake("rows taken for columns", "Each row of y is an observation: D y is then y @ D.T.")
def _(entropy_of_data, D, y):
    return entropy_of_data + _stretching(D, y @ D).mean()


@entropy_of_answers.mistake("the determinant left out", "The matrix stretches space as well, by its determinant.")
def _(entropy_of_data, D, y):
    return entropy_of_data + (_stretching(D, y @ D.T) - np.linalg.slogdet(D)[1]).mean()


def _cell_cases(rng):
    return [(rng.normal(size=8), 1.7, 0.3), (2 * rng.normal(size=5) - 1, 0.6, -0.4)]


def _cell_edges():
    """All contrasts in the middle of the curve: only the steepness is felt."""
    return [(np.full(3, 0.5), 2.0, 0.5)]


def _bend(y, d, m):
    return -np.tanh(0.5 * d * (y - m))


@task("9.1-c", cases=_cell_cases, edges=_cell_edges, parts=("for d", "for m"), stars=2)
def slopes(y, d, m):
    """With shape (N,) and two numbers, returning two numbers."""
    return 1 / d + (_bend(y, d, m) * (y - m)).mean(), -d * _bend(y, d, m).mean()


@slopes.mistake("the determinant left out", "The slope of the curve has the factor d, and log d the derivative 1 / d.")
def _(y, d, m):
    return (_bend(y, d, m) * (y - m)).mean(), -d * _bend(y, d, m).mean()


@slopes.mistake("the sign of the middle", "x = d (y - m) falls as m rises.")
def _(y, d, m):
    return 1 / d + (_bend(y, d, m) * (y - m)).mean(), d * _bend(y, d, m).mean()


@slopes.mistake(
    "the derivative of the curve itself", "The density is the slope of the curve: log z + log(1 - z), both."
)
def _(y, d, m):
    z = 1 / (1 + np.exp(-d * (y - m)))
    return 1 / d + ((1 - z) * (y - m)).mean(), -d * (1 - z).mean()


@slopes.mistake("summed over the data", "The mean log density was asked for.")
def _(y, d, m):
    bend = _bend(y, d, m)
    return len(y) / d + (bend * (y - m)).sum(), -d * bend.sum()


@slopes.mistake("the slopes of the loss", "These are the derivatives of minus the log density: turn the signs round.")
def _(y, d, m):
    return -1 / d - (_bend(y, d, m) * (y - m)).mean(), d * _bend(y, d, m).mean()
