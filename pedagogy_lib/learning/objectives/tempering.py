"""Parallel tempering: chains at several levels, which exchange their states.

A chain at level 1, the model itself, may never leave its mode. At a lower level all natural parameters are smaller (it
is hotter there), and the same chain walks freely. So keep a *ladder*: at every level a row of chains. After each sweep,
chains at neighboring levels may exchange their states, with a probability such that each level keeps its own
distribution (Metropolis):

    log of the ratio = F_i(y_i) + F_j(y_j) - F_i(y_j) - F_j(y_i),      F_i the marginal energy at level i

What has changed its mode far below climbs up, and the model phase is averaged over the top of the ladder.

A ``model`` is what it is for `contrastive`, and has ``heated(params, level)`` as well. A ``ladder`` is an array of
shape (R, M, D): at each of R levels M chains.

References
----------
R. Swendsen and J.-S. Wang (1986); C. Geyer (1991). G. Desjardins et al. (2010), for harmoniums.
"""

from itertools import count, islice
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.objectives.contrastive import Estimate


class Round(NamedTuple):
    """All levels have swept once, and neighbors have been asked to exchange.

    iteration : int, from 0
    ladder : ndarray, shape (R, M, D), where the chains stand now
    exchanged : ndarray of bool, shape (R - 1, M), which pairs of neighbors did
    """

    iteration: int
    ladder: np.ndarray
    exchanged: np.ndarray


def walk(model, params, ladder, levels, rng):
    """Sweep and exchange, for ever.

    Parameters
    ----------
    ladder : array_like, shape (R, M, D)
        Where the chains begin.
    levels : array_like, shape (R,), rising to 1
    rng : numpy.random.Generator

    Yields
    ------
    Round
    """
    rng, levels = checks.generator("rng", rng), checks.array("levels", levels, ("R",))
    ladder = checks.array("ladder", ladder, (len(levels), "M", "D"))
    if len(levels) < 2 or (np.diff(levels) <= 0).any() or levels[-1] != 1:
        raise ValueError(f"levels: expected at least two, rising to 1, got {levels.tolist()}")
    rungs = [model.heated(params, level) for level in levels]
    for iteration in count():
        ladder = np.stack([model.sweep(rung, chains, rng) for rung, chains in zip(rungs, ladder)])
        ladder, exchanged = _exchange(model, rungs, ladder, rng)
        yield Round(iteration, ladder, exchanged)


def _exchange(model, rungs, ladder, rng):
    """Ask neighbors, from the top of the ladder down."""
    ladder = ladder.copy()
    exchanged = np.zeros((len(rungs) - 1, ladder.shape[1]), bool)
    for low in reversed(range(len(rungs) - 1)):
        below, above = ladder[low].copy(), ladder[low + 1].copy()
        F, G = (lambda y, rung=rung: model.marginal_energy(rung, y) for rung in rungs[low : low + 2])
        log_ratio = F(below) + G(above) - F(above) - G(below)
        exchanged[low] = which = np.log(rng.random(len(log_ratio))) < log_ratio
        ladder[low, which], ladder[low + 1, which] = above[which], below[which]
    return ladder, exchanged


def tempered(model, params, y, ladder, levels, rng, steps=1):
    """The gradient, with a model phase from the top of a ladder, which this moves on by some rounds.

    Parameters
    ----------
    y : array_like, shape (N, D)
    ladder : array_like, shape (R, M, D)
        Where the last call left it. At first: data, or draws, on every level.
    levels, rng
        As for `walk`.
    steps : int
        Rounds.

    Returns
    -------
    Estimate
        Its ``chains`` are the ladder, for the next call.
    """
    last = list(islice(walk(model, params, ladder, levels, rng), checks.count("steps", steps)))[-1]
    sleep, wake = (parameters.flatten(model.phase(params, rows)).vector for rows in (last.ladder[-1], y))
    return Estimate(parameters.view(sleep - wake, params), last.ladder)
