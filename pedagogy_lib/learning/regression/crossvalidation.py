"""Predict each sample from the others, without fitting again: leave-one-out and folds, for all penalties at once.

One singular-value decomposition, y = U diag(s) V' (centered, where there is an intercept), gives the hat
matrix of ridge regression for every penalty, H = U diag(s^2 / (s^2 + penalty)) U'. What the others say
about a sample follows from the diagonal of M = I - H.

References
----------
Section A.1, Eqs. A.2-A.8, there without a penalty.
"""

from typing import NamedTuple

import numpy as np

from pedagogy_lib import checks
from pedagogy_lib.learning.regression.linear import _means, _pairs, _svd

#: Below this 1 - h has lost digits, and is found as the squared length of what is left of a unit vector.
CANCELED = 1e-3
#: What is left of a vector is rounding, below this part of its length.
ROUNDING = 1e-14


class LeftOut(NamedTuple):
    """What the others say about each sample.

    penalties : ndarray, shape (L,), noise variance over prior variance of a weight
    residuals : ndarray, shape (L, N, K), of each sample, from the fit to the samples not in its fold
    training : ndarray, shape (L,), mean squared residual of the fit to all samples, over samples and outputs
    errors : ndarray, shape (L,), the same of the left-out residuals
    """

    penalties: np.ndarray
    residuals: np.ndarray
    training: np.ndarray
    errors: np.ndarray


def leave_one_out(y, x, penalties, intercept=True):
    """Predict each sample from a ridge regression on the N - 1 others.

    Parameters
    ----------
    y : array_like, shape (N, M)
        Inputs, a sample in each row.
    x : array_like, shape (N, K)
        Outputs.
    penalties : array_like, shape (L,)
        Each minimizes sum_n |x_n - D y_n - d|^2 + penalty |D|^2: the penalty is not divided by the number of
        samples, so that it is the same number with and without the left-out sample.
    intercept : bool
        Whether there is an offset d; it is not penalized, and each refit has its own.

    Returns
    -------
    LeftOut

    Raises
    ------
    ValueError
        If a penalty is 0 and the fit passes through some sample whatever its output is.

    Notes
    -----
    e_loo = e / (1 - h), sample by sample. Costs one decomposition, then N M operations a penalty and an output.

    References
    ----------
    Eqs. A.6, A.7.
    """
    return _left_out(y, x, penalties, None, intercept)


def leave_folds_out(y, x, penalties, folds, intercept=True):
    """Predict each fold from a ridge regression on the other folds.

    Parameters
    ----------
    y, x, penalties, intercept
        As for `leave_one_out`.
    folds : array_like of int, shape (N,)
        The fold of each sample, at least two of them.

    Returns
    -------
    LeftOut

    Notes
    -----
    e_fold = M_fold^-1 e, where M_fold is the fold's block of I - H. Where that block is nearly singular, because the
    fold alone tells some weight, the others are fitted instead: the same answer, with all its digits.

    References
    ----------
    Eq. A.8.
    """
    y = checks.array("y", y)
    folds = checks.array("folds", folds, (len(np.atleast_1d(y)),))
    labels = np.unique(folds)
    if len(labels) < 2:
        raise ValueError(f"folds: expected at least two folds, got {len(labels)}")
    return _left_out(y, x, penalties, [np.flatnonzero(folds == label) for label in labels], intercept)


def _left_out(y, x, penalties, folds, intercept):
    y, x = _pairs(y, x)
    if len(y) < 2:
        raise ValueError(f"y: expected at least two samples, got {len(y)}")
    penalties = checks.array("penalties", penalties, ("L",))
    if not len(penalties) or (penalties < 0).any():
        raise ValueError(f"penalties: expected one at least, and none below 0, got {penalties}")
    y_mean, x_mean = _means(y, x, intercept)
    U, s, _ = _svd(y - y_mean)
    x = x - x_mean
    ones = np.full((len(y), 1), len(y) ** -0.5)
    known = np.hstack([ones, U]) if intercept else U            # H = known known', but for the penalty
    shrink = penalties[:, None] / (s**2 + penalties[:, None])   # how much of U'x each penalty leaves over
    along = U.T @ x
    e = _outside(known, x) + U @ (shrink[:, :, None] * along)
    residuals = _alone(x, U, known, shrink, along) if folds is None else np.empty_like(e)
    for rows in folds or ():
        found = _together(rows, x, U, known, shrink, e)
        residuals[:, rows] = _refitted(rows, y, x, penalties, intercept) if found is None else found
    return LeftOut(penalties, residuals, (e**2).mean((1, 2)), (residuals**2).mean((1, 2)))


def _alone(x, U, known, shrink, along):
    """e / (1 - h) for each sample and penalty (Eq. A.7), shape (L, N, K)."""
    left, e = 1 - (known**2).sum(1), _outside(known, x)
    for n in np.flatnonzero(left < CANCELED):                  # 1 - h = |(I - H) e_n|^2 has all its digits
        rest = _outside(known, np.eye(1, len(x), n).T)
        left[n], e[n] = (rest**2).sum(), rest.T @ x
    m = left + shrink @ U.T**2
    if (m <= 0).any():
        _refuse(np.argwhere(m <= 0)[0, 1])
    return (e + U @ (shrink[:, :, None] * along)) / m[:, :, None]


def _together(rows, x, U, known, shrink, e):
    """M_fold^-1 e for one fold and each penalty (Eq. A.8), shape (L, F, K); None where that would lose digits."""
    outside = np.eye(len(rows)) - known[rows] @ known[rows].T
    if np.linalg.eigvalsh(outside)[0] < CANCELED:
        return None
    return np.linalg.solve(outside + (U[rows] * shrink[:, None]) @ U[rows].T, e[:, rows])


def _refitted(rows, y, x, penalties, intercept):
    """The same by a fit to the others: for a fold that (nearly) alone tells some weight."""
    others = np.setdiff1d(np.arange(len(y)), rows)
    y_mean, x_mean = _means(y[others], x[others], intercept)
    U, s, V = _svd(y[others] - y_mean)
    held = y[rows] - y_mean
    if (penalties == 0).any() and not np.allclose(held @ V @ V.T, held, atol=1e-10 * np.abs(held).max()):
        _refuse(rows[0])
    factors = s / (s**2 + penalties[:, None])
    return x[rows] - x_mean - (held @ V) @ (factors[:, :, None] * (U.T @ (x[others] - x_mean)))


def _outside(known, v):
    """What the orthonormal columns of ``known`` leave of v, taken off twice against rounding."""
    if known.shape[1] >= len(v):
        return np.zeros_like(v)                                 # they span everything
    rest = v - known @ (known.T @ v)
    rest = rest - known @ (known.T @ rest)
    return np.where(np.linalg.norm(rest, axis=0) > ROUNDING * np.linalg.norm(v, axis=0), rest, 0.0)


def _refuse(sample):
    raise ValueError(
        f"penalties: expected a penalty above 0, because without one the fit passes through sample {sample} whatever "
        "its output is, so that the others say nothing about it"
    )
