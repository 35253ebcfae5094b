"""What logistic and Poisson regression share: a linear predictor, and the score of a canonical link."""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family import dispersion


class Parameters(NamedTuple):
    """The linear predictor, s = d'y + d_0.

    coefficients : ndarray, shape (M,), the textbook's d
    intercept : ndarray, shape (), d_0
    """

    coefficients: np.ndarray
    intercept: np.ndarray


class Pairs(NamedTuple):
    """Inputs and outputs.

    inputs : ndarray, shape (N, M), y
    outputs : ndarray, shape (N,), x
    """

    inputs: np.ndarray
    outputs: np.ndarray


def start(family, y):
    """No effect of any input; the mean is the average output."""
    inputs, x = _pair(family, y)
    level = family.natural(np.average(family.interior(x)))
    return Parameters(np.zeros(inputs.shape[1]), np.asarray(level))


def predictor(params, inputs):
    """s for each input, shape (N,)."""
    d = checks.array("params.coefficients", params.coefficients, ("M",))
    return checks.observations("y", inputs, len(d)) @ d + checks.number("params.intercept", params.intercept)


def log_conditional(family, params, y):
    """log p(x|y) of each pair, shape (N,)."""
    inputs, x = _pair(family, y)
    return dispersion.log_density(family, x, predictor(params, inputs))


def gradient(family, params, y):
    """Minus the average of residual times input (Eq. 5.13)."""
    inputs, x = _pair(family, y)
    residual = x - family.mean(predictor(params, inputs))
    return Parameters(-residual @ inputs / len(x), np.asarray(-residual.mean()))


def _pair(family, y):
    inputs, x = y
    x = dispersion.outcomes(family, x, "y.outputs")
    return checks.array("y.inputs", inputs, (len(np.atleast_1d(x)), "M")), x
