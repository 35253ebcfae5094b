"""Heavy-tailed distributions of independent numbers: near zero mostly, and far out now and then.

Each is given by its energy: p(x) = prod_k exp(-E_k(x_k)) / Z_k (Eq. 2.28). They are the priors of
`pedagogy_lib.models.static.sparse_coding`. Methods work entry by entry on arrays whose last axis has
length K, or any length where the parameters are single numbers.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 2.1.3, Eq. 2.29.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import betainc, expit, gammaln


class Laplace(NamedTuple):
    """E_k(x) = alpha_k |x|. Its curvature is zero, and at the origin infinite: see `smooth`.

    rates : float or ndarray of shape (K,), above zero, the textbook's alpha

    References
    ----------
    Eq. 2.29.
    """

    rates: Any

    def energy(self, x):
        """E_k(x_k), entry by entry."""
        return self.rates * np.abs(x)

    def derivative(self, x):
        """E_k'(x_k); at the origin 0, one of its subgradients."""
        return self.rates * np.sign(x)

    def proximal(self, v, step):
        """argmin_x (x - v)^2 / 2 + step E(x): shrink towards zero, and stop there."""
        return np.sign(v) * np.maximum(np.abs(v) - step * np.asarray(self.rates), 0.0)

    def log_normalizer(self):
        """log Z_k, where Z_k = 2 / alpha_k."""
        return np.log(2 / np.asarray(self.rates, float))

    def cumulative(self, x):
        """The distribution function."""
        u = self.rates * np.asarray(x, float)
        return np.where(u < 0, 0.5 * np.exp(-np.abs(u)), 1 - 0.5 * np.exp(-np.abs(u)))

    def sample(self, shape, rng):
        """Draw an array of codes."""
        return rng.laplace(size=shape) / self.rates

    def smooth(self, sharpness):
        """The hyperbolic-cosine prior that approaches this one as its sharpness grows."""
        return HyperbolicCosine(self.rates, sharpness)


class Cauchy(NamedTuple):
    """E_k(x) = log(beta_k^2 + x^2). Not convex: a posterior may have several modes.

    scales : float or ndarray of shape (K,), above zero, the textbook's beta

    References
    ----------
    Eq. 2.29.
    """

    scales: Any

    def energy(self, x):
        """E_k(x_k), entry by entry."""
        return np.log(np.square(self.scales) + np.square(x))

    def derivative(self, x):
        """E_k'(x_k) = 2 x_k / (beta_k^2 + x_k^2)."""
        return 2 * x / (np.square(self.scales) + np.square(x))

    def curvature(self, x):
        """E_k''(x_k), negative where |x_k| > beta_k."""
        # By (b/r) and (x/r), r = |(b, x)|, because squares of squares overflow.
        r = np.hypot(self.scales, x)
        return 2 * (self.scales / r - x / r) * (self.scales / r + x / r) / r / r

    def weight(self, x):
        """E_k'(x_k) / x_k, also at the origin: the curvature of a parabola that lies above E."""
        return 2 / (np.square(self.scales) + np.square(x))

    def log_normalizer(self):
        """log Z_k, where Z_k = pi / beta_k."""
        return np.log(np.pi / np.asarray(self.scales, float))

    def cumulative(self, x):
        """The distribution function, arctan(x_k / beta_k) / pi + 1/2."""
        return np.arctan(np.asarray(x) / self.scales) / np.pi + 0.5

    def sample(self, shape, rng):
        """Draw an array of codes."""
        return rng.standard_cauchy(shape) * self.scales


class HyperbolicCosine(NamedTuple):
    """E_k(x) = alpha_k / beta log cosh(beta x): the Laplace prior with its corner rounded off.

    rates : float or ndarray of shape (K,), above zero, the textbook's alpha
    sharpness : float, above zero, its beta

    References
    ----------
    Eq. 2.29.
    """

    rates: Any
    sharpness: float

    def energy(self, x):
        """E_k(x_k), entry by entry."""
        u = np.abs(self.sharpness * np.asarray(x))
        # log cosh u = u + log(1 + e^(-2u)) - log 2, which cannot overflow
        return self.rates / self.sharpness * (u + np.log1p(np.exp(-2 * u)) - np.log(2))

    def derivative(self, x):
        """E_k'(x_k) = alpha_k tanh(beta x_k)."""
        return self.rates * np.tanh(self.sharpness * np.asarray(x))

    def curvature(self, x):
        """E_k''(x_k) = alpha_k beta sech^2(beta x_k)."""
        u = np.abs(self.sharpness * np.asarray(x))
        sech = 2 * np.exp(-u) / (1 + np.exp(-2 * u))
        return self.rates * self.sharpness * sech**2

    def weight(self, x):
        """E_k'(x_k) / x_k, also at the origin: the curvature of a parabola that lies above E."""
        u = self.sharpness * np.asarray(x, float)
        ratio = np.divide(np.tanh(u), u, out=np.ones_like(u), where=u != 0)
        return self.rates * self.sharpness * ratio

    def log_normalizer(self):
        """log Z_k, where Z_k = B(1/2, alpha_k / (2 beta)) / beta, with Euler's beta function."""
        half = np.asarray(self.rates, float) / (2 * self.sharpness)
        return gammaln(0.5) + gammaln(half) - gammaln(half + 0.5) - np.log(self.sharpness)

    def cumulative(self, x):
        """The distribution function: (1 + tanh(beta x)) / 2, which is expit(2 beta x), has a beta distribution."""
        half = np.asarray(self.rates, float) / (2 * self.sharpness)
        x = np.asarray(x, float)
        tail = betainc(half, half, expit(-2 * self.sharpness * np.abs(x)))     # below -|x|, which keeps its digits
        return np.where(x < 0, tail, 1 - tail)

    def sample(self, shape, rng):
        """Draw an array of codes."""
        # (1 + tanh(beta x)) / 2 has a beta distribution, so 2 beta x = log G - log G', of two
        # gamma variates. In logarithms, because at a small shape G itself would underflow.
        half = np.broadcast_to(np.asarray(self.rates) / (2 * self.sharpness), shape)
        logs = [np.log(rng.gamma(half + 1)) - rng.exponential(size=shape) / half for _ in range(2)]
        return (logs[0] - logs[1]) / (2 * self.sharpness)
