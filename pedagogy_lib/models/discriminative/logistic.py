"""Logistic regression: a coin whose log odds are linear in the inputs.

::

    s = d'y + d_0
    p(x = 1|y) = 1 / (1 + e^-s)

In the chapters on discriminative models the inputs are y and the outputs are x, so that the data are a pair,
``Pairs(y, x)``. The loss is convex; `pedagogy_lib.learning.regression.generalized` finds its minimum by Newton's
method, with standard errors, and says by name where there is none. Here it is a model like the others, for
`pedagogy_lib.learning.optimization`.

Two verbs are missing, because the model says nothing about its inputs. There is no ``sample`` of pairs, and no
``log_marginal`` of y; in their places are `sample_outputs` and `log_conditional`.

References
----------
Section 5.1.2, Eqs. 5.12, 5.13.
"""

from pedagogy_lib.distributions.exponential_family.dispersion import Bernoulli
from pedagogy_lib.models.discriminative._linear import Pairs, Parameters, Regression

__all__ = [
    "Pairs", "Parameters", "gradient", "log_conditional", "loss", "predict", "sample_outputs", "start",
]

MODEL = Regression(Bernoulli())

start, predict, sample_outputs = MODEL.start, MODEL.predict, MODEL.sample_outputs
log_conditional, loss, gradient = MODEL.log_conditional, MODEL.loss, MODEL.gradient
