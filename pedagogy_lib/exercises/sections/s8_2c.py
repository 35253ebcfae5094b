"""Exercises of section 8.2.2, discrete latents and the Gumbel-softmax trick."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _placed_cases(rng):
    return [
        (3 * rng.normal(size=5), rng.gumbel(size=(30, 5)), 3),
        (2 * rng.normal(size=3), rng.gumbel(size=(20, 3)), 1),
    ]


def _placed_edges():
    """All runners are placed: a whole order."""
    return [(np.array([0.0, 5.0, -5.0]), np.zeros((1, 3)), 3)]


@task("8.2c-a", cases=_placed_cases, edges=_placed_edges)
def placed(logits, noise, k):
    """With shapes (K,) and (N, K) and a number, returning (N, k)."""
    return np.argsort(-(logits + noise), axis=1)[:, :k]


@placed.mistake("the smallest first", "The winner has the largest perturbed logit: sort minus them, or read backwards.")
def _(logits, noise, k):
    return np.argsort(logits + noise, axis=1)[:, :k]


@placed.mistake("the logits left out", "Add the logits to the noise; the noise alone makes every runner equal.")
def _(logits, noise, k):
    return np.argsort(-noise, axis=1)[:, :k]


@placed.mistake("the right ones, the last first", "The winner comes first in each row.")
def _(logits, noise, k):
    return np.argsort(-(logits + noise), axis=1)[:, :k][:, ::-1]


@placed.mistake("the noise subtracted", "The Gumbel noise is added: its longer tail must point up.")
def _(logits, noise, k):
    return np.argsort(-(logits - noise), axis=1)[:, :k]


def _back_cases(rng):
    return [
        (rng.normal(size=(6, 4)), 0.5, rng.normal(size=(6, 4))),
        (rng.normal(size=(3, 2)), 2.5, rng.normal(size=(3, 2))),
    ]


def _back_edges():
    """Logits so large that their exponentials overflow."""
    return [(np.array([[1000.0, 1000.5, 999.0]]), 0.4, np.array([[1.0, -1.0, 2.0]]))]


def _soft(perturbed, softness):
    weights = np.exp((perturbed - perturbed.max(1, keepdims=True)) / softness)
    return weights / weights.sum(1, keepdims=True)


@task("8.2c-b", cases=_back_cases, edges=_back_edges, stars=2)
def to_logits(perturbed, softness, slope):
    """With shapes (N, K), a number, (N, K), returning (N, K)."""
    soft = _soft(perturbed, softness)
    return soft * (slope - (soft * slope).sum(1, keepdims=True)) / softness


@to_logits.mistake("the factor 1/s left out", "The derivative of g / s is 1 / s: divide the result by the softness.")
def _(perturbed, softness, slope):
    soft = _soft(perturbed, softness)
    return soft * (slope - (soft * slope).sum(1, keepdims=True))


@to_logits.mistake("softness 1 inside", "The soft draw is the softmax of perturbed / softness.")
def _(perturbed, softness, slope):
    soft = _soft(perturbed, 1.0)
    return soft * (slope - (soft * slope).sum(1, keepdims=True)) / softness


@to_logits.mistake("no softness at all", "The softness belongs inside of the softmax, and divides its derivative.")
def _(perturbed, softness, slope):
    soft = _soft(perturbed, 1.0)
    return soft * (slope - (soft * slope).sum(1, keepdims=True))


@to_logits.mistake("the plain mean of the slopes", "The mean of the slopes is weighted with the soft draw.")
def _(perturbed, softness, slope):
    return _soft(perturbed, softness) * (slope - slope.mean(1, keepdims=True)) / softness


def _largest_cases(rng):
    return [(2 * rng.normal(size=9), rng.normal(size=4)), (3 + rng.normal(size=5), 2 * rng.normal(size=2))]


def _largest_edges():
    """Logits of a thousand, and one runner alone."""
    return [(np.array([999.0, 1001.0]), np.array([1000.0, 1000.0, 998.0])), (np.array([0.0, 1.5]), np.array([0.7]))]


def _gumbel(g, center):
    return -(g - center) - np.exp(-(g - center))


def _log_sum(logits):
    return logits.max() + np.log(np.exp(logits - logits.max()).sum())


@task("8.2c-c", cases=_largest_cases, edges=_largest_edges, stars=2)
def log_density_of_largest(g, logits):
    """With shapes (N,) and (K,), returning (N,)."""
    return _gumbel(g, _log_sum(logits))


@log_density_of_largest.mistake(
    "the distribution function", "That is the logarithm of the probability to be below g: differentiate first."
)
def _(g, logits):
    return -np.exp(-(g - _log_sum(logits)))


@log_density_of_largest.mistake("around the largest logit", "All runners lift the largest: the center is log sum exp.")
def _(g, logits):
    return _gumbel(g, logits.max())


@log_density_of_largest.mistake("the sum of the logits", "Exponentials add up, not the logits: log sum exp.")
def _(g, logits):
    return _gumbel(g, logits.sum())


@log_density_of_largest.mistake("overflow", "Subtract the largest logit before you exponentiate.")
def _(g, logits):
    with np.errstate(over="ignore", invalid="ignore"):
        return _gumbel(g, np.log(np.exp(logits).sum()))
