"""Is the filter healthy? Tests of what it says of its own errors.

If the model is right, the innovations v_t = y_t - (C x_{t|t-1} + c) are independent Gaussians with mean
zero and covariances S_t = C Y_{t|t-1} C' + R, which the filter states beforehand. Two things follow:

- their squares, each measured by its own covariance, are draws from chi-square distributions: the
  *normalized innovations squared* (NIS). Where the true states are known, as in a simulation, the same
  holds of the errors of the states, the *normalized estimation errors squared* (NEES);
- no innovation can be told from the one before it: they are *white*.

References
----------
Y. Bar-Shalom, X.R. Li and T. Kirubarajan (2001), section 5.4. G.M. Ljung and G.E.P. Box (1978). R.K. Mehra
(1970).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import chdtr, chdtrc, chdtri

from pedagogy_lib import checks
from pedagogy_lib.inference._matrices import solve_lower, symmetric


class Innovations(NamedTuple):
    """What surprised the filter at each step; NaN marks what was not observed.

    values : ndarray, shape (T, L), v_t = y_t - (C x_{t|t-1} + c)
    whitened : ndarray, shape (T, L), the solution of L_t e_t = v_t for S_t = L_t L_t'. Under the right
        model its entries are independent standard normals
    squares : ndarray, shape (T,), the normalized innovations squared, v_t' S_t^-1 v_t
    degrees : ndarray of int, shape (T,), how many entries of y_t were observed
    """

    values: np.ndarray
    whitened: np.ndarray
    squares: np.ndarray
    degrees: np.ndarray


class Consistency(NamedTuple):
    """Whether squared errors are as large as a filter said.

    mean : float, their sum for each degree of freedom: 1 is expected, more says that the filter is too sure
    low, high : float, between which the mean lies with the probability that was asked for
    p : float, the probability of a mean as far out as this one, to either side
    """

    mean: float
    low: float
    high: float
    p: float


class Whiteness(NamedTuple):
    """Whether a series can be told from its own past.

    correlations : ndarray, shape (H,), of the series with itself, 1 ... H steps before
    statistic : float, of Ljung and Box
    p : float, the probability of a statistic as large as this one, or larger, if the series is white
    """

    correlations: np.ndarray
    statistic: float
    p: float


def innovations(emission, y, filtered):
    """Take out of each observation what the past predicted of it.

    Parameters
    ----------
    emission : AffineGaussian
        C, c and R; a part with a leading axis of T changes in time.
    y : array_like, shape (T, L), NaN where missing
    filtered : Filtered
        From `filter` or `filter_loop`, of the same sequence.

    Returns
    -------
    Innovations

    References
    ----------
    Section 2.2.2; the bracket of Eq. 2.47.
    """
    checks.having("emission", emission, "matrix", "offset", "covariance")
    x, Y = _predictions(filtered)
    T, K = x.shape
    y = checks.array("y", y, (T, "L"), missing=True)
    L = y.shape[1]
    C = _in_time("emission.matrix", emission.matrix, (L, K), T)
    c = _in_time("emission.offset", emission.offset, (L,), T)
    R = _in_time("emission.covariance", emission.covariance, (L, L), T)
    values = y - (np.einsum("tlk,tk->tl", C, x) + c)
    whitened = np.full((T, L), np.nan)
    for t in range(T):
        seen = ~np.isnan(y[t])
        S = symmetric(C[t] @ Y[t] @ C[t].T + R[t])[np.ix_(seen, seen)]
        if seen.any():
            whitened[t, seen] = solve_lower(np.linalg.cholesky(S), values[t, seen])
    degrees = (~np.isnan(y)).sum(1)
    squares = np.where(degrees > 0, np.nansum(whitened**2, 1), np.nan)  # v' S^-1 v = e'e
    return Innovations(values, whitened, squares, degrees)


def squared_errors(states, means, covariances):
    """Measure errors of estimated states by the covariances that were stated: NEES.

    Parameters
    ----------
    states : array_like, shape (N, K)
        The truth.
    means, covariances : array_like, shapes (N, K) and (N, K, K)
        What was said of it. Errors of one filter at neighboring steps are correlated; for the test of
        `consistency` take one step from each of N simulations.

    Returns
    -------
    ndarray, shape (N,)
        (x - mean)' covariance^-1 (x - mean); under the right model draws from a chi-square
        distribution with K degrees of freedom.
    """
    states = checks.array("states", states, ("N", "K"))
    means = checks.array("means", means, states.shape)
    covariances = checks.array("covariances", covariances, (*states.shape, states.shape[1]))
    errors = states - means
    squares = np.einsum("nk,nk->n", errors, np.linalg.solve(covariances, errors[:, :, None])[:, :, 0])
    return checks.held("states", errors, squares)


def consistency(squares, degrees, level=0.95):
    """Test whether normalized squares are as large as chi-square variables are: NIS or NEES.

    Parameters
    ----------
    squares : array_like, shape (N,)
        Independent of each other; NaN is passed over.
    degrees : int or array_like, shape (N,)
        The degrees of freedom of each: how many numbers it was made of.
    level : float
        Probability of the interval, between 0 and 1.

    Returns
    -------
    Consistency

    Raises
    ------
    ValueError
        If no square is left, or one is negative.
    """
    squares = checks.array("squares", squares, ("N",), missing=True)
    degrees = _one_or_each("degrees", degrees, squares.shape)
    level = checks.number("level", level, above=0)
    if not level < 1:
        raise ValueError(f"level: expected a probability below 1, got {level!r}")
    there = ~np.isnan(squares)
    total, freedom = squares[there].sum(), degrees[there].sum()
    if (squares[there] < 0).any() or (degrees[there] < 1).any() or not there.any():
        raise ValueError("squares: expected at least one, none of them negative, each of one degree or more")
    tail = (1 - level) / 2
    below, above = chdtr(freedom, total), chdtrc(freedom, total)       # a sum of chi-squares is one
    return Consistency(
        float(total / freedom),
        float(chdtri(freedom, 1 - tail) / freedom),
        float(chdtri(freedom, tail) / freedom),
        float(min(1.0, 2 * min(below, above))),
    )


def whiteness(series, lags=10):
    """Test whether a series of mean zero is correlated with its own past, by Ljung and Box.

    Parameters
    ----------
    series : array_like, shape (T,)
        One column of `Innovations.whitened`; pairs with a NaN are passed over.
    lags : int
        H, how many steps back to look.

    Returns
    -------
    Whiteness

    Raises
    ------
    ValueError
        If at some lag no pair is left, or the series is zero.
    """
    series = checks.array("series", series, ("T",), missing=True)
    lags = checks.count("lags", lags)
    there = ~np.isnan(series)
    e, n = np.where(there, series, 0.0), there.sum()
    pairs = np.array([(there[h:] & there[:-h]).sum() for h in range(1, lags + 1)])
    if not e.any() or not pairs.all():
        raise ValueError(f"series: expected numbers that are not all zero, with pairs up to {lags} steps apart")
    e = e / np.abs(e).max()                                 # in no unit, so that no square is lost
    # The innovations' mean is zero by theory, so that none is subtracted.
    r = np.array([e[h:] @ e[:-h] for h in range(1, lags + 1)]) / (e @ e)
    # Of a white Gaussian series the square of r has exactly the mean pairs / (n (n + 2)).
    statistic = (n * (n + 2) * r**2 / pairs).sum()
    return Whiteness(r, float(statistic), float(chdtrc(lags, statistic)))


def _one_or_each(name, value, shape):
    given = checks.array(name, value, shape if np.ndim(value) else ())
    if (given < 0).any():
        raise ValueError(f"{name}: expected numbers of at least 0, got {given.min():.3g}")
    return np.broadcast_to(given, shape)


def _predictions(filtered):
    """What a filter predicted: means, shape (T, K), and covariances, (T, K, K)."""
    checks.having("filtered", filtered, "predicted_means", "predicted_covariances")
    x = checks.array("filtered.predicted_means", filtered.predicted_means, ("T", "K"))
    shape = (*x.shape, x.shape[1])
    return x, checks.array("filtered.predicted_covariances", filtered.predicted_covariances, shape)


def _in_time(name, part, shape, T):
    """A part of the emission for each step."""
    part = checks.array(name, part)
    if part.shape not in (shape, (T, *shape)):
        raise ValueError(f"{name}: expected shape {shape}, or {(T, *shape)}, got {part.shape}")
    return np.broadcast_to(part, (T, *shape))
