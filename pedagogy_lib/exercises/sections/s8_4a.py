"""Exercises of section 8.4, mean field and coordinate ascent."""

import numpy as np
from scipy.special import gammaln, softmax

from pedagogy_lib.exercises.tasks import task


def _sweep_cases(rng):
    return [
        (rng.normal(size=8) * 2 + 3, float(np.exp(rng.normal())), float(rng.normal()), 0.5, 2.0, 1.5),
        (rng.normal(size=3) - 20, 4.0, 1.0, float(np.exp(rng.normal())), 0.7, 0.2),
    ]


def _sweep_edges():
    """A single datum that agrees with the prior, and no datum at all."""
    return [(np.array([1.0]), 2.0, 1.0, 3.0, 1.0, 1.0), (np.empty(0), 2.0, -1.0, 3.0, 1.5, 0.5)]


def _sweep(y, tau, m0, lam0, a0, b0, widened=1.0, shape=0.5, rate=0.5):
    lam = lam0 + len(y) * tau
    m = (lam0 * m0 + tau * y.sum()) / lam
    return m, lam, a0 + shape * len(y), b0 + rate * (((y - m) ** 2).sum() + widened * len(y) / lam)


@task("8.4a-a", cases=_sweep_cases, edges=_sweep_edges, parts=("m", "lam", "a", "b"), stars=2)
def sweep(y, tau, m0, lam0, a0, b0):
    """With ``y`` of shape (N,), returning four numbers."""
    return _sweep(y, tau, m0, lam0, a0, b0)


@sweep.mistake(
    "the mean's uncertainty forgotten",
    "The mean is not known exactly: the average of (y - mu)^2 is (y - m)^2 + 1 / lam.",
)
def _(y, tau, m0, lam0, a0, b0):
    return _sweep(y, tau, m0, lam0, a0, b0, widened=0.0)


@sweep.mistake("the uncertainty added once", "It is added for each datum: the sum over the data has N / lam in it.")
def _(y, tau, m0, lam0, a0, b0):
    return _sweep(y, tau, m0, lam0, a0, b0, widened=1.0 / max(len(y), 1) if len(y) != 1 else 0.5)


@sweep.mistake("N in the place of N / 2", "Each datum brings the root of tau, so that the shape grows by N / 2.")
def _(y, tau, m0, lam0, a0, b0):
    return _sweep(y, tau, m0, lam0, a0, b0, shape=1.0)


@sweep.mistake("squares not halved", "The exponent of a Gaussian has a half in it, and so has the rate.")
def _(y, tau, m0, lam0, a0, b0):
    return _sweep(y, tau, m0, lam0, a0, b0, rate=1.0)


@sweep.mistake("a variance returned for lam", "lam is a precision: the prior's plus N times that of a datum.")
def _(y, tau, m0, lam0, a0, b0):
    m, lam, a, b = _sweep(y, tau, m0, lam0, a0, b0)
    return m, 1 / lam, a, b


def _round_cases(rng):
    def draw(size):
        return rng.dirichlet(np.ones(size))

    return [
        (2 * rng.normal(size=(3, 4)), draw(3), draw(4)),
        (3 * rng.normal(size=(5, 2)) - 2000, draw(5), draw(2)),
    ]


def _round_edges():
    """Two unknowns that are independent: one round is enough. And a factor with a single value."""
    return [
        (np.add.outer([0.0, -1.0], [0.5, 0.0, -2.0]), np.array([0.5, 0.5]), np.full(3, 1 / 3)),
        (np.array([[-1.0, -3.0]]), np.array([1.0]), np.array([0.25, 0.75])),
    ]


def _normalized(logs):
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


@task("8.4a-b", cases=_round_cases, edges=_round_edges, parts=("q1", "q2"), stars=2)
def ascend_round(log_joint, q1, q2):
    """With shapes (I, J), (I,), (J,), returning two arrays of shapes (I,) and (J,)."""
    first = _normalized(log_joint @ q2)
    return first, _normalized(first @ log_joint)


@ascend_round.mistake(
    "both from the old factors", "The second factor must be updated from the new first one: one after the other."
)
def _(log_joint, q1, q2):
    return _normalized(log_joint @ q2), _normalized(q1 @ log_joint)


@ascend_round.mistake(
    "underflow", "e to the power of -2000 is zero in the machine: subtract the largest logarithm first."
)
def _(log_joint, q1, q2):
    with np.errstate(all="ignore"):
        first = np.exp(log_joint @ q2)
        first = first / first.sum()
        second = np.exp(first @ log_joint)
        return first, second / second.sum()


@ascend_round.mistake("the second factor first", "Update q1 first, from the given q2.")
def _(log_joint, q1, q2):
    second = _normalized(q1 @ log_joint)
    return _normalized(log_joint @ second), second


@ascend_round.mistake(
    "averaged, then the logarithm",
    "The logarithm of the joint is averaged, not the joint itself: that would be the marginal.",
)
def _(log_joint, q1, q2):
    joint = np.exp(log_joint - log_joint.max())
    first = joint @ q2 / (joint @ q2).sum()
    return first, first @ joint / (first @ joint).sum()


def _probability_cases(rng):
    return [
        (np.array([1, 2, 3, 4]), 4 + 0.02 * rng.normal(size=4), 120),
        (np.array([2, 5, 9]), 3 + 1e-6 * rng.normal(size=3), 1_000_000),
    ]


def _probability_edges():
    """One candidate only, and two with the same loss, where the namings decide."""
    return [(np.array([3]), np.array([2.0]), 50), (np.array([1, 2]), np.array([1.5, 1.5]), 10)]


def _logs(kinds, losses, n):
    return -n * np.asarray(losses) + gammaln(np.asarray(kinds) + 1)


@task("8.4a-c", cases=_probability_cases, edges=_probability_edges, stars=2, points=3)
def probability_of(kinds, losses, n):
    """With shapes (M,), (M,) and a number, returning an array of shape (M,) that sums to one."""
    return softmax(_logs(kinds, losses, n))


@probability_of.mistake("the namings left out", "Each fit covers one of K! namings of its kinds: add log K!.")
def _(kinds, losses, n):
    return softmax(-n * np.asarray(losses))


@probability_of.mistake(
    "log K! subtracted", "The other namings have as much mass each: log K! is added to the evidence."
)
def _(kinds, losses, n):
    return softmax(-n * np.asarray(losses) - gammaln(np.asarray(kinds) + 1))


@probability_of.mistake(
    "per observation", "The losses are given per observation: the evidence of all of them is n times as much."
)
def _(kinds, losses, n):
    return softmax(_logs(kinds, losses, 1))


@probability_of.mistake(
    "underflow", "e to the power of minus a million is zero in the machine: subtract the largest logarithm first."
)
def _(kinds, losses, n):
    with np.errstate(all="ignore"):
        weights = np.exp(_logs(kinds, losses, n))
        return weights / weights.sum()


@probability_of.mistake(
    "the sign of the free energy", "A lower free energy is better: the logarithm is minus n losses."
)
def _(kinds, losses, n):
    return softmax(n * np.asarray(losses) + gammaln(np.asarray(kinds) + 1))
