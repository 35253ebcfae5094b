"""A harmonium made weaker, for chains that begin where its layers are independent, or where its modes are joined."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning import parameters
from pedagogy_lib.models.undirected._consistency import checked


def loosened(params, level):
    """The harmonium with its weights multiplied by ``level``: at 0 the layers are independent. For annealing."""
    params, level = checked(params), checks.number("level", level, at_least=0)
    return params._replace(weights=level * params.weights)


def heated(params, level):
    """The harmonium with all its natural parameters multiplied by ``level``, an inverse temperature. For tempering."""
    level = checks.number("level", level, at_least=0)
    return parameters.view(level * parameters.flatten(params).vector, params)


def independent_log_partition(params):
    """log Z without the weights, A(b_x) + B(b_y): where annealing begins, for layers of any size."""
    params = checked(params)
    return float(sum(layer.log_partition(np.ravel(layer.biases)) for layer in params[1:]))


def draw_independent(params, n, rng):
    """Draw n observations of the harmonium without its weights: where annealing begins."""
    params, n = checked(params), checks.count("n", n)
    b = np.ravel(params.visible.biases)
    return params.visible.draw(np.tile(b, (n, 1)), checks.generator("rng", rng))


class Annealing(NamedTuple):
    """What `pedagogy_lib.learning.objectives.annealed_importance` asks for, from independent layers to the model.

    log_weight : callable of (y, level), minus the marginal energy of the loosened harmonium, shape (N,)
    transition : callable of (y, level, rng), its sweep
    """

    log_weight: Callable
    transition: Callable


def annealing(params):
    """The harmonium at every level from 0 to 1, its weights multiplied with each state once.

    The level only scales W U(y), so that two weights and the draw of x share one product. It is kept for the array
    that was asked for last, which must not be written to.

    Parameters
    ----------
    params : Parameters

    Returns
    -------
    Annealing
        Give both to `annealed_importance.forward` or ``reverse``: the same as `loosened` for each level.
    """
    params = checked(params)
    W, hidden, visible = params
    b, c = np.ravel(hidden.biases), np.ravel(visible.biases)
    last = None, None, None

    def products(y):
        """W U(y), and log k(y) + b_y'U(y)."""
        nonlocal last
        if last[0] is not y:
            values = visible.values("y", y)
            U = visible.statistics(values)
            last = y, U @ W.T, visible.log_base(values) + U @ c
        return last[1:]

    def log_weight(y, level):
        level, (pulls, own) = _level(level), products(y)
        with np.errstate(over="ignore"):
            return own + hidden.log_partition(b + level * pulls)

    def transition(y, level, rng):
        level, pulls = _level(level), products(y)[0]
        x = hidden.draw(b + level * pulls, checks.generator("rng", rng))
        return visible.draw(c + level * (hidden.statistics(x) @ W), rng)

    return Annealing(log_weight, transition)


def _level(level):
    """Between the layers alone and the model: in between, natural parameters stay in the domain."""
    level = checks.number("level", level, at_least=0)
    if level > 1:
        raise ValueError(f"level: expected a number from 0 to 1, got {level:g}")
    return level
