"""Strong-constraint 4DVar: the motion is exact, and only the first state is free."""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference.assimilation._costs import background_cost, data_cost, data_pulls, prepared
from pedagogy_lib.inference.assimilation.problems import trajectory
from pedagogy_lib.inference.assimilation.searches import Step, halved


def strong_cost(window, first):
    """J(x_1), of the trajectory that starts there.

    Parameters
    ----------
    window, first
        As for `trajectory`.

    Returns
    -------
    float
        In nats, up to a constant.
    """
    parts, states = prepared(window), trajectory(window, first)
    return background_cost(parts, states[0]) + data_cost(parts, states)


def strong_gradient(window, first):
    """dJ/dx_1 by the adjoint method: the misfits of all times, carried back to the first.

    With lambda_t = dJ/dx_t of all that comes from t on::

        lambda_T = H' R^-1 (H x_T - y_T)
        lambda_t = M_t' lambda_{t+1} + H' R^-1 (H x_t - y_t)
        dJ/dx_1  = lambda_1 + B^-1 (x_1 - x_b)

    Parameters
    ----------
    window, first
        As for `trajectory`.

    Returns
    -------
    ndarray, shape (K,)
    """
    parts, states = prepared(window), trajectory(window, first)
    pulls = data_pulls(parts, states)
    carried = pulls[-1]
    for t in range(len(states) - 2, -1, -1):
        carried = window.motion.adjoint(states[t], carried) + pulls[t]
    return carried + parts.B(states[0] - window.background.mean)


def strong(window, start=None):
    """Search for the best first state, one Gauss-Newton step at a time.

    Parameters
    ----------
    window : Window
    start : array_like, shape (K,), optional
        The first guess; the background if there is none.

    Yields
    ------
    Step
        Its gradient is that of `strong_gradient`.

    Notes
    -----
    With S_t the tangent of the motion from the first state to the t-th, the step solves
    (B^-1 + sum_t S_t' H' R^-1 H S_t) s = -dJ/dx_1. A step that does not lower J is halved.
    """
    parts, K = prepared(window), len(window.background.mean)
    first = (window.background.mean if start is None
             else checks.array("start", start, (K,)))

    def cost_of(x):
        return (background_cost(parts, x)
                + data_cost(parts, trajectory(window, x)))

    iteration, cost = 0, cost_of(first)
    while True:
        states = trajectory(window, first)
        slope = strong_gradient(window, first)
        yield Step(iteration, states, cost, slope)
        curvature, S = parts.B(np.eye(K)), np.eye(K)
        for t, x in enumerate(states):
            seen = parts.seen[t]
            HS = parts.look.tangent(x)[seen] @ S      # what a change of x_1 shows at t
            curvature = curvature + HS.T @ parts.R(t, HS)
            if t < len(states) - 1:
                S = window.motion.tangent(x, S)
        step = -np.linalg.solve(curvature, slope)
        first, cost = halved(cost_of, first, step, cost)
        iteration += 1
