"""Mean field for linear regression whose noise and whose prior are unknown, too.

::

    y_n | w, beta ~ N(w'x_n, 1 / beta),   w | alpha ~ N(0, I / alpha),
    alpha ~ Gamma(shape, rate) of the prior,   beta the same

With alpha and beta known, w has a Gaussian posterior; with w known, alpha and beta have Gammas. All three
together have none. Independent factors q(w) q(alpha) q(beta) make each update one of the easy cases, with the
others' *means* in the place of what would be known. The bound is complete with its constants, so that inputs
can be chosen by it.

References
----------
Section 8.4, which is empty in the textbook. C.M. Bishop, Pattern Recognition and Machine Learning (2006),
section 10.3; J. Drugowitsch, "Variational Bayesian inference for linear and logistic regression" (2013).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln

from pedagogy_lib import checks

LOG_TAU = np.log(2 * np.pi)


class Gamma(NamedTuple):
    """A Gamma distribution of a precision, with mean shape / rate.

    shape, rate : float, above zero
    """

    shape: float
    rate: float

    @property
    def mean(self):
        """E[x]."""
        return self.shape / self.rate

    @property
    def mean_log(self):
        """E[log x]."""
        return float(digamma(self.shape) - np.log(self.rate))


class Factors(NamedTuple):
    """The three factors, and what they cost.

    mean : ndarray, shape (K,), of q(w)
    covariance : ndarray, shape (K, K), of q(w)
    weight_precision : Gamma, q(alpha)
    noise_precision : Gamma, q(beta)
    free_energy : float, minus the evidence lower bound, in nats; at least -log p(y)
    """

    mean: np.ndarray
    covariance: np.ndarray
    weight_precision: Gamma
    noise_precision: Gamma
    free_energy: float


#: Almost nothing is claimed of a precision beforehand.
VAGUE = Gamma(1e-3, 1e-3)


def iterate(x, y, weight_prior=VAGUE, noise_prior=VAGUE):
    """Coordinate ascent, a round of the three factors at a time, without end. The free energy never rises.

    Parameters
    ----------
    x : array_like, shape (N, K)
        Inputs; a column of ones makes an intercept, whose weight is like the others.
    y : array_like, shape (N,)
    weight_prior, noise_prior : Gamma
        Of alpha and of beta.

    Yields
    ------
    Factors
    """
    x = checks.array("x", x, ("N", "K"))
    y = checks.array("y", y, (len(x),))
    checks.squarable("x", x)
    checks.squarable("y", y)
    priors = [_checked(name, prior) for name, prior in (("weight_prior", weight_prior), ("noise_prior", noise_prior))]
    alpha, beta = priors
    scatter, cross = x.T @ x, x.T @ y
    while True:
        covariance = np.linalg.inv(alpha.mean * np.eye(x.shape[1]) + beta.mean * scatter)
        mean = beta.mean * covariance @ cross
        squares = mean @ mean + np.trace(covariance)                                # E[w'w]
        misfit = ((y - x @ mean) ** 2).sum() + np.trace(scatter @ covariance)       # E[|y - X w|^2]
        alpha = Gamma(priors[0].shape + 0.5 * x.shape[1], priors[0].rate + 0.5 * squares)
        beta = Gamma(priors[1].shape + 0.5 * len(y), priors[1].rate + 0.5 * misfit)
        energy = _free_energy(len(y), covariance, squares, misfit, (alpha, beta), priors)
        yield Factors(mean, covariance, alpha, beta, energy)


def fit(x, y, weight_prior=VAGUE, noise_prior=VAGUE, *, tolerance=1e-10, max_iterations=10_000):
    """Coordinate ascent until the free energy falls by less than ``tolerance`` in a round.

    Parameters
    ----------
    x, y, weight_prior, noise_prior
        As for `iterate`.
    tolerance : float, in nats
    max_iterations : int

    Returns
    -------
    Factors

    Raises
    ------
    ValueError
        If it still falls after ``max_iterations`` rounds.
    """
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    limit, last = checks.count("max_iterations", max_iterations, minimum=1), np.inf
    for _, found in zip(range(limit), iterate(x, y, weight_prior, noise_prior)):
        if last - found.free_energy <= tolerance:
            return found
        last = found.free_energy
    raise ValueError(f"max_iterations: expected enough rounds for a tolerance of {tolerance:g}, got {limit}")


def _free_energy(N, covariance, squares, misfit, found, priors):
    """E_q[log q - log p(y, w, alpha, beta)]."""
    (alpha, beta), K = found, len(covariance)
    entropy_w = 0.5 * (K * (LOG_TAU + 1) + np.linalg.slogdet(covariance)[1])
    likelihood = 0.5 * (N * (beta.mean_log - LOG_TAU) - beta.mean * misfit)
    prior_w = 0.5 * (K * (alpha.mean_log - LOG_TAU) - alpha.mean * squares)
    return float(-likelihood - prior_w - entropy_w + sum(map(_divergence, found, priors)))


def _divergence(q, p):
    """KL{q || p} of two Gammas, in nats."""
    return (
        (q.shape - p.shape) * digamma(q.shape) - gammaln(q.shape) + gammaln(p.shape)
        + p.shape * np.log(q.rate / p.rate) + q.shape * (p.rate / q.rate - 1)
    )  # fmt: skip


def _checked(name, prior):
    if not isinstance(prior, Gamma):
        raise TypeError(f"{name}: expected a Gamma, got {type(prior).__name__}")
    return Gamma(*(checks.number(f"{name}.{part}", value, above=0) for part, value in zip(prior._fields, prior)))
