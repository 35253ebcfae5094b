"""The *continuous* adjoint: an equation of its own, run backwards in time beside the motion.

::

    d lambda / dt = -(df/dx)' lambda              and lambda jumps by b_s where the state s was observed
    dS/dtheta     = integral of (df/dtheta)' lambda

Nothing of the way forward need be kept, because the motion is run backwards too. For that it pays twice. The
derivative is that of the exact motion, and not of the steps that were taken, so that it errs by a power of dt. And a
motion that forgets where it came from cannot be run backwards: what dies out forwards grows backwards.

References
----------
R.T.Q. Chen, Y. Rubanova, J. Bettencourt and D. Duvenaud (2018), "Neural ordinary differential equations".
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.dynamics import steppers
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.learned_motion import terms as equation
from pedagogy_lib.learning.learned_motion.steps import Slopes


class Backwards(NamedTuple):
    """What came of a run backwards.

    slopes : Slopes
    states : ndarray, shape (S + 1, B, K), the states as they were met on the way back, in the order of time
    """

    slopes: Slopes
    states: np.ndarray


def pull_back(terms, last, pulls, dt, method="rk4"):
    """Run motion, adjoint state and derivative backwards together, from the last state alone.

    Parameters
    ----------
    terms : tuple of terms
    last : array_like, shape (B, K)
        Where the motion ended.
    pulls : array_like, shape (S + 1, B, K)
        b_s, the loss's direct derivative with respect to each state.
    dt : float
    method : {"rk4", "euler"}

    Returns
    -------
    Backwards
    """
    x = checks.array("last", last, ("B", "K"))
    equation.check(terms, x.shape[1])
    pulls, dt = checks.array("pulls", pulls, ("S", *x.shape)), checks.number("dt", dt, above=0)
    steppers.rule(method)
    size = sum(np.size(value) for _, value in parameters.leaves(terms))
    if not len(pulls):
        raise ValueError(f"pulls: expected one state at least, got shape {pulls.shape}")
    adjoint, total, states = pulls[-1], np.zeros(size), [x]
    with np.errstate(over="ignore", invalid="ignore"):
        for pull in pulls[-2::-1]:
            x, adjoint, total = _step(terms, (x, adjoint, total), -dt, method)
            adjoint = adjoint + pull
            states.append(x)
    return Backwards(Slopes(adjoint, parameters.view(total, terms)), np.array(states[::-1]))


def _step(terms, together, dt, method):
    """One step of the rule for all three at once."""
    slope, total = None, together
    for shift, weight in zip(*steppers.rule(method)):
        place = together if slope is None else [z + shift * dt * k for z, k in zip(together, slope)]
        slope = _velocity(terms, *place[:2])
        total = [z + dt * weight * k for z, k in zip(total, slope)]
    return total


def _velocity(terms, x, adjoint):
    """dx/dt = f, d lambda/dt = -(df/dx)' lambda, and of the derivative -(df/dtheta)' lambda."""
    velocity, passages = equation.velocity(terms, x)
    found = equation.pull_back(terms, passages, adjoint)
    share = np.zeros(sum(np.size(value) for _, value in parameters.leaves(terms)))
    parameters.copy(found.term, share)
    return velocity, -found.inputs, -share
