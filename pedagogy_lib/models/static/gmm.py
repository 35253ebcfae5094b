"""The Gaussian mixture model (GMM): roll a die, then draw from the Gaussian of that side.

::

    p(x)   = Categ(pi)                         which class: x is one of K
    p(y|x) = N(mu_x, Sigma_x)                  where: y has D dimensions

References
----------
Sections 2.1.1 (inference, Eqs. 2.2-2.10) and 7.1 (learning).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import entr

from pedagogy_lib import checks, kernels
from pedagogy_lib.distributions import categorical, gaussians
from pedagogy_lib.distributions.categorical import Categorical, Components
from pedagogy_lib.distributions.gaussian import LOG_TAU


class Parameters(NamedTuple):
    """What there is to know about a Gaussian mixture.

    weights : ndarray, shape (K,), the prior probabilities pi of the classes
    means : ndarray, shape (K, D)
    covariances : ndarray, shape (K, D, D), positive definite
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray


class Sample(NamedTuple):
    """Draws from the model.

    classes : ndarray of int, shape (N,), numbered from 0
    observations : ndarray, shape (N, D)
    """

    classes: np.ndarray
    observations: np.ndarray


class Statistics(NamedTuple):
    """All that the M step needs to know of the data, averaged over N observations.

    shares : ndarray, shape (K,)
        <X_k>, the fraction of the data that class k takes responsibility for.
    sums : ndarray, shape (K, D)
        <X_k Y>.
    scatters : ndarray, shape (K, D, D)
        <X_k (Y - m_k)(Y - m_k)^T>, where m_k = sums_k / shares_k. Centred, where the textbook has
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


def sample(params, n, rng):
    """Draw ``n`` classes and an observation from each.

    Parameters
    ----------
    params : Parameters
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    Sample

    References
    ----------
    Eq. 2.2.
    """
    weights, means, covariances = _checked(params)
    classes = categorical.sample(Categorical(weights), n, rng)
    noise = rng.standard_normal((n, means.shape[1]))
    roots = np.linalg.cholesky(covariances)
    return Sample(classes, means[classes] + np.einsum("nij,nj->ni", roots[classes], noise))


def emission(params):
    """The emission p(y|x) in the form that the categorical rules take.

    Parameters
    ----------
    params : Parameters

    Returns
    -------
    pedagogy_lib.distributions.categorical.Components

    References
    ----------
    Eq. 2.4.
    """
    return _emission(_checked(params))


def _emission(params, backend="auto"):
    """The same, of parameters that have been checked."""
    roots = np.linalg.cholesky(params.covariances)
    return Components(lambda y: gaussians.log_densities(y, params.means, roots, backend))


def posterior(params, y):
    """Infer the classes: p(x_k = 1 | y_n), the responsibility of class k for observation n.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N, K)
        Rows sum to one.

    References
    ----------
    Eqs. 2.6-2.8.
    """
    params = _checked(params)
    y = checks.observations("y", y, params.means.shape[1])
    return categorical.invert(Categorical(params.weights), _emission(params), y).probabilities


def log_marginal(params, y):
    """Evaluate log p(y_n), what each observation costs (with the sign turned round).

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N,)
        In nats.

    References
    ----------
    Eq. 2.10.
    """
    params = _checked(params)
    y = checks.observations("y", y, params.means.shape[1])
    marginal = categorical.marginalize(Categorical(params.weights), _emission(params))
    return categorical.log_density(marginal, y)


def expected_statistics(params, y):
    """The E step: the sufficient statistics, expected under the posterior.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)

    Returns
    -------
    Statistics

    References
    ----------
    Section 7.1, "The E step".
    """
    params = _checked(params)
    y = checks.observations("y", y, params.means.shape[1])
    responsibilities, log_marginals = infer(params, y)             # Eqs. 2.7 and 2.10
    return observed_statistics(responsibilities, y)._replace(loss=-log_marginals.mean())


def observed_statistics(responsibilities, y):
    """The same statistics for classes that are known, one-hot, or given softly.

    Parameters
    ----------
    responsibilities : array_like, shape (N, K)
        Rows sum to one. A one-hot row says that the class was observed.
    y : array_like, shape (N, D)

    Returns
    -------
    Statistics
        Its loss is NaN.
    """
    y = checks.array("y", y, ("N", "D"))
    r = checks.probabilities("responsibilities", responsibilities, (len(y), "K"))
    shares = r.mean(0)                                           # <X_k>
    sums = r.T @ y / len(y)                                      # <X_k Y>
    means = sums / np.where(shares > 0, shares, 1)[:, None]      # m_k; of no data, anything
    scatters = gaussians.scatter(r, y, means) / len(y)           # <X_k (Y - m_k)(Y - m_k)^T>
    return Statistics(shares, sums, scatters, len(y), np.nan)


def maximize(statistics, shared=False):
    """The M step: the parameters that minimise the joint cross entropy.

    Parameters
    ----------
    statistics : Statistics
        From `expected_statistics`, or from `observed_statistics` where the classes are known.
    shared : bool
        Whether all classes have one covariance: linear discriminant analysis (LDA). Otherwise
        each has its own: quadratic discriminant analysis (QDA).

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If no observation belongs to some class.

    References
    ----------
    Section 7.1, "The M step".
    """
    shares, means = _shares_and_means(statistics)
    if shared:
        pooled = statistics.scatters.sum(0)                      # shares sum to one
        return Parameters(shares, means, np.broadcast_to(pooled, statistics.scatters.shape).copy())
    return Parameters(shares, means, statistics.scatters / shares[:, None, None])


class Regularized(NamedTuple):
    """The same model with a prior on its covariances, for data that would collapse a class.

    Give it to `pedagogy_lib.learning.em.fit` in the place of this module. Each class sees
    ``strength`` imaginary observations of covariance ``scale``, besides the real ones (the mode
    under an inverse-Wishart prior), so no covariance can shrink to nothing.

    scale : ndarray, shape (D, D), positive definite
    strength : float, above zero
    """

    scale: np.ndarray
    strength: float

    def expected_statistics(self, params, y):
        """As the module's; the loss includes the prior's part, so that it still never rises."""
        statistics = expected_statistics(params, y)
        precisions = np.linalg.inv(params.covariances)
        log_determinants = np.linalg.slogdet(params.covariances)[1]
        misfit = np.einsum("ij,kji->k", self.scale, precisions) + log_determinants
        penalty = 0.5 * self.strength * misfit.sum() / statistics.size
        return statistics._replace(loss=statistics.loss + penalty)

    def maximize(self, statistics):
        """As the module's, with the imaginary observations counted in each covariance."""
        scale = checks.covariance("scale", self.scale, statistics.sums.shape[1])
        strength = checks.number("strength", self.strength, above=0) / statistics.size
        shares, means = _shares_and_means(statistics)
        blended = (statistics.scatters + strength * scale) / (shares + strength)[:, None, None]
        return Parameters(shares, means, blended)


def free_energy(params, responsibilities, y):
    """The free energy of a recognition distribution: what EM descends, coordinate by coordinate.

    It is the joint cross entropy less the recognition entropy, and exceeds the joint relative
    entropy only by the entropy of the data, which no parameter can change. It is also the negative
    of the evidence lower bound (ELBO).

    Parameters
    ----------
    params : Parameters
    responsibilities : array_like, shape (N, K)
        Any recognition distribution p-check(x|y_n); rows sum to one.
    y : array_like, shape (N, D)

    Returns
    -------
    float
        In nats per observation. At least ``-log_marginal(params, y).mean()``, and equal to it when
        the responsibilities are the posterior.

    References
    ----------
    Eqs. 6.5 and 6.6.
    """
    params = _checked(params)
    y = checks.observations("y", y, params.means.shape[1])
    r = checks.probabilities("responsibilities", responsibilities, (len(y), len(params.weights)))
    log_joint = emission(params).log_densities(y) + np.log(params.weights)
    # Where r is zero its term is zero, even against a log density of minus infinity.
    cross_entropy = -np.where(r > 0, r * log_joint, 0.0).sum(1)
    return float((cross_entropy - entr(r).sum(1)).mean())


def linear_boundary(params, k, j):
    """The line on which classes k and j are equally probable, when they share a covariance.

    Parameters
    ----------
    params : Parameters
        The covariances of the two classes must be equal.
    k, j : int
        Two different classes.

    Returns
    -------
    normal : ndarray, shape (D,)
        Sigma^-1 (mu_k - mu_j). Class k is the more probable where ``normal @ y > threshold``.
    threshold : float

    References
    ----------
    Eq. 2.9.
    """
    weights, means, covariances = _checked(params)
    for name, side in (("k", k), ("j", j)):
        if checks.count(name, side, minimum=0) >= len(weights):
            raise ValueError(f"{name}: expected a class from 0 to {len(weights) - 1}, got {side}")
    if k == j:
        raise ValueError(f"j: expected another class than k, got {j} for both")
    if not np.allclose(covariances[k], covariances[j], rtol=1e-10, atol=0):
        raise ValueError("params.covariances: expected equal covariances; unequal ones have a curved boundary")
    normal = np.linalg.solve(covariances[k], means[k] - means[j])
    midpoint = (means[k] + means[j]) / 2
    return normal, float(normal @ midpoint + np.log(weights[j] / weights[k]))


def infer(params, y, backend="auto"):
    """p(x_k = 1 | y_n) and log p(y_n) in one pass over the data; arguments are not checked.

    Parameters
    ----------
    params : Parameters
    y : ndarray, shape (N, D)
    backend : {"auto", "numba", "numpy"}

    Returns
    -------
    responsibilities : ndarray, shape (N, K)
    log_marginals : ndarray, shape (N,)
    """
    kernel = kernels.choose("gaussians", backend)
    if kernel is None:
        source, likelihoods = Categorical(params.weights), _emission(params, "numpy")
        posterior = categorical.invert(source, likelihoods, y).probabilities
        return posterior, categorical.log_density(categorical.marginalize(source, likelihoods), y)
    roots = np.linalg.cholesky(params.covariances)
    half_log_determinants = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(1)
    with np.errstate(divide="ignore"):                           # a weight of zero: impossible
        constants = np.log(params.weights) - half_log_determinants - 0.5 * y.shape[1] * LOG_TAU
    responsibilities, log_marginals = kernel.infer(y, params.means, roots, constants)
    if not np.isfinite(log_marginals).all():
        raise ValueError("y: expected an observation that some side can emit, got one of probability zero")
    return responsibilities, log_marginals


def _shares_and_means(statistics):
    """<X_k> and <X_k Y> / <X_k>; a class that owns nothing has no mean."""
    shares = statistics.shares
    if (shares <= 0).any():
        empty = int(np.argmin(shares))
        raise ValueError(f"statistics.shares: expected data in every class, got none in class {empty}")
    return shares, statistics.sums / shares[:, None]


def _checked(params):
    """The same parameters, their fields checked against each other."""
    weights = checks.probabilities("params.weights", params.weights, ("K",))
    means = checks.array("params.means", params.means, (len(weights), "D"))
    D = means.shape[1]
    covariances = checks.array("params.covariances", params.covariances, (len(weights), D, D))
    return Parameters(weights, means, checks.covariance("params.covariances", covariances, D))
