"""Has the chain forgotten where it began, and what are its samples worth? R-hat and the effective sample size.

In all functions ``chains`` is array_like of shape (M, N), one number for each of N steps of M chains, or (N,).

References
----------
C.J. Geyer (1992); A. Vehtari et al. (2021), "Rank-normalization, folding, and localization: an improved R-hat".
"""

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from pedagogy_lib import checks


def autocorrelation(samples):
    """The correlation of a chain with itself, so many steps later.

    Parameters
    ----------
    samples : array_like, shape (..., N)

    Returns
    -------
    ndarray, shape (..., N)
        For each lag; 1 at lag 0. The covariances are divided by N, whatever the lag.
    """
    samples = checks.array("samples", samples)
    if not samples.ndim or not samples.size:
        raise ValueError(f"samples: expected one at least, got shape {samples.shape}")
    covariances = _autocovariance(_unitless(samples))
    return covariances / covariances[..., :1]


def effective_sample_size(chains, ranked=False):
    """How many independent samples would estimate the mean as well.

    Parameters
    ----------
    chains : array_like, shape (M, N) or (N,)
        One number for each step of M chains. Each is split in two first.
    ranked : bool
        Whether to work on normal scores of the ranks ("bulk" effective sample size): that makes
        sense also where the variance is infinite.

    Returns
    -------
    float

    Notes
    -----
    N M / tau, with the autocorrelation time tau = 1 + 2 sum_t rho_t. The sum ends where the sum of
    two neighboring terms turns negative, and these pairs are not let rise (Geyer 1992).
    """
    split = _split(chains, ranked)
    M, N = split.shape
    within, pooled = _variances(split)
    if pooled == 0:
        return float(M * N)
    covariances = _autocovariance(split).mean(0)
    rho = 1 - (within - covariances) / pooled
    rho[0] = 1.0
    pairs = rho[: (N - 1) // 2 * 2].reshape(-1, 2).sum(1)
    negative = np.flatnonzero(pairs < 0)
    last = negative[0] if len(negative) else len(pairs) - 1
    tau = -1 + 2 * np.minimum.accumulate(pairs[:last]).sum()
    tau += max(rho[2 * last], 0.0)                          # the first term of the pair left out
    return float(M * N / max(tau, 1 / np.log10(M * N)))


def potential_scale_reduction(chains, ranked=True):
    """Split R-hat: how much wider the chains are together than each half of them alone.

    Parameters
    ----------
    chains : array_like, shape (M, N) or (N,)
    ranked : bool
        Whether to take the larger of R-hat on normal scores of the ranks and on those of the
        distance from the median; or R-hat of the numbers as they are.

    Returns
    -------
    float
        Close to one if all halves agree; above 1.01 they do not yet.
    """
    if not ranked:
        return _reduction(_split(chains, False))
    halves = _split(chains, False)
    folded = np.abs(halves - np.median(halves))
    return max(_reduction(_normal_scores(halves)), _reduction(_normal_scores(folded)))


def _reduction(split):
    within, pooled = _variances(split)
    return float(np.sqrt(pooled / within)) if within > 0 else np.nan


def _variances(split):
    """W, the mean variance within chains, and the estimate that counts the spread of their means."""
    N = split.shape[1]
    within = split.var(1, ddof=1).mean()
    between = split.mean(1).var(ddof=1) if len(split) > 1 else 0.0
    return within, within * (N - 1) / N + between


def _split(chains, ranked):
    """Each chain in two halves, the middle sample of an odd number left out."""
    chains = np.atleast_2d(checks.array("chains", chains))
    if chains.ndim != 2 or chains.shape[1] < 4 or not len(chains):
        raise ValueError(f"chains: expected shape (M, N) with N of at least 4, got {chains.shape}")
    chains = _unitless(chains)
    half = chains.shape[1] // 2
    split = np.concatenate([chains[:, :half], chains[:, -half:]])
    return _normal_scores(split) if ranked else split


def _unitless(x):
    """The same, at most one in size, so that no square overflows. By a power of two: ties between numbers stay ties."""
    return np.ldexp(x, -np.frexp(np.abs(x).max())[1])


def _normal_scores(x):
    """The normal quantiles of the ranks (Blom's scores)."""
    ranks = rankdata(x, method="average").reshape(x.shape)
    return ndtri((ranks - 0.375) / (x.size + 0.25))


def _autocovariance(x):
    """By the fast Fourier transform, padded with zeros so that the ends do not meet."""
    n = x.shape[-1]
    centered = x - x.mean(-1, keepdims=True)
    power = np.abs(np.fft.rfft(centered, 2 * n)) ** 2
    return np.fft.irfft(power, 2 * n)[..., :n] / n
