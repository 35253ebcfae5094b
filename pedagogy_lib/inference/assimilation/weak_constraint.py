"""Weak-constraint 4DVar: every state is free, and each departure from the motion has its price."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from pedagogy_lib import checks
from pedagogy_lib.inference.assimilation._costs import background_cost, data_cost, data_pulls, prepared
from pedagogy_lib.inference.assimilation.problems import trajectory
from pedagogy_lib.inference.assimilation.searches import Step, halved


def weak_cost(window, states):
    """J(x_1 ... x_T), with a charge for every departure from the motion.

    Parameters
    ----------
    window : Window
        With its model error.
    states : array_like, shape (T, K)

    Returns
    -------
    float
        In nats, up to a constant.
    """
    parts, states = prepared(window, weak=True), _checked_states(window, states)
    departures = states[1:] - _moved(window, states)
    return (
        background_cost(parts, states[0])
        + data_cost(parts, states)
        + 0.5 * float((departures * parts.Q(departures.T).T).sum())
    )


def weak_gradient(window, states):
    """dJ/d(x_1 ... x_T). Each state feels its datum, the state before it and the state after it.

    Parameters
    ----------
    window, states
        As for `weak_cost`.

    Returns
    -------
    ndarray, shape (T, K)
    """
    parts, states = prepared(window, weak=True), _checked_states(window, states)
    slope = data_pulls(parts, states)
    slope[0] += parts.B(states[0] - window.background.mean)
    departures = parts.Q((states[1:] - _moved(window, states)).T).T
    slope[1:] += departures
    for t, departure in enumerate(departures):
        slope[t] -= window.motion.adjoint(states[t], departure)
    return slope


def weak(window, start=None):
    """Search for the best trajectory, one Gauss-Newton step at a time.

    Parameters
    ----------
    window : Window
        With its model error.
    start : array_like, shape (T, K), optional
        The first guess; the background, moved, if there is none.

    Yields
    ------
    Step

    Notes
    -----
    The matrix to solve with couples neighboring times only: it is block tridiagonal, and is solved
    by one sweep forwards and one back, which are a Kalman filter and its smoother in disguise.
    """
    parts, K = prepared(window, weak=True), len(window.background.mean)
    states = (trajectory(window, window.background.mean) if start is None
              else _checked_states(window, start))

    def cost_of(x):
        return weak_cost(window, x)

    iteration, cost = 0, cost_of(states)
    while True:
        slope = weak_gradient(window, states)
        yield Step(iteration, states, cost, slope)
        diagonal, below = [], []
        for t, x in enumerate(states):
            seen = parts.seen[t]
            H = parts.look.tangent(x)[seen]
            block = H.T @ parts.R(t, H)
            block = block + (parts.B(np.eye(K)) if t == 0 else parts.Q(np.eye(K)))
            if t < len(states) - 1:
                M = window.motion.tangent(x, np.eye(K))
                QM = parts.Q(M)
                block, below = block + M.T @ QM, [*below, -QM]
            diagonal.append(block)
        step = -_solve_chain(diagonal, below, slope)
        states, cost = halved(cost_of, states, step, cost)
        iteration += 1


def _solve_chain(diagonal, below, right):
    """Solve a symmetric block-tridiagonal system, whose blocks below the diagonal are given."""
    factors, carried = [], [right[0]]
    block = diagonal[0]
    for t, lower in enumerate(below):
        factors.append(cho_factor(block))
        block = diagonal[t + 1] - lower @ cho_solve(factors[t], lower.T)
        carried.append(right[t + 1] - lower @ cho_solve(factors[t], carried[t]))
    found = [cho_solve(cho_factor(block), carried[-1])]
    for t in range(len(below) - 1, -1, -1):
        found.append(cho_solve(factors[t], carried[t] - below[t].T @ found[-1]))
    return np.array(found[::-1])


def _moved(window, states):
    return np.array([window.motion.move(x) for x in states[:-1]]).reshape(-1, states.shape[1])


def _checked_states(window, states):
    return checks.array("states", states, (len(window.y), len(window.background.mean)))
