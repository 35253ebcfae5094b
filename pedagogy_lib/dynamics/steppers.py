"""Steps in time along a vector field, and what a step does to a small change and to a gradient.

`flow` carries states forward in time with Euler's or the Runge-Kutta rule, with the rules of Adams and
Bashforth, which remember slopes, or with SciPy's solvers; `tangent` and `adjoint` carry a small change of
the state along with steps of the first two, or a gradient back. `multistep` does it for the rules with memory.

References
----------
`state_estimation_4dvar`, "ODE/PDEs"; J.C. Butcher (2016), sections 24 (Adams) and 23 (Runge-Kutta).
"""

from contextlib import contextmanager

import numpy as np
from scipy.integrate import solve_ivp

from pedagogy_lib import checks
from pedagogy_lib.dynamics.fields import Field

METHODS = ("euler", "rk4", "ab2", "ab3", "scipy")
#: What the latest slopes weigh, the newest first, in the rules of Adams and Bashforth.
MEMORY = {"ab2": (3 / 2, -1 / 2), "ab3": (23 / 12, -16 / 12, 5 / 12)}


def flow(field, x, dt, steps=1, method="rk4"):
    """Carry states forward.

    Parameters
    ----------
    field : Field
    x : array_like, shape (K,) or (N, K)
    dt : float
        One step.
    steps : int
    method : {"rk4", "euler", "ab2", "ab3", "scipy"}
        The classical Runge-Kutta rule, Euler's, those of Adams and Bashforth of order 2 and 3, or
        `scipy.integrate.solve_ivp` with small tolerances (slow; to judge the others by). The rules
        with a memory take their first one or two steps with the Runge-Kutta rule, anew in each call.

    Returns
    -------
    ndarray, of the shape of x

    Raises
    ------
    ValueError
        If SciPy finds no solution for all of the time; with the time that it came to. If the states
        leave all numbers, or are not such as the field takes.
    """
    x = checks.array("x", x)
    dt, steps = checks.number("dt", dt, above=0), checks.count("steps", steps, minimum=0)
    checks.option("method", method, METHODS)
    with _naming(field, x):
        if method == "scipy":
            return _by_scipy(field, x, dt * steps)
        *_, last = _walk(field, x, dt, steps, method)
    return checks.held("x", x, last)


def trajectory(field, x, dt, steps, method="rk4"):
    """The states at each step, the first included.

    Parameters
    ----------
    field, x, dt, steps, method
        As for `flow`.

    Returns
    -------
    ndarray, shape (steps + 1, ...)
    """
    x, dt = checks.array("x", x), checks.number("dt", dt, above=0)
    steps, method = checks.count("steps", steps, minimum=0), checks.option("method", method, METHODS)
    with _naming(field, x):
        states = np.array(list(_walk(field, x, dt, steps, method)))
    return checks.held("x", x, states)


def tangent(field, x, change, dt, method="rk4", steps=1):
    """Carry a small change of the state along with the steps: M(x) change.

    Parameters
    ----------
    field : Field
    x : ndarray, shape (K,)
        The state before the first step.
    change : ndarray, shape (K,) or (K, P)
    dt : float
    method : {"rk4", "euler"}
    steps : int

    Returns
    -------
    ndarray, of the shape of ``change``
    """
    x, dt, steps = _checked(field, x, dt, steps)
    change = checks.array("change", change, (len(x),) if np.ndim(change) == 1 else (len(x), "P"))
    shifts, weights = rule(method)
    for places in _places(field, x, dt, steps, method):
        total, slope = change, 0.0
        for i in range(len(places)):
            moved = change + shifts[i] * dt * slope
            slope = field.jacobian(places[i]) @ moved     # of the i-th slope
            total = total + dt * weights[i] * slope
        change = total
    return change


def rule(method):
    """A rule in numbers.

    Parameters
    ----------
    method : {"rk4", "euler"}

    Returns
    -------
    shifts : tuple of float
        In units of dt, how far along the last slope the next one is taken; 0 for the first.
    weights : tuple of float
        Of the slopes in the step, dt times their sum.
    """
    checks.option("method", method, tuple(_RULES))
    return _RULES[method]


def adjoint(field, x, gradient, dt, method="rk4", steps=1):
    """Carry a gradient back over the steps: M(x)' gradient. The transpose of `tangent`.

    Parameters
    ----------
    field : Field
    x : ndarray, shape (K,)
        The state *before* the first step.
    gradient : ndarray, shape (K,)
        With respect to the state after the last.
    dt : float
    method : {"rk4", "euler"}
    steps : int

    Returns
    -------
    ndarray, shape (K,)
        With respect to the state before the first step.
    """
    x, dt, steps = _checked(field, x, dt, steps)
    gradient = checks.array("gradient", gradient, (len(x),))
    shifts, weights = rule(method)
    for places in reversed(_places(field, x, dt, steps, method)):
        total, carried = gradient, 0.0
        for i in range(len(places) - 1, -1, -1):          # the same lines, backwards
            pull = dt * weights[i] * gradient + carried
            back = field.jacobian(places[i]).T @ pull
            total = total + back
            carried = shifts[i] * dt * back
        gradient = total
    return gradient


def _checked(field, x, dt, steps):
    checks.kind("field", field, Field)
    return checks.array("x", x, ("K",)), checks.number("dt", dt), checks.count("steps", steps, minimum=0)


def _places(field, x, dt, steps, method):
    """For each step, the places at which it takes slopes."""
    found = []
    with _naming(field, x):
        for _ in range(steps):
            increment, places, _ = _increment(field, x, dt, method)
            found.append(places)
            x = x + dt * increment
    return found


#: How far along the last slope to look for the next, and what each slope weighs.
_RULES = {"euler": ((0.0,), (1.0,)), "rk4": ((0.0, 0.5, 0.5, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6))}


@contextmanager
def _naming(field, x):
    """Where a step fails, say whether it is because the field does not take such states."""
    checks.kind("field", field, Field)
    try:
        yield
    except (ValueError, IndexError, TypeError):
        try:
            field.velocity(x)
        except (ValueError, IndexError, TypeError) as error:
            raise ValueError(f"x: expected states such as the field takes, got shape {x.shape}") from error
        raise


def _walk(field, x, dt, steps, method):
    """Yield the states, the first included."""
    yield x
    weights, slopes = MEMORY.get(method), []                           # slopes: the newest first
    for step in range(steps):
        if method == "scipy":
            x = _by_scipy(field, x, dt)
        elif weights is None:
            x = x + dt * _increment(field, x, dt, method)[0]
        elif step < len(weights) - 1:                                  # nothing to remember yet
            increment, _, (first, *_) = _increment(field, x, dt, "rk4")
            x, slopes = x + dt * increment, [first, *slopes]
        else:
            slopes = [field.velocity(x), *slopes][: len(weights)]
            x = x + dt * sum(w * k for w, k in zip(weights, slopes))
        yield x


def _increment(field, x, dt, method):
    """The weighted slope of one step, the places at which slopes were taken, and the slopes."""
    slopes, places = [], []
    shifts, weights = _RULES[method]
    for shift in shifts:
        places.append(x + shift * dt * slopes[-1] if slopes else x)
        slopes.append(field.velocity(places[-1]))
    return checks.held("x", x, sum(w * k for w, k in zip(weights, slopes))), places, slopes


def _by_scipy(field, x, span):
    if span == 0:
        return x.copy()
    flat = solve_ivp(
        lambda t, z: field.velocity(z.reshape(x.shape)).ravel(), (0, span), x.ravel(), rtol=1e-10, atol=1e-12
    )
    if not flat.success:
        raise ValueError(
            f"field: expected a solution for {span:g} units of time, got none beyond {flat.t[-1]:g}: {flat.message}"
        )
    return flat.y[:, -1].reshape(x.shape)
