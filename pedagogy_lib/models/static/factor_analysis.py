"""Factor analysis: a few independent factors, loaded onto many noisy observations.

::

    p(x)   = N(0, I)                           factors: K of them
    p(y|x) = N(C x + c, Lambda)                observations: D of them, Lambda diagonal

The Gaussian mixture's source was one of K classes; here it is K numbers at once. Whatever two
observations share must come through the factors, because the noise of each is its own.

`residual_variances` is a building block, and trusts its arguments, which its callers have checked.

References
----------
Sections 2.1.2 (inference, Eqs. 2.20-2.22) and 7.3 (learning, Eqs. 7.2 and 7.3).
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from pedagogy_lib import checks
from pedagogy_lib.distributions.gaussian import LOG_TAU, AffineGaussian, Gaussian
from pedagogy_lib.models.static import _graded

#: A noise variance below this share of its observation's variance is rounding: a Heywood case.
HEYWOOD = 1e-12


class Parameters(NamedTuple):
    """What there is to know about a factor analyser.

    loadings : ndarray, shape (D, K), the textbook's C
    offset : ndarray, shape (D,), its c
    noise_variances : ndarray, shape (D,), above zero, the diagonal of its Lambda
    """

    loadings: np.ndarray
    offset: np.ndarray
    noise_variances: np.ndarray


class Sample(NamedTuple):
    """Draws from the model.

    factors : ndarray, shape (N, K)
    observations : ndarray, shape (N, D)
    """

    factors: np.ndarray
    observations: np.ndarray


class Posterior(NamedTuple):
    """p(x_n|y_n) for every n: each has a mean of its own, and all have one covariance.

    means : ndarray, shape (N, K)
    covariance : ndarray, shape (K, K)
        It depends on which entries were seen, and not on their values. Where entries of y are
        missing each row therefore has its own, shape (N, K, K).
    """

    means: np.ndarray
    covariance: np.ndarray


class Statistics(NamedTuple):
    """All that the M step needs to know of the data, averaged over N observations.

    Centred, where the textbook has <Y X^T> with a one appended to X: taking products of means away
    afterwards would cancel digits. With m_x = <X> and m_y = <Y>:

    factor_mean : ndarray, shape (K,), m_x
    mean : ndarray, shape (D,), m_y
    factor_scatter : ndarray, shape (K, K), <(X - m_x)(X - m_x)^T>
    cross_scatter : ndarray, shape (D, K), <(Y - m_y)(X - m_x)^T>
    variances : ndarray, shape (D,), the diagonal of <(Y - m_y)(Y - m_y)^T>
    size : int
        N.
    loss : float
        The marginal cross entropy, -<log p(Y)>, of the parameters that gave the factors; NaN for
        observed factors, which need none. In nats per observation.
    """

    factor_mean: np.ndarray
    mean: np.ndarray
    factor_scatter: np.ndarray
    cross_scatter: np.ndarray
    variances: np.ndarray
    size: int
    loss: float


class Options(NamedTuple):
    """What may be asked of learning, by ``em.fit(model, params, y, options=Options(...))``.

    prior : pair of float or ndarray of shape (D,), and float; or None
        For data that would drive a noise variance to zero. Each entry of y sees imaginary residuals
        besides the real ones: of this variance, and so many (the mode under an inverse-gamma
        prior), so that no noise variance can shrink to nothing.
    """

    prior: Any = None


PLAIN = Options()


def start(y, k, rng):
    """Choose parameters to start EM from: random loadings that explain half of each variance.

    Parameters
    ----------
    y : array_like, shape (N, D)
        Every column must vary.
    k : int
        The number of factors.
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    y = checks.array("y", y, ("N", "D"))
    k, rng = checks.count("k", k), checks.generator("rng", rng)
    if len(y) < 2:
        raise ValueError(f"y: expected two observations at least, got {len(y)}")
    variances = y.var(0)
    if (variances == 0).any():
        raise ValueError(f"y: expected columns that vary, got a constant column {variances.argmin()}")
    loadings = rng.standard_normal((y.shape[1], k))
    loadings *= np.sqrt(0.5 * variances / (loadings**2).sum(1))[:, None]
    return Parameters(loadings, y.mean(0), 0.5 * variances)


def sample(params, n, rng):
    """Draw ``n`` vectors of factors and an observation from each.

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
    Eq. 2.20.
    """
    C, c, variances = _checked(params)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    factors = rng.standard_normal((n, C.shape[1]))
    noise = rng.standard_normal((n, len(c))) * np.sqrt(variances)
    return Sample(factors, factors @ C.T + c + noise)


def source(params):
    """The source p(x) = N(0, I), in the form that the Gaussian rules take.

    Parameters
    ----------
    params : Parameters

    Returns
    -------
    pedagogy_lib.distributions.gaussian.Gaussian
    """
    K = _checked(params).loadings.shape[1]
    return Gaussian(np.zeros(K), np.eye(K))


def emission(params):
    """The emission p(y|x), in the form that the Gaussian rules take.

    `pedagogy_lib.distributions.gaussian.invert` and ``marginalize`` answer every question about
    this model from `source` and `emission`. `posterior` and `log_marginal` say the same without
    a D x D matrix.

    Parameters
    ----------
    params : Parameters

    Returns
    -------
    pedagogy_lib.distributions.gaussian.AffineGaussian

    References
    ----------
    Eq. 2.20.
    """
    C, c, variances = _checked(params)
    return AffineGaussian(C, c, np.diag(variances))


def posterior(params, y):
    """Infer the factors behind each observation.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
        NaN is an entry that is missing; why it is missing must not depend on its value.

    Returns
    -------
    Posterior
        With one covariance, shape (K, K), if nothing is missing; else with N of them.

    Notes
    -----
    Everything is solved in the space of the K factors; in that of the D observations only Lambda
    is inverted, entry by entry. The cost is O(D K^2 + N D K), and with missing entries another
    O(D K^2 + K^3) for each set of entries that occurs.

    References
    ----------
    Eq. 2.22; Eq. 7.3, whose offset is zero.
    """
    params = _checked(params)
    y = checks.observations("y", y, len(params.offset), missing=True)
    return (_posterior_of_seen if np.isnan(y).any() else _posterior)(params, y)[0]


def _posterior_of_seen(params, y):
    """As `_posterior`, where NaN is missing: each row's seen entries are a factor analyser too."""
    C, c, variances = params
    N, K = len(y), C.shape[1]
    means, covariances, log_marginals = np.empty((N, K)), np.empty((N, K, K)), np.empty(N)
    patterns, which = np.unique(~np.isnan(y), axis=0, return_inverse=True)
    for n, seen in enumerate(patterns):
        rows = which.ravel() == n
        rest = Parameters(C[seen], c[seen], variances[seen])      # to marginalize is to leave out
        found, log_marginals[rows] = _posterior(rest, y[np.ix_(rows, seen)])
        means[rows], covariances[rows] = found
    return Posterior(means, covariances), log_marginals


def _posterior(params, y):
    """The posterior, and log p(y_n), of arguments that have been checked."""
    C, c, variances = params
    carried = C.T / variances                             # C' Lambda^-1
    precision = carried @ C + np.eye(C.shape[1])          # Eq. 2.14
    if _graded.is_too_steep(precision):                   # one sensor drowns the digits of the others
        means, covariance, log_marginals = _graded.posterior(params, y)
        return Posterior(means, covariance), log_marginals
    factor = cho_factor(precision, lower=True)
    gain = cho_solve(factor, carried)                     # Eq. 2.15
    covariance = cho_solve(factor, np.eye(len(precision)))
    found = Posterior((y - c) @ gain.T, (covariance + covariance.T) / 2)
    log_determinant = 2 * np.log(np.diag(factor[0])).sum()
    return found, _log_marginal(params, y, found, log_determinant)


def log_marginal(params, y):
    """Evaluate log p(y_n), what each observation costs (with the sign turned round).

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
        NaN is an entry that is missing.

    Returns
    -------
    ndarray, shape (N,)
        In nats. Of a row with missing entries, the log density of those that were seen.

    Notes
    -----
    p(y) = N(c, C C' + Lambda), but no D x D matrix is formed. The determinant lemma gives
    |C C' + Lambda| = |Lambda| |C' Lambda^-1 C + I|. With m the posterior mean, the Woodbury lemma
    (Eq. B.14) gives for e = y - c

        e' (C C' + Lambda)^-1 e = (e - C m)' Lambda^-1 (e - C m) + m' m,

    the misfit that is left, plus what the factors cost: two squares, so that no digits cancel.

    References
    ----------
    Eq. 2.21.
    """
    params = _checked(params)
    y = checks.observations("y", y, len(params.offset), missing=True)
    return (_posterior_of_seen if np.isnan(y).any() else _posterior)(params, y)[1]


def _log_marginal(params, y, found, log_determinant):
    """log p(y_n), from the posterior and log |C' Lambda^-1 C + I|."""
    C, c, variances = params
    misfit = y - c - found.means @ C.T
    squares = (misfit**2 / variances).sum(1) + (found.means**2).sum(1)
    return -0.5 * (squares + log_determinant + np.log(variances).sum() + len(c) * LOG_TAU)


def expected_statistics(params, y, options=PLAIN):
    """The E step: the sufficient statistics, expected under the posterior.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
        Complete rows. A missing entry would be a latent variable as well, whose own expectations
        the M step would need.
    options : Options
        With a prior the loss includes the prior's part, so that it still never rises.

    Returns
    -------
    Statistics

    References
    ----------
    Section 7.3, "The E step".
    """
    params = _checked(params)
    y = checks.observations("y", y, len(params.offset))
    found, log_marginals = _posterior(params, y)
    loss = -log_marginals.mean()
    if options.prior is not None:
        loss -= _log_prior(options.prior, params) / len(y)
    statistics = observed_statistics(found.means, y)
    # <E[X X' | Y]> = <E[X|Y] E[X|Y]'> + Cov[X|Y]: the means alone would be too sure of themselves.
    scatter = statistics.factor_scatter + found.covariance
    return statistics._replace(factor_scatter=scatter, loss=float(loss))


def observed_statistics(factors, y):
    """The same statistics for factors that are known.

    Parameters
    ----------
    factors : array_like, shape (N, K)
    y : array_like, shape (N, D)

    Returns
    -------
    Statistics
        Its loss is NaN.
    """
    y = checks.array("y", y, ("N", "D"))
    x = checks.array("factors", factors, (len(y), "K"))
    if len(y) == 0:
        raise ValueError("y: expected one observation at least, got none")
    factor_mean, mean = x.mean(0), y.mean(0)
    dx, dy = x - factor_mean, y - mean
    N = len(y)
    return Statistics(factor_mean, mean, dx.T @ dx / N, dy.T @ dx / N, (dy**2).mean(0), N, np.nan)


def maximize(statistics, options=PLAIN):
    """The M step: the parameters that minimise the joint cross entropy. It is linear regression.

    Parameters
    ----------
    statistics : Statistics
        From `expected_statistics`, or from `observed_statistics` where the factors are known.
    options : Options

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If the factors do not vary in K directions. If a noise variance has gone to zero (a Heywood
        case): the factors explain an observation to its last digit, and the likelihood grows
        without bound. Use fewer factors, or a prior.

    References
    ----------
    Section 7.3, "The M step".
    """
    loadings, offset = regression(statistics)
    residuals = residual_variances(statistics, loadings)
    if options.prior is not None:
        return Parameters(loadings, offset, _blended(residuals, options.prior, statistics.size))
    floor = HEYWOOD * np.maximum(statistics.variances, np.finfo(float).tiny)
    if (residuals <= floor).any():
        worst = int(np.argmin(residuals - floor))
        raise ValueError(
            f"statistics: expected noise in every observation, got none left in entry {worst} (a Heywood "
            "case); use fewer factors, or Options(prior=...)"
        )
    return Parameters(loadings, offset, residuals)


def _blended(residuals, prior, size):
    """The real residuals and the imaginary ones: each counts as often as it was seen."""
    scale, strength = _checked_prior(prior, len(residuals))
    return (size * np.maximum(residuals, 0) + strength * scale) / (size + strength)


def _log_prior(prior, params):
    """The log density, up to a constant, of the imaginary residuals."""
    scale, strength = _checked_prior(prior, len(params.offset))
    return -0.5 * strength * (scale / params.noise_variances + np.log(params.noise_variances)).sum()


def regression(statistics):
    """The normal equations: the affine function of the factors that is nearest to y.

    Parameters
    ----------
    statistics : Statistics

    Returns
    -------
    loadings : ndarray, shape (D, K)
    offset : ndarray, shape (D,)

    Raises
    ------
    ValueError
        If the factors do not vary in K directions.

    References
    ----------
    Section 7.3: C = <Y X^T> <X X^T>^-1.
    """
    statistics = checks.record(
        "statistics", statistics, factor_mean="K", mean="D", factor_scatter="KK", cross_scatter="DK", variances="D"
    )
    scatter = checks.array("statistics.factor_scatter", statistics.factor_scatter, ("K", "K"))
    eigenvalues = np.linalg.eigvalsh(scatter)
    if eigenvalues[0] <= len(scatter) * np.finfo(float).eps * eigenvalues[-1]:
        raise ValueError(
            f"statistics.factor_scatter: expected factors that vary in {len(scatter)} directions, got "
            f"smallest eigenvalue {eigenvalues[0]:.3g} beside the largest {eigenvalues[-1]:.3g}"
        )
    loadings = cho_solve(cho_factor(scatter), statistics.cross_scatter.T).T
    return loadings, statistics.mean - loadings @ statistics.factor_mean


def residual_variances(statistics, loadings):
    """What the regression leaves of each variance: the diagonal of <Y Y^T> - C <X Y^T>.

    Parameters
    ----------
    statistics : Statistics
    loadings : ndarray, shape (D, K)
        Those of `regression`.

    Returns
    -------
    ndarray, shape (D,)

    References
    ----------
    Section 7.3, "The M step".
    """
    return statistics.variances - (loadings * statistics.cross_scatter).sum(1)


def communalities(params):
    """The share of each observation's variance that the factors explain.

    A share near one warns of a Heywood case. Unlike the loadings, the shares do not change when
    the factors are rotated.

    Parameters
    ----------
    params : Parameters

    Returns
    -------
    ndarray, shape (D,)
        Between zero and one.
    """
    C, _, variances = _checked(params)
    shared = (C**2).sum(1)
    return shared / (shared + variances)


def _checked(params):
    """The same parameters, their fields checked against each other."""
    loadings = checks.array("params.loadings", params.loadings, ("D", "K"))
    D, K = loadings.shape
    if D == 0 or K == 0:
        raise ValueError(f"params.loadings: expected one row and one column at least, got {loadings.shape}")
    offset = checks.array("params.offset", params.offset, (D,))
    variances = checks.array("params.noise_variances", params.noise_variances, (D,))
    if (variances <= 0).any():
        raise ValueError(
            f"params.noise_variances: expected numbers above 0, got {variances.min():.3g} "
            f"at index {int(variances.argmin())}"
        )
    return Parameters(loadings, offset, variances)


def _checked_prior(prior, D):
    """The variance of the imaginary residuals of each entry, and their number."""
    try:
        scale, strength = prior
    except (TypeError, ValueError):
        raise ValueError(f"prior: expected a pair, a variance and a number, got {prior!r}") from None
    given = checks.array("prior[0]", scale)
    if given.shape not in ((), (D,)) or (given <= 0).any():
        raise ValueError(f"prior[0]: expected a number above 0, or {D} of them, got {scale!r}")
    return np.broadcast_to(given, D), checks.number("prior[1]", strength, above=0)
