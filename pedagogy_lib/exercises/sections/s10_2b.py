"""Exercises of section 10.2b, contrastive divergence."""

import numpy as np
from scipy.special import logsumexp

from pedagogy_lib.exercises.tasks import task


def _chain_case(rng, S, V, steps):
    joint = rng.dirichlet(np.full(S * V, 0.5) + 0.1).reshape(S, V)
    return rng.dirichlet(np.ones(V)), joint / joint.sum(0), joint / joint.sum(1, keepdims=True), steps


@task(
    "10.2b-a",
    cases=lambda rng: [_chain_case(rng, 2, 4, 1), _chain_case(rng, 4, 3, 2), _chain_case(rng, 3, 5, 3)],
    edges=lambda: [_chain_case(np.random.default_rng(0), 2, 3, 2)],
)
def later(p, up, down, steps):
    """With shapes (V,), (S, V), (S, V) and a number, returning (V,)."""
    for _ in range(steps):
        p = (up @ p) @ down
    return p


@later.mistake(
    "half a sweep too few", "That is the distribution of the hidden layer. A sweep ends with the visible one."
)
def _(p, up, down, steps):
    for _ in range(steps - 1):
        p = (up @ p) @ down
    return up @ p


@later.mistake("one sweep too many", "Count the sweeps: each goes up once and down once.")
def _(p, up, down, steps):
    return later.solution(p, up, down, steps + 1)


@later.mistake("the model itself", "That is where the chain ends after very many sweeps. Here it takes few.")
def _(p, up, down, steps):
    return later.solution(p, up, down, 5000)


@later.mistake("back by Bayes", "The way down is drawn from the emission, not from the posterior turned round.")
def _(p, up, down, steps):
    for _ in range(steps):
        x = up @ p
        p = (up / up.sum(1, keepdims=True)).T @ x
    return p


def _walk_cases(rng):
    return [
        (rng.normal(size=(L, N)) - 3, rng.normal(size=(L, N)), float(rng.normal()))
        for L, N in ((3, 4), (6, 10), (2, 5))
    ]


def _walk_edges():
    """Weights that overflow if they are not scaled first."""
    return [(np.array([[800.0, 801.0], [500.0, 502.0]]), np.array([[10.0, 10.0], [0.0, 1.0]]), 2.0)]


def _weights(new, old):
    return (new - old).sum(0)


@task("10.2b-b", cases=_walk_cases, edges=_walk_edges, stars=2)
def log_partition_by_annealing(new, old, log_start):
    """With two arrays of shape (L, N) and a number, returning a number."""
    w = _weights(new, old)
    return float(log_start + logsumexp(w) - np.log(len(w)))


@log_partition_by_annealing.mistake(
    "both of them left", "Neither is mended: of what is the mean taken, and which way does the ratio lead?"
)
def _(new, old, log_start):
    return float(log_start - _weights(new, old).mean())


@log_partition_by_annealing.mistake(
    "the mean of logarithms", "The weights are averaged, and the logarithm comes after that."
)
def _(new, old, log_start):
    return float(log_start + _weights(new, old).mean())


@log_partition_by_annealing.mistake(
    "the ratio subtracted", "The weights estimate the last Z over the first: add their logarithm."
)
def _(new, old, log_start):
    w = _weights(new, old)
    return float(log_start - logsumexp(w) + np.log(len(w)))


@log_partition_by_annealing.mistake("a sum of weights", "Divide by the number of walkers: it is their mean weight.")
def _(new, old, log_start):
    return float(log_start + logsumexp(_weights(new, old)))


def _surplus(F):
    return F[0, 0] + F[1, 1] - F[0, 1] - F[1, 0]


def _pair_cases(rng):
    """Some in which the exchange is sure, and some in which it is not."""
    found = [rng.normal(size=(2, 2)) for _ in range(4)]
    for n, F in enumerate(found):
        F[0, 0] += rng.uniform(0.3, 1.5) * (-1) ** n - _surplus(F)
    return [(F,) for F in found]


@task(
    "10.2b-c", cases=_pair_cases, edges=lambda: [(np.zeros((2, 2)),), (np.array([[2000.0, 0.0], [0.0, 3.0]]),)], stars=2
)
def exchange_probability(F):
    """With an array of shape (2, 2), returning a number."""
    return float(np.exp(min(0.0, _surplus(F))))


@exchange_probability.mistake(
    "the wrong sign", "A lower energy is likelier: the exchange is sure if it lowers the sum of both energies."
)
def _(F):
    return float(np.exp(min(0.0, -_surplus(F))))


@exchange_probability.mistake("half of the change", "Both levels get a new state: four energies enter.")
def _(F):
    return float(np.exp(min(0.0, F[1, 1] - F[1, 0])))


@exchange_probability.mistake(
    "a softmax", "That rule keeps the distributions, too, but accepts less often. Take Metropolis' rule."
)
def _(F):
    return float(1 / (1 + np.exp(-_surplus(F))))


@exchange_probability.mistake("not capped", "A probability is at most 1.")
def _(F):
    return float(np.exp(min(700.0, _surplus(F))))
