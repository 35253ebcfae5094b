"""The Bayesian Gaussian mixture: a mixture that is not sure of its own parameters.

::

    p(pi)      = Dirichlet(count, ..., count)                                the weights
    p(Sigma_k) = inverse Wishart(scatter, degrees)                           each class's covariance
    p(mu_k | Sigma_k) = N(mean, Sigma_k / strength)                          each class's mean
    p(x | pi), p(y | x, mu, Sigma)     as in `pedagogy_lib.models.static.gmm`

The posterior over classes *and* parameters has no closed form. Mean field asks for the best one that
is right up to independence, q(X) q(pi, mu, Sigma). Then both factors come out in the families above,
and coordinate ascent (CAVI) is EM whose M step returns a distribution. Therefore this module has EM's
two verbs, and ``em.fit(bayesian_gmm, params, y)`` runs it; the loss is the variational free energy,
minus the evidence lower bound (ELBO).

No ``log_marginal``: log p(y), all parameters integrated out, is the sum over K^N assignments that the
free energy bounds. `log_predictive` is what the fitted factors say of new data.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D).

References
----------
Section 8.4, which is empty in the textbook. H. Attias, "A variational Bayesian framework for graphical
models" (2000); C.M. Bishop, Pattern Recognition and Machine Learning (2006), section 10.2.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln, logsumexp, multigammaln

from pedagogy_lib import checks
from pedagogy_lib.distributions.emissions import _passes
from pedagogy_lib.models.static import gmm

LOG_2 = np.log(2)


class Prior(NamedTuple):
    """What is believed before the data, the same of every class.

    count : float, above 0
        Imaginary observations of each class (alpha_0). Below one, few classes are expected to be used.
    mean : ndarray, shape (D,)
        Where a class's mean is expected (m_0).
    strength : float, above 0
        How many observations that expectation is worth (kappa_0).
    scatter : ndarray, shape (D, D), positive definite
        The scatter matrix of imaginary observations (S_0).
    degrees : float, above D - 1
        How many observations that scatter is worth (nu_0).
    """

    count: float
    mean: np.ndarray
    strength: float
    scatter: np.ndarray
    degrees: float


class Parameters(NamedTuple):
    """The prior, and the factor q(pi, mu, Sigma) that has been learned.

    prior : Prior
    counts : ndarray, shape (K,), of the Dirichlet distribution over the weights (alpha)
    means : ndarray, shape (K, D), where each mean is expected (m)
    strengths : ndarray, shape (K,), how many observations tell of each mean (kappa)
    scatters : ndarray, shape (K, D, D), of each inverse-Wishart distribution (S)
    degrees : ndarray, shape (K,), its degrees of freedom (nu)
    """

    prior: Prior
    counts: np.ndarray
    means: np.ndarray
    strengths: np.ndarray
    scatters: np.ndarray
    degrees: np.ndarray


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


# --------------------------------------------------------------- the model and its beginning


def vague_prior(y, count=1.0):
    """A prior that knows only where the data lie: it is worth about one observation a class.

    Parameters
    ----------
    y : array_like, shape (N, D)
    count : float
        As in `Prior`.

    Returns
    -------
    Prior
        With the mean and covariance of all data, strength 1 and D + 2 degrees of freedom, the fewest
        (in whole numbers) for which a class's covariance has an expectation: that of all data.
    """
    y = checks.array("y", y, ("N", "D"))
    covariance = checks.covariance("the covariance of y", np.atleast_2d(np.cov(y.T, bias=True)))
    return Prior(checks.number("count", count, above=0), y.mean(0), 1.0, covariance, y.shape[1] + 2.0)


def start(y, k, rng):
    """Choose where coordinate ascent begins: at the factor that K-means++ clusters would give.

    Parameters
    ----------
    y : array_like, shape (N, D)
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
    y : array_like, shape (N, D)
    prior : Prior

    Returns
    -------
    Parameters
    """
    return maximize(observed_statistics(gmm.posterior(guess, y).probabilities, y, prior))


def sample(params, n, rng):
    """Draw ``n`` classes and observations, the parameters averaged out, by ancestral sampling.

    Parameters
    ----------
    params : Parameters
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    pedagogy_lib.models.static.gmm.Sample
        Independent draws from `log_predictive`'s density.
    """
    params = _checked(params)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    D = params.means.shape[1]
    classes = rng.choice(len(params.counts), n, p=params.counts / params.counts.sum())
    freedom, scales = _student(params)
    z = rng.standard_normal((n, D)) / np.sqrt(rng.chisquare(freedom[classes]) / freedom[classes])[:, None]
    roots = np.linalg.cholesky(scales)
    return gmm.Sample(classes, params.means[classes] + np.einsum("nij,nj->ni", roots[classes], z))


# ------------------------------------------------------------------------- the two half-steps


def discounts(params):
    """How much of its weight each class keeps for being known: at most one, and one where all is known.

    The factor q(X) is the posterior of an ordinary mixture with means m_k, covariances S_k / nu_k and
    weights alpha_k / sum(alpha), each multiplied by this discount.

    Parameters
    ----------
    params : Parameters

    Returns
    -------
    ndarray, shape (K,)
    """
    return _discounts(_checked(params))


def _discounts(params):
    """exp E[log .] over . of E[.], for the weight and the covariance; and the mean's own spread."""
    _, counts, means, strengths, _, degrees = params
    D = means.shape[1]
    weights = np.exp(digamma(counts) - np.log(counts) - digamma(counts.sum()) + np.log(counts.sum()))
    covariances = np.exp(0.5 * (_log_gammas(degrees, D) + D * LOG_2 - D * np.log(degrees)))
    return weights * covariances * np.exp(-0.5 * D / strengths)


def posterior(params, y, backend="auto"):
    """Infer the classes: the factor q(X), given that over the parameters.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    backend : {"auto", "numba", "numpy"}

    Returns
    -------
    pedagogy_lib.models.static.gmm.Posterior
        ``log_marginals`` are what normalised it: log sum_k exp E[log p(x_k, y_n | pi, mu, Sigma)].
    """
    return _posterior(*_checked_pair(params, y), backend)


def _posterior(params, y, backend="auto"):
    """log q(x_k) = E[log pi_k + log N(y; mu_k, Sigma_k)] + constant: an ordinary posterior, discounted."""
    weights = params.counts / params.counts.sum() * _discounts(params)
    covariances = params.scatters / params.degrees[:, None, None]
    return gmm.Posterior(*_passes.responsibilities(y, weights, params.means, covariances, backend))


def expected_statistics(params, y, backend="auto"):
    """The E step: the best q(X) for this factor over the parameters, and what the data then say.

    Parameters
    ----------
    params, y, backend
        As for `posterior`.

    Returns
    -------
    Statistics
    """
    params, y = _checked_pair(params, y)
    found = _posterior(params, y, backend)
    # With q(X) at its best, the terms of the classes collapse into their normalisers.
    loss = (_divergence(params) - found.log_marginals.sum()) / len(y)
    return _statistics(found.probabilities, y, params.prior, backend)._replace(loss=float(loss))


def observed_statistics(responsibilities, y, prior):
    """The same statistics for classes that are known, one-hot, or given softly.

    Parameters
    ----------
    responsibilities : array_like, shape (N, K)
    y : array_like, shape (N, D)
    prior : Prior

    Returns
    -------
    Statistics
        Its loss is NaN.
    """
    y = checks.array("y", y, ("N", "D"))
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


# ----------------------------------------------------------------------------- what it says


def divergence(params):
    """KL{q(pi, mu, Sigma) || p(pi, mu, Sigma)}: what the learned factor costs against the prior, in nats.

    Parameters
    ----------
    params : Parameters

    Returns
    -------
    float
    """
    return _divergence(_checked(params))


def _divergence(params):
    return float(_dirichlet_divergence(params) + _normal_wishart_divergences(params).sum())


def _dirichlet_divergence(params):
    """KL of the two Dirichlet distributions over the weights."""
    a, a0 = params.counts, np.full(len(params.counts), params.prior.count)
    expected_logs = digamma(a) - digamma(a.sum())
    return gammaln(a.sum()) - gammaln(a).sum() - gammaln(a0.sum()) + gammaln(a0).sum() + (a - a0) @ expected_logs


def _normal_wishart_divergences(params):
    """KL of means and covariances, for each class: that of N(m, Sigma / kappa), then that of Sigma."""
    prior, _, means, strengths, scatters, degrees = params
    D = means.shape[1]
    inverses = np.linalg.inv(scatters)
    away = means - prior.mean
    ratio = prior.strength / strengths
    squares = np.einsum("ki,kij,kj->k", away, inverses, away)
    of_means = 0.5 * (D * (ratio - 1 - np.log(ratio)) + prior.strength * degrees * squares)
    traces = np.einsum("ij,kji->k", prior.scatter, inverses)
    logs = np.linalg.slogdet(scatters)[1] - np.linalg.slogdet(prior.scatter)[1]
    of_covariances = (
        0.5 * prior.degrees * logs
        - multigammaln(degrees / 2, D)
        + multigammaln(prior.degrees / 2, D)
        + 0.5 * (degrees - prior.degrees) * _log_gammas(degrees, D)
        + 0.5 * degrees * (traces - D)
    )
    return of_means + of_covariances


def log_predictive(params, y):
    """The log density of a new observation, averaged over the learned factor: a mixture of Student's t.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)

    Returns
    -------
    ndarray, shape (N,)
        In nats.
    """
    params, y = _checked_pair(params, y)
    D = y.shape[1]
    freedom, scales = _student(params)
    roots = np.linalg.cholesky(scales)
    logs = np.empty((len(y), len(freedom)))
    for k, (root, nu) in enumerate(zip(roots, freedom)):
        square = (np.linalg.solve(root, (y - params.means[k]).T) ** 2).sum(0)
        constant = gammaln((nu + D) / 2) - gammaln(nu / 2) - 0.5 * D * np.log(nu * np.pi) - np.log(np.diag(root)).sum()
        logs[:, k] = constant - 0.5 * (nu + D) * np.log1p(square / nu)
    return logsumexp(logs + np.log(params.counts / params.counts.sum()), axis=1)


def _student(params):
    """Degrees of freedom and scale matrices of the predictive density of each class."""
    D = params.means.shape[1]
    freedom = params.degrees - D + 1
    return freedom, params.scatters * ((1 + 1 / params.strengths) / freedom)[:, None, None]


# --------------------------------------------------------------------------------- helpers


def _log_gammas(degrees, D):
    """sum_i digamma((nu + 1 - i) / 2), i = 1..D, for each nu: E[log |Sigma^-1|] less its scale."""
    return digamma((degrees[:, None] - np.arange(D)) / 2).sum(1)


def _checked_prior(prior, D):
    scatter = checks.covariance("prior.scatter", prior.scatter, D, stack=False)
    return Prior(
        checks.number("prior.count", prior.count, above=0),
        checks.array("prior.mean", prior.mean, (D,)),
        checks.number("prior.strength", prior.strength, above=0),
        scatter,
        checks.number("prior.degrees", prior.degrees, above=D - 1),
    )


def _checked(params):
    """The same parameters, their fields checked against each other."""
    means = checks.array("params.means", params.means, ("K", "D"))
    K, D = means.shape
    positive = {}
    for name, bound in (("counts", 0), ("strengths", 0), ("degrees", D - 1)):
        positive[name] = checks.array(f"params.{name}", getattr(params, name), (K,))
        if not (positive[name] > bound).all():
            raise ValueError(f"params.{name}: expected numbers above {bound}, got {positive[name].min():.3g}")
    scatters = checks.array("params.scatters", params.scatters, (K, D, D))
    scatters = checks.covariance("params.scatters", scatters, D)
    return Parameters(_checked_prior(params.prior, D), means=means, scatters=scatters, **positive)


def _checked_pair(params, y):
    """The parameters, and observations that fit them: at least one."""
    params = _checked(params)
    y = checks.observations("y", y, params.means.shape[1])
    if len(y) == 0:
        raise ValueError("y: expected one observation at least, got none")
    return params, y


def _checked_statistics(statistics):
    """Statistics whose shapes fit each other and the prior's."""
    found = checks.record("statistics", statistics, shares="K", sums="KD", scatters="KDD")
    D = found.sums.shape[1]
    for name, shape in (("mean", (D,)), ("scatter", (D, D))):
        checks.array(f"statistics.prior.{name}", getattr(found.prior, name), shape)
    return found
