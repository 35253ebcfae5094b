"""Logistic regression: a coin whose log odds are linear in the inputs.

::

    s = d'y + d_0
    p(x = 1|y) = 1 / (1 + e^-s)

In the chapters on discriminative models the inputs are y and the outputs are x, so that the data are a pair,
``Pairs(y, x)``. The loss is convex; `pedagogy_lib.learning.regression.generalized` finds its minimum by Newton's
method, with standard errors, and says by name where there is none. Here it is a model like the others, for
`pedagogy_lib.learning.optimisation`.

Two verbs are missing, because the model says nothing about its inputs. There is no ``sample`` of pairs, and no
``log_marginal`` of y; in their places are `sample_outputs` and `log_conditional`.

References
----------
Section 5.1.2, Eqs. 5.12, 5.13.
"""

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.exponential_family.dispersion import Bernoulli
from pedagogy_lib.models.discriminative import _linear
from pedagogy_lib.models.discriminative._linear import Pairs, Parameters

__all__ = [
    "Pairs", "Parameters", "gradient", "log_conditional", "loss", "predict", "sample_outputs", "start",
]

FAMILY = Bernoulli()


def start(y, rng=None):
    """No effect of any input: where learning begins. Nothing is drawn.

    Parameters
    ----------
    y : Pairs
    rng
        Not used.

    Returns
    -------
    Parameters
    """
    return _linear.start(FAMILY, y)


def predict(params, y):
    """The probability of a 1 for each of the inputs ``y``, shape (N, M). Returns shape (N,)."""
    return FAMILY.mean(_linear.predictor(params, y))


def sample_outputs(params, y, rng):
    """Draw one output for each of the inputs ``y``, shape (N, M). Returns shape (N,)."""
    return np.asarray(FAMILY.draw(_linear.predictor(params, y), 1.0, checks.generator("rng", rng)), float)


def log_conditional(params, y):
    """log p(x|y) of each pair, in nats, shape (N,)."""
    return _linear.log_conditional(FAMILY, params, y)


def loss(params, y, rng=None):
    """The conditional cross-entropy, <-log p(x|y)>, per pair and in nats; ``rng`` is not used."""
    return float(-_linear.log_conditional(FAMILY, params, y).mean())


def gradient(params, y, rng=None):
    """The derivative of the loss, as `Parameters`: minus the average of residual times input.

    References
    ----------
    Eq. 5.13.
    """
    return _linear.gradient(FAMILY, params, y)
