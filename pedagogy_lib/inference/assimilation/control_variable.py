"""Strong-constraint 4DVar for large states: gradients alone, in units in which the background is round.

Let L L' = B, and seek not the first state but v in x_1 = x_b + L v. Then |x_1 - x_b|^2_B is |v|^2::

    J(v) = |v|^2 / 2 + sum_t |y_t - H x_t|^2_R / 2,    dJ/dv = v + L' lambda_1

with lambda_1 of the data alone, by the adjoint. B may be singular, is never inverted, and its curvature is one
in every direction, so that a descent need only learn what the data add. In weather services this is the *control
variable transform*.

References
----------
A.C. Lorenc (1988); D.C. Liu and J. Nocedal (1989), the descent.
"""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.inference.assimilation._costs import data_cost, data_pulls, prepared
from pedagogy_lib.inference.assimilation.problems import trajectory
from pedagogy_lib.inference.assimilation.searches import Step


def preconditioned_slope(window, root, v):
    """J and dJ/dv by one run forward and one back.

    Parameters
    ----------
    window : Window
        The covariance of its background is not read.
    root : array_like, shape (K, P)
        L, with L L' = B.
    v : array_like, shape (P,)

    Returns
    -------
    Step
        With dJ/dv, shape (P,), for its gradient.
    """
    parts, root = _checked(window, root)
    return _slope(parts, root, checks.array("v", v, (root.shape[1],)), 0)


def preconditioned(window, root, start=None, memory=20):
    """Search for the best first state, by a descent that remembers how the slope changed.

    Parameters
    ----------
    window, root
        As for `preconditioned_slope`.
    start : array_like, shape (P,), optional
        The first guess of v; zero, which is the background, if there is none.
    memory : int
        How many of the latest steps tell the curvature.

    Yields
    ------
    Step
        With dJ/dv for its gradient.
    """
    parts, root = _checked(window, root)
    P = root.shape[1]
    v = np.zeros(P) if start is None else checks.array("start", start, (P,))
    return _search(parts, root, v, checks.count("memory", memory))


def _search(parts, root, v, memory):
    here, pairs = _slope(parts, root, v, 0), []
    while True:
        yield here
        step = -_curved(here.gradient, pairs)
        place, after = _lowered(parts, root, v, step, here)
        s, y = place - v, after.gradient - here.gradient
        if s @ y > 1e-12 * np.linalg.norm(s) * np.linalg.norm(y):
            pairs = [*pairs, (s, y)][-memory:]
        v, here = place, after


def _lowered(parts, root, v, step, here):
    """Take the step, or a half of it, or a quarter: the first that lowers the cost."""
    for part in 0.5 ** np.arange(12):
        try:
            with np.errstate(all="ignore"):
                after = _slope(parts, root, v + part * step, here.iteration + 1)
        except ValueError:                        # so long a step that the motion ran to infinity
            continue
        if after.cost <= here.cost:
            return v + part * step, after
    return v, here._replace(iteration=here.iteration + 1)


def _curved(slope, pairs):
    """The slope times the inverse curvature that the pairs (step, change of slope) tell: two loops."""
    slope, weights = slope.copy(), []
    if not pairs:
        return slope / max(np.linalg.norm(slope), 1e-300)
    for s, y in pairs[::-1]:
        weights.append((s @ slope) / (s @ y))
        slope -= weights[-1] * y
    s, y = pairs[-1]
    slope *= (s @ y) / (y @ y)
    for (s, y), weight in zip(pairs, weights[::-1]):
        slope += s * (weight - (y @ slope) / (s @ y))
    return slope


def _slope(parts, root, v, iteration):
    states = trajectory(parts.window, parts.window.background.mean + root @ v)
    pulls = data_pulls(parts, states)
    carried = pulls[-1]
    for t in range(len(states) - 2, -1, -1):
        carried = parts.window.motion.adjoint(states[t], carried) + pulls[t]
    return Step(iteration, states, 0.5 * float(v @ v) + data_cost(parts, states), v + root.T @ carried)


def _checked(window, root):
    parts = prepared(window, rooted=True)
    return parts, checks.array("root", root, (len(parts.window.background.mean), "P"))
