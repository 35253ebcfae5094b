"""Learning: the E step, the M step, and the free energy that they descend in turn.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D).

References
----------
Section 7.1; Eqs. 6.5 and 6.6.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import entr

from pedagogy_lib import checks
from pedagogy_lib.distributions.emissions import Gaussians, GaussianStatistics, _passes
from pedagogy_lib.models.static import kmeans
from pedagogy_lib.models.static.gmm.inference import _posterior
from pedagogy_lib.models.static.gmm.model import Parameters, _checked_pair


class Statistics(NamedTuple):
    """All that the M step needs to know of the data, averaged over N observations.

    shares : ndarray, shape (K,)
        <X_k>, the fraction of the data that class k takes responsibility for.
    sums : ndarray, shape (K, D)
        <X_k Y>.
    scatters : ndarray, shape (K, D, D)
        <X_k (Y - m_k)(Y - m_k)^T>, where m_k = sums_k / shares_k. Centered, where the textbook has
        <X_k Y Y^T>: taking m_k m_k^T away afterwards would cancel the digits of a tight class.
    size : int
        N.
    loss : float
        The marginal cross entropy, -<log p(Y)>, of the parameters that gave the responsibilities;
        NaN for observed classes, which need none. In nats per observation.
    """

    shares: np.ndarray
    sums: np.ndarray
    scatters: np.ndarray
    size: int
    loss: float


class Options(NamedTuple):
    """What may be asked of learning, by ``em.fit(gmm, params, y, options=gmm.Options(...))``.

    shared : bool
        Whether all classes have one covariance: linear discriminant analysis (LDA). Otherwise each
        has its own: quadratic discriminant analysis (QDA).
    prior : pair of a covariance, shape (D, D), and a float; or None
        For data that would collapse a class. Each covariance sees imaginary observations besides
        the real ones: of this covariance, and so many (the mode under an inverse-Wishart prior), so
        that none can shrink to nothing.
    """

    shared: bool = False
    prior: Any = None


PLAIN = Options()


def start(y, k, rng):
    """Choose where EM begins: means far from each other, by k-means++, each as wide as all of the data.

    Parameters
    ----------
    y
    k : int
        The number of classes.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    means = kmeans.start(y, k, rng).means
    spread = np.atleast_2d(np.cov(np.asarray(y, float).T, bias=True))
    spread = checks.covariance("the covariance of y", spread)
    return Parameters(np.full(k, 1 / k), means, np.tile(spread, (k, 1, 1)))


def expected_statistics(params, y, options=PLAIN, backend="auto"):
    """The E step: the sufficient statistics, expected under the posterior.

    Parameters
    ----------
    params, y
    options : Options
        With a prior the loss includes the prior's part, so that it still never rises.
    backend : {"auto", "numba", "numpy"}

    Returns
    -------
    Statistics

    References
    ----------
    Section 7.1, "The E step".
    """
    params, y = _checked_pair(params, y)
    found = _posterior(params, y, backend)                       # Eqs. 2.7 and 2.10
    loss = -found.log_marginals.mean()
    if options.prior is not None:
        loss -= Gaussians(*params[1:]).log_prior(options.prior, options.shared) / len(y)
    return _statistics(found.probabilities, y, backend)._replace(loss=float(loss))


def observed_statistics(responsibilities, y):
    """The same statistics for classes that are known, one-hot, or given softly.

    Parameters
    ----------
    responsibilities : array_like, shape (N, K)
        Rows sum to one. A one-hot row says that the class was observed.
    y

    Returns
    -------
    Statistics
        Its loss is NaN.
    """
    y = checks.squarable("y", checks.array("y", y, ("N", "D")))
    return _statistics(checks.probabilities("responsibilities", responsibilities, (len(y), "K")), y)


def _statistics(r, y, backend="auto"):
    """<X_k>, <X_k Y> and the centered <X_k Y Y^T>: the sums of the emission, divided by N."""
    N = len(y)
    return Statistics(*(total / N for total in _passes.weighted_sums(r, y, backend)), N, np.nan)


def maximize(statistics, options=PLAIN):
    """The M step: the parameters that minimize the joint cross entropy.

    Parameters
    ----------
    statistics : Statistics
        From `expected_statistics`, or from `observed_statistics` where the classes are known.
    options : Options

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If no observation belongs to some class, or those that do lie in a line, plane or point.

    References
    ----------
    Section 7.1, "The M step".
    """
    shares, sums, scatters, N, _ = checks.record("statistics", statistics, shares="K", sums="KD", scatters="KDD")
    if (shares <= 0).any():
        raise ValueError(
            f"statistics.shares: expected data in every class, got none in class {int(np.argmin(shares))}"
        )
    emission = GaussianStatistics(N * shares, N * sums, N * scatters).maximize(options.prior, options.shared)
    return Parameters(shares, *emission)


def free_energy(params, responsibilities, y):
    """The free energy of a recognition distribution: what EM descends, coordinate by coordinate.

    It is the joint cross entropy less the recognition entropy, and exceeds the joint relative
    entropy only by the entropy of the data, which no parameter can change. It is also the negative
    of the evidence lower bound (ELBO).

    Parameters
    ----------
    params
    responsibilities : array_like, shape (N, K)
        Any recognition distribution p-check(x|y_n); rows sum to one.
    y

    Returns
    -------
    float
        In nats per observation. At least ``-log_marginal(params, y).mean()``, and equal to it when
        the responsibilities are the posterior.

    References
    ----------
    Eqs. 6.5 and 6.6.
    """
    params, y = _checked_pair(params, y)
    r = checks.probabilities("responsibilities", responsibilities, (len(y), len(params.weights)))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_joint = Gaussians(*params[1:]).log_densities(y) + np.log(params.weights)
        # Where r is zero its term is zero, even against a log density of minus infinity.
        cross_entropy = -np.where(r > 0, r * log_joint, 0.0).sum(1)
    return float((cross_entropy - entr(r).sum(1)).mean())
