"""Information: how surprising outcomes are, and how few yes/no questions find them out.

The surprisal of an outcome is -log p. Its average is the entropy; its average under another
distribution than the one that assigned it is the cross entropy; what the second exceeds the first
by is the relative entropy. What these numbers mean, in yes/no questions, is shown by the codes in
`pedagogy_lib.learning.codes.prefix`.

Distributions are given as arrays of probabilities, as `Categorical`, or as `Gaussian`. Results are
in nats, as everywhere in the library; `bits` converts them.

References
----------
Section 4.2, Eqs. 4.1-4.5.
"""

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import rel_entr

from pedagogy_lib import checks
from pedagogy_lib.distributions.categorical import Categorical
from pedagogy_lib.distributions.gaussian import LOG_TAU, Gaussian


def bits(nats):
    """Convert nats to bits: one bit, a fair yes/no question, is log 2 nats.

    Parameters
    ----------
    nats : float or array_like

    Returns
    -------
    float or ndarray
    """
    given = checks.numbers("nats", nats)               # what is impossible costs infinitely many of either
    if np.isnan(given).any():
        raise ValueError("nats: expected numbers, got nan")
    found = np.divide(given, np.log(2))
    return float(found) if np.ndim(found) == 0 else found


def entropy(p):
    """The average surprisal of a distribution, -E[log p(Y)].

    Parameters
    ----------
    p : array_like, Categorical or Gaussian
        Probabilities that sum to one, in an array of any shape (a table is a joint distribution);
        or a Gaussian, whose *differential* entropy may be negative.

    Returns
    -------
    float
        In nats.

    Raises
    ------
    ValueError
        If ``p`` is no distribution, or a Gaussian of singular covariance.

    References
    ----------
    Eq. 4.3.
    """
    return cross_entropy(p, p)


def cross_entropy(p, q):
    """The average surprisal that q assigns to what p produces, -E_p[log q(Y)].

    Parameters
    ----------
    p, q : array_like, Categorical or Gaussian
        Two of a kind, and of one shape.

    Returns
    -------
    float
        In nats; infinite where q rules out what p can produce.

    References
    ----------
    Eq. 4.4.
    """
    p, q = _pair(p, q)
    if isinstance(p, Gaussian):
        square = _average_square(p, q)
        return 0.5 * (len(p.mean) * LOG_TAU + _log_determinant(q) + square)
    with np.errstate(divide="ignore", invalid="ignore"):
        surprisals = -np.log(q)
        # What never happens costs nothing, however surprising it would be.
        return float(np.where(p > 0, p * surprisals, 0.0).sum())


def relative_entropy(p, q):
    """The questions wasted by guessing as if q, KL{p || q} = H_pq - H_p. Never negative.

    Parameters
    ----------
    p, q : array_like, Categorical or Gaussian
        Two of a kind, and of one shape.

    Returns
    -------
    float
        In nats.

    References
    ----------
    Eq. 4.5.
    """
    p, q = _pair(p, q)
    if isinstance(p, Gaussian):
        # Stretch space until q is round. Then p has the variances r, and each of them costs
        # (r - 1 - log r) / 2: no term is below zero, where traces and determinants would cancel.
        root = np.linalg.cholesky(q.covariance)
        stretched = solve_triangular(root, np.linalg.cholesky(p.covariance), lower=True)
        r = np.linalg.svd(stretched, compute_uv=False) ** 2
        away = solve_triangular(root, p.mean - q.mean, lower=True)
        return 0.5 * float(np.maximum(r - 1 - np.log(r), 0.0).sum() + away @ away)
    # Not a difference of two sums: that would cancel the digits where p and q are close.
    # Each term is at least zero; together, -p + q add nothing.
    return float(np.maximum((rel_entr(p, q) - p + q).sum(), 0.0))


# ------------------------------------------------------------------------- helpers


def _average_square(p, q):
    """E_p[(Y - mu_q)' Sigma_q^-1 (Y - mu_q)]: the trace of a ratio, and a squared distance."""
    factor, shift = _factor(q), p.mean - q.mean
    return float(np.trace(cho_solve(factor, p.covariance)) + shift @ cho_solve(factor, shift))


def _log_determinant(distribution):
    return float(2 * np.log(np.diag(_factor(distribution)[0])).sum())


def _factor(distribution):
    return cho_factor(distribution.covariance, lower=True)


def _pair(p, q):
    """Two distributions of one kind, checked."""
    p, q = _checked("p", p), _checked("q", q)
    if isinstance(p, Gaussian) != isinstance(q, Gaussian):
        raise ValueError("q: expected a distribution of the same kind as p, got a Gaussian and a discrete one")
    shapes = [np.shape(d.mean if isinstance(d, Gaussian) else d) for d in (p, q)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"q: expected shape {shapes[0]}, that of p, got {shapes[1]}")
    return p, q


def _checked(name, distribution):
    """An array of probabilities, or a Gaussian with a covariance that can be inverted."""
    if isinstance(distribution, Gaussian):
        mean = checks.array(f"{name}.mean", distribution.mean, ("K",))
        return Gaussian(mean, checks.covariance(f"{name}.covariance", distribution.covariance, len(mean), stack=False))
    if isinstance(distribution, Categorical):
        distribution = distribution.probabilities
    given = checks.array(name, distribution)
    return checks.probabilities(name, given.ravel()).reshape(given.shape)
