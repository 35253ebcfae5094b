"""Densities of single sources: what independent-components analysis supposes each of them to be.

A source density is any object with the methods of `pedagogy_lib.distributions.heavy_tailed`, each
working entry by entry on an array whose last axis has one entry a source::

    energy(x), derivative(x), curvature(x)     E with p(x) = exp(-E(x)) / Z, and its two derivatives
    log_normalizer()                           log Z
    cumulative(x)                              the distribution function: the textbook's squashing psi
    sample(shape, rng)                         draws

``derivative`` is what the literature calls minus the *score*. Learning needs the first four only, so
that a density of your own may leave out the others. A density is *super-Gaussian* if it has heavier
tails than a Gaussian and a sharper peak, and *sub-Gaussian* if it is the other way round.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 5.2.1; section 9.1.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from pedagogy_lib.distributions.gaussian import LOG_TAU
from pedagogy_lib.distributions.heavy_tailed import HyperbolicCosine

#: The logistic density, whose distribution function is the logistic function: E = 2 log cosh(x / 2).
LOGISTIC = HyperbolicCosine(1.0, 0.5)
#: The hyperbolic secant: E = log cosh x, with the derivative tanh x.
SECH = HyperbolicCosine(1.0, 1.0)
#: Nearly the Laplace density, with its corner rounded off so that it has a curvature.
SMOOTH_LAPLACE = HyperbolicCosine(1.0, 10.0)


class Normal(NamedTuple):
    """The standard Gaussian, E(x) = x^2 / 2: the one density from which nothing can be unmixed.

    References
    ----------
    Section 9.1.
    """

    def energy(self, x):
        """E(x), entry by entry."""
        return 0.5 * np.square(x)

    def derivative(self, x):
        """E'(x) = x."""
        return np.array(x, float)

    def curvature(self, x):
        """E''(x) = 1."""
        return np.ones(np.shape(x))

    def log_normalizer(self):
        """log Z, half of log tau."""
        return 0.5 * LOG_TAU

    def cumulative(self, x):
        """The Gaussian distribution function."""
        return ndtr(x)

    def sample(self, shape, rng):
        """Draw an array of numbers."""
        return rng.standard_normal(shape)


class TwoBells(NamedTuple):
    """A sub-Gaussian density: half a Gaussian about -1, and half a Gaussian about 1.

    E(x) = x^2 / 2 - log cosh x, up to a constant: the sign before log cosh is the opposite of that of
    the hyperbolic secant. Flat on top (its curvature is zero at the origin), with light tails.

    References
    ----------
    T.-W. Lee, M. Girolami and T.J. Sejnowski (1999), "Independent component analysis using an
    extended infomax algorithm for mixed subgaussian and supergaussian sources".
    """

    def energy(self, x):
        """E(x), entry by entry."""
        return 0.5 * np.square(x) - SECH.energy(x)

    def derivative(self, x):
        """E'(x) = x - tanh x."""
        return x - np.tanh(x)

    def curvature(self, x):
        """E''(x) = tanh^2 x."""
        return np.tanh(x) ** 2

    def log_normalizer(self):
        """log Z: the two bells leave a factor e^(1/2)."""
        return 0.5 * LOG_TAU + 0.5

    def cumulative(self, x):
        """The average of two Gaussian distribution functions."""
        return 0.5 * (ndtr(np.asarray(x) - 1) + ndtr(np.asarray(x) + 1))

    def sample(self, shape, rng):
        """Draw an array of numbers: first the bell, then the noise."""
        return rng.choice([-1.0, 1.0], shape) + rng.standard_normal(shape)


class Several(NamedTuple):
    """A density of its own for each source, column by column.

    parts : tuple of K source densities
    """

    parts: tuple

    def energy(self, x):
        """E_k(x_k), entry by entry."""
        return self._each(x, lambda part, column: part.energy(column))

    def derivative(self, x):
        """E_k'(x_k)."""
        return self._each(x, lambda part, column: part.derivative(column))

    def curvature(self, x):
        """E_k''(x_k)."""
        return self._each(x, lambda part, column: part.curvature(column))

    def log_normalizer(self):
        """log Z_k, one for each."""
        return np.array([part.log_normalizer() for part in self.parts])

    def cumulative(self, x):
        """psi_k(x_k)."""
        return self._each(x, lambda part, column: part.cumulative(column))

    def sample(self, shape, rng):
        """Draw an array whose last axis has length K."""
        return np.stack([part.sample(shape[:-1], rng) for part in self.parts], -1)

    def _each(self, x, of):
        """Apply a function to each part and its column."""
        x = np.asarray(x, float)
        if x.shape[-1] != len(self.parts):
            raise ValueError(f"x: expected {len(self.parts)} sources on its last axis, got {x.shape[-1]}")
        return np.stack([of(part, x[..., k]) for k, part in enumerate(self.parts)], -1)


NORMAL, TWO_BELLS = Normal(), TwoBells()
