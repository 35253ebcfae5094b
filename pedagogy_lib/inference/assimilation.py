"""Variational data assimilation: the most probable trajectory, by descent.

A window of T observations of a state that moves by a known law::

    x_1 ~ N(x_b, B)                    the background: what was believed before
    x_{t+1} = M(x_t) [+ N(0, Q)]       the motion, exact or not
    y_t = H x_t + N(0, R)              the observations

The negative logarithm of the joint density of all this is a sum of squares. *Strong-constraint*
4DVar takes the motion for exact, so only x_1 is free::

    J(x_1) = |x_1 - x_b|^2_B / 2 + sum_t |y_t - H x_t|^2_R / 2

*Weak-constraint* 4DVar lets every state move, and charges for each departure from the motion::

    J(x_1 ... x_T) = J as above + sum_t |x_{t+1} - M(x_t)|^2_Q / 2

with |v|^2_B for v' B^-1 v. A curved sensor h(x) may stand for H x: then H is its tangent, dh/dx, at
the present guess. The gradient of the first goes back through the whole motion: the
*adjoint* method does it at the price of one run backwards. The minimum is sought by Gauss and
Newton's method: make the motion linear about the present guess, solve the quadratic problem, repeat
("incremental 4DVar"). On a linear motion one step is enough, and the weak minimum is the
Rauch-Tung-Striebel smoother's mean.

A parameter of the motion may be unknown, too. `bilevel` searches for it over the best J that each
value allows, with one more sum along the adjoint's way back for a gradient.

References
----------
`state_estimation_4dvar`, "Weak vs strong constrained"; F.-X. Le Dimet and O. Talagrand (1986);
P. Courtier, J.-N. Thepaut and A. Hollingsworth (1994), incremental; Y. Tremolet (2006), weak.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.dynamics import steppers


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


def motion(field, dt, steps=1, method="rk4"):
    """The motion of a vector field over some steps of time.

    Parameters
    ----------
    field : pedagogy_lib.dynamics.fields.Field
    dt : float
    steps : int
    method : {"rk4", "euler"}

    Returns
    -------
    Motion
    """
    def path(x):
        """The places from which the steps start."""
        return steppers.trajectory(field, x, dt, steps - 1, method)

    def tangent(x, change):
        for place in path(x):
            change = steppers.tangent(field, place, change, dt, method)
        return change

    def adjoint(x, gradient):
        for place in path(x)[::-1]:
            gradient = steppers.adjoint(field, place, gradient, dt, method)
        return gradient

    return Motion(lambda x: steppers.flow(field, x, dt, steps, method), tangent, adjoint)


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


# -------------------------------------------------------------------- strong constraint


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
    states = [checks.array("first", first, (len(window.background.mean),))]
    for _ in range(len(window.y) - 1):
        states.append(np.asarray(window.motion.move(states[-1]), float))
    return np.array(states)


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
    parts = _prepared(window)
    return _background_cost(parts, first) + _data_cost(parts, trajectory(window, first))


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
    parts, states = _prepared(window), trajectory(window, first)
    pulls = _data_pulls(parts, states)
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
    parts, K = _prepared(window), len(window.background.mean)
    first = (window.background.mean if start is None
             else checks.array("start", start, (K,)))

    def cost_of(x):
        return (_background_cost(parts, x)
                + _data_cost(parts, trajectory(window, x)))

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
        first, cost = _halved(cost_of, first, step, cost)
        iteration += 1


# ---------------------------------------------------------------------- weak constraint


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
    parts, states = _prepared(window, weak=True), _checked_states(window, states)
    departures = states[1:] - _moved(window, states)
    return (
        _background_cost(parts, states[0])
        + _data_cost(parts, states)
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
    parts, states = _prepared(window, weak=True), _checked_states(window, states)
    slope = _data_pulls(parts, states)
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
    The matrix to solve with couples neighbouring times only: it is block tridiagonal, and is solved
    by one sweep forwards and one back, which are a Kalman filter and its smoother in disguise.
    """
    parts, K = _prepared(window, weak=True), len(window.background.mean)
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
        states, cost = _halved(cost_of, states, step, cost)
        iteration += 1


def run(steps, tolerance=1e-8, max_iterations=50):
    """Walk along a search until the gradient is almost zero.

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
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    max_iterations = checks.count("max_iterations", max_iterations, minimum=0)
    first = None
    for step in steps:
        size = np.abs(step.gradient).max()
        first = size if first is None else first
        if size <= tolerance * first or step.iteration >= max_iterations:
            return step
    raise ValueError("steps: expected at least one, got none")


# --------------------------------------------------------------- a parameter of the motion


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
    parts, states = _prepared(window), trajectory(window, first)
    pulls, K = _data_pulls(parts, states), states.shape[1]
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
    theta = checks.array("parameter", parameter, ("P",))
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
                inverse = _bfgs(inverse, part * step, there[2] - slope)
                theta, (states, cost, slope) = theta + part * step, there
                break
        iteration += 1


# --------------------------------------------------------------------------------- helpers


class _Parts(NamedTuple):
    """A window with its covariances factored."""

    window: Window
    look: Look
    B: Callable        # v -> B^-1 v
    Q: Callable        # v -> Q^-1 v, or None
    R: Callable        # (t, v) -> R^-1 v, of what was seen at t
    seen: np.ndarray


def _prepared(window, weak=False):
    mean = checks.array("window.background.mean", window.background.mean, ("K",))
    K = len(mean)
    B = checks.covariance("window.background.covariance", window.background.covariance, K, stack=False)
    R = checks.covariance("window.noise", window.noise, stack=False)
    look = _checked_look(window.look, mean, len(R))
    y = checks.observations("window.y", window.y, len(R), missing=True)
    if len(y) == 0:
        raise ValueError("window.y: expected at least one time step, got none")
    if weak and window.model_error is None:
        raise ValueError("window.model_error: expected a covariance, got None; without it use strong")
    Q = checks.covariance("window.model_error", window.model_error, K, stack=False) if weak else None
    seen = ~np.isnan(y)
    roots = [cho_factor(R[np.ix_(s, s)]) if s.any() else None for s in seen]
    return _Parts(
        window._replace(y=y), look, _solver(B), None if Q is None else _solver(Q),
        lambda t, v: v if roots[t] is None else cho_solve(roots[t], v), seen,
    )


def _checked_look(look, x, L):
    """The operator as a `Look`, tried at the background's mean."""
    if isinstance(look, Look):
        checks.array("window.look.see", look.see(x), (L,))
        checks.array("window.look.tangent", look.tangent(x), (L, len(x)))
        return look
    H = checks.array("window.look", look, (L, len(x)))
    return Look(lambda x: H @ x, lambda x: H)


def _solver(covariance):
    root = cho_factor(covariance)
    return lambda v: cho_solve(root, v)


def _background_cost(parts, first):
    away = np.asarray(first, float) - parts.window.background.mean
    return 0.5 * float(away @ parts.B(away))


def _data_cost(parts, states):
    total = 0.0
    for t, (x, datum, seen) in enumerate(zip(states, parts.window.y, parts.seen)):
        misfit = parts.look.see(x)[seen] - datum[seen]
        total += 0.5 * float(misfit @ parts.R(t, misfit))
    return total


def _data_pulls(parts, states):
    """H' R^-1 (h(x_t) - y_t) for every t."""
    pulls = np.zeros_like(states)
    for t, (x, datum, seen) in enumerate(zip(states, parts.window.y, parts.seen)):
        H, misfit = parts.look.tangent(x)[seen], parts.look.see(x)[seen] - datum[seen]
        pulls[t] = H.T @ parts.R(t, misfit)
    return pulls


def _moved(window, states):
    return np.array([window.motion.move(x) for x in states[:-1]]).reshape(-1, states.shape[1])


def _checked_states(window, states):
    return checks.array("states", states, (len(window.y), len(window.background.mean)))


def _halved(cost_of, place, step, cost):
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


def _prior_terms(prior, P):
    """What a prior charges for theta, and the slope of that."""
    if prior is None:
        return lambda theta: 0.0, lambda theta: 0.0
    mean = checks.array("prior.mean", prior.mean, (P,))
    precision = _solver(checks.covariance("prior.covariance", prior.covariance, P, stack=False))
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


def _bfgs(inverse, step, change):
    """Make the inverse curvature agree with the latest change of slope, if the cost is convex there."""
    along = step @ change
    if along <= 1e-12 * np.linalg.norm(step) * np.linalg.norm(change):
        return inverse
    across = np.eye(len(step)) - np.outer(step, change) / along
    return across @ inverse @ across.T + np.outer(step, step) / along
