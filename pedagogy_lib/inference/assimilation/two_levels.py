"""A parameter of the motion, found with the state: a search over the best cost that each value allows."""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference.assimilation._costs import data_pulls, prepared, solver
from pedagogy_lib.inference.assimilation.problems import Window, trajectory
from pedagogy_lib.inference.assimilation.strong_constraint import strong
from pedagogy_lib.learning import quasi_newton


class Level(NamedTuple):
    """The search for a parameter is at a value and about to change it.

    iteration : int, from 0
    parameter : ndarray, shape (P,), theta
    cost : float, the best J that theta allows, with the prior's charge
    gradient : ndarray, shape (P,), its slope
    states : ndarray, shape (T, K), the trajectory that has it
    """

    iteration: int
    parameter: np.ndarray
    cost: float
    gradient: np.ndarray
    states: np.ndarray


def parameter_gradient(window, first, sensitivity):
    """dJ/dtheta for a trajectory whose first state is held: a sum along the adjoint's way back.

    With lambda_t as in `strong_gradient`::

        dJ/dtheta = sum_t (dM(x_t)/dtheta)' lambda_{t+1}

    Parameters
    ----------
    window : Window
    first : array_like, shape (K,)
    sensitivity : callable of x, returns dM(x)/dtheta, shape (K, P)

    Returns
    -------
    ndarray, shape (P,)

    Notes
    -----
    Let x_1(theta) be the best first state for each theta. The slope of the best J is
    dJ/dtheta + (dx_1/dtheta)' dJ/dx_1, and the last factor is zero there. So at the best first
    state this is the slope of the best J: the *envelope theorem*. Nobody need know dx_1/dtheta.
    """
    checks.function("sensitivity", sensitivity)
    parts, states = prepared(window), trajectory(window, first)
    pulls, K = data_pulls(parts, states), states.shape[1]
    checks.array("sensitivity", sensitivity(states[0]), (K, "P"))
    carried, slope = pulls[-1], np.zeros(len(sensitivity(states[0])[0]))
    for t in range(len(states) - 2, -1, -1):
        slope = slope + np.asarray(sensitivity(states[t])).T @ carried
        carried = window.motion.adjoint(states[t], carried) + pulls[t]
    return slope


def bilevel(problem, parameter, sensitivity, prior=None, first_step=0.1, tolerance=1e-12):
    """Search for a parameter of the motion: outside over theta, inside over the first state.

    The inner search is `strong`, and starts where the last one ended. The outer one goes down the
    slope of the best J, with the curvature learnt on the way from how the slope changes (the method
    of Broyden, Fletcher, Goldfarb and Shanno). A step that does not lower the best J is halved.

    Parameters
    ----------
    problem : callable of theta, shape (P,), returns a Window
    parameter : array_like, shape (P,)
        The first guess.
    sensitivity : callable of (x, theta), returns dM(x)/dtheta, shape (K, P)
    prior : Gaussian, optional
        Of theta. Without it all values are as good to begin with.
    first_step : float
        How far to go before the curvature is known.
    tolerance : float
        The inner search has settled when a step gains no more than this, in nats.

    Yields
    ------
    Level

    Raises
    ------
    ValueError
        If an argument has the wrong form, or an inner search does not settle.
    """
    checks.function("problem", problem)
    checks.function("sensitivity", sensitivity)
    theta = checks.array("parameter", parameter, ("P",))
    if not theta.size:
        raise ValueError("parameter: expected one number at least, got none")
    first_step = checks.number("first_step", first_step, above=0)
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    charge, pull = _prior_terms(prior, len(theta))

    def best(theta, start):
        """The best trajectory for theta, its cost and the slope of that cost."""
        window = problem(theta)
        if not isinstance(window, Window):
            raise ValueError(f"problem: expected a callable that returns a Window, got {type(window).__name__}")
        found = _settled(strong(window, start), tolerance, theta)
        slope = parameter_gradient(window, found.states[0], lambda x: sensitivity(x, theta))
        if slope.shape != theta.shape:
            raise ValueError(f"sensitivity: expected {len(theta)} columns, one for each parameter, got {len(slope)}")
        return found.states, found.cost + charge(theta), slope + pull(theta)

    states, cost, slope = best(theta, None)
    inverse = np.eye(len(theta)) * first_step / max(np.linalg.norm(slope), 1e-300)
    iteration = 0
    while True:
        yield Level(iteration, theta, cost, slope, states)
        step = -inverse @ slope
        for part in 0.5 ** np.arange(12):
            there = best(theta + part * step, states[0])
            if there[1] <= cost:
                inverse = quasi_newton.bfgs(inverse, part * step, there[2] - slope)
                theta, (states, cost, slope) = theta + part * step, there
                break
        iteration += 1


def _prior_terms(prior, P):
    """What a prior charges for theta, and the slope of that."""
    if prior is None:
        return lambda theta: 0.0, lambda theta: 0.0
    mean = checks.array("prior.mean", prior.mean, (P,))
    precision = solver(checks.covariance("prior.covariance", prior.covariance, P, stack=False))
    return (lambda theta: 0.5 * float((theta - mean) @ precision(theta - mean))), lambda theta: precision(theta - mean)


def _settled(steps, tolerance, theta, most=60):
    """The step of a search at which it gains no more."""
    before = np.inf
    for step in steps:
        gain, before = before - step.cost, step.cost
        if gain <= tolerance:
            return step
        if step.iteration == most:
            break
    raise ValueError(f"problem: expected an inner search that settles in {most} steps, got one that still gains "
                     f"{gain:.2g} nats at theta = {theta}; try a shorter window")
