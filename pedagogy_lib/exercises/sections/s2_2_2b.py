"""Exercises of section 2.2.2, sampling-based approaches: the particle filter."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _update_cases(rng):
    return [(rng.normal(size=6),), (-2000 + 3 * rng.normal(size=9),)]


def _with(log_cost):
    """The right weights, with another estimate of log p(y_t | past)."""
    return lambda log_likelihoods: (measurement_update(log_likelihoods)[0], log_cost(log_likelihoods))


def _systematic_cases(rng):
    return [(rng.dirichlet(np.full(I, 0.5)), rng.random()) for I in (5, 8, 13)]


def _weigh_cases(rng):
    return [(rng.dirichlet(np.ones(n)), resampled, rng.random(n)) for n in (5, 8) for resampled in (True, False)]


def _update_edges():
    """One particle that explains everything; log likelihoods far apart."""
    return [(np.array([0.0, -2000.0, -5000.0]),), (np.array([1500.0, 1499.0]),)]


@task("2.2.2b-a", cases=_update_cases, edges=_update_edges, parts=("weights", "log cost"))
def measurement_update(log_likelihoods):
    """With shape (I,), returning (alpha, log p(y_t | past)), shapes (I,) and ()."""
    top = log_likelihoods.max()
    likelihoods = np.exp(log_likelihoods - top)
    return likelihoods / likelihoods.sum(), top + np.log(likelihoods.mean())


@measurement_update.mistake(
    "did not shift",
    "exp(-2000) is zero, and zero over zero is no number. Take the largest logarithm away before the "
    "exponential, and add it back to the logarithm of the likelihood.",
)
def _unshifted(log_likelihoods):
    likelihoods = np.exp(log_likelihoods)
    return likelihoods / likelihoods.sum(), np.log(likelihoods.mean())


@measurement_update.mistake(
    "summed instead of averaging",
    "The weights are right. The likelihood has lost the prior weights 1/I: it is the average of "
    "p(y_t | x_t), not the sum.",
)
def _(*case):
    return _with(lambda logs: logs.max() + np.log(np.exp(logs - logs.max()).sum()))(*case)


@measurement_update.mistake(
    "did not add the shift back",
    "The weights are right, since the shift cancels in them. In the likelihood it does not: add it back.",
)
def _(*case):
    return _with(lambda logs: np.log(np.exp(logs - logs.max()).mean()))(*case)


@measurement_update.mistake(
    "averaged the logarithms",
    "The average of logarithms is not the logarithm of the average. It is the average likelihood that is unbiased.",
)
def _(*case):
    return _with(lambda logs: logs.mean())(*case)


def _systematic_edges():
    # The first place is on the edge between two sides; the side that owns it has a weight.
    return [(np.array([0.0, 0.5, 0.5]), 0.0), (np.array([0.5, 0.5]), 0.0)]


@task("2.2.2b-b", cases=_systematic_cases, edges=_systematic_edges, stars=2)
def systematic(weights, u):
    """With shape (I,) and a number in [0, 1), returning I indices."""
    I = len(weights)
    return np.searchsorted(np.cumsum(weights), (np.arange(I) + u) / I, side="right")


@systematic.mistake(
    "looked up in the weights",
    "You looked the places up among the weights. Side i owns an interval of length w_i: its ends are the "
    "cumulative sums.",
)
def _(weights, u):
    return np.searchsorted(weights, (np.arange(len(weights)) + u) / len(weights), side="right")


@systematic.mistake(
    "did not divide by I",
    "The places must lie in the unit interval, 1/I apart: (0 + u)/I, (1 + u)/I, ...",
)
def _(weights, u):
    return np.searchsorted(np.cumsum(weights), np.arange(len(weights)) + u, side="right")


@systematic.mistake(
    "did not divide the offset",
    "The offset is a share of one slice. Divide it by I too, or the last places leave the unit interval.",
)
def _(weights, u):
    return systematic(weights, u * len(weights))


@systematic.mistake(
    "off by one",
    "Every index is one too large: a place below the first cumulative sum belongs to side 0.",
)
def _(weights, u):
    return systematic(weights, u) + 1


@systematic.mistake(
    "returned counts",
    "These are the numbers of copies. Return the index of the particle that each new one copies.",
)
def _(weights, u):
    return np.bincount(systematic(weights, u), minlength=len(weights))


@task("2.2.2b-c", cases=_weigh_cases, parts=("weights", "log cost"), stars=2)
def weigh(before, resampled, likelihoods):
    """With shape (I,), a bool and shape (I,), returning (weights, log p(y_t | past)), shapes (I,) and ()."""
    prior = np.full(len(before), 1 / len(before)) if resampled else before
    joint = prior * likelihoods
    return joint / joint.sum(), np.log(joint.sum())


@weigh.mistake(
    "left both bugs in",
    "Nothing has changed yet. What are the weights worth after resampling? And of what is the estimate an average, "
    "when the weights are not equal?",
)
def _(before, resampled, likelihoods):
    joint = before * likelihoods
    return joint / joint.sum(), np.log(likelihoods.mean())


@weigh.mistake(
    "kept the old weights after resampling",
    "After resampling the particles are alike: a heavy one has several copies. With its old weight it counts twice.",
)
def _(before, resampled, likelihoods):
    return weigh(before, False, likelihoods)


@weigh.mistake(
    "forgot the old weights always",
    "Without resampling nothing has taken account of the old weights. They must be carried over, and multiplied.",
)
def _(before, resampled, likelihoods):
    return weigh(before, True, likelihoods)


@weigh.mistake(
    "averaged plainly",
    "The new weights are right. But the average of the likelihoods is taken under the weights before the datum, "
    "which are equal only after resampling.",
)
def _(before, resampled, likelihoods):
    return weigh(before, resampled, likelihoods)[0], np.log(likelihoods.mean())


@weigh.mistake(
    "took 1/I for one",
    "The weights are right. After resampling each particle stands for 1/I of the probability, so that the sum of the "
    "likelihoods must be divided by I.",
)
def _(before, resampled, likelihoods):
    weights, cost = weigh(before, resampled, likelihoods)
    return weights, cost + np.log(len(before)) * resampled
