"""Appendix B: quadratic forms, determinants and inverses, Eqs. B.11 and B.13-B.15."""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy.linalg import expm, logm

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
