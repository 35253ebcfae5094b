"""What may stand at the end of a network: a distribution of x, given the last layer's eta = D z + d.

Each output is a layer without nonlinearity of its own: eta are the *natural* parameters, and the function
that makes moments of them (softmax, logistic, exponential) belongs to the distribution. Then the surprisal
S = -log p(x|y) has one slope for all four,

    dS/d(eta) = mean - x,

in which nothing can overflow or saturate. Had the nonlinearity been a layer, its slope would have to be
multiplied in (Eq. 5.16) and divided out again.

Samples are rows: eta and x are (N, K).

The same four families stand, in double precision and with every outcome checked, in
`pedagogy_lib.distributions.exponential_family`. Here they are layers, keep float32, and trust their arguments, because
the loop that learns calls them at every step. So they are written twice, and a test holds them to each other.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section 5.1.3; section 5.1.2 for the link functions.
"""

import numpy as np
from scipy.special import expit, gammaln

from pedagogy_lib import checks
from pedagogy_lib.learning.networks.layers import Linear

LOG_TAU = np.log(2 * np.pi)


class Gaussian(Linear):
    """x ~ N(eta, I), numbers; fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def mean(eta):
        """The expected x: eta itself."""
        return eta

    @staticmethod
    def surprisals(eta, x):
        """|x - eta|^2 / 2 + K/2 log tau, one for each sample, shape (N,)."""
        return 0.5 * ((x - eta) ** 2).sum(1) + 0.5 * eta.shape[1] * LOG_TAU

    @staticmethod
    def sample(eta, rng):
        """One x for each row of eta."""
        return eta + rng.standard_normal(eta.shape)

    @staticmethod
    def check(x):
        """Any numbers will do."""


class Bernoulli(Linear):
    """x_k is 1 with probability 1/(1 + exp(-eta_k)), else 0; fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def mean(eta):
        """The probabilities of a one."""
        return expit(eta)

    @staticmethod
    def surprisals(eta, x):
        """sum_k log(1 + exp(eta_k)) - x_k eta_k, in a form without overflow, shape (N,)."""
        return (np.maximum(eta, 0) + np.log1p(np.exp(-np.abs(eta))) - x * eta).sum(1)

    @staticmethod
    def sample(eta, rng):
        """One x for each row of eta."""
        return (rng.random(eta.shape) < expit(eta)).astype(eta.dtype)

    @staticmethod
    def check(x):
        """Refuse what lies outside of 0 to 1; a number between is a probability."""
        if x.min() < 0 or x.max() > 1:
            raise ValueError(f"x: expected numbers from 0 to 1, got {x.min():.3g} to {x.max():.3g}")


class Categorical(Linear):
    """x is one of K classes, as a row with a single one (one-hot); fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def mean(eta):
        """The probabilities of the classes: the softmax of eta."""
        weights = np.exp(eta - eta.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        return weights

    @staticmethod
    def surprisals(eta, x):
        """log sum_k exp(eta_k) - x' eta, shape (N,)."""
        below = eta - eta.max(1, keepdims=True)
        return np.log(np.exp(below).sum(1)) - (x * below).sum(1)

    @staticmethod
    def sample(eta, rng):
        """One x for each row of eta: the largest eta_k, after a Gumbel number is added to each."""
        chosen = (eta - np.log(rng.standard_exponential(eta.shape))).argmax(1)
        return np.eye(eta.shape[1], dtype=eta.dtype)[chosen]

    @staticmethod
    def check(x):
        """Refuse rows that do not sum to one; a row may be probabilities."""
        if x.min() < 0 or np.abs(x.sum(1) - 1).max() > checks.SUM_TOLERANCE * (1 if x.dtype == float else 1e3):
            raise ValueError("x: expected a one in each row, in the column of its class; for labels, np.eye(K)[labels]")


class Poisson(Linear):
    """x_k is a count with mean exp(eta_k); fields as in `Linear`."""

    __slots__ = ()

    @staticmethod
    def mean(eta):
        """The expected counts."""
        return np.exp(eta)

    @staticmethod
    def surprisals(eta, x):
        """sum_k exp(eta_k) - x_k eta_k + log x_k!, shape (N,)."""
        return (np.exp(eta) - x * eta + gammaln(x + 1).astype(eta.dtype)).sum(1)

    @staticmethod
    def sample(eta, rng):
        """One x for each row of eta."""
        return rng.poisson(np.exp(eta)).astype(eta.dtype)

    @staticmethod
    def check(x):
        """Refuse what is no count."""
        if x.min() < 0 or (x != np.floor(x)).any():
            raise ValueError("x: expected counts, that is, whole numbers from 0, got others")


OUTPUTS = (Gaussian, Bernoulli, Categorical, Poisson)


def loss(output, eta, x):
    """The mean surprisal of the samples, the conditional cross-entropy of section 5.1."""
    _check_shapes(eta, x)
    return output.surprisals(eta, x).mean()


def slope(output, eta, x):
    """Its derivative with respect to eta, shape (N, K): (mean - x) / N."""
    _check_shapes(eta, x)
    return (output.mean(eta) - x) / len(x)


def _check_shapes(eta, x):
    """Refuse outputs that would be broadcast against the last layer's."""
    if eta.ndim != 2 or eta.shape != x.shape:
        raise ValueError(f"x: expected shape (N, K), as eta has it, got {x.shape} and {eta.shape}")
