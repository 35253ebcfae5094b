"""What is to be assimilated: the motion, the sensors, and the window of observations.

`check_window` is a building block, and trusts its arguments, which its callers have checked.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.dynamics import multistep, steppers
from pedagogy_lib.dynamics.fields import Field


class Motion(NamedTuple):
    """What happens to the state between two observations.

    move : callable of x, shape (K,), returns M(x)
    tangent : callable of (x, change), returns the change carried along, for columns of changes too
    adjoint : callable of (x, gradient), returns the gradient carried back; the transpose of tangent
    """

    move: Callable
    tangent: Callable
    adjoint: Callable


class Look(NamedTuple):
    """A curved observation operator. Angles must not jump: the misfit y - h(x) is a plain difference.

    see : callable of x, shape (K,), returns h(x), shape (L,)
    tangent : callable of x, returns H = dh/dx there, shape (L, K)
    """

    see: Callable
    tangent: Callable


class Window(NamedTuple):
    """An assimilation problem.

    background : Gaussian, x_b and B, of K dimensions
    motion : Motion
    look : ndarray, shape (L, K), H; or Look
    noise : ndarray, shape (L, L), R
    y : ndarray, shape (T, L); NaN marks what is missing
    model_error : ndarray, shape (K, K), Q, or None where the motion is exact
    """

    background: Gaussian
    motion: Motion
    look: np.ndarray | Look
    noise: np.ndarray
    y: np.ndarray
    model_error: np.ndarray | None = None


def motion(field, dt, steps=1, method="rk4"):
    """The motion of a vector field over some steps of time.

    Parameters
    ----------
    field : pedagogy_lib.dynamics.fields.Field
    dt : float
    steps : int
    method : {"rk4", "euler", "ab2", "ab3"}
        The rules with a memory begin anew after each observation, because the state has moved.

    Returns
    -------
    Motion
    """
    checks.kind("field", field, Field)
    dt, steps = checks.number("dt", dt, above=0), checks.count("steps", steps)
    checks.option("method", method, ("rk4", "euler", *steppers.MEMORY))

    def flow(x):
        return steppers.flow(field, x, dt, steps, method)

    if method in steppers.MEMORY:
        return Motion(flow,
                      lambda x, change: multistep.tangent(field, x, change, dt, steps, method),
                      lambda x, gradient: multistep.adjoint(field, x, gradient, dt, steps, method))
    return Motion(flow,
                  lambda x, change: steppers.tangent(field, x, change, dt, method, steps),
                  lambda x, gradient: steppers.adjoint(field, x, gradient, dt, method, steps))


def linear_motion(A):
    """The motion x -> A x.

    Parameters
    ----------
    A : array_like, shape (K, K)

    Returns
    -------
    Motion
    """
    A = checks.array("A", A, ("K", "K"))
    return Motion(lambda x: A @ x, lambda x, change: A @ change, lambda x, gradient: A.T @ gradient)


def check_window(window):
    """Refuse what is no window: `inference.assimilation` checks the arrays in it."""
    checks.having("window", window, *Window._fields)
    checks.having("window.background", window.background, "mean", "covariance")
    for name in Motion._fields:
        checks.function(f"window.motion.{name}", getattr(window.motion, name, None))


def trajectory(window, first):
    """Run the motion from a first state through the window.

    Parameters
    ----------
    window : Window
    first : array_like, shape (K,)

    Returns
    -------
    ndarray, shape (T, K)
    """
    check_window(window)
    states = [checks.array("first", first, (len(window.background.mean),))]
    for _ in range(len(window.y) - 1):
        states.append(np.asarray(window.motion.move(states[-1]), float))
    return np.array(states)
