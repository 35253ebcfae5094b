"""What logistic and Poisson regression share: a linear predictor, and the score of a canonical link.

``params`` are `Parameters` and ``y`` are `Pairs`, but where the inputs are given alone.

References
----------
Section 5.1.2, Eqs. 5.12, 5.13.
"""

from typing import Any, NamedTuple

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


class Regression(NamedTuple):
    """The verbs of a model whose outputs follow an exponential family, its natural parameter linear in the inputs.

    family : one of `pedagogy_lib.distributions.exponential_family.dispersion`
    """

    family: Any

    def start(self, y, rng=None):
        """No effect of any input; the mean is the average output. Nothing is drawn.

        Returns
        -------
        Parameters
        """
        inputs, x = self._pair(y)
        level = self.family.natural(np.average(self.family.interior(x)))
        return Parameters(np.zeros(inputs.shape[1]), np.asarray(level))

    def predict(self, params, y):
        """The mean output for each of the inputs ``y``, shape (N, M). Returns shape (N,)."""
        return self.family.mean(_predictor(params, y))

    def sample_outputs(self, params, y, rng):
        """Draw one output for each of the inputs ``y``, shape (N, M). Returns shape (N,)."""
        return np.asarray(self.family.draw(_predictor(params, y), 1.0, checks.generator("rng", rng)), float)

    def log_conditional(self, params, y):
        """log p(x|y) of each pair, in nats, shape (N,)."""
        inputs, x = self._pair(y)
        return dispersion.log_density(self.family, x, _predictor(params, inputs))

    def loss(self, params, y, rng=None):
        """The conditional cross-entropy, <-log p(x|y)>, per pair and in nats; ``rng`` is not used."""
        return float(-self.log_conditional(params, y).mean())

    def gradient(self, params, y, rng=None):
        """The derivative of the loss, as `Parameters`: minus the average of residual times input (Eq. 5.13)."""
        inputs, x = self._pair(y)
        residual = x - self.family.mean(_predictor(params, inputs))
        return Parameters(-residual @ inputs / len(x), np.asarray(-residual.mean()))

    def _pair(self, y):
        inputs, x = y
        x = dispersion.outcomes(self.family, x, "y.outputs")
        return checks.array("y.inputs", inputs, (len(np.atleast_1d(x)), "M")), x


def _predictor(params, inputs):
    """s for each input, shape (N,)."""
    d = checks.array("params.coefficients", params.coefficients, ("M",))
    return checks.observations("y", inputs, len(d)) @ d + checks.number("params.intercept", params.intercept)
