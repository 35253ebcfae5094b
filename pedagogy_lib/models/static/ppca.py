"""Probabilistic principal-components analysis: a factor analyzer with one noise variance for all.

::

    p(x)   = N(0, I)                           K components
    p(y|x) = N(C x + c, sigma^2 I)             D observations

This one change makes learning solvable in closed form, by the eigenvectors of the covariance of
the data. Take sigma^2 to zero as well, and what is left is `pedagogy_lib.models.static.pca`.

References
----------
Section 7.3.1 (its limit); M. E. Tipping and C. M. Bishop, "Probabilistic principal component
analysis", J. R. Stat. Soc. B 61 (1999) 611-622.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.models.static import factor_analysis, pca
from pedagogy_lib.models.static.factor_analysis import observed_statistics  # noqa: F401, one of the verbs


class Parameters(NamedTuple):
    """What there is to know.

    loadings : ndarray, shape (D, K), the textbook's C
    offset : ndarray, shape (D,), its c
    noise_variance : float, above zero, sigma^2
    """

    loadings: np.ndarray
    offset: np.ndarray
    noise_variance: float


def start(y, k, rng):
    """Choose random parameters to start EM from.

    Parameters
    ----------
    y : array_like, shape (N, D)
    k : int
    rng : numpy.random.Generator

    Returns
    -------
    Parameters
    """
    found = factor_analysis.start(y, k, rng)
    return Parameters(found.loadings, found.offset, float(found.noise_variances.mean()))


def factor_analyzer(params):
    """The same model, written as a factor analyzer whose noise variances happen to be equal.

    Parameters
    ----------
    params : Parameters

    Returns
    -------
    pedagogy_lib.models.static.factor_analysis.Parameters
    """
    loadings = checks.array("params.loadings", params.loadings, ("D", "K"))
    variance = checks.number("params.noise_variance", params.noise_variance, above=0)
    offset = checks.array("params.offset", params.offset, (len(loadings),))
    return factor_analysis.Parameters(loadings, offset, np.full(len(loadings), variance))


def sample(params, n, rng):
    """Draw ``n`` samples, as `pedagogy_lib.models.static.factor_analysis.sample` does.

    Parameters
    ----------
    params : Parameters
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    pedagogy_lib.models.static.factor_analysis.Sample
    """
    return factor_analysis.sample(factor_analyzer(params), n, rng)


def posterior(params, y):
    """Infer the components behind each observation.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
        NaN is an entry that is missing; why it is missing must not depend on its value.

    Returns
    -------
    pedagogy_lib.models.static.factor_analysis.Posterior
        As sigma^2 goes to zero the means go to `pedagogy_lib.models.static.pca.posterior`.

    References
    ----------
    Eq. 2.22; Section 7.3.1.
    """
    return factor_analysis.posterior(factor_analyzer(params), y)


def log_marginal(params, y):
    """Evaluate log p(y_n).

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
        NaN is an entry that is missing.

    Returns
    -------
    ndarray, shape (N,)
        In nats.

    References
    ----------
    Eq. 2.21.
    """
    return factor_analysis.log_marginal(factor_analyzer(params), y)


def expected_statistics(params, y):
    """The E step: that of the factor analyzer.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)

    Returns
    -------
    pedagogy_lib.models.static.factor_analysis.Statistics
    """
    return factor_analysis.expected_statistics(factor_analyzer(params), y)


def maximize(statistics):
    """The M step: that of the factor analyzer, with the noise variances averaged into one.

    Parameters
    ----------
    statistics : pedagogy_lib.models.static.factor_analysis.Statistics

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If nothing is left for the noise, or the components do not vary in K directions.
    """
    loadings, offset = factor_analysis.regression(statistics)
    residual = float(factor_analysis.residual_variances(statistics, loadings).mean())
    checks.held("statistics.cross_scatter", statistics.cross_scatter, residual)
    return Parameters(loadings, offset, _positive(residual, statistics.variances.mean()))


def maximum_likelihood(y, k):
    """The parameters that EM would arrive at, in closed form.

    With U_k the first k eigenvectors of the covariance of the data and L_k their eigenvalues,
    sigma^2 is the mean of the other eigenvalues, and C = U_k (L_k - sigma^2 I)^(1/2): each
    component keeps the variance that it has beyond the noise. Any rotation of the columns of C
    does as well.

    Parameters
    ----------
    y : array_like, shape (N, D)
    k : int
        Less than D, so that something is left for the noise.

    Returns
    -------
    Parameters

    Raises
    ------
    ValueError
        If nothing is left for the noise.
    """
    y = checks.squarable("y", checks.array("y", y, ("N", "D")))
    k = checks.count("k", k)
    if k >= y.shape[1]:
        raise ValueError(f"k: expected less than the {y.shape[1]} columns of y, got {k}")
    found = pca.principal_components(y, k)
    total = y.var(0).sum()
    residual = float((total - found.variances.sum()) / (y.shape[1] - k))
    residual = _positive(residual, total / y.shape[1])
    # Rounding may leave a component with a hair less variance than the noise.
    beyond = np.maximum(found.variances - residual, 0)
    return Parameters(found.directions * np.sqrt(beyond), found.offset, residual)


def _positive(residual, variance):
    if residual <= factor_analysis.HEYWOOD * variance:
        raise ValueError(
            "y: expected more than k directions with variance, got no variance left for the noise; "
            "use fewer components, or pedagogy_lib.models.static.pca"
        )
    return residual
