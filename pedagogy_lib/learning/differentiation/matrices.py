"""The rules of appendix B, for matrices. G = dS/dY has the shape of the result Y, as in Eq. B.1.

The equations that are not here follow: B.5, d/dX of A X B', is B.3 and then B.4; B.6, X A X', is B.3 and
B.4 at both X, added up; B.7, f(X a + b), is B.4 after the rule of f; B.9 and B.10 are B.5 and B.6 with
the G of a trace, which is the identity (B.8).

Building blocks: what is here trusts its arguments, which its callers have checked.

References
----------
Section B.1.2 and B.1.3. Cholesky: I. Murray, Differentiation of the Cholesky decomposition (2016).
"""

import numpy as np
from scipy import linalg

from pedagogy_lib.learning.differentiation.tape import OPERATIONS, operation, plain


def _t(X):
    """The transposes of a stack of matrices."""
    return np.swapaxes(X, -1, -2)


# --- products: d/dB of A B is A' G (B.3), d/dA is G B' (B.4) ---------------------------------------

_product = operation(np.matmul, lambda G, Y, A, B: G @ _t(B), lambda G, Y, A, B: _t(A) @ G)


def _matmul(a, b):
    """A vector on the left is a row, on the right a column."""
    row, column = np.ndim(a) == 1, np.ndim(b) == 1
    Y = _product(np.expand_dims(a, 0) if row else a, np.expand_dims(b, -1) if column else b)
    if not (row or column):
        return Y
    return np.reshape(Y, np.shape(Y)[: -1 - (row and column)] if column else (*np.shape(Y)[:-2], np.shape(Y)[-1]))


def _dot(a, b):
    if max(np.ndim(a), np.ndim(b)) > 2:
        raise TypeError("np.dot: a tape follows it for vectors and matrices only; use a @ b")
    return a @ b if np.ndim(a) and np.ndim(b) else a * b


OPERATIONS[np.matmul] = _matmul
OPERATIONS[np.dot] = OPERATIONS[np.vdot] = _dot
OPERATIONS[np.outer] = lambda a, b: np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))

# --- traces: d tr[X] / dX = I (B.8) ---------------------------------------------------------------

OPERATIONS[np.diagonal] = lambda X: X[..., np.arange(X.shape[-1]), np.arange(X.shape[-1])]
operation(np.trace, lambda g, y, X: g * np.eye(*np.shape(X), dtype=plain(X).dtype))


def _tril(X, k=0):
    return X * np.tri(*np.shape(X)[-2:], k, dtype=plain(X).dtype)


OPERATIONS[np.tril] = _tril
OPERATIONS[np.triu] = lambda X, k=0: X - _tril(X, k - 1)

# --- equations: A X = B. From dX = A^-1 (dB - dA X), B.3 and B.4: with G' = A'^-1 G, -G' X' and G'. --

_solved = operation(
    np.linalg.solve,
    lambda G, X, A, B: -np.linalg.solve(_t(A), G) @ _t(X),
    lambda G, X, A, B: np.linalg.solve(_t(A), G),
)


def _solve(A, b):
    """One column on the right may be given as a vector."""
    return _solved(A, np.expand_dims(b, -1))[..., 0] if np.ndim(b) == 1 else _solved(A, b)


OPERATIONS[np.linalg.solve] = _solve
OPERATIONS[np.linalg.inv] = lambda A: _solve(A, np.broadcast_to(np.eye(A.shape[-1], dtype=A.dtype), A.shape))


def _triangular(L, B, lower=True):
    return linalg.solve_triangular(L, B, lower=lower)


def _triangular_rule(G, X, L, B, lower=True):
    """As for any matrix; but only the triangle is L's own."""
    whole = -solve_triangular(_t(L), G, lower=not lower) @ _t(X)
    return np.tril(whole) if lower else np.triu(whole)


_triangularly_solved = operation(
    _triangular, _triangular_rule, lambda G, X, L, B, lower=True: solve_triangular(_t(L), G, lower=not lower),
    named=linalg.solve_triangular,
)


def solve_triangular(L, b, lower=True):
    """Solve L x = b for a matrix L of which one triangle is read; b is a vector or a matrix."""
    if np.ndim(b) == 1:
        return _triangularly_solved(L, np.expand_dims(b, -1), lower=lower)[:, 0]
    return _triangularly_solved(L, b, lower=lower)


# --- determinants: d log|A| / dA = A'^-1 (section B.1.3, by way of B.11) ----------------------------


def _log_determinant(A):
    return np.linalg.slogdet(A)[1]


#: The logarithm of the absolute value of a determinant.
log_determinant = operation(
    _log_determinant,
    lambda g, y, A: np.reshape(g, (*np.shape(g), 1, 1)) * _t(np.linalg.inv(A)),
    named="log_determinant",
)
OPERATIONS[np.linalg.slogdet] = lambda A: (np.linalg.slogdet(plain(A))[0], log_determinant(A))
OPERATIONS[np.linalg.det] = lambda A: np.linalg.slogdet(plain(A))[0] * np.exp(log_determinant(A))

# --- Cholesky: A = L L'. ----------------------------------------------------------------------------


def _cholesky_rule(G, L, A):
    """From L^-1 dA L'^-1 = M + M' with M = L^-1 dL: M is its lower triangle, the diagonal halved.

    The gradient is symmetric: it is meant for changes of A that leave A symmetric.
    """
    M = np.tril(_t(L) @ np.tril(G)) * (1 - 0.5 * np.eye(np.shape(L)[-1], dtype=plain(L).dtype))
    S = np.linalg.solve(_t(L), _t(np.linalg.solve(_t(L), _t(M))))      # L'^-1 M L^-1
    return 0.5 * (S + _t(S))


operation(np.linalg.cholesky, _cholesky_rule)
