"""Why a likelihood may have no maximum: outcomes at the edge of their range, and a direction along which all agree.

Move the coefficients along d. If the predictor of each sample stays where it is or moves towards an edge at which that
sample's outcome lies already, the likelihood never falls, and where one predictor moves, it rises for ever. Whether
there is such a d is a linear program. The separation is complete if every predictor moves, and quasi-complete
otherwise.

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
A. Albert and J. A. Anderson, "On the existence of maximum likelihood estimates in logistic regression models",
*Biometrika* 71 (1984), 1-10.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

#: Motions of a predictor below this part of the largest possible one are rounding.
MOVES = 1e-7


class Separation(NamedTuple):
    """A direction along which the likelihood rises without end.

    direction : ndarray, shape (P,), of the coefficients
    complete : bool, whether it moves the predictor of every sample
    """

    direction: np.ndarray
    complete: bool


class SeparationError(ValueError):
    """The likelihood has no maximum; ``separation`` says along which direction it rises."""

    def __init__(self, message, separation):
        super().__init__(message)
        self.separation = separation

    def __reduce__(self):
        return type(self), (str(self), self.separation)


def separated(z, lower, upper):
    """Look for a direction d such that z d <= 0 where only ``lower``, >= 0 where only ``upper``, and 0 where neither.

    Parameters
    ----------
    z : ndarray, shape (N, P)
        Inputs, with the column of ones if there is one.
    lower, upper : ndarray of bool, shape (N,)
        Whether the outcome lies at the lower or the upper edge of its range.

    Returns
    -------
    Separation or None
    """
    edge = lower | upper
    towards = np.where(upper, 1.0, -1.0)[:, None] * z
    return _recession(towards[edge], z[~edge])


def separated_classes(z, classes, K):
    """The same for K classes: (d_c - d_j)'z >= 0 for the class c of a sample and every other class j; d_0 = 0."""
    N, P = z.shape
    blocks = []
    for j in range(K):
        rows = np.flatnonzero(classes != j)
        plus = sparse.csr_array((np.ones(len(rows)), (np.arange(len(rows)), classes[rows])), (len(rows), K))
        minus = sparse.csr_array((np.ones(len(rows)), (np.arange(len(rows)), np.full(len(rows), j))), (len(rows), K))
        which = (plus - minus).tocsc()[:, 1:].toarray()
        blocks.append((which[:, :, None] * z[rows, None, :]).reshape(len(rows), (K - 1) * P))
    return _recession(np.concatenate(blocks), np.zeros((0, (K - 1) * P)))


def _recession(towards, still):
    """A direction with towards d >= 0, still d = 0 and the largest sum of motions, each at most 1, if that is not 0."""
    P = towards.shape[1]
    scale = np.abs(np.concatenate([towards, still])).max(0)
    scale = np.where(scale > 0, scale, 1.0)
    towards, still = towards / scale, still / scale
    fixed = {"A_eq": still, "b_eq": np.zeros(len(still))} if len(still) else {}
    found = linprog(-towards.sum(0), -towards, np.zeros(len(towards)), bounds=(-1, 1), method="highs", **fixed)
    if found.status != 0 or (towards @ found.x).max(initial=0) <= MOVES * P:
        return None
    # A point inside the cone of all such directions moves whatever any of them moves: slack variables, each at most 1.
    N = len(towards)
    A = sparse.hstack([sparse.csr_array(-towards), sparse.eye_array(N)])
    if fixed:
        fixed["A_eq"] = sparse.hstack([sparse.csr_array(still), sparse.csr_array((len(still), N))])
    bounds = [(None, None)] * P + [(0, 1)] * N
    inside = linprog(np.r_[np.zeros(P), -np.ones(N)], A, np.zeros(N), bounds=bounds, method="highs", **fixed)
    d = inside.x[:P] if inside.status == 0 else found.x
    moved = towards @ d > MOVES * np.abs(d).max()
    return Separation(d / scale / np.abs(d).max(), bool(moved.all() and not len(still)))
