"""Chains with few states, whose transition matrix can be written down: what a sampler claims, checked exactly.

In all functions a matrix has shape (K, K) and columns that sum to one: entry i, j is the probability of i after j. A
``target`` is a distribution over K states, shape (K,).
"""

import numpy as np

from pedagogy_lib import checks


def metropolis_matrix(proposal, target):
    """The transition matrix of Metropolis-Hastings on K states.

    Parameters
    ----------
    proposal : array_like, shape (K, K)
        ``proposal[i, j]`` is q(i|j): columns sum to one.
    target : array_like, shape (K,)
        The distribution to be sampled from, all of it positive.

    Returns
    -------
    ndarray, shape (K, K)
        ``P[i, j]`` is the probability of i after j; its columns sum to one.
    """
    p = checks.probabilities("target", target, ("K",))
    Q = checks.probabilities("proposal", proposal, (len(p), len(p)), axis=0)
    if (p == 0).any():
        raise ValueError(f"target: expected probabilities above 0, got 0 at index {int(p.argmin())}")
    flow = Q * p                                            # p(j) q(i|j)
    P = np.minimum(flow, flow.T) / p                        # q(i|j) min(1, p(i) q(j|i) / p(j) q(i|j))
    np.fill_diagonal(P, 0.0)
    return P + np.diag(np.maximum(1 - P.sum(0), 0.0))       # what was refused stays; never less than none


def imbalance(transition, target):
    """The largest |p(j) P(i|j) - p(i) P(j|i)|: zero if detailed balance holds.

    Parameters
    ----------
    transition : array_like, shape (K, K), columns sum to one
    target : array_like, shape (K,)

    Returns
    -------
    float
    """
    p = checks.probabilities("target", target, ("K",))
    P = checks.probabilities("transition", transition, (len(p), len(p)), axis=0)
    return float(np.abs(P * p - (P * p).T).max())


def stationary(transition):
    """The distribution that a transition matrix leaves as it is.

    Parameters
    ----------
    transition : array_like, shape (K, K), columns sum to one

    Returns
    -------
    ndarray, shape (K,)

    Raises
    ------
    ValueError
        If there are several: some states cannot be reached from some others.
    """
    P = checks.probabilities("transition", transition, axis=0)
    if P.ndim != 2 or P.shape[0] != P.shape[1]:
        raise ValueError(f"transition: expected shape (K, K), got {P.shape}")
    _, singular, rows = np.linalg.svd(P - np.eye(len(P)))
    if len(P) > 1 and singular[-2] < 1e-12:
        raise ValueError("transition: expected one stationary distribution, got several")
    found = np.maximum(rows[-1] / rows[-1].sum(), 0.0)      # rounding may leave a zero below zero
    return found / found.sum()
