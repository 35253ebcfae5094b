"""Exercises of section 2.2.2, digits and damping: what rounding does to filters and smoothers."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _variance_cases(rng):
    return [(rng.uniform(1, 5), rng.uniform(1, 5)), (10.0 ** rng.uniform(14, 18), 10.0 ** rng.uniform(-6, -2))]


def _variance_edges():
    """A state that is known; a sensor that tells nothing."""
    return [(0.0, 2.0), (3.0, 1e17)]


@task("2.2.2c-a", cases=_variance_cases, edges=_variance_edges, stars=1)
def posterior_variance(P, R):
    """With two numbers, returning one."""
    return P * (R / (P + R))


@posterior_variance.mistake(
    "a difference of large numbers",
    "With P = 1e16 and R = 1e-3 this gives zero or noise: P and P^2 / (P + R) agree in all sixteen digits. Find a form "
    "without a difference.",
)
def _(P, R):
    return P - P * (P / (P + R))


@posterior_variance.mistake("the precision", "That is the sum of the precisions. The variance is its inverse.")
def _(P, R):
    return 1 / P + 1 / R if P else np.inf


@posterior_variance.mistake(
    "the share of the prior", "That is the gain times P, which the datum takes away. What is left?"
)
def _(P, R):
    return P * (P / (P + R))


@posterior_variance.mistake("the sum", "That is the variance of y, before it is seen.")
def _(P, R):
    return P + R


def _smoother_cases(rng):
    cases = []
    for T in (6, 9):
        y, R, q = np.cumsum(rng.normal(size=T)) + rng.normal(size=T), rng.uniform(0.5, 2), rng.uniform(0.3, 1)
        y[[2, T - 2]] = np.nan
        cases.append((y, *_predictions(y, R, q), R))
    return cases


def _smoother_edges():
    """One year; and a last year that is missing."""
    single, late = np.array([2.0]), np.array([1.0, 3.0, np.nan])
    return [(single, *_predictions(single, 1.0, 0.5), 1.0), (late, *_predictions(late, 1.0, 0.5), 1.0)]


def _predictions(y, R, q):
    mean, variance, x, P = 0.0, 2.0, np.empty(len(y)), np.empty(len(y))
    for t, value in enumerate(y):
        x[t], P[t] = mean, variance
        if not np.isnan(value):
            mean, variance = mean + variance / (variance + R) * (value - mean), variance * R / (variance + R)
        variance += q
    return x, P


def _backwards(y, x, P, R, keep=True, gap="pass", late=False):
    r, means = 0.0, np.empty(len(y))
    for t in range(len(y) - 1, -1, -1):
        old = r
        if not np.isnan(y[t]):
            S = P[t] + R
            r = (y[t] - x[t]) / S + (R / S if keep else 1.0) * r
        elif gap == "forget":
            r = 0.0
        elif gap == "damp":
            r = R / (P[t] + R) * r
        means[t] = x[t] + P[t] * (old if late else r)
    return means


@task("2.2.2c-b", cases=_smoother_cases, edges=_smoother_edges, stars=2)
def adjoint_means(y, x, P, R):
    """With shapes (T,), (T,), (T,) and a number, returning shape (T,)."""
    return _backwards(y, x, P, R)


@adjoint_means.mistake(
    "r not damped",
    "Going back through the update of year t, r must be multiplied by 1 - K: what the year itself explains, the later "
    "years need not explain again.",
)
def _(y, x, P, R):
    return _backwards(y, x, P, R, keep=False)


@adjoint_means.mistake(
    "forgot the future at a gap", "A missing year adds nothing, but r from the later years passes through it."
)
def _(y, x, P, R):
    return _backwards(y, x, P, R, gap="forget")


@adjoint_means.mistake(
    "damped at a gap", "Where nothing was seen there was no update, and the gain is zero: leave r as it is."
)
def _(y, x, P, R):
    return _backwards(y, x, P, R, gap="damp")


@adjoint_means.mistake("one year late", "The year's own datum belongs into r before x is corrected.")
def _(y, x, P, R):
    return _backwards(y, x, P, R, late=True)
