"""Exercises of section 8.4, black-box and stochastic variational inference."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _gamma_cases(rng):
    return [(float(np.exp(rng.normal())), float(np.exp(rng.normal()))), (float(1 + 5 * rng.random()), 0.3)]


def _gamma_edges():
    """A shape of one, the exponential distribution; and a narrow posterior."""
    return [(1.0, 1.0), (400.0, 20.0)]


@task("8.4b-a", cases=_gamma_cases, edges=_gamma_edges, parts=("m", "s"), stars=2)
def best_lognormal(a, b):
    """With two numbers above zero, returning two numbers."""
    return np.log(a / b) - 0.5 / a, 1 / np.sqrt(a)


@best_lognormal.mistake(
    "Laplace's approximation", "That is the mode of z. The average of e^z under the guess is larger than e^m."
)
def _(a, b):
    return np.log(a / b), 1 / np.sqrt(a)


@best_lognormal.mistake(
    "the length factor forgotten", "In z = log x the density has one more factor x: a log x, not (a - 1) log x."
)
def _(a, b):
    c = a - 1 if a > 1 else a + 1
    return np.log(c / b) - 0.5 / c, 1 / np.sqrt(c)


@best_lognormal.mistake(
    "the moments of log x",
    "The exact mean and variance of log x are the best guess for the other direction, KL{p || q}.",
)
def _(a, b):
    from scipy.special import digamma, polygamma

    return digamma(a) - np.log(b), np.sqrt(polygamma(1, a))


@best_lognormal.mistake("a variance in the place of a deviation", "s is the standard deviation: take the root.")
def _(a, b):
    return np.log(a / b) - 0.5 / a, 1 / a if a != 1 else 2.0


def _die_cases(rng):
    return [
        (rng.random(4) * 20 + 1, 0.5, rng.integers(0, 9, 4) + 0.0, 1000, 0.3),
        (rng.random(6) * 5 + 1, 2.0, rng.integers(1, 5, 6) + 0.0, 60, 0.05),
    ]


def _die_edges():
    """A step of one with all rolls, which is the posterior; and a step of zero."""
    counts = np.array([3.0, 0.0, 7.0])
    return [(np.array([5.0, 1.0, 1.0]), 1.5, counts, 10, 1.0), (np.array([5.0, 1.0, 1.0]), 1.5, counts, 50, 0.0)]


@task("8.4b-b", cases=_die_cases, edges=_die_edges, stars=2)
def svi_step(alpha, alpha_0, counts, n, rate):
    """With shapes (K,), number, (K,), number, number, returning an array of shape (K,)."""
    return (1 - rate) * alpha + rate * (alpha_0 + n / counts.sum() * counts)


@svi_step.mistake("the prior multiplied", "The prior is there once: multiply the counts by N / B, and then add it.")
def _(alpha, alpha_0, counts, n, rate):
    return (1 - rate) * alpha + rate * n / counts.sum() * (alpha_0 + counts)


@svi_step.mistake("the rate on the wrong side", "The rate is the share of the new answer, not of the old one.")
def _(alpha, alpha_0, counts, n, rate):
    return rate * alpha + (1 - rate) * (alpha_0 + n / counts.sum() * counts)


@svi_step.mistake("the batch taken for all", "The batch stands for all n rolls: its counts are multiplied by N / B.")
def _(alpha, alpha_0, counts, n, rate):
    return (1 - rate) * alpha + rate * (alpha_0 + counts)


@svi_step.mistake("the new answer added", "The old factor keeps the share 1 - rate only.")
def _(alpha, alpha_0, counts, n, rate):
    return alpha + rate * (alpha_0 + n / counts.sum() * counts)


def _weights_cases(rng):
    return [(rng.normal(size=40),), (3 * rng.normal(size=9) - 2000,)]


def _weights_edges():
    """Weights that are all alike, one draw that has all the weight, and one that is impossible."""
    return [(np.full(5, -3.0),), (np.array([0.0, -np.inf, -np.inf, -np.inf]),), (np.array([-1.0, -np.inf, -2.0]),)]


def _share(w):
    return w.sum() ** 2 / (len(w) * (w**2).sum())


@task("8.4b-c", cases=_weights_cases, edges=_weights_edges, stars=2, points=3)
def effective_share(log_weights):
    """With shape (S,), returning a number."""
    return _share(np.exp(log_weights - log_weights.max()))


@effective_share.mistake(
    "underflow", "e to the power of -2000 is zero in the machine: take the largest logarithm off first."
)
def _(log_weights):
    with np.errstate(all="ignore"):
        return _share(np.exp(log_weights))


@effective_share.mistake("the number in the place of the share", "Divide by the number of draws: a share is asked for.")
def _(log_weights):
    w = np.exp(log_weights - log_weights.max())
    return len(w) * _share(w)


@effective_share.mistake("the logarithms weighed", "The weights are the exponentials of what is given.")
def _(log_weights):
    with np.errstate(all="ignore"):
        return _share(log_weights)


@effective_share.mistake(
    "the largest weight only", "That is the share of one draw: the sum of squares counts all of them."
)
def _(log_weights):
    w = np.exp(log_weights - log_weights.max())
    return w.sum() / (len(w) * w.max())
