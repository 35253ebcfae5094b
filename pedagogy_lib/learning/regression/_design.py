"""What stands between a reader's inputs and the arithmetic of a fit: units, centering, and dependent columns.

Coefficients beta of the standardized columns z become those of the given inputs, with the intercept last, by ``back``:
[coefficients, intercept] = back beta.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import qr, solve_triangular

#: Columns are dependent if what the others leave of one is below this part of it.
DEPENDENT = 1e-11
#: Below this, the columns are turned into orthogonal ones, because the normal equations would lose too many digits.
NEARLY = 1e-3
#: The squares of inputs that vary by less are lost.
TINY = 1e-150


class RankError(ValueError):
    """Some inputs are combinations of others; ``columns`` names those that would have to go."""

    def __init__(self, message, columns):
        super().__init__(message)
        self.columns = columns

    def __reduce__(self):
        return type(self), (str(self), self.columns)


class Design(NamedTuple):
    """Standardized inputs.

    z : ndarray, shape (N, P), with the column of ones last, if there is one
    back : ndarray, shape (M + 1, P)
    scale : ndarray, shape (M,), of the inputs
    """

    z: np.ndarray
    back: np.ndarray
    scale: np.ndarray


def standardized(y, weights, intercept, check=True):
    """Center and scale the inputs, so that neither their units nor their zero matters to the fit."""
    N, M = y.shape
    center = weights @ y / weights.sum() if intercept else np.zeros(M)
    z = np.empty((N, M + intercept))
    z[:, M:] = 1.0
    np.subtract(y, center, out=z[:, :M])
    rooted = z if np.ptp(weights) == 0 else np.sqrt(weights / weights.mean())[:, None] * z
    with np.errstate(over="ignore"):
        gram = rooted.T @ rooted / N
    scale = np.sqrt(np.diag(gram)[:M])
    if not ((scale > TINY) | (np.ptp(y, axis=0) == 0)).all() or not np.isfinite(scale).all():
        return _in_other_units(y, weights, intercept, check)
    # A constant column is not exactly its own mean: what is left of it is rounding.
    constant = scale <= DEPENDENT * np.abs(center)
    scale = np.where(constant, 1.0, scale)
    z[:, :M] *= np.where(constant, 0.0, 1 / scale)
    back = np.zeros((M + 1, M + intercept))
    back[:M, :M], back[M, :M], back[M, M:] = np.diag(1 / scale), -center / scale, 1.0
    design = Design(z, back, scale)
    by = np.append(np.where(constant, np.inf, scale), np.ones(int(intercept)))
    return _independent(design, gram / by / by[:, None], weights, intercept) if check else design


def _in_other_units(y, weights, intercept, check):
    """The same for inputs whose squares leave the range of the computer's numbers."""
    largest = np.abs(y).max(0)
    largest = np.where(largest > 0, largest, 1.0)
    design = standardized(y / largest, weights, intercept, check)
    units = np.append(largest, 1.0)
    return design._replace(back=design.back / units[:, None], scale=design.scale * largest)


def _independent(design, gram, weights, intercept):
    """The design if no column depends on others; orthogonal columns instead of it if one nearly does."""
    try:
        smallest = np.diag(np.linalg.cholesky(gram)).min()
    except np.linalg.LinAlgError:
        smallest = 0.0
    if smallest > NEARLY:
        return design
    root, P = np.sqrt(weights / weights.sum())[:, None] * design.z, len(gram)
    if len(root) < P:
        root = np.vstack([root, np.zeros((P - len(root), P))])
    R, order = qr(root, mode="r", pivoting=True)
    left = np.abs(np.diag(R))
    dependent = sorted(int(j) for j in order[left <= DEPENDENT * max(left[0], 1e-300)])
    if dependent:
        names = ["the intercept" if intercept and j == P - 1 else f"column {j}" for j in dependent]
        raise RankError(
            f"y: expected inputs none of which is a combination of the others{' and a constant' if intercept else ''}, "
            f"got rank {P - len(dependent)} of {P}: {', '.join(names)} can be told from the rest; leave it out, "
            "or give a penalty above 0",
            tuple(dependent),
        )
    R = np.linalg.qr(root, mode="r")[:P]
    z = solve_triangular(R, design.z.T, trans="T").T                # z R^-1
    return design._replace(z=z, back=solve_triangular(R, design.back.T, trans="T").T)
