"""What every search yields, and how to go along it.

`halved` is a building block, and trusts its arguments, which its callers have checked.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks


class Step(NamedTuple):
    """The search is at a trajectory and about to move.

    iteration : int, from 0
    states : ndarray, shape (T, K)
    cost : float, J there
    gradient : ndarray, dJ/dx_1 of shape (K,), or dJ/d(all states) of shape (T, K)
    """

    iteration: int
    states: np.ndarray
    cost: float
    gradient: np.ndarray


def follow(steps, tolerance=1e-8, max_iterations=50):
    """Go along a search until the gradient is almost zero.

    Parameters
    ----------
    steps : iterable of Step or Level
    tolerance : float
        Stop when no entry of the gradient is larger, relative to the largest of the first step.
    max_iterations : int

    Returns
    -------
    Step or Level
        The last one.
    """
    steps = iter(checks.stream("steps", steps))
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    max_iterations = checks.count("max_iterations", max_iterations, minimum=0)
    first = None
    for step in steps:
        size = np.abs(step.gradient).max()
        first = size if first is None else first
        if size <= tolerance * first or step.iteration >= max_iterations:
            return step
    raise ValueError("steps: expected at least one, got none")


def halved(cost_of, place, step, cost):
    """Take the step, or a half of it, or a quarter: the first that lowers the cost."""
    for part in 0.5 ** np.arange(12):
        try:
            with np.errstate(all="ignore"):
                there = cost_of(place + part * step)
        except ValueError:                        # so long a step that the motion ran to infinity
            continue
        if there <= cost:
            return place + part * step, there
    return place, cost
