"""What a run of steps with a memory does to a small change of its first state, and to a gradient of its last.

The rules of Adams and Bashforth use the slopes of the latest two or three places again::

    x_{n+1} = x_n + dt sum_j b_j f(x_{n-j})

Each place is evaluated once, where the Runge-Kutta rule needs four slopes for a step. A single step is no map of
one state to the next, because it hangs on the places before; a run that begins with one state is. `steppers.flow`
takes its first steps with the Runge-Kutta rule, and the functions here go along with it or back.

References
----------
J.C. Adams and F. Bashforth (1883); J.C. Butcher (2016), section 24.
"""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.dynamics import steppers


def tangent(field, x, change, dt, steps, method="ab3"):
    """Carry a small change of the first state along to the last.

    With d for the change and J for the field's Jacobian::

        d_{n+1} = d_n + dt sum_j b_j J(x_{n-j}) d_{n-j}

    Parameters
    ----------
    field : Field
    x : ndarray, shape (K,)
        The first state.
    change : ndarray, shape (K,) or (K, P)
    dt : float
    steps : int
    method : {"ab3", "ab2"}

    Returns
    -------
    ndarray, of the shape of ``change``
    """
    x, dt, steps, weights = _checked(x, dt, steps, method)
    change = checks.array("change", change, (len(x),) if np.ndim(change) == 1 else (len(x), "P"))
    path, begun, slopes = steppers.trajectory(field, x, dt, steps, method), len(weights) - 1, []
    for n in range(steps):
        slopes = [field.jacobian(path[n]) @ change, *slopes][: len(weights)]
        if n < begun:
            change = steppers.tangent(field, path[n], change, dt, "rk4")
        else:
            change = change + dt * sum(b * slope for b, slope in zip(weights, slopes))
    return change


def adjoint(field, x, gradient, dt, steps, method="ab3"):
    """Carry a gradient with respect to the last state back to the first: the transpose of `tangent`.

    A slope taken at x_n is used in the step from there and in the next one or two. So it receives from
    all of them, each with the weight that it had there::

        l_n = l_{n+1} + dt J(x_n)' sum_j b_j l_{n+1+j}

    Backwards, too, the memory costs one product for each place.

    Parameters
    ----------
    field : Field
    x : ndarray, shape (K,)
        The first state, from which the run began.
    gradient : ndarray, shape (K,)
        With respect to the last.
    dt, steps, method
        As for `tangent`.

    Returns
    -------
    ndarray, shape (K,)
        With respect to the first.
    """
    x, dt, steps, weights = _checked(x, dt, steps, method)
    gradient = checks.array("gradient", gradient, (len(x),))
    path, begun = steppers.trajectory(field, x, dt, steps, method), len(weights) - 1
    after = [gradient]                                                 # l_{n+1}, l_{n+2}, ...: the nearest first
    for n in range(steps - 1, -1, -1):
        used = [b * after[j] for j, b in enumerate(weights) if begun <= n + j < steps]
        pulled = dt * (field.jacobian(path[n]).T @ sum(used)) if used else 0.0
        step = after[0] if n >= begun else steppers.adjoint(field, path[n], after[0], dt, "rk4")
        after = [step + pulled, *after][: len(weights)]
    return after[0]


def _checked(x, dt, steps, method):
    x, dt = checks.array("x", x, ("K",)), checks.number("dt", dt, above=0)
    steps = checks.count("steps", steps, minimum=0)
    return x, dt, steps, steppers.MEMORY[checks.option("method", method, tuple(steppers.MEMORY))]
