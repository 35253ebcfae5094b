"""Appendix B: derivatives by matrices, determinants, quadratic forms and inverses, Eqs. B.1-B.11, B.13-B.15."""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy.linalg import expm, logm

from pedagogy_lib.learning import differentiation

RNG = np.random.default_rng(66)
INV, DET = np.linalg.inv, np.linalg.det
M = RNG.normal(size=(4, 4))
W = RNG.normal(size=(4, 4))
SPD = W @ W.T + np.eye(4)
X = RNG.normal(size=(3, 4))
A_LEFT, A_RIGHT, B_RIGHT = RNG.normal(size=(5, 3)), RNG.normal(size=(4, 2)), RNG.normal(size=(2, 4))


def slope(function, at, h=1e-30):
    """dy/dX, entry by entry and by the complex step: no rule of calculus is used."""
    found = np.empty(at.shape)
    for index in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[index] += 1j * h
        found[index] = np.imag(function(moved)) / h
    return found


def number(F):
    """A scalar function of a matrix, in which all entries count differently."""
    weights = np.cos(np.arange(F.size)).reshape(F.shape)
    return np.sum(weights * F + F**3 / 5)


def number_slope(F):
    return np.cos(np.arange(F.size)).reshape(F.shape) + 3 * F**2 / 5


def test_eq_B_1():
    """The derivative by a matrix has its shape: its rows are derivatives by rows, its columns by columns."""
    f = lambda v: number(A_LEFT @ v @ A_RIGHT)
    left = slope(f, X)

    def with_row(i, v):
        return np.concatenate([X[:i], v[None], X[i + 1 :]])

    def with_column(j, v):
        return np.concatenate([X[:, :j], v[:, None], X[:, j + 1 :]], axis=1)

    rows = np.array([slope(lambda v, i=i: f(with_row(i, v)), X[i]) for i in range(3)])
    columns = np.array([slope(lambda v, j=j: f(with_column(j, v)), X[:, j]) for j in range(4)]).T
    assert_only_as_printed(left, rows, rows[::-1], rtol=1e-12)
    assert_only_as_printed(left, columns, columns[:, ::-1], rtol=1e-12)
    # The display before it, of the bilinear form.
    a, b = RNG.normal(size=3), RNG.normal(size=4)
    assert_only_as_printed(slope(lambda v: a @ v @ b, X), np.outer(a, b), np.outer(a, a[[0, 1, 2, 0]]))


def test_eq_B_2():
    a, b, weights = RNG.normal(size=4), RNG.normal(size=3), RNG.normal(size=(3, 3))
    form = lambda v: (v @ a + b) @ weights @ (v @ a + b)
    right = np.outer((weights + weights.T) @ (X @ a + b), a)
    assert_only_as_printed(slope(form, X), right, np.outer(2 * weights @ (X @ a + b), a), rtol=1e-12)


def test_eq_B_3():
    G = number_slope(A_LEFT @ X)
    left = slope(lambda v: number(A_LEFT @ v), X)
    assert_only_as_printed(left, A_LEFT.T @ G, -A_LEFT.T @ G, rtol=1e-12)
    np.testing.assert_allclose(differentiation.gradient(lambda v: number(A_LEFT @ v), X), left, rtol=1e-12)


def test_eq_B_4():
    G = number_slope(X @ A_RIGHT)
    left = slope(lambda v: number(v @ A_RIGHT), X)
    assert_only_as_printed(left, G @ A_RIGHT.T, G @ B_RIGHT, rtol=1e-12)
    np.testing.assert_allclose(differentiation.gradient(lambda v: number(v @ A_RIGHT), X), left, rtol=1e-12)


def test_eq_B_5():
    G = number_slope(A_LEFT @ X @ B_RIGHT.T)
    left = slope(lambda v: number(A_LEFT @ v @ B_RIGHT.T), X)
    assert_only_as_printed(left, A_LEFT.T @ G @ B_RIGHT, A_LEFT.T @ G @ A_RIGHT.T, rtol=1e-12)


def test_eq_B_6(evidence):
    """The right-hand side is that of X A X', the function announced before; of A X A' it is not."""
    G = number_slope(X @ M @ X.T)
    left = slope(lambda v: number(v @ M @ v.T), X)
    right = G @ X @ M.T + G.T @ X @ M
    assert_only_as_printed(left, right, G @ X @ M.T + G @ X @ M, G @ X @ M.T, rtol=1e-12)
    np.testing.assert_allclose(differentiation.gradient(lambda v: number(v @ M @ v.T), X), left, rtol=1e-12)
    square = RNG.normal(size=(4, 4))
    G = number_slope(M @ square @ M.T)
    truth = slope(lambda v: number(M @ v @ M.T), square)
    printed = G @ square @ M.T + G.T @ square @ M
    assert_only_as_printed(truth, M.T @ G @ M, printed, rtol=1e-10)
    # In numbers: all of them 1 by 1, y(F) = F, A = 2, X = 3.
    one = slope(lambda v: 2.0 * v * 2.0, np.array(3.0))
    evidence("B.6", truth=one, printed=3.0 * 2.0 + 3.0 * 2.0)


def test_eq_B_7():
    """y(f(X a + b)), with a Jacobian that is neither diagonal nor symmetric."""
    a, b, turn = RNG.normal(size=4), RNG.normal(size=3), RNG.normal(size=(3, 3))
    left = slope(lambda v: number(turn @ np.tanh(v @ a + b)), X)
    t = np.tanh(X @ a + b)
    J, g = turn @ np.diag(1 - t**2), number_slope(turn @ t)
    assert_only_as_printed(left, np.outer(J.T @ g, a), np.outer(J @ g, a), np.outer(g, a), rtol=1e-12)


def test_eq_B_8():
    A = RNG.normal(size=(4, 3))
    left = slope(lambda v: np.trace(A @ v), X)
    assert_only_as_printed(left, A.T, -A.T)
    assert_only_as_printed(slope(lambda v: np.trace(v @ A), X), A.T, -A.T)
    assert_only_as_printed(slope(np.trace, SPD), np.eye(4), np.ones((4, 4)))


def test_eq_B_9():
    A, B = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 4))
    assert_only_as_printed(slope(lambda v: np.trace(A @ v @ B.T), X), A.T @ B, 2 * A.T @ B, rtol=1e-12)


def test_eq_B_10(evidence):
    """As of Eq. B.6: the right-hand side belongs to X A X'."""
    left = slope(lambda v: np.trace(v @ M @ v.T), X)
    assert_only_as_printed(left, X @ M.T + X @ M, 2 * X @ M, rtol=1e-12)
    square = RNG.normal(size=(4, 4))
    truth = slope(lambda v: np.trace(M @ v @ M.T), square)
    assert_only_as_printed(truth, M.T @ M, square @ M.T + square @ M, rtol=1e-12)
    evidence("B.10", truth=slope(lambda v: 2.0 * v * 2.0, np.array(3.0)), printed=3.0 * 2.0 + 3.0 * 2.0)


def test_text_b_1_2_the_last_row(evidence):
    """A matrix of m rows has m derivatives in each column; the printed array's last row is numbered n."""
    m, n = X.shape
    assert slope(number, X).shape == (m, n) != (n, n)
    evidence("Text B.1.2-a", rows=m, printed=n)


def test_eq_B_11():
    # Left: the trace. Right: the determinant of the exponential's series, summed term by term.
    term, total = np.eye(4), np.eye(4)
    for n in range(1, 60):
        term = term @ M / n
        total = total + term
    left = np.exp(np.trace(M))
    assert_only_as_printed(left, DET(total), DET(np.exp(M)), np.exp(DET(M)), rtol=1e-8)
    assert_only_as_printed(left, np.prod(np.exp(np.linalg.eigvals(M))).real, np.exp(np.trace(M @ M)), rtol=1e-10)
    # Eigenvectors stay, eigenvalues are exponentiated.
    values, vectors = np.linalg.eig(M)
    assert_only_as_printed(expm(M) @ vectors, vectors * np.exp(values), vectors * values)


def test_text_b_1_3_derivative_of_the_log_determinant():
    curve = lambda x: SPD + x * W @ W.T + x**2 * np.diag([1.0, 2.0, 0.5, 0.3])
    slope = W @ W.T + 2 * 0.3 * np.diag([1.0, 2.0, 0.5, 0.3])
    h = 1e-6
    left = (np.log(DET(curve(0.3 + h))) - np.log(DET(curve(0.3 - h)))) / (2 * h)
    assert_only_as_printed(left, np.trace(INV(curve(0.3)) @ slope), np.trace(slope) / np.trace(curve(0.3)), rtol=1e-7)
    # The line before: the trace of the derivative of the matrix logarithm.
    logs = (logm(curve(0.3 + 1e-4)) - logm(curve(0.3 - 1e-4))) / 2e-4
    assert_only_as_printed(left, np.trace(logs), logs.sum(), rtol=1e-6)


@pytest.mark.parametrize("logarithm", [True, False])
def test_text_b_1_3_matrix_derivatives(logarithm):
    A = M if DET(M) > 0 else M[[1, 0, 2, 3]]                    # not symmetric, so that a transpose shows
    f = (lambda m: np.log(DET(m))) if logarithm else DET
    h, left = 1e-6, np.zeros((4, 4))
    for index in np.ndindex(4, 4):
        bump = np.zeros((4, 4))
        bump[index] = h
        left[index] = (f(A + bump) - f(A - bump)) / (2 * h)
    scale = 1.0 if logarithm else DET(A)
    assert_only_as_printed(left, scale * INV(A).T, scale * INV(A), 2 * scale * INV(A).T, rtol=1e-5, atol=1e-7)


def test_eq_B_13():
    mu, b = RNG.normal(size=3), RNG.normal(size=4)
    C, root = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 3))
    Sigma = root @ root.T
    # Left: the mean over points that have exactly these first two moments.
    signs = np.concatenate([np.eye(3), -np.eye(3)]) * np.sqrt(3)
    points = mu + signs @ root.T
    np.testing.assert_allclose(np.cov(points.T, bias=True), Sigma, rtol=1e-10)
    left = np.mean([(b - C @ x) @ SPD @ (b - C @ x) for x in points])
    at_mean = (b - C @ mu) @ SPD @ (b - C @ mu)
    spread = np.trace(C @ Sigma @ C.T)
    assert_only_as_printed(left, np.trace(SPD @ C @ Sigma @ C.T) + at_mean, at_mean, spread + at_mean)
    values, vectors = np.linalg.eigh(SPD)
    half = vectors * np.sqrt(values) @ vectors.T          # the sixth line, with A^(1/2)
    outer = np.outer(b - C @ mu, b - C @ mu)
    line = np.trace(half @ C @ Sigma @ C.T @ half + half @ outer @ half)
    assert_only_as_printed(left, line, np.trace(half @ C @ Sigma @ C.T + half @ outer))
    # The first and last lines hold for a matrix without a root, too: not symmetric, not definite.
    left = np.mean([(b - C @ x) @ M @ (b - C @ x) for x in points])
    at_mean = (b - C @ mu) @ M @ (b - C @ mu)
    assert_only_as_printed(left, np.trace(M @ C @ Sigma @ C.T) + at_mean, np.trace(M @ C @ Sigma @ C.T) - at_mean)


def test_eq_B_14():
    A, C = SPD, np.array([[2.0, 0.3], [-0.1, 0.5]])
    U, V = RNG.normal(size=(4, 2)), RNG.normal(size=(2, 4))
    left = INV(A + U @ C @ V)
    middle = INV(INV(C) + V @ INV(A) @ U)
    right = INV(A) - INV(A) @ U @ middle @ V @ INV(A)
    no_inverse = INV(A) - INV(A) @ U @ INV(C + V @ INV(A) @ U) @ V @ INV(A)
    plus = INV(A) + INV(A) @ U @ middle @ V @ INV(A)
    assert_only_as_printed(left, right, no_inverse, plus, rtol=1e-8, atol=1e-12)
    # The line above it.
    left = INV(np.eye(4) + INV(A) @ U @ C @ V)
    right = np.eye(4) - INV(A) @ U @ INV(np.eye(2) + C @ V @ INV(A) @ U) @ C @ V
    assert_only_as_printed(left, right, right.T, rtol=1e-8, atol=1e-12)


def test_eq_B_15():
    u, v = RNG.normal(size=(2, 4))
    left = INV(SPD + np.outer(u, v))
    update = INV(SPD) @ np.outer(u, v) @ INV(SPD)
    right = INV(SPD) - update / (1 + v @ INV(SPD) @ u)
    assert_only_as_printed(left, right, INV(SPD) - update, INV(SPD) + update / (1 + v @ INV(SPD) @ u), rtol=1e-8)


def test_text_b_3_push_through():
    Q, R = RNG.normal(size=(4, 2)), RNG.normal(size=(2, 4))
    left = INV(np.eye(4) + Q @ R) @ Q
    assert_only_as_printed(left, Q @ INV(np.eye(2) + R @ Q), Q @ INV(np.eye(2) + Q.T @ Q), rtol=1e-8)
    left = INV(np.eye(4) + Q @ R)
    assert_only_as_printed(left, np.eye(4) - left @ Q @ R, np.eye(4) - Q @ R, rtol=1e-8, atol=1e-12)
    assert_only_as_printed(left, np.eye(4) - Q @ INV(np.eye(2) + R @ Q) @ R, np.eye(4) - Q @ R, rtol=1e-8, atol=1e-12)


def test_text_b_3_six_equal_expressions():
    A, B, one = SPD, M @ M.T + np.diag([1.0, 2.0, 3.0, 4.0]), np.eye(4)
    six = [
        B @ INV(A + B),
        INV(one + A @ INV(B)),
        INV(INV(A) + INV(B)) @ INV(A),
        one - A @ INV(A + B),
        one - INV(one + B @ INV(A)),
        one - INV(INV(A) + INV(B)) @ INV(B),
    ]
    for expression in six[1:]:
        assert_only_as_printed(six[0], expression, A @ INV(A + B), INV(A + B) @ B, rtol=1e-8, atol=1e-12)


def test_text_b_3_determinant_lemma():
    """Not in the textbook, and needed by `factor_analysis.log_marginal`."""
    U, V = RNG.normal(size=(4, 2)), RNG.normal(size=(2, 4))
    left = DET(SPD + U @ V)
    assert_only_as_printed(left, DET(SPD) * DET(np.eye(2) + V @ INV(SPD) @ U), DET(SPD) * DET(V @ INV(SPD) @ U))
