"""Exercises of chapter 6: the free energy, a partial E step, EM for exponentials."""

import numpy as np
from scipy.special import logsumexp, softmax, xlogy

from pedagogy_lib.exercises.tasks import task


def _tables(rng):
    """Log joints and recognition distributions, for two sizes; one recognition row is certain."""
    cases = [(rng.normal(size=(n, k)) - 3, rng.dirichlet(np.ones(k), size=n)) for n, k in ((6, 3), (5, 2))]
    cases[1][1][0] = [1.0, 0.0]
    return cases


def _partial_cases(rng):
    sizes = (6, 3, 0.3), (5, 2, 0.8)
    return [(rng.normal(size=(n, k)) - 2, rng.dirichlet(np.ones(k), size=n), eta) for n, k, eta in sizes]


@task("6-a", cases=_tables)
def free_energy(log_joint, r):
    """With two arrays of shape (N, K), returning a number."""
    return float((xlogy(r, r) - r * log_joint).sum(1).mean())


@free_energy.mistake(
    "left the recognition entropy out",
    "This is the joint cross entropy. The free energy takes the entropy of r away from it.",
)
def _(log_joint, r):
    return float(-(r * log_joint).sum(1).mean())


@free_energy.mistake(
    "added the recognition entropy",
    "The entropy of r is what you get back: take it away, do not add it. As r log r it enters with a plus.",
)
def _(log_joint, r):
    return float((-xlogy(r, r) - r * log_joint).sum(1).mean())


@free_energy.mistake(
    "summed over the data",
    "Sum over the classes, but average over the data: nats per observation.",
)
def _(log_joint, r):
    return float((xlogy(r, r) - r * log_joint).sum())


@free_energy.mistake(
    "returned the evidence lower bound",
    "This is the evidence lower bound: the negative of the free energy, which is a cost.",
)
def _(log_joint, r):
    return -free_energy(log_joint, r)


@free_energy.mistake(
    "ignored the recognition distribution",
    "This is the marginal cross entropy: what the free energy is when r is the posterior. Use the r given.",
)
def _(log_joint, r):
    return float(-logsumexp(log_joint, axis=1).mean())


@free_energy.mistake(
    "lost zeros",
    "0 log 0 gave NaN. A class with r = 0 adds nothing: scipy.special.xlogy knows that.",
)
def _(log_joint, r):
    return float((r * np.log(r) - r * log_joint).sum(1).mean())


@task("6-b", cases=_partial_cases, stars=2)
def partial_e_step(log_joint, r, eta):
    """With shapes (N, K), (N, K) and a number, returning (N, K)."""
    return softmax((1 - eta) * np.log(r) + eta * (log_joint - logsumexp(log_joint, axis=1, keepdims=True)), axis=1)


@partial_e_step.mistake(
    "took the whole step",
    "This is the posterior: the whole E step. Go only a part of the way, eta, from r.",
)
def _(log_joint, r, eta):
    return softmax(log_joint, axis=1)


@partial_e_step.mistake(
    "mixed the probabilities",
    "You mixed the probabilities. That improves r as well, but the task asks for the mixture of logarithms.",
)
def _(log_joint, r, eta):
    return (1 - eta) * r + eta * softmax(log_joint, axis=1)


@partial_e_step.mistake(
    "went the other part of the way",
    "With eta = 1 the posterior should be reached; yours stays at r. Swap the two weights.",
)
def _(log_joint, r, eta):
    return partial_e_step(log_joint, r, 1 - eta)


@partial_e_step.mistake(
    "did not normalize",
    "Powers of probabilities do not sum to one: divide each row by its sum.",
)
def _(log_joint, r, eta):
    return r ** (1 - eta) * softmax(log_joint, axis=1) ** eta


@partial_e_step.mistake(
    "normalized over the data",
    "You normalized the columns. Each row, one datum, is a distribution over the classes.",
)
def _(log_joint, r, eta):
    return softmax((1 - eta) * np.log(r) + eta * log_joint, axis=0)


def _waits(rng):
    """Waiting times, rates and weights, for two sizes."""
    sizes = (12, 3), (15, 2)
    return [(rng.gamma(1.5, 2.0, n), rng.uniform(0.2, 3.0, k), rng.dirichlet(np.full(k, 3.0))) for n, k in sizes]


@task("6-c", cases=_waits, parts=("rates", "weights"), stars=2)
def em_round(y, rates, weights):
    """With shapes (N,), (K,) and (K,), returning two arrays of shape (K,)."""
    r = softmax(np.log(weights) + np.log(rates) - rates * y[:, None], axis=1)
    return r.sum(0) / (r * y[:, None]).sum(0), r.mean(0)


def _round_with(r, y):
    return r.sum(0) / (r * y[:, None]).sum(0), r.mean(0)


@em_round.mistake(
    "forgot the weights",
    "The joint still lacks the weights: a common kind takes more of every wait. The update of the rates is right.",
)
def _em_round_even(y, rates, weights):
    return _round_with(softmax(np.log(rates) - rates * y[:, None], axis=1), y)


@em_round.mistake(
    "returned average waits",
    "The shares are right now. What you return for the rates are the average waits, and a rate is the inverse of one.",
)
def _em_round_waits(y, rates, weights):
    new, shares = em_round(y, rates, weights)
    return 1 / new, shares


@em_round.mistake(
    "left both as they were",
    "This is the colleague's round: neither the shares nor the rates are right yet.",
)
def _em_round_unmended(y, rates, weights):
    new, shares = _em_round_even(y, rates, weights)
    return 1 / new, shares


@em_round.mistake(
    "averaged the inverse waits",
    "You averaged 1 / y. The rate is the inverse of the average wait, not the average of the inverses.",
)
def _em_round_inverse(y, rates, weights):
    r = softmax(np.log(weights) + np.log(rates) - rates * y[:, None], axis=1)
    return (r / y[:, None]).sum(0) / r.sum(0), r.mean(0)
