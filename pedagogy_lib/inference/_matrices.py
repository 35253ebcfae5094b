"""Solving and factoring where a covariance may be singular, or span the range of the numbers."""

import numpy as np
from scipy.linalg import solve_triangular

#: A pivot this small against its row, times the size of the matrix, is rounding and not a number.
ROUNDING = 8 * np.finfo(float).eps
#: A variance below this counts as zero: not far below it numbers have fewer digits, down to none.
TINY = 1e-290


def symmetric(matrix):
    """The symmetric part: rounding must not make Y differ from its transpose."""
    return (matrix + matrix.T) / 2


def solve_root(root, right):
    """Solve (L L') x = right for a lower triangular root L."""
    halfway = solve_triangular(root, right, lower=True, check_finite=False)
    return solve_triangular(root, halfway, lower=True, trans="T", check_finite=False)


def solve_semidefinite(matrix, right):
    """Solve matrix x = right where the matrix may be singular, as a noiseless state makes it.

    The directions in which the matrix is zero are left out. For a covariance the right-hand side
    is zero there too, and the answer is exact.
    """
    root = semidefinite_root(matrix)
    known = np.diag(root) > 0
    solution = np.zeros_like(right)
    # A zero column of the root says nothing: take it and its row out, and solve what is left.
    solution[known] = solve_root(root[np.ix_(known, known)], right[known])
    return solution


def semidefinite_root(matrix):
    """Lower triangular L with L L' = matrix; a pivot that is only rounding gives a zero column."""
    try:
        root = np.linalg.cholesky(matrix)
        if (np.diag(root) ** 2 > np.maximum(ROUNDING * len(matrix) * np.diag(matrix), TINY)).all():
            return root
    except np.linalg.LinAlgError:
        pass
    rest, root = matrix.copy(), np.zeros_like(matrix)
    for j, variance in enumerate(np.diag(matrix)):
        if rest[j, j] > max(ROUNDING * len(matrix) * variance, TINY):
            root[j:, j] = rest[j:, j] / np.sqrt(rest[j, j])
            rest -= np.outer(root[:, j], root[:, j])
    return root


def solve_lower(root, right):
    """Solve L x = right for a lower triangular root, leaving out the rows where it is zero."""
    known = np.diag(root) > 0
    solution, rest = np.zeros_like(right), root[np.ix_(known, known)]
    solution[known] = solve_triangular(rest, right[known], lower=True, check_finite=False)
    return solution


def triangular(wide, scale):
    """Lower triangular L with L L' = M M', for a wide matrix M: rotate its rows.

    An orthogonal transformation from the right leaves M M' alone. So M M' itself is never formed,
    which would square the ratio of the largest number to the smallest, and drop half the digits.

    Parameters
    ----------
    wide : ndarray, shape (K, M)
    scale : ndarray, shape (K,)
        The sizes of the numbers from which the rows were computed. What is left of a row, after
        the rows above it, and is only rounding of that, becomes zero: it has no direction.
    """
    root = np.linalg.qr(wide.T, mode="r").T
    noise = ROUNDING * wide.shape[1] * scale
    if (np.abs(np.diag(root)) <= noise).any():
        root = _reflect(wide, noise)
    return root * np.where(np.diag(root) < 0, -1.0, 1.0)        # the diagonal positive


def _reflect(wide, noise):
    """Householder's triangularization, row by row, that leaves rows of rounding out."""
    rest, used, root = wide.copy(), 0, np.zeros((len(wide), len(wide)))
    for i, row in enumerate(rest):
        length = np.linalg.norm(row[used:])
        if length > noise[i]:
            normal = row[used:] / length
            normal[0] += np.copysign(1.0, normal[0])        # the mirror takes the row to an axis
            below = rest[i:, used:]
            below -= np.outer(below @ normal, normal * (2 / (normal @ normal)))
            root[i:, i] = rest[i:, used]                    # the axis is column i of the root
            used += 1
    return root


def sizes(matrix):
    """The lengths of the rows: for a root of a covariance, the standard deviations."""
    return np.sqrt((matrix**2).sum(1))


def covariance_root(covariance):
    """A root N with N N' = covariance, which may be singular or a stack of matrices.

    Lower triangular where the covariance is far from singular. Elsewhere the variables are taken in
    order of what is left of them, relative to their variances (units must not decide), until the
    largest is only rounding. So what is left out is rounding in every entry.
    """
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    try:
        root = np.linalg.cholesky(covariance)
        if (np.diagonal(root, axis1=-2, axis2=-1) ** 2 > np.maximum(1e-6 * variances, TINY)).all():
            return root
    except np.linalg.LinAlgError:
        pass
    if covariance.ndim > 2:
        return np.reshape([covariance_root(each) for each in covariance], covariance.shape)
    noise = np.maximum(ROUNDING * len(covariance) * variances, TINY)
    rest, root = covariance.copy(), np.zeros_like(covariance)
    for column in range(len(covariance)):
        k = np.argmax(np.diag(rest) / noise)
        if rest[k, k] <= noise[k]:
            break
        root[:, column] = rest[:, k] / np.sqrt(rest[k, k])
        rest -= np.outer(root[:, column], root[:, column])
        rest[k], rest[:, k] = 0.0, 0.0          # exactly, where rounding leaves almost
    return root


def squares(roots):
    """L L' of each root."""
    return roots @ np.swapaxes(roots, -1, -2)
