"""Learning: the two half-steps of coordinate ascent, as EM's two verbs, and where they begin.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D).

References
----------
C.M. Bishop, Pattern Recognition and Machine Learning (2006), section 10.2.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.distributions.emissions import _passes
from pedagogy_lib.models.static import gmm
from pedagogy_lib.models.static.bayesian_gmm.divergences import _divergence
from pedagogy_lib.models.static.bayesian_gmm.inference import _posterior
from pedagogy_lib.models.static.bayesian_gmm.model import (
    Parameters,
    Prior,
    _checked,
    _checked_pair,
    _checked_prior,
    vague_prior,
)


class Statistics(NamedTuple):
    """What the data say to the second half-step.

    prior : Prior, handed on
    shares, sums, scatters, size
        As in `pedagogy_lib.models.static.gmm.Statistics`.
    loss : float
        The free energy of the factors, in nats per observation; NaN for observed classes.
    """

    prior: Prior
    shares: np.ndarray
    sums: np.ndarray
    scatters: np.ndarray
    size: int
    loss: float


def start(y, k, rng):
    """Choose where coordinate ascent begins: at the factor that K-means++ clusters would give.

    Parameters
    ----------
    y
    k : int
        The largest number of classes that may be used.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
        With `vague_prior`; ``with_prior`` asks for another.
    """
    guess = gmm.start(y, k, rng)
    return with_prior(guess, y, vague_prior(y))


def with_prior(guess, y, prior):
    """The factor that follows from the responsibilities of an ordinary mixture, under a given prior.

    Parameters
    ----------
    guess : pedagogy_lib.models.static.gmm.Parameters
        From its ``start``, or from a fit.
    y
    prior : Prior

    Returns
    -------
    Parameters
    """
    return maximize(observed_statistics(gmm.posterior(guess, y).probabilities, y, prior))


def expected_statistics(params, y, backend="auto"):
    """The E step: the best q(X) for this factor over the parameters, and what the data then say.

    Parameters
    ----------
    params, y
    backend : {"auto", "numba", "numpy"}

    Returns
    -------
    Statistics
    """
    params, y = _checked_pair(params, y)
    found = _posterior(params, y, backend)
    # With q(X) at its best, the terms of the classes collapse into their normalizers.
    loss = (_divergence(params) - found.log_marginals.sum()) / len(y)
    return _statistics(found.probabilities, y, params.prior, backend)._replace(loss=float(loss))


def observed_statistics(responsibilities, y, prior):
    """The same statistics for classes that are known, one-hot, or given softly.

    Parameters
    ----------
    responsibilities : array_like, shape (N, K)
    y
    prior : Prior

    Returns
    -------
    Statistics
        Its loss is NaN.
    """
    y = checks.squarable("y", checks.array("y", y, ("N", "D")))
    r = checks.probabilities("responsibilities", responsibilities, (len(y), "K"))
    return _statistics(r, y, _checked_prior(prior, y.shape[1]))


def _statistics(r, y, prior, backend="auto"):
    N = len(y)
    return Statistics(prior, *(total / N for total in _passes.weighted_sums(r, y, backend)), N, np.nan)


def maximize(statistics):
    """The M step: the best q(pi, mu, Sigma), in which the data are added to the prior's imaginary ones.

    Parameters
    ----------
    statistics : Statistics

    Returns
    -------
    Parameters
        A class without data gets the prior back.
    """
    prior, shares, sums, scatters, N, _ = _checked_statistics(statistics)
    totals = N * shares
    strengths = prior.strength + totals
    means = (prior.strength * prior.mean + N * sums) / strengths[:, None]
    # Of two clouds, the prior's and the data's, the scatter is that of each plus that between their means.
    own = sums / np.where(shares > 0, shares, 1.0)[:, None]
    between = prior.strength * totals / strengths
    away = own - prior.mean
    scatters = prior.scatter + N * scatters + between[:, None, None] * away[:, :, None] * away[:, None, :]
    return Parameters(prior, prior.count + totals, means, strengths, scatters, prior.degrees + totals)


def blend(a, b, share):
    """Part of the way from one factor to another, in natural parameters: a step of stochastic inference.

    Parameters
    ----------
    a, b : Parameters
        With the same prior, which is kept.
    share : float, from 0 to 1
        How much of b.

    Returns
    -------
    Parameters
    """
    share = checks.number("share", share, at_least=0)
    if share > 1:
        raise ValueError(f"share: expected a number from 0 to 1, got {share}")
    a, b = _checked(a), _checked(b)
    mix = lambda one, other: (1 - share) * one + share * other
    strengths = mix(a.strengths, b.strengths)
    means = mix(a.strengths[:, None] * a.means, b.strengths[:, None] * b.means) / strengths[:, None]
    # S + kappa m m' is what adds up; written by the distance of the two means, so that nothing cancels.
    apart, weight = b.means - a.means, share * (1 - share) * a.strengths * b.strengths / strengths
    scatters = mix(a.scatters, b.scatters) + weight[:, None, None] * apart[:, :, None] * apart[:, None, :]
    return Parameters(a.prior, mix(a.counts, b.counts), means, strengths, scatters, mix(a.degrees, b.degrees))


def _checked_statistics(statistics):
    """Statistics whose shapes fit each other and the prior's."""
    found = checks.record("statistics", statistics, shares="K", sums="KD", scatters="KDD")
    D = found.sums.shape[1]
    for name, shape in (("mean", (D,)), ("scatter", (D, D))):
        checks.array(f"statistics.prior.{name}", getattr(found.prior, name), shape)
    return found
