"""Newton's method without a Hessian: its inverse is learnt on the way, from how the slope changes.

`bfgs` is the update; `iterate` and `fit` descend a model with it, for models of some tens of parameters whose
loss is not random: each step asks for the whole of the data, and a search along the step makes it safe.

`bfgs` is a building block, and trusts its arguments, which its callers have checked.

References
----------
C.G. Broyden, R. Fletcher, D. Goldfarb and D.F. Shanno (1970), each on his own.
"""

from itertools import count, islice
from typing import Any, NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import parameters


class Place(NamedTuple):
    """The search stands somewhere.

    iteration : int, the number of steps taken so far
    params : the parameters
    loss : float
    gradient_norm : float, the length of the gradient there
    """

    iteration: int
    params: Any
    loss: float
    gradient_norm: float


def bfgs(inverse, step, change):
    """Make the inverse curvature agree with the latest change of slope, if the cost is convex there.

    Parameters
    ----------
    inverse : ndarray, shape (P, P)
        What is believed so far of the inverse of the Hessian: positive definite.
    step, change : ndarray, shape (P,)
        The latest step, and by how much the slope changed along it.

    Returns
    -------
    ndarray, shape (P, P)
        It maps ``change`` to ``step``, and is positive definite still; the same as before where the
        cost is not convex along the step.
    """
    along = step @ change
    if along <= 1e-12 * np.linalg.norm(step) * np.linalg.norm(change):
        return inverse
    across = np.eye(len(step)) - np.outer(step, change) / along
    return across @ inverse @ across.T + np.outer(step, step) / along


def iterate(model, params, y, rng=None):
    """Descend a model's loss, a step at a time, until no step along the slope lowers it.

    Parameters
    ----------
    model : module or object
        Has ``value_and_gradient(params, y, rng)``, and is not random. A loss that is not finite
        stands for a step that went too far.
    params
        Where to start; not changed.
    y
        The data, in the form that the model takes.
    rng : optional
        Handed to the model.

    Yields
    ------
    Place
        The start, and where each step leads.

    Raises
    ------
    ValueError
        If the loss is not finite at the start.
    """
    checks.model("model", model, "value_and_gradient")
    def evaluate(vector):
        value, slope = model.value_and_gradient(parameters.view(vector, params), y, rng)
        return (value, parameters.flatten(slope, "gradient").vector) if np.isfinite(value) else (np.inf, None)

    place = parameters.flatten(params).vector
    value, slope = evaluate(place)
    if slope is None:
        raise ValueError("params: expected a start with a finite loss, got one without")
    inverse = np.eye(len(place)) / max(np.linalg.norm(slope), 1e-300)
    for iteration in count():
        yield Place(iteration, parameters.view(place.copy(), params), float(value), float(np.linalg.norm(slope)))
        step = -inverse @ slope
        for part in 0.5 ** np.arange(30):                     # Armijo's rule: a fair share of what the slope promises
            there = evaluate(place + part * step)
            if there[0] < value and there[0] <= value + 1e-4 * part * (step @ slope):
                break
        else:
            return
        inverse = bfgs(inverse, part * step, there[1] - slope)
        place, (value, slope) = place + part * step, there


def fit(model, params, y, rng=None, iterations=200, tolerance=1e-6):
    """Descend a model's loss until its gradient is short.

    Parameters
    ----------
    model, params, y, rng
        As for `iterate`.
    iterations : int
        Stop after this many.
    tolerance : float
        Stop when the gradient is no longer than this.

    Returns
    -------
    Place
        The last one.
    """
    iterations = checks.count("iterations", iterations)
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    for place in islice(iterate(model, params, y, rng), iterations + 1):
        if place.gradient_norm <= tolerance:
            break
    return place
