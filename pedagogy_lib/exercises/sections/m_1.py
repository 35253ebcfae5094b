"""Exercises of lesson M.1, from detailed balance to Metropolis-Hastings."""

import numpy as np

from pedagogy_lib.exercises.tasks import task


def _chains(rng):
    """Proposals that are not symmetric, and targets, for two sizes."""
    return [(rng.dirichlet(np.ones(k), size=k).T, rng.dirichlet(np.full(k, 3.0))) for k in (3, 5)]


def _with_ratio(ratio, stay=True):
    """A transition matrix that accepts with min(1, ratio(proposal, target))."""

    def answer(proposal, target):
        P = proposal * np.minimum(1, ratio(proposal, target))
        np.fill_diagonal(P, 0.0)
        return P + np.diag(1 - P.sum(0)) if stay else P + np.diag(np.diag(proposal))

    return answer


def _hastings(Q, p):
    return p[:, None] * Q.T / (p * Q)


@task("M.1-a", cases=_chains)
def transition_matrix(proposal, target):
    """With shapes (K, K) and (K,), returning (K, K); columns sum to one."""
    return _with_ratio(_hastings)(proposal, target)


@transition_matrix.mistake(
    "forgot Hastings' correction",
    "You accept with p(i)/p(j). That is right for a symmetric proposal only: multiply by q(j|i)/q(i|j).",
)
def _(*case):
    return _with_ratio(lambda Q, p: p[:, None] / p)(*case)


@transition_matrix.mistake(
    "turned the correction round",
    "The proposal's part of the ratio is upside down. The way back, q(j|i), goes above; the way there below.",
)
def _(*case):
    return _with_ratio(lambda Q, p: p[:, None] * Q / (p * Q.T))(*case)


@transition_matrix.mistake(
    "turned the whole ratio round",
    "Your ratio has the old state above. It should welcome moves to states that are more probable.",
)
def _(*case):
    return _with_ratio(lambda Q, p: p * Q / (p[:, None] * Q.T))(*case)


@transition_matrix.mistake(
    "lost the refused",
    "Your columns do not sum to one. Whoever is refused stays: put what is missing on the diagonal.",
)
def _(*case):
    return _with_ratio(_hastings, stay=False)(*case)


@transition_matrix.mistake(
    "transposed",
    "The numbers are right and the axes are swapped. Column: from. Row: to.",
)
def _(proposal, target):
    return transition_matrix(proposal, target).T


def _gamma(x):
    """A gamma density: shape 3, rate 1."""
    return 2 * np.log(x) - x


def _half_normal(x):
    return -0.5 * x**2


def _walk_cases(rng):
    return [
        (density, start, 1.5 * rng.normal(size=25), rng.uniform(size=25))
        for density, start in ((_gamma, 2.0), (_half_normal, 0.7))
    ]


def _walk(log_density, start, u, v, correction=1.0, kept=True, doubled=False):
    x, chain = start, []
    for factor, chance in zip(np.exp(u), v):
        there = x * factor
        log_ratio = log_density(there) - log_density(x) + correction * np.log(factor)
        if np.log(chance) < log_ratio:
            x = there
            chain.append(x)
            if doubled:
                chain.append(x)
        elif kept:
            chain.append(x)
    return np.array(chain)


@task("M.1-b", cases=_walk_cases, stars=2)
def multiply_walk(log_density, start, u, v):
    """With ``u`` and ``v`` of shape (N,), returning the chain, shape (N,)."""
    return _walk(log_density, start, u, v)


@multiply_walk.mistake(
    "both bugs left",
    "Nothing has changed: ask what happens to a refused place, and whether the proposal is symmetric.",
)
def _(*case):
    return _walk(*case, correction=0.0, kept=False)


@multiply_walk.mistake(
    "refusals not counted", "The correction is right. But a refused proposal must count the old place once more."
)
def _(*case):
    return _walk(*case, kept=False)


@multiply_walk.mistake(
    "no correction",
    "The refused count again. But to multiply is not symmetric per unit of x: q(x|x') / q(x'|x) = x'/x.",
)
def _(*case):
    return _walk(*case, correction=0.0)


@multiply_walk.mistake(
    "correction turned round", "The correction has the wrong sign: q(x|x') / q(x'|x) is x'/x, not x/x'."
)
def _(*case):
    return _walk(*case, correction=-1.0)
