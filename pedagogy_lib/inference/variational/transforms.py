"""Coordinates without bounds for unknowns that have them.

A Gaussian guess may put mass anywhere, so that an unknown which must be positive, or a share, is guessed in
other coordinates: x = T(z), with z free. A density is not a number but a number for each length, and T changes
lengths. Therefore log p(z) = log p(x) + log |dT/dz|: without the second term the answer is wrong.

Each transform has

    ``forward(z)``     x = T(z)
    ``inverse(x)``     z, with a check that x lies within its bounds
    ``log_slope(z)``   log |dT/dz|
    ``bend(z)``        d log |dT/dz| / dz

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 8.4, which is empty in the textbook. A. Kucukelbir, D. Tran, R. Ranganath, A. Gelman and D.M. Blei,
"Automatic differentiation variational inference" (2017), section 2.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_expit, logit

from pedagogy_lib import checks


class Real:
    """No bounds: x = z."""

    def forward(self, z):
        return np.asarray(z, float)

    def inverse(self, x):
        return checks.array("x", x)

    def log_slope(self, z):
        return np.zeros_like(z, float)

    def bend(self, z):
        return np.zeros_like(z, float)


class Positive:
    """Above zero: x = exp z."""

    def forward(self, z):
        return np.exp(z)

    def inverse(self, x):
        return np.log(_inside(x, 0.0, np.inf))

    def log_slope(self, z):
        return np.asarray(z, float)

    def bend(self, z):
        return np.ones_like(z, float)


class Between(NamedTuple):
    """Between two bounds: x = low + (high - low) / (1 + exp -z).

    low, high : float
    """

    low: float = 0.0
    high: float = 1.0

    def forward(self, z):
        return self.low + (self.high - self.low) * expit(z)

    def inverse(self, x):
        return logit((_inside(x, self.low, self.high) - self.low) / (self.high - self.low))

    def log_slope(self, z):
        return np.log(self.high - self.low) + log_expit(z) + log_expit(-np.asarray(z))

    def bend(self, z):
        return 1 - 2 * expit(z)


def _inside(x, low, high):
    x = checks.array("x", x)
    if not ((low < x) & (x < high)).all():
        raise ValueError(f"x: expected numbers above {low} and below {high}, got {x.min():.3g} to {x.max():.3g}")
    return x
