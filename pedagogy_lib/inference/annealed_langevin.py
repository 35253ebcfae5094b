"""Annealed Langevin dynamics: down a staircase of noise levels, a stretch of `mcmc.langevin` on each.

At a high level the noisy density is one broad hill, so that states get everywhere. Each lower level begins where
the one above ended, with a smaller step, and needs to move states a little only.

References
----------
Section 8.3.1, Eq. 8.44. Y. Song and S. Ermon (2019).
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference import mcmc


class Step(NamedTuple):
    """All states have moved once.

    iteration : int, from 0, over all levels
    level : a level of the staircase, the present one
    state : ndarray, shape (N, D)
    """

    iteration: int
    level: Any
    state: Any


def anneal(score, levels, start, steps, size, rng):
    """Move many states with the noisy data's score, level after level.

    Parameters
    ----------
    score : callable
        Of (x, level), x of shape (N, D): the gradient of the noisy data's log density.
    levels : sequence of noising.Level
        In the order in which they are taken, the noisiest first. One alone is plain Langevin dynamics.
    start : array_like, shape (N, D)
    steps : int
        On each level.
    size : float
        The size of a step in units of the level's deviation: h = size * v, and epsilon = h^2 / 2 in Eq. 8.44.
    rng : numpy.random.Generator

    Yields
    ------
    Step
    """
    checks.function("score", score)
    state, rng = checks.array("start", start, ("N", "D")), checks.generator("rng", rng)
    steps, size = checks.count("steps", steps), checks.number("size", size, above=0)
    levels = checks.several("levels", levels)
    for i, level in enumerate(levels):
        checks.having(f"levels[{i}]", level, "signal", "deviation")
    if not levels:
        raise ValueError("levels: expected at least one, got none")
    return _down(score, levels, state, steps, size, rng)


def _down(score, levels, state, steps, size, rng):
    """The stretches themselves, one on each level."""
    iteration, shape = 0, state.shape
    for level in levels:
        # N states that know nothing of each other are one state of N D numbers. No step is refused, so that only
        # the gradient counts, and the log density may be any constant.
        def slope(flat, level=level):
            return np.ravel(score(flat.reshape(shape), level))

        h = size * float(level.deviation)
        chain = mcmc.langevin(lambda flat: 0.0, slope, np.ravel(state), h, rng, adjusted=False)
        for _, event in zip(range(steps), chain):
            state = event.state.reshape(shape)
            yield Step(iteration, level, state)
            iteration += 1
