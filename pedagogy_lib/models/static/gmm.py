"""The Gaussian mixture model (GMM): roll a die, then draw from the Gaussian of that side.

::

    p(x)   = Categ(pi)                         which class: x is one of K
    p(y|x) = N(mu_x, Sigma_x)                  where: y has D dimensions

The emission is `pedagogy_lib.distributions.emissions.Gaussians`, that of the hidden Markov model: give
the die a memory, and this model becomes that one.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D).

References
----------
Sections 2.1.1 (inference, Eqs. 2.2-2.10) and 7.1 (learning).
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import entr

from pedagogy_lib import checks
from pedagogy_lib.distributions import categorical
from pedagogy_lib.distributions.categorical import Categorical
from pedagogy_lib.distributions.emissions import Gaussians, GaussianStatistics, _passes
from pedagogy_lib.models.static import kmeans


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


class Posterior(NamedTuple):
    """What the observations say about their classes.

    probabilities : ndarray, shape (N, K), the responsibilities p(x_k = 1 | y_n); rows sum to one
    log_marginals : ndarray, shape (N,), log p(y_n), what normalised them, in nats
    """

    probabilities: np.ndarray
    log_marginals: np.ndarray


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
    y : array_like, shape (N, D)
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
    return Sample(classes, Gaussians(means, covariances).sample(classes, rng))


def emission(params):
    """The emission p(y|x): ``emission(params).log_densities(y)`` has one column for each class.

    With it, `pedagogy_lib.distributions.categorical.invert` and ``marginalize`` answer every question
    about this model. `posterior` and `log_marginal` say the same in one pass over the data.

    Parameters
    ----------
    params : Parameters

    Returns
    -------
    pedagogy_lib.distributions.emissions.Gaussians

    References
    ----------
    Eq. 2.4.
    """
    return Gaussians(*_checked(params)[1:])


def posterior(params, y, backend="auto"):
    """Infer the classes: p(x_k = 1 | y_n), the responsibility of class k for observation n.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    backend : {"auto", "numba", "numpy"}

    Returns
    -------
    Posterior

    References
    ----------
    Eqs. 2.6-2.8.
    """
    return _posterior(*_checked_pair(params, y), backend)


def _posterior(params, y, backend="auto"):
    """The softmax of the log joint, and what normalises it; the arguments have been checked."""
    found = Posterior(*_passes.responsibilities(y, *params, backend))
    if not np.isfinite(found.log_marginals).all():
        raise ValueError("y: expected an observation that some class can emit, got one of probability zero")
    return found


def log_marginal(params, y, backend="auto"):
    """Evaluate log p(y_n), what each observation costs (with the sign turned round).

    Parameters
    ----------
    params, y, backend
        As for `posterior`.

    Returns
    -------
    ndarray, shape (N,)
        In nats.

    References
    ----------
    Eq. 2.10.
    """
    return _posterior(*_checked_pair(params, y), backend).log_marginals


def expected_statistics(params, y, options=PLAIN, backend="auto"):
    """The E step: the sufficient statistics, expected under the posterior.

    Parameters
    ----------
    params, y, backend
        As for `posterior`.
    options : Options
        With a prior the loss includes the prior's part, so that it still never rises.

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
    y : array_like, shape (N, D)

    Returns
    -------
    Statistics
        Its loss is NaN.
    """
    y = checks.array("y", y, ("N", "D"))
    return _statistics(checks.probabilities("responsibilities", responsibilities, (len(y), "K")), y)


def _statistics(r, y, backend="auto"):
    """<X_k>, <X_k Y> and the centred <X_k Y Y^T>: the sums of the emission, divided by N."""
    N = len(y)
    return Statistics(*(total / N for total in _passes.weighted_sums(r, y, backend)), N, np.nan)


def maximize(statistics, options=PLAIN):
    """The M step: the parameters that minimise the joint cross entropy.

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


class Labelled(NamedTuple):
    """The mixture for data of which some have labels, as `pedagogy_lib.learning.em` takes a model.

    ``em.fit(gmm.Labelled(labels), params, y)`` is *semi-supervised* clustering. Its E step stands
    between `observed_statistics`, which it is where all have labels, and `expected_statistics`, which
    it is where none has.

    labels : array_like of int, shape (N,)
        The class of each observation, from 0; -1 where it is not known.
    weight : float
        What an observation without a label counts, where one with a label counts 1. The statistics' N
        counts them so, too.

    References
    ----------
    Section 5.2, "Semi-supervised clustering", which is empty in the draft.
    """

    labels: Any
    weight: float = 1.0

    def expected_statistics(self, params, y, options=PLAIN):
        """The E step: the posterior where no label is, certainty where one is.

        The loss is -log p(y_n) of those without a label and -log p(x_n, y_n) of those with one, averaged by weight.
        """
        params, y = _checked_pair(params, y)
        labels = _checked_labels(self.labels, len(y), len(params.weights))
        weight = checks.number("weight", self.weight, at_least=0)
        if weight == 0 and (labels < 0).all():
            raise ValueError("weight: expected more than 0 where no observation has a label, got 0")
        found = _posterior(params, y)
        r, logs, seen = found.probabilities.copy(), found.log_marginals.copy(), labels >= 0
        r[seen] = np.eye(len(params.weights))[labels[seen]]
        if seen.any():
            roots = np.linalg.cholesky(params.covariances)
            with np.errstate(divide="ignore"):
                log_joint = _passes.log_densities(y[seen], params.means, roots, "auto") + np.log(params.weights)
            logs[seen] = log_joint[np.arange(seen.sum()), labels[seen]]              # Eq. 2.6
        counted = np.where(seen, 1.0, weight)
        loss = -(counted @ logs)
        if options.prior is not None:
            loss -= Gaussians(*params[1:]).log_prior(options.prior, options.shared)
        size = counted.sum()
        sums = (total / size for total in _passes.weighted_sums(r * counted[:, None], y, "auto"))
        return Statistics(*sums, size, float(loss / size))

    def maximize(self, statistics, options=PLAIN):
        """The M step: that of the mixture."""
        return maximize(statistics, options)


def _checked_labels(labels, N, K):
    """Whole numbers from -1 to K - 1, one for each observation."""
    given = checks.numbers("labels", labels)
    if given.shape != (N,) or given.dtype.kind == "f":
        raise ValueError(f"labels: expected whole numbers, shape ({N},), got {given.dtype}, shape {given.shape}")
    if N and not -1 <= given.min() <= given.max() < K:
        raise ValueError(f"labels: expected classes from 0 to {K - 1}, or -1, got {given.min()} to {given.max()}")
    return given


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
    params, y = _checked_pair(params, y)
    r = checks.probabilities("responsibilities", responsibilities, (len(y), len(params.weights)))
    with np.errstate(divide="ignore"):
        log_joint = Gaussians(*params[1:]).log_densities(y) + np.log(params.weights)
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


def _checked(params):
    """The same parameters, their fields checked against each other."""
    weights = checks.probabilities("params.weights", params.weights, ("K",))
    means = checks.array("params.means", params.means, (len(weights), "D"))
    D = means.shape[1]
    covariances = checks.array("params.covariances", params.covariances, (len(weights), D, D))
    return Parameters(weights, means, checks.covariance("params.covariances", covariances, D))


def _checked_pair(params, y):
    """The parameters, and observations that fit them: at least one."""
    params = _checked(params)
    y = checks.observations("y", y, params.means.shape[1])
    if len(y) == 0:
        raise ValueError("y: expected one observation at least, got none")
    return params, y
