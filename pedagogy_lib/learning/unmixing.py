"""What every way of unmixing needs: whitening, and measures of how well it went.

Nothing here knows a model. ``gains`` is always the matrix D C of an unmixing after the true mixing:
``gains[i, j]`` says how much of source j is heard in output i. The unmixing is perfect if there is
one entry that is not zero in each row and each column, because the order, the signs and the scales of
the sources can never be known.

References
----------
Section 5.2.1. S. Amari, A. Cichocki and H.H. Yang (1996), "A new learning algorithm for blind signal
separation".
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from pedagogy_lib import checks

#: A direction with less than this share of the largest variance is rounding, and not a source.
NOTHING = 1e-12


class Whitening(NamedTuple):
    """The linear map that makes observations uncorrelated and of variance one: V (y - mean).

    matrix : ndarray, shape (K, D), V
    mean : ndarray, shape (D,)
    """

    matrix: np.ndarray
    mean: np.ndarray


class Alignment(NamedTuple):
    """Which output is which source: ``outputs[:, order] * scales`` are the sources.

    order : ndarray of int, shape (K,)
    scales : ndarray, shape (K,), signs included
    """

    order: np.ndarray
    scales: np.ndarray


def whiten(y, k=None):
    """Find the map to uncorrelated outputs of variance one.

    Parameters
    ----------
    y : array_like, shape (N, D)
    k : int, optional
        How many outputs: those of the largest variances, in the units of the data. All D, if not
        given; then every column is divided by its deviation first, so that units do not matter, and
        of all maps that whiten what is left the symmetric one is taken, which moves it least.

    Returns
    -------
    Whitening

    Raises
    ------
    ValueError
        If the observations vary in fewer than ``k`` directions.
    """
    y = checks.array("y", y, ("N", "D"))
    D = y.shape[1]
    count = D if k is None else checks.count("k", k)
    if count > D or len(y) <= count:
        raise ValueError(f"y: expected {count} columns at least, and more rows than that, got shape {y.shape}")
    mean = y.mean(0)
    centered = y - mean
    covariance, deviations = centered.T @ centered / len(y), np.ones(D)
    if k is None:
        deviations = np.sqrt(np.diag(covariance))
        deviations = np.where(deviations > 0, deviations, 1.0)
    variances, axes = eigh(covariance / np.outer(deviations, deviations))
    variances, axes = variances[::-1][:count], axes[:, ::-1][:, :count]
    if variances[-1] <= NOTHING * variances[0]:
        present = int((variances > NOTHING * variances[0]).sum())
        raise ValueError(
            f"y: expected observations that vary in {count} directions, got {present}; ask for k={present} components"
        )
    scaled = (axes / np.sqrt(variances)).T
    return Whitening(axes @ scaled / deviations if k is None else scaled, mean)


def amari_distance(gains):
    """Measure how far an unmixing is from perfect, whatever the order and the scales of its outputs.

    Parameters
    ----------
    gains : array_like, shape (K, K)
        D C, with K at least 2.

    Returns
    -------
    float
        0 where every output is one source; 1 where every source is equally strong in every output.
    """
    P = np.abs(_checked_gains(gains))
    K = len(P)
    rows = (P.sum(1) / P.max(1) - 1).sum()                 # what else is in each output
    columns = (P.sum(0) / P.max(0) - 1).sum()              # where else each source went
    return float((rows + columns) / (2 * K * (K - 1)))


def align(gains):
    """Say which output is which source, with which sign and scale.

    Parameters
    ----------
    gains : array_like, shape (K, K)
        D C; or, where the mixing is unknown, covariances of outputs (rows) with sources of
        variance one (columns).

    Returns
    -------
    Alignment
    """
    P = _checked_gains(gains)
    if not (np.linalg.norm(P, axis=1) > 0).all():
        raise ValueError("gains: expected rows that are not zero, got one that is, or whose squares are")
    shares = np.abs(P) / np.linalg.norm(P, axis=1, keepdims=True)
    outputs, wanted = linear_sum_assignment(-shares)       # the one-to-one choice with the largest sum
    order = outputs[np.argsort(wanted)]
    chosen = P[order, np.arange(len(P))]
    if (chosen == 0).any():
        raise ValueError("gains: expected an invertible matrix, got one in which some source is in no output")
    return Alignment(order, 1 / chosen)


def kurtosis(x):
    """Measure the excess kurtosis of each column: 0 for a Gaussian, above 0 for heavy tails.

    Parameters
    ----------
    x : array_like, shape (N, K)

    Returns
    -------
    ndarray, shape (K,)
        <(X - m)^4> / <(X - m)^2>^2 - 3, at least -2.
    """
    x = checks.array("x", x, ("N", "K"))
    if not len(x):
        raise ValueError(f"x: expected one row at least, got shape {x.shape}")
    x = np.ldexp(x, -np.frexp(np.abs(x).max(initial=0.0))[1])     # no unit, and no square that overflows
    squares = (x - x.mean(0)) ** 2
    variances = squares.mean(0)
    if (variances == 0).any():
        raise ValueError(f"x: expected columns that vary, got a constant column {int(variances.argmin())}")
    return (squares**2).mean(0) / variances**2 - 3


def mutual_information(x, bins=10):
    """Estimate the mutual information of each pair of columns, from a table of counts.

    Each column is cut at its quantiles into equally full bins. What chance alone would give,
    (bins - 1)^2 / (2 N), is taken away, so that independent columns are at zero on average.

    Parameters
    ----------
    x : array_like, shape (N, K)
    bins : int
        At least 2. Structure within a bin is not seen: the estimate is at most the whole, on average.

    Returns
    -------
    ndarray, shape (K, K)
        In nats, symmetric; NaN on the diagonal.
    """
    x = checks.array("x", x, ("N", "K"))
    bins = checks.count("bins", bins, minimum=2)
    N, K = x.shape
    if bins**2 > N:
        raise ValueError(f"x: expected as many samples as the table has cells, {bins**2}, got {N}")
    # "ordinal": ties are split, so that every bin is equally full
    cells = ((rankdata(x, method="ordinal", axis=0) - 1) * bins // N).astype(int)
    found = np.full((K, K), np.nan)
    for i in range(K):
        for j in range(i):
            table = np.bincount(cells[:, i] * bins + cells[:, j], minlength=bins**2).reshape(bins, bins) / N
            expected = np.outer(table.sum(1), table.sum(0))
            full = table > 0
            divergence = (table[full] * np.log(table[full] / expected[full])).sum()
            found[i, j] = found[j, i] = divergence - (bins - 1) ** 2 / (2 * N)
    return found


def _checked_gains(gains):
    """A square matrix without a row or a column of zeros."""
    P = checks.array("gains", gains, ("K", "K"))
    if P.shape[0] != P.shape[1] or len(P) < 2:
        raise ValueError(f"gains: expected shape (K, K), K at least 2, got {P.shape}")
    if not P.any(0).all() or not P.any(1).all():
        raise ValueError("gains: expected an invertible matrix, got one with a row or a column of zeros")
    return P
