"""Appendix B: matrix calculus, quadratic forms, determinants and inverses, Eqs. B.1-B.11 and B.13-B.15."""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy.integrate import quad
from scipy.linalg import expm, logm
from scipy.stats import norm

from pedagogy_lib.learning import differentiation

RNG = np.random.default_rng(66)
INV, DET = np.linalg.inv, np.linalg.det
M = RNG.normal(size=(4, 4))
W = RNG.normal(size=(4, 4))
SPD = W @ W.T + np.eye(4)


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


def gradient(y, X, h=1e-20):
    """dy/dX entry by entry, by the complex step: no subtraction, and none of the appendix's algebra."""
    slopes = np.empty(X.shape)
    for index in np.ndindex(X.shape):
        moved = X.astype(complex)
        moved[index] += 1j * h
        slopes[index] = y(moved).imag / h
    return slopes


def cubic(F):
    """A number that depends on every entry of a matrix, on each differently."""
    return np.sum(np.sin(np.arange(1, F.size + 1)).reshape(F.shape) * F**3) / 3


def at(F):
    """Its gradient."""
    return np.sin(np.arange(1, F.size + 1)).reshape(F.shape) * F**2


RECT, SQUARE = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 4))
LEFT, RIGHT = RNG.normal(size=(5, 3)), RNG.normal(size=(2, 4))


def test_eq_B_1():
    """Row by row, column by column, entry by entry: one matrix, of the shape of X."""
    entries = gradient(cubic, RECT)
    rows = []
    for i in range(3):
        replaced = lambda row, i=i: np.vstack([RECT[:i], row, RECT[i + 1 :]])
        rows.append(gradient(lambda row, f=replaced: cubic(f(row)), RECT[[i]]))
    columns = []
    for j in range(4):
        replaced = lambda column, j=j: np.hstack([RECT[:, :j], column, RECT[:, j + 1 :]])
        columns.append(gradient(lambda column, f=replaced: cubic(f(column)), RECT[:, [j]]))
    assert_only_as_printed(entries, np.vstack(rows), np.vstack(rows[::-1]), atol=1e-14)
    assert_only_as_printed(entries, np.hstack(columns), np.hstack(columns[::-1]), atol=1e-14)


def test_text_b_1_2_the_last_row_of_the_derivative(evidence):
    """X has m rows; the draft numbers the last row of its derivative n, as if X were square."""
    slopes = gradient(cubic, RECT)
    assert slopes.shape == RECT.shape == (3, 4)
    evidence("Text B.1.2-a", rows=len(slopes), columns=slopes.shape[1])


def test_text_b_1_2_bilinear_form():
    a, b = RNG.normal(size=3), RNG.normal(size=4)
    left = gradient(lambda X: a @ X @ b, RECT)
    assert_only_as_printed(left, np.outer(a, b), np.outer(b, a).reshape(3, 4), 2 * np.outer(a, b))


def test_text_b_1_1_product_rule_and_quadratic_form():
    x, A, U, V = RNG.normal(size=4), SQUARE, RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
    u, v = np.tanh(U @ x), (V @ x) ** 2
    J_u, J_v = (1 - u**2)[:, None] * U, 2 * (V @ x)[:, None] * V
    left = gradient(lambda x: np.tanh(U @ x) @ (V @ x) ** 2, x)
    assert_only_as_printed(left, v @ J_u + u @ J_v, u @ J_u + v @ J_v, v @ J_u)
    assert_only_as_printed(gradient(lambda x: x @ A @ x, x), x @ (A.T + A), 2 * x @ A, 2 * A @ x)


def test_eq_B_2():
    a, b, W = RNG.normal(size=4), RNG.normal(size=3), RNG.normal(size=(3, 3))
    left = gradient(lambda X: (X @ a + b) @ W @ (X @ a + b), RECT)
    z = RECT @ a + b
    without_b = np.outer((W + W.T) @ (RECT @ a), a)
    assert_only_as_printed(left, np.outer((W + W.T) @ z, a), np.outer(2 * W @ z, a), without_b)


def test_eq_B_3():
    left = gradient(lambda X: cubic(LEFT @ X), RECT)
    P = at(LEFT @ RECT)
    assert_only_as_printed(left, LEFT.T @ P, 2 * LEFT.T @ P, -LEFT.T @ P)
    # The entry before it: column j of P, times column i of A.
    assert_only_as_printed(left[1, 2], P[:, 2] @ LEFT[:, 1], P[:, 1] @ LEFT[:, 2])
    np.testing.assert_allclose(differentiation.gradient(lambda X: cubic(LEFT @ X), RECT), left, rtol=1e-12)


def test_eq_B_4():
    A = RNG.normal(size=(4, 4))
    left = gradient(lambda X: cubic(X @ A), RECT)
    P = at(RECT @ A)
    assert_only_as_printed(left, P @ A.T, P @ A, -P @ A.T)
    np.testing.assert_allclose(differentiation.gradient(lambda X: cubic(X @ A), RECT), left, rtol=1e-12)


def test_eq_B_5():
    left = gradient(lambda X: cubic(LEFT @ X @ RIGHT.T), RECT)
    P = at(LEFT @ RECT @ RIGHT.T)
    assert_only_as_printed(left, LEFT.T @ P @ RIGHT, 2 * LEFT.T @ P @ RIGHT, -LEFT.T @ P @ RIGHT)


def test_eq_B_6_is_of_the_other_product(evidence):
    """What is printed on the right is the beginning of the derivative of y(X A X'), not of y(A X A')."""
    X, A = np.random.default_rng(6).normal(size=(2, 4, 4))
    P = at(X @ A @ X.T)
    right = P @ X @ A.T + P.T @ X @ A
    left = gradient(lambda X: cubic(X @ A @ X.T), X)
    assert_only_as_printed(left, right, P @ X @ A.T + P @ X @ A, P @ X @ A.T)
    np.testing.assert_allclose(differentiation.gradient(lambda X: cubic(X @ A @ X.T), X), left, rtol=1e-12)
    named = gradient(lambda X: cubic(A @ X @ A.T), X)               # the product that the left side names
    assert_only_as_printed(named, A.T @ at(A @ X @ A.T) @ A, right)
    P_named = at(A @ X @ A.T)
    evidence("B.6", named=named[0, 0], printed=(P_named @ X @ A.T + P_named.T @ X @ A)[0, 0])


def test_eq_B_7():
    a, b, c = RNG.normal(size=4), RNG.normal(size=3), RNG.normal(size=(3, 3))
    f = lambda u: np.tanh(c @ np.tanh(u))                           # its Jacobian is not diagonal
    left = gradient(lambda X: cubic(f(X @ a + b)), RECT)
    u = RECT @ a + b
    J = np.array([gradient(lambda u, i=i: f(u)[i], u) for i in range(3)])
    p = at(f(u))
    assert_only_as_printed(left, np.outer(J.T @ p, a), np.outer(J @ p, a), np.outer(p, a))


def test_eq_B_8():
    A = RNG.normal(size=(4, 3))
    assert_only_as_printed(gradient(lambda X: np.trace(A @ X), RECT), A.T, 2 * A.T)
    assert_only_as_printed(gradient(lambda X: np.trace(X @ A), RECT), A.T, -A.T)
    assert_only_as_printed(gradient(np.trace, SQUARE), np.eye(4), np.ones((4, 4)))


def test_eq_B_9():
    B = RNG.normal(size=(5, 4))
    assert_only_as_printed(gradient(lambda X: np.trace(LEFT @ X @ B.T), RECT), LEFT.T @ B, -LEFT.T @ B)


def test_eq_B_10_is_of_the_other_product(evidence):
    X, A = np.random.default_rng(6).normal(size=(2, 4, 4))
    right = X @ A.T + X @ A
    assert_only_as_printed(gradient(lambda X: np.trace(X @ A @ X.T), X), right, 2 * X @ A, X @ A)
    named = gradient(lambda X: np.trace(A @ X @ A.T), X)
    assert_only_as_printed(named, A.T @ A, right)
    evidence("B.10", named=named[0, 0], printed=right[0, 0])


def test_text_b_1_3_no_logarithm_is_needed(evidence):
    """The Maclaurin series of log(I + E) diverges where E is large; the derivative is right there, too."""
    A = np.array([[-3.0, 0.2], [0.1, 2.0]])
    E, total, term = A - np.eye(2), np.zeros((2, 2)), np.eye(2)
    for n in range(1, 61):
        term = term @ E
        total += (-1) ** (n + 1) * term / n
    left = gradient(lambda X: 0.5 * np.log(DET(X) ** 2), A)
    assert_only_as_printed(left, INV(A).T, INV(A), -INV(A).T)
    assert DET(A) < 0 and np.abs(total).max() > 1e6
    evidence("Text B.1.3-a", determinant=DET(A), exponent=np.floor(np.log10(np.abs(total).max())))


def test_text_b_2_a_sum_has_the_slope_for_its_factor(evidence):
    """Z = X + 2Y is normal with variance 1 + 4. Integrate x out of the joint, with |dg/dz| and with |g| as printed."""
    g, z = lambda x: (z - x) / 2, 1.0
    joint = lambda x: norm.pdf(x) * norm.pdf(g(x))
    left = norm.pdf(z, scale=np.sqrt(5))
    slope = quad(lambda x: joint(x) * 0.5, -np.inf, np.inf)[0]
    printed = quad(lambda x: joint(x) * abs(g(x)), -np.inf, np.inf)[0]
    assert_only_as_printed(left, slope, printed, rtol=1e-8)
    evidence("Text B.2-b", slope=slope, printed=printed)


def test_text_b_3_the_sum_must_have_an_inverse(evidence):
    """Two invertible matrices whose sum is zero: the six expressions do not exist."""
    A = np.array([[0.0, -1.0], [1.0, 0.0]])
    B = A.T
    np.testing.assert_array_equal(A + B, 0)
    with pytest.raises(np.linalg.LinAlgError):
        INV(A + B)
    evidence("Text B.3-a", first=DET(A), second=DET(B), sum=DET(A + B))
