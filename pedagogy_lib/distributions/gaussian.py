"""The Gaussian distribution and its conjugate partner, the affine-Gaussian emission.

A Gaussian source and an emission whose mean is an affine function of it::

    p(x)   = N(mu, Sigma_x)                    Gaussian
    p(y|x) = N(C x + c, Sigma_{y|x})           AffineGaussian

have a joint distribution that is Gaussian again (Eq. 2.11). So both operations stay in the family:
`marginalize` returns p(y), and `invert` returns p(x|y).
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from pedagogy_lib import checks
from pedagogy_lib.distributions import rounding

LOG_TAU = np.log(2 * np.pi)  # tau = 2 pi, the textbook's circle constant


class Gaussian(NamedTuple):
    """A Gaussian distribution, N(mean, covariance).

    mean : ndarray, shape (K,)
    covariance : ndarray, shape (K, K), symmetric and positive semi-definite
    """

    mean: np.ndarray
    covariance: np.ndarray


class AffineGaussian(NamedTuple):
    """A Gaussian whose mean is an affine function of another variable: p(y|x) = N(C x + c, S).

    matrix : ndarray, shape (L, K), the textbook's C
    offset : ndarray, shape (L,), the textbook's c
    covariance : ndarray, shape (L, L), the same for every x
    """

    matrix: np.ndarray
    offset: np.ndarray
    covariance: np.ndarray


def sample(distribution, n, rng):
    """Draw ``n`` vectors from a Gaussian.

    Parameters
    ----------
    distribution : Gaussian
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n, K)
    """
    mean, covariance = _checked_gaussian("distribution", distribution)
    n, rng = checks.count("n", n, minimum=0), checks.generator("rng", rng)
    # A root from the eigenvectors, not Cholesky: it exists for semi-definite covariances too.
    eigenvalues, eigenvectors = np.linalg.eigh(covariance)
    root = eigenvectors * np.sqrt(np.maximum(eigenvalues, 0))
    return mean + rng.standard_normal((n, len(mean))) @ root.T


def log_density(distribution, y):
    """Evaluate the logarithm of a Gaussian density.

    Parameters
    ----------
    distribution : Gaussian
        Its covariance must be positive definite.
    y : array_like, shape (D,) or (N, D)

    Returns
    -------
    float or ndarray, shape (N,)
        In nats.
    """
    mean, covariance = _checked_gaussian("distribution", distribution, definite=True)
    y = checks.array("y", y)
    if y.ndim not in (1, 2) or y.shape[-1] != len(mean):
        raise ValueError(f"y: expected shape ({len(mean)},) or (N, {len(mean)}), got {y.shape}")
    return _log_density(y - mean, np.linalg.cholesky(covariance))


def _log_density(deviation, root):
    """log N(deviation; 0, R R^T) for a lower triangular root R; rows are samples."""
    # (y - mu)^T Sigma^-1 (y - mu) is the squared length of the whitened deviation R^-1 (y - mu).
    whitened = solve_triangular(root, deviation.T, lower=True)
    log_determinant = 2 * np.log(np.diag(root)).sum()
    return -0.5 * ((whitened**2).sum(0) + log_determinant + len(root) * LOG_TAU)


def marginalize(source, emission):
    """Average the source out of the joint: p(y) from p(x) and p(y|x).

    Parameters
    ----------
    source : Gaussian
        p(x), with K dimensions.
    emission : AffineGaussian
        p(y|x), from K dimensions to L.

    Returns
    -------
    Gaussian
        p(y), with L dimensions.

    References
    ----------
    Section 2.1.2, Eqs. 2.16-2.18, collected as Eq. 2.26.
    """
    mean, covariance = _checked_gaussian("source", source)
    C, c, S = _checked_emission("emission", emission, len(mean))
    return Gaussian(
        C @ mean + c,                # Eq. 2.16, the law of total expectation
        C @ covariance @ C.T + S,    # Eq. 2.17, the law of total covariance
    )


def invert(source, emission, y=None, form="covariance"):
    """Turn the arrow round with Bayes' theorem: p(x|y) from p(x) and p(y|x).

    Parameters
    ----------
    source : Gaussian
        p(x), with K dimensions.
    emission : AffineGaussian
        p(y|x), from K dimensions to L.
    y : array_like, shape (L,), optional
        The observation. Without one the answer is a function of y: the reversed arrow.
    form : {"covariance", "information"}
        Which of two equal expressions to compute. ``"covariance"`` solves a system of size L, in
        the space of the emissions, and allows a singular source covariance. ``"information"``
        adds precisions and solves systems of size K when the emission covariance is cheap to
        invert. Choose the smaller space: with many sensors on a small state, the second.

    Returns
    -------
    Gaussian or AffineGaussian
        p(x|y) at the given y, or as an affine-Gaussian function of y.

    Raises
    ------
    ValueError
        For arguments of the wrong shape, and for covariances that must be inverted and cannot be.

    References
    ----------
    Section 2.1.2: Eq. 2.27 (``"covariance"``), Eqs. 2.13-2.15 (``"information"``).
    """
    source = _checked_gaussian("source", source)
    emission = _checked_emission("emission", emission, len(source.mean))
    form = checks.option("form", form, tuple(_INVERSES))
    gain, covariance = _INVERSES[form](source, emission)
    # Eq. 2.24: mu_{x|y} = mu_x + K (y - mu_y), an affine function of y.
    predicted = emission.matrix @ source.mean + emission.offset
    reversed_arrow = AffineGaussian(gain, source.mean - gain @ predicted, covariance)
    if y is None:
        return reversed_arrow
    y = checks.array("y", y, (len(predicted),))
    return Gaussian(source.mean + gain @ (y - predicted), covariance)


def observed(emission, seen):
    """Leave out of an emission those entries of y that were not seen.

    The marginal of a Gaussian over some of its entries is those rows of the mean, and those rows and
    columns of the covariance: p(y_seen|x) = N(C_seen x + c_seen, S_seen).

    Parameters
    ----------
    emission : AffineGaussian
        p(y|x), to L dimensions.
    seen : array_like of bool, shape (L,)

    Returns
    -------
    AffineGaussian
        To as many dimensions as were seen.

    References
    ----------
    Section 2.1.2, Eq. 2.26 with the identity's rows for C.
    """
    C, c, S = _checked_emission("emission", emission, "K")
    seen = np.asarray(seen)
    if seen.dtype != bool or seen.shape != c.shape or not seen.any():
        got = f"{seen.dtype} of shape {seen.shape}" if seen.dtype != bool or seen.shape != c.shape else "none"
        raise ValueError(f"seen: expected {len(c)} booleans, one of them true at least, got {got}")
    return AffineGaussian(C[seen], c[seen], S[np.ix_(seen, seen)])


def watch():
    """Watch one run of a filter: the function that this returns refuses what is mostly rounding.

    Returns
    -------
    callable of (t, source, emission)
        To be called before each `invert`, in order of time. It raises `numpy.linalg.LinAlgError`, with the
        time step, where earlier observations have left less of a variance than its digits can show.
    """
    peak = np.zeros(())

    def look(t, source, emission):
        nonlocal peak
        C, noise = np.asarray(emission.matrix), np.asarray(emission.covariance)
        peak = np.maximum(peak, np.diag(source.covariance))
        S = C @ source.covariance @ C.T + noise
        try:
            pivots = np.diag(np.linalg.cholesky(S)) ** 2
        except np.linalg.LinAlgError:
            return                              # `log_density` and `invert` refuse it, and say why
        if not rounding.trusted(pivots, C, np.diag(noise), peak).all():
            raise np.linalg.LinAlgError(
                f"at time step t={t} (counted from 0): the covariance of y has lost its digits: earlier "
                "observations predict y so well that the variance left over is mostly rounding. On a "
                "linear model use inference.kalman with method='sqrt'; on another bring the precisions of "
                "the sensors and of the initial state nearer to each other"
            )

    return look


def _invert_covariance(source, emission):
    """Gain and posterior covariance by one solve in the space of the emissions, Eq. 2.27."""
    C, S_x = emission.matrix, source.covariance
    S_y = C @ S_x @ C.T + emission.covariance             # Eq. 2.26
    factor = _factor("the covariance of y, C S C' + emission.covariance,", S_y)
    K = cho_solve(factor, C @ S_x).T                      # K = S_x C' S_y^-1, by symmetry of both
    # Joseph form of S_x - K S_y K': stays positive semi-definite under rounding.
    keep = np.eye(len(S_x)) - K @ C
    covariance = keep @ S_x @ keep.T + K @ emission.covariance @ K.T
    return K, (covariance + covariance.T) / 2


def _invert_information(source, emission):
    """Gain and posterior covariance by adding precisions, Eqs. 2.14 and 2.15."""
    C = emission.matrix
    S_x = _factor("source.covariance", source.covariance)
    S = _factor("emission.covariance", emission.covariance)
    carried = cho_solve(S, C).T                           # C' S_{y|x}^-1: precision, carried to x
    precision = carried @ C + cho_solve(S_x, np.eye(len(source.mean)))  # Eq. 2.14
    factor = _factor("the posterior precision", (precision + precision.T) / 2)
    K = cho_solve(factor, carried)                        # Eq. 2.15
    covariance = cho_solve(factor, np.eye(len(precision)))
    return K, (covariance + covariance.T) / 2


_INVERSES = {"covariance": _invert_covariance, "information": _invert_information}


def _factor(name, matrix):
    """Cholesky factor for solving; the error names the matrix that is not positive definite."""
    try:
        return cho_factor(matrix, lower=True)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"{name}: expected a positive definite matrix, got smallest eigenvalue "
            f"{np.linalg.eigvalsh(matrix).min():.3g}"
        ) from None


def _checked_gaussian(name, distribution, definite=False):
    """The same Gaussian, its fields checked against each other."""
    checks.having(name, distribution, "mean", "covariance")
    mean = checks.array(f"{name}.mean", distribution.mean, ("K",))
    covariance = checks.covariance(
        f"{name}.covariance", distribution.covariance, len(mean), definite=definite, stack=False
    )
    return Gaussian(mean, covariance)


def _checked_emission(name, emission, source_size):
    """The same emission, its fields checked against each other and against the source."""
    checks.having(name, emission, "matrix", "offset", "covariance")
    matrix = checks.array(f"{name}.matrix", emission.matrix, ("L", source_size))
    offset = checks.array(f"{name}.offset", emission.offset, (len(matrix),))
    covariance = checks.covariance(
        f"{name}.covariance", emission.covariance, len(matrix), definite=False, stack=False
    )
    return AffineGaussian(matrix, offset, covariance)
