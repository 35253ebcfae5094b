"""Exercises of section 8.2.1, gradients of expectations."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _poisson_cases(rng):
    a = rng.normal()
    draws = rng.poisson(np.exp(a), 30) * 1.0
    return [(draws, rng.normal(size=30), a, 0.0), (draws, rng.normal(size=30) + 4, a, 3.7)]


def _poisson_edges():
    """A cost that is the baseline says nothing."""
    return [(np.array([0.0, 2.0, 5.0]), np.array([1.5, 1.5, 1.5]), 0.3, 1.5)]


@task("8.2b-a", cases=_poisson_cases, edges=_poisson_edges)
def poisson_terms(draws, values, a, baseline):
    """With shapes (N,), (N,), numbers, returning (N,)."""
    return (draws - np.exp(a)) * (values - baseline)


@poisson_terms.mistake(
    "the score in the rate",
    "The parameter is the logarithm a of the rate: differentiate a x - exp(a) with respect to a.",
)
def _(draws, values, a, baseline):
    return (draws / np.exp(a) - 1) * (values - baseline)


@poisson_terms.mistake("the rate not exponentiated", "The mean of the draws is exp(a), not a.")
def _(draws, values, a, baseline):
    return (draws - a) * (values - baseline)


@poisson_terms.mistake("the baseline left out", "Subtract the baseline from the values.")
def _(draws, values, a, baseline):
    return (draws - np.exp(a)) * values


@poisson_terms.mistake("averaged", "Return one term for each draw; their mean is taken later.")
def _(draws, values, a, baseline):
    return np.full(len(draws), ((draws - np.exp(a)) * (values - baseline)).mean())


def _leave_cases(rng):
    return [
        (rng.normal(size=(6, 2)), rng.normal(size=6) + 5, rng.normal(size=2), np.exp(rng.normal(size=2))),
        (rng.normal(size=(2, 1)), rng.normal(size=2), rng.normal(size=1), np.exp(rng.normal(size=1))),
    ]


def _leave_edges():
    """Where all values are the same the estimate is zero."""
    return [(np.array([[1.0], [2.0], [-1.0]]), np.array([7.0, 7.0, 7.0]), np.zeros(1), np.array([0.5]))]


@task("8.2b-b", cases=_leave_cases, edges=_leave_edges, stars=2)
def leave_one_out(x, values, mean, deviations):
    """With shapes (N, K), (N,), (K,), (K,), returning (K,)."""
    others = (values.sum() - values) / (len(values) - 1)
    return ((x - mean) / deviations**2 * (values - others)[:, None]).mean(0)


@leave_one_out.mistake("the draw's own value in its baseline", "Leave it out: (sum - own) / (N - 1), for each draw.")
def _(x, values, mean, deviations):
    return ((x - mean) / deviations**2 * (values - values.mean())[:, None]).mean(0)


@leave_one_out.mistake("z in the place of the score", "The score is (x - mean) / deviation^2, that is, z / s.")
def _(x, values, mean, deviations):
    others = (values.sum() - values) / (len(values) - 1)
    return ((x - mean) / deviations * (values - others)[:, None]).mean(0)


@leave_one_out.mistake("both bugs still there", "The score is z / s; and the baseline must leave out the draw itself.")
def _(x, values, mean, deviations):
    return ((x - mean) / deviations * (values - values.mean())[:, None]).mean(0)


@leave_one_out.mistake("the sum of the others", "Divide the sum of the others by N - 1.")
def _(x, values, mean, deviations):
    return ((x - mean) / deviations**2 * (values - (values.sum() - values))[:, None]).mean(0)


def _path_cases(rng):
    return [
        (np.cos, rng.random(20), float(np.exp(rng.normal()))),
        (lambda x: 2 * x, rng.random(5), float(np.exp(rng.normal()))),
    ]


def _path_edges():
    """A time of zero does not move."""
    return [(np.cos, np.array([0.0, 0.5]), 2.0)]


@task("8.2b-c", cases=_path_cases, edges=_path_edges, stars=2)
def exponential_path(slope, uniform, rate):
    """With a function, shape (N,) and a number, returning (N,)."""
    x = -np.log1p(-uniform) / rate
    return slope(x) * -x / rate


@exponential_path.mistake("the sign", "When the rate rises, the times get shorter: dx / drate = -x / rate.")
def _(slope, uniform, rate):
    x = -np.log1p(-uniform) / rate
    return slope(x) * x / rate


@exponential_path.mistake("the path not differentiated", "Multiply the slope by dx / drate.")
def _(slope, uniform, rate):
    return slope(-np.log1p(-uniform) / rate)


@exponential_path.mistake("the slope at the uniform number", "The slope is asked for at the time x, not at z.")
def _(slope, uniform, rate):
    x = -np.log1p(-uniform) / rate
    return slope(uniform) * -x / rate


@exponential_path.mistake("the derivative without the square", "d(1/rate)/drate = -1/rate^2: dx/drate = -x/rate.")
def _(slope, uniform, rate):
    x = -np.log1p(-uniform) / rate
    return slope(x) * -x
