"""A harmonium made weaker, for chains that begin where its layers are independent, or where its modes are joined."""

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
