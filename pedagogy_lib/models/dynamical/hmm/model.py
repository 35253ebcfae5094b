"""The model: what there is to know, and sequences drawn from it.

References
----------
Section 2.2.1, Eq. 2.35.
"""

from bisect import bisect_right
from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks


class Parameters(NamedTuple):
    """What there is to know about a hidden Markov model.

    initial : ndarray, shape (K,), the textbook's pi: p(x_1)
    transition : ndarray, shape (K, K), the textbook's A: ``transition[i, j]`` is
        p(x_t = i | x_{t-1} = j), columns sum to one
    emission : Symbols, Gaussians, Poissons, or anything with their methods, for K states
    """

    initial: np.ndarray
    transition: np.ndarray
    emission: Any


class Sample(NamedTuple):
    """One sequence from the model.

    states : ndarray of int, shape (T,), numbered from 0
    observations : ndarray, shape (T,) for symbols, (T, D) for vectors and counts
    """

    states: np.ndarray
    observations: np.ndarray


def sample(params, n, rng):
    """Draw one sequence of ``n`` steps.

    Parameters
    ----------
    params : Parameters
    n : int
        T, the number of steps.
    rng : numpy.random.Generator

    Returns
    -------
    Sample

    References
    ----------
    Eq. 2.35.
    """
    pi, A = _checked(params)
    n, rng = checks.count("n", n), checks.generator("rng", rng)
    tables = np.column_stack([pi, A])                   # column 0: before the first step
    edges = np.cumsum(tables, axis=0).T.tolist()
    states, column = [], 0
    for u in rng.random(n).tolist():
        states.append(bisect_right(edges[column], u * edges[column][-1]))       # inverse CDF
        column = states[-1] + 1
    states = np.array(states)
    return Sample(states, params.emission.sample(states, rng))


def _checked(params):
    """The initial and the transition probabilities."""
    pi = checks.probabilities("params.initial", params.initial, ("K",))
    return pi, checks.probabilities("params.transition", params.transition, (len(pi), len(pi)), axis=0)
