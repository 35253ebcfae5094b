"""Coordinate descent: one entry of the code at a time, and jumps where the signs have settled.

`compiled` is a building block, and trusts its arguments, which its callers have checked.
"""

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from pedagogy_lib import checks
from pedagogy_lib.distributions.heavy_tailed import Laplace
from pedagogy_lib.inference.modes.costs import Step, checked_start, duality_gap, energy, not_converged

#: Elements of the dictionary whose Gram matrix has a smaller pivot than this are taken for dependent.
SINGULAR = 1e-10


def coordinate_descent(params, y, start=None, *, tolerance=0.0, jumps=True):
    """Lower the energy in one coordinate of the code at a time, under a `Laplace` prior.

    Parameters
    ----------
    params : Parameters
    y : array_like, shape (N, D)
    start : array_like, shape (N, K), optional
    tolerance : float
        A code whose excess (see `Step`) is not above this rests.
    jumps : bool
        Whether a code whose signs a sweep has not changed jumps to the bottom of the parabola that
        the energy is while they do not change, or as far as they do not. Without jumps, elements
        of the dictionary that are nearly parallel take thousands of sweeps to share the work.

    Yields
    ------
    Step
        The start, then one for each sweep through the K coordinates, without end.

    Notes
    -----
    With all coordinates fixed but x_k, and r = y - C x + c_k x_k, the energy is a parabola in x_k
    plus alpha |x_k|. Its minimum is soft(c_k' r, alpha / lambda) / (c_k' c_k).
    """
    params, y, x = checked_start(params, y, start)
    tolerance = checks.number("tolerance", tolerance, at_least=0)
    if not isinstance(params.prior, Laplace):
        raise ValueError(f"params.prior: expected Laplace, got {type(params.prior).__name__}")
    C, precision, prior = params
    gram, step = C.T @ C, 1 / precision
    rates = Laplace(np.broadcast_to(np.asarray(prior.rates, float), C.shape[1]))
    iteration, moving, excess = 0, np.ones(len(y), bool), np.full(len(y), np.inf)
    yield Step(0, x, energy(params, x, y), excess)
    while True:
        x, excess = x.copy(), excess.copy()
        before = x[moving]
        active = before.copy()
        slack = y[moving] @ C - active @ gram             # C' (y - C x)
        for k in np.flatnonzero(np.diag(gram)):
            target = slack[:, k] + gram[k, k] * active[:, k]
            new = Laplace(rates.rates[k]).proximal(target, step) / gram[k, k]
            slack -= np.outer(new - active[:, k], gram[k])
            active[:, k] = new
        excess[moving] = duality_gap(params, active, y[moving])
        if jumps:
            steady = (np.sign(active) == np.sign(before)).all(1) & (excess[moving] > tolerance)
            for n in np.flatnonzero(steady):
                active[n] = _jump(gram, step * rates.rates, active[n], slack[n])
        x[moving] = active
        moving = excess > tolerance
        iteration += 1
        yield Step(iteration, x, energy(params, x, y), excess)


def compiled(kernel, params, y, x, tolerance, limit):
    """The codes where coordinate descent comes to rest, by the kernel; the arguments have been checked."""
    C, precision, prior = params
    K = C.shape[1]
    thresholds = np.broadcast_to(np.asarray(prior.rates, float) / precision, K).copy()
    codes, sweeps = np.array(x, order="C"), np.empty(len(y), np.int64)
    kernel.coordinate_descent(
        C.T @ C, thresholds, y @ C, (y**2).sum(1), 1 / precision, tolerance, SINGULAR, limit, codes, sweeps
    )
    if (sweeps > limit).any():
        raise ValueError(not_converged(int(sweeps.argmax()), tolerance, limit))
    return codes


def _jump(gram, thresholds, x, slack):
    """One code at the bottom of the parabola of its signs, or where the first of them changes."""
    used = np.flatnonzero(x)
    prices = thresholds[used] * np.sign(x[used])
    root, last = _cholesky(gram[np.ix_(used, used)])
    if last is None:
        # gram x = C'y - threshold sign(x), among those that are used, as a correction of x
        d, longest = cho_solve((root, True), slack[used] - prices), 1.0
    else:
        # Element `last` is a combination of those before it. To exchange them leaves C x as it is:
        # in the cheaper direction, until one is not used any more.
        d, longest = np.zeros(len(used)), np.inf
        d[:last] = -solve_triangular(root[:last, :last].T, root[last, :last])
        d[last] = 1.0
        d *= -1.0 if prices @ d > 0 else 1.0
    zero_at = np.divide(-x[used], d, out=np.full(len(used), np.inf), where=d * x[used] < 0)
    share = min(longest, zero_at.min(initial=np.inf))
    moved = x.copy()
    if share < np.inf:
        moved[used] = np.where(zero_at <= share, 0.0, x[used] + share * d)
    return moved


def _cholesky(gram):
    """The lower root of a Gram matrix, up to the first row that depends on those before it."""
    try:
        root = np.linalg.cholesky(gram)
        if (np.diag(root) ** 2 > SINGULAR * np.diag(gram)).all():
            return root, None
    except np.linalg.LinAlgError:
        pass
    root = np.zeros_like(gram)
    for a, row in enumerate(gram):
        root[a, :a] = solve_triangular(root[:a, :a], row[:a], lower=True) if a else 0.0
        pivot = row[a] - root[a, :a] @ root[a, :a]
        if pivot <= SINGULAR * row[a]:
            return root, a
        root[a, a] = np.sqrt(pivot)
    return root, None                                     # by a hair of rounding
