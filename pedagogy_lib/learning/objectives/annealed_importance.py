"""Annealed importance sampling: the ratio of two normalizers, by walking from one density to the other.

Between a density whose normalizer is known (level 0) and one whose normalizer is wanted (level 1) stand others,
f_level. Many walkers begin as exact draws of the first. At each new level every walker multiplies its weight by
f_new / f_old where it stands, and takes a step that leaves f_new as it is. The average weight is an unbiased estimate
of the ratio of the normalizers, whether or not the steps mix; mixing makes its variance small.

    log Z = log_start + ratio(from level 0 to 1)     forward: on average too low, because the logarithm is concave
    log Z = log_start - ratio(from level 1 to 0)     reverse: on average too high; needs draws from the model itself

Where both agree, there is reason to believe them. The forward estimate alone can be far too low, and look precise:
walkers that never met a mode do not know of it.

A level asks for the weight twice and for a step, all at the same states: a model whose levels share their work there
keeps it (`pedagogy_lib.models.undirected.harmonium.annealing`).

References
----------
R.M. Neal (2001); R. Salakhutdinov and I. Murray (2008), for harmoniums; R. Grosse et al. (2015), reverse.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from pedagogy_lib import checks


class Rung(NamedTuple):
    """The walkers have reached a level.

    level : float
    states : ndarray, a row for each walker, after its step at this level
    log_weights : ndarray, shape (N,), so far
    """

    level: float
    states: np.ndarray
    log_weights: np.ndarray


class Ratio(NamedTuple):
    """log(Z at the last level / Z at the first).

    log_ratio : float
    error : float, its standard error, by the spread of the weights: too small where a few weights outweigh the rest
    log_weights : ndarray, shape (N,)
    effective : float, the effective sample size: how many equal weights would tell as much, from 1 to N
    """

    log_ratio: float
    error: float
    log_weights: np.ndarray
    effective: float


def anneal(log_weight, transition, states, levels, rng):
    """Walk along the levels.

    Parameters
    ----------
    log_weight : callable
        Of (states, level). Returns log f_level of every row, shape (N,).
    transition : callable
        Of (states, level, rng). Returns new states, by a step that leaves f_level as it is.
    states : ndarray, a row for each walker
        Exact draws from the density of the first level.
    levels : array_like, shape (L,), at least two
    rng : numpy.random.Generator

    Yields
    ------
    Rung
        For every level but the first.

    Raises
    ------
    ValueError
        If an argument has the wrong form, or a weight is not finite at a level.
    """
    states = _checked(states)
    checks.function("log_weight", log_weight)
    checks.function("transition", transition)
    levels, rng = checks.array("levels", levels, ("L",)), checks.generator("rng", rng)
    if len(levels) < 2:
        raise ValueError(f"levels: expected at least two, got {len(levels)}")
    log_weights = np.zeros(len(states))
    for before, level in zip(levels[:-1], levels[1:]):
        # The weight first, at the state that was drawn for the level before.
        log_weights = log_weights + log_weight(states, level) - log_weight(states, before)
        if not np.isfinite(log_weights).all():
            raise ValueError(f"log_weight: expected finite numbers at every level, got others between the levels "
                             f"{before:g} and {level:g}: no level may forbid a state, and no state may overflow")
        states = transition(states, level, rng)
        yield Rung(float(level), states, log_weights)


def ratio(log_weight, transition, states, levels, rng):
    """Estimate log(Z at the last level / Z at the first), with its error.

    Parameters
    ----------
    log_weight, transition, states, levels, rng
        As for `anneal`.

    Returns
    -------
    Ratio
    """
    states = _checked(states)
    if len(states) < 2:
        raise ValueError(f"states: expected at least two walkers, got {len(states)}")
    *_, last = anneal(log_weight, transition, states, levels, rng)
    w = last.log_weights
    shares = softmax(w)
    relative = len(w) * shares                              # weights over their mean
    error = relative.std(ddof=1) / np.sqrt(len(w))          # d log(mean) = d mean / mean
    return Ratio(float(logsumexp(w) - np.log(len(w))), float(error), w, float(1 / (shares**2).sum()))


def forward(log_weight, transition, states, log_start, levels, rng):
    """Estimate log Z at the last level, from draws of the first.

    Parameters
    ----------
    log_start : float
        log Z at the first level.
    log_weight, transition, states, levels, rng
        As for `anneal`.

    Returns
    -------
    Ratio
        Whose ``log_ratio`` is log Z itself.
    """
    log_start = checks.number("log_start", log_start)
    found = ratio(log_weight, transition, states, levels, rng)
    return found._replace(log_ratio=log_start + found.log_ratio)


def reverse(log_weight, transition, states, log_start, levels, rng):
    """Estimate log Z at the last level, from draws of the last, which walk back to the first.

    Parameters
    ----------
    states : ndarray, a row for each walker
        Exact draws from the density of the last level: the estimate is only as good as they are.
    log_weight, transition, log_start, levels, rng
        As for `forward`; the levels in the same order.

    Returns
    -------
    Ratio
        Whose ``log_ratio`` is log Z itself.
    """
    log_start = checks.number("log_start", log_start)
    levels = checks.array("levels", levels, ("L",))
    found = ratio(log_weight, transition, states, levels[::-1], rng)
    return found._replace(log_ratio=log_start - found.log_ratio)


def _checked(states):
    """Walkers: a row of finite numbers for each."""
    states = checks.array("states", states)
    if not states.ndim:
        raise ValueError("states: expected a row for each walker, got one number")
    return states
