"""Poisson regression: a count whose log mean is linear in the inputs.

::

    s = d'y + d_0
    p(x|y) = e^(x s - e^s) / x!

With `logistic` it shares all but the family, and `Pairs`, `Parameters` and what is said there: the data are a pair, and
in the places of ``sample`` and ``log_marginal`` stand `sample_outputs` and `log_conditional`.

References
----------
Section 5.1.2, Eqs. 5.12, 5.13.
"""

from pedagogy_lib.distributions.exponential_family.dispersion import Poisson
from pedagogy_lib.models.discriminative._linear import Pairs, Parameters, Regression

__all__ = [
    "Pairs", "Parameters", "gradient", "log_conditional", "loss", "predict", "sample_outputs", "start",
]

MODEL = Regression(Poisson())

start, predict, sample_outputs = MODEL.start, MODEL.predict, MODEL.sample_outputs
log_conditional, loss, gradient = MODEL.log_conditional, MODEL.loss, MODEL.gradient
