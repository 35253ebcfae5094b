"""Learning: the statistics of the E step, and the M step, which is linear regression.

In all functions ``params`` are `Parameters`, and ``y`` is array_like of shape (N, D), in complete rows. A missing
entry would be a latent variable as well, whose own expectations the M step would need.

`residual_variances` is a building block, and trusts its arguments, which its callers have checked.

References
----------
Section 7.3, Eqs. 7.2 and 7.3.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from pedagogy_lib import checks
from pedagogy_lib.models.static.factor_analysis.inference import _posterior
from pedagogy_lib.models.static.factor_analysis.model import Parameters, _checked

#: A noise variance below this share of its observation's variance is rounding: a Heywood case.
HEYWOOD = 1e-12


class Statistics(NamedTuple):
    """All that the M step needs to know of the data, averaged over N observations.

    Centered, where the textbook has <Y X^T> with a one appended to X: taking products of means away
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
    y
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


def expected_statistics(params, y, options=PLAIN):
    """The E step: the sufficient statistics, expected under the posterior.

    Parameters
    ----------
    params, y
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
    y

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
    """The M step: the parameters that minimize the joint cross entropy. It is linear regression.

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


def _blended(residuals, prior, size):
    """The real residuals and the imaginary ones: each counts as often as it was seen."""
    scale, strength = _checked_prior(prior, len(residuals))
    return (size * np.maximum(residuals, 0) + strength * scale) / (size + strength)


def _log_prior(prior, params):
    """The log density, up to a constant, of the imaginary residuals."""
    scale, strength = _checked_prior(prior, len(params.offset))
    return -0.5 * strength * (scale / params.noise_variances + np.log(params.noise_variances)).sum()


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
