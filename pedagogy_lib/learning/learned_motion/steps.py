"""A learned motion stepped forward, and a loss's derivative carried back through the very steps that were taken.

This is the *discrete adjoint*: the computer's steps are differentiated, and not the equation that they approximate.
It is backpropagation with moments of time in the place of layers, so that it is exact for any rule that takes the
steps. `run` and `pull_back` check their arguments; the mathematics is in `step` and `step_back`.

Building blocks, which trust their arguments because their callers have checked them: `walk`,
`walk_back`, `step` and `step_back`.

References
----------
`state_estimation_4dvar`, "ODE/PDEs"; section 5.1.3, Eqs. 5.18-5.21, for networks in time.
"""

from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.dynamics import steppers
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.learned_motion import terms as equation


class Path(NamedTuple):
    """Where a motion went.

    states : ndarray, shape (S + 1, B, K), the first included
    kept : list of S lists: of each slope of each step, its place and what its terms keep there
    dt : float, one step
    method : str, the rule
    """

    states: np.ndarray
    kept: list
    dt: float
    method: str


class Slopes(NamedTuple):
    """The derivatives of a loss.

    first : ndarray, shape (B, K), with respect to the first states
    terms : tuple of terms, with respect to their numbers
    """

    first: np.ndarray
    terms: Any


def run(terms, first, dt, count, method="rk4"):
    """Step some states forward, side by side.

    Parameters
    ----------
    terms : tuple of terms
        Whose sum is dx/dt.
    first : array_like, shape (B, K)
    dt : float
        One step.
    count : int
        S, how many steps.
    method : {"rk4", "euler"}

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If the states leave the range of numbers; with the step at which they do.
    """
    first = checks.array("first", first, ("B", "K"))
    equation.check(terms, first.shape[1])
    dt, count = checks.number("dt", dt, above=0), checks.count("count", count, minimum=0)
    steppers.rule(method)
    path = walk(terms, first, dt, count, method)
    lost = ~np.isfinite(path.states).all((1, 2))
    if lost.any():
        raise ValueError(f"terms: expected a motion that stays finite, got one that leaves all numbers at step "
                         f"{lost.argmax()} of {count}")  # fmt: skip
    return path


def pull_back(terms, path, pulls):
    """Carry a loss's derivatives from all states back to the first, and to the numbers of the terms.

    With lambda_s, the *adjoint state*, for the derivative with respect to x_s of all that comes from s on::

        lambda_S     = b_S
        lambda_(s-1) = (dM/dx)' lambda_s + b_(s-1)
        dS/dtheta    = sum_s (dM/dtheta)' lambda_s

    Parameters
    ----------
    terms : tuple of terms
        Those of `run`.
    path : Path
        From `run`.
    pulls : array_like, shape (S + 1, B, K)
        b_s, the loss's direct derivative with respect to each state; zero where none was observed.

    Returns
    -------
    Slopes
    """
    if not isinstance(path, Path):
        raise TypeError(f"path: expected what run returned, got {type(path).__name__}")
    equation.check(terms, checks.array("path.states", path.states, ("S", "B", "K")).shape[2])
    return walk_back(terms, path, checks.array("pulls", pulls, path.states.shape))


def walk(terms, first, dt, count, method):
    """x_(s+1) = M(x_s), `count` times; arguments as for `run`, trusted."""
    states, kept = [first], []
    with np.errstate(over="ignore", invalid="ignore"):        # a search may ask for a motion that runs away
        for _ in range(count):
            state, passages = step(terms, states[-1], dt, method)
            states.append(state)
            kept.append(passages)
    return Path(np.array(states), kept, dt, method)


def walk_back(terms, path, pulls):
    """The adjoint recursion; arguments as for `pull_back`, trusted."""
    carried, asked = pulls[-1], []
    for s in range(len(path.kept) - 1, -1, -1):
        carried, of_slopes = step_back(terms, path.kept[s], carried, path.dt, path.method)
        carried = carried + pulls[s]
        asked += zip((place for place, _ in reversed(path.kept[s])), of_slopes)
    return Slopes(carried, _of_terms(terms, asked))


def step(terms, x, dt, method):
    """M(x): slopes, each taken some way along the one before it, and dt times their weighted sum."""
    slope, total, kept = 0.0, x, []
    for shift, weight in zip(*steppers.rule(method)):
        place = x + shift * dt * slope
        slope, passages = equation.velocity(terms, place)
        total = total + dt * weight * slope
        kept.append((place, passages))
    return total, kept


def step_back(terms, kept, carried, dt, method):
    """(dM/dx)' lambda, and what each slope receives: the lines of `step` in the opposite order."""
    shifts, weights = steppers.rule(method)
    total, later, of_slopes = carried, 0.0, []
    for i in range(len(kept) - 1, -1, -1):
        # A slope was used twice: in the sum, and as the way to the place of the next slope.
        of_slopes.append(dt * weights[i] * carried + later)
        below = equation.pull_back(terms, kept[i][1], of_slopes[-1]).inputs
        total = total + below
        later = shifts[i] * dt * below
    return total, of_slopes


def _of_terms(terms, asked):
    """sum_s (dM/dtheta)' lambda_s: all slopes of all steps as the rows of one batch."""
    if not asked:
        return parameters.each(np.zeros_like, terms)
    places, pulls = (np.concatenate(part) for part in zip(*asked))
    learned = [bool(parameters.leaves(term)) for term in terms]
    return tuple(term.run_back(term.run(places), pulls).term if has else term for term, has in zip(terms, learned))
