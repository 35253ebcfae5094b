"""Section 7.3: EM for factor analysis, and principal components, Eqs. 7.2 and 7.3."""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy.optimize import minimize
from scipy.stats import multivariate_normal, norm

from pedagogy_lib.learning import em
from pedagogy_lib.models.static import factor_analysis as fa
from pedagogy_lib.models.static import pca, ppca

RNG = np.random.default_rng(73)
C = RNG.normal(size=(4, 2))
OFFSET = np.array([2.0, -1.0, 0.5, 3.0])
LAMBDA = np.diag([0.5, 0.3, 0.8, 0.4])
PARAMS = fa.Parameters(C, OFFSET, np.diag(LAMBDA))
DRAW = fa.sample(PARAMS, 40, RNG)
Y, X = DRAW.observations, DRAW.factors
AUGMENTED = np.column_stack([X, np.ones(40)])             # the textbook's X with its scalar one
INV = np.linalg.inv


def average(values):
    return values.mean(0)


def emission_cross_entropy(matrix, precision):
    """<-log N(Y; C X, Lambda)> of observed factors, by SciPy; C with a column for the offset."""
    covariance = INV(precision)
    return -np.mean([multivariate_normal(matrix @ x, covariance).logpdf(y) for x, y in zip(AUGMENTED, Y)])


def slopes(f, at, h=1e-5):
    """The derivative of f with respect to each entry of a matrix, by central differences."""
    found = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        bump = np.zeros_like(at)
        bump[index] = h
        found[index] = (f(at + bump) - f(at - bump)) / (2 * h)
    return found


def test_eq_7_2():
    # Left: the joint Gaussian of (x, y), as one density. Right: emission and prior, each on its own.
    covariance = np.block([[np.eye(2), C.T], [C, C @ C.T + LAMBDA]])
    mean = np.concatenate([np.zeros(2), OFFSET])
    left = -multivariate_normal(mean, covariance).logpdf(np.column_stack([X, Y])).mean()
    emission = emission_cross_entropy(np.column_stack([C, OFFSET]), INV(LAMBDA))
    prior = -norm.logpdf(X).sum(1).mean()
    assert_only_as_printed(left, emission + prior, emission, emission_cross_entropy(
        np.column_stack([C, 0 * OFFSET]), INV(LAMBDA)) + prior)


def test_text_7_3_gradient_with_respect_to_the_emission_matrix(evidence):
    """A slip: the third line has lost a minus sign. It is set to zero, so the answer stays."""
    matrix = np.column_stack([C, OFFSET]) + 0.1
    left = slopes(lambda m: emission_cross_entropy(m, INV(LAMBDA)), matrix)
    printed = INV(LAMBDA) @ (Y - AUGMENTED @ matrix.T).T @ AUGMENTED / 40
    assert_only_as_printed(left, -printed, printed, rtol=1e-6, atol=1e-7)
    evidence("Text 7.3-a", slope=left[0, 0], printed=printed[0, 0])


def test_text_7_3_normal_equations():
    found = minimize(
        lambda m: emission_cross_entropy(m.reshape(4, 3), INV(LAMBDA)), np.column_stack([C, OFFSET]).ravel(), tol=1e-10
    ).x.reshape(4, 3)
    YX, XX = Y.T @ AUGMENTED / 40, AUGMENTED.T @ AUGMENTED / 40
    without_offset = np.column_stack([Y.T @ X @ INV(X.T @ X), 0 * OFFSET])
    assert_only_as_printed(found, YX @ INV(XX), YX, without_offset, rtol=1e-4, atol=1e-5)
    maximized = fa.maximize(fa.observed_statistics(X, Y))
    np.testing.assert_allclose(np.column_stack(maximized[:2]), YX @ INV(XX), rtol=1e-9)


def test_text_7_3_gradient_with_respect_to_the_precision(evidence):
    """A slip: the third line has lost the factor -1/2. It is set to zero, so the answer stays."""
    matrix, precision = np.column_stack([C, OFFSET]), INV(LAMBDA)
    symmetric = lambda m: emission_cross_entropy(matrix, (m + m.T) / 2)
    left = slopes(symmetric, precision)
    errors = Y - AUGMENTED @ matrix.T
    printed = LAMBDA - errors.T @ errors / 40
    assert_only_as_printed(left, -0.5 * printed, printed, rtol=1e-5, atol=1e-7)
    evidence("Text 7.3-b", slope=left[0, 0], printed=printed[0, 0])


def test_text_7_3_noise(evidence):
    """The noise covariance at the optimum, and a slip: the last sign of the expansion is a plus."""
    YX, XX = Y.T @ AUGMENTED / 40, AUGMENTED.T @ AUGMENTED / 40
    matrix = YX @ INV(XX)
    errors = Y - AUGMENTED @ matrix.T
    left = errors.T @ errors / 40                         # the covariance of the residuals
    YY = Y.T @ Y / 40
    expanded = YY - YX @ matrix.T - matrix @ YX.T
    assert_only_as_printed(left, expanded + matrix @ XX @ matrix.T, expanded - matrix @ XX @ matrix.T)
    assert_only_as_printed(left, YY - matrix @ YX.T, YY, YY - matrix @ XX @ matrix.T + np.eye(4))
    wrong = np.diag(expanded - matrix @ XX @ matrix.T)
    assert (wrong < 0).all()                              # as printed: variances below zero
    evidence("Text 7.3-c", least=np.diag(left).min(), most=np.diag(left).max(), printed=wrong.min())
    np.testing.assert_allclose(fa.maximize(fa.observed_statistics(X, Y)).noise_variances, np.diag(left), rtol=1e-9)


def test_text_7_3_diagonal_of_the_optimum():
    """Held diagonal, the best noise covariance is the diagonal of the best one of all."""
    matrix = np.column_stack(fa.maximize(fa.observed_statistics(X, Y))[:2])
    found = minimize(lambda u: emission_cross_entropy(matrix, np.diag(np.exp(-u))), np.zeros(4), tol=1e-12).x
    errors = Y - AUGMENTED @ matrix.T
    full = errors.T @ errors / 40
    assert_only_as_printed(np.exp(found), np.diag(full), 1 / np.diag(INV(full)), rtol=1e-5)


def test_text_7_3_which_slope_knows_no_other_entry(evidence):
    """A slip: the slope in one entry of Lambda depends on the others; in one entry of its inverse it does not.

    The slope in Lambda^-1 is -(Lambda - S) / 2, with S the residuals' covariance: the matrix Lambda itself, entry
    by entry. Two matrices with one first entry and different second entries tell the two claims apart.
    """
    matrix = np.column_stack([C, OFFSET])
    tilted = LAMBDA.copy()
    tilted[0, 1] = tilted[1, 0] = 0.2
    cost = lambda covariance: emission_cross_entropy(matrix, INV((covariance + covariance.T) / 2))
    of_inverse = lambda precision: emission_cross_entropy(matrix, (precision + precision.T) / 2)
    alone, beside = (slopes(cost, at)[0, 0] for at in (LAMBDA, tilted))
    assert abs(alone - beside) > 0.05
    errors = Y - OFFSET - X @ C.T
    for at in (LAMBDA, tilted):
        left = slopes(of_inverse, INV(at))[0, 0]
        assert_only_as_printed(left, -0.5 * (at - errors.T @ errors / 40)[0, 0], alone, beside, rtol=1e-6, atol=1e-7)
    evidence("Text 7.3-d", alone=alone, beside=beside, inverse=left)


def test_eq_7_3(evidence):
    """A slip: the mean is K (y - c). With c within C, as the section announces, K y is no mean."""
    covariance = np.block([[np.eye(2), C.T], [C, C @ C.T + LAMBDA]])
    P = INV(covariance)
    posterior = INV(P[:2, :2])                            # by conditioning the dense joint
    mean = -(posterior @ P[:2, 2:] @ (Y - OFFSET).T).T
    K = INV(C.T @ INV(LAMBDA) @ C + np.eye(2)) @ C.T @ INV(LAMBDA)
    assert_only_as_printed(posterior, INV(C.T @ INV(LAMBDA) @ C + np.eye(2)), INV(C.T @ INV(LAMBDA) @ C))
    assert_only_as_printed(mean, (Y - OFFSET) @ K.T, Y @ K.T, (Y - OFFSET) @ np.linalg.pinv(C).T, rtol=1e-8)
    np.testing.assert_allclose(fa.posterior(PARAMS, Y).means, mean, rtol=1e-8)
    # With the augmented matrix the formula as printed says that the scalar one is not always one.
    A = np.column_stack([C, OFFSET])
    printed = INV(A.T @ INV(LAMBDA) @ A + np.eye(3)) @ A.T @ INV(LAMBDA) @ Y.T
    assert np.abs(printed[2] - 1).max() > 0.1
    assert np.abs(printed[:2].T - mean).max() > 0.1
    evidence("7.3", mean=mean[0], printed=(Y @ K.T)[0], constant=np.abs(printed[2] - 1).max())


def test_text_7_3_expected_statistics():
    centered = Y - OFFSET
    YY = centered.T @ centered / 40
    posterior = fa.posterior(PARAMS, Y)
    K = INV(C.T @ INV(LAMBDA) @ C + np.eye(2)) @ C.T @ INV(LAMBDA)
    # Left: sums over draws from each observation's posterior.
    rng = np.random.default_rng(74)
    root = np.linalg.cholesky(posterior.covariance)
    draws = posterior.means + rng.normal(size=(20_000, 40, 2)) @ root.T
    cross = np.einsum("nd,snk->dk", centered, draws) / draws[..., 0].size
    square = np.einsum("snj,snk->jk", draws, draws) / draws[..., 0].size
    assert_only_as_printed(cross, YY @ K.T, YY @ C, rtol=0.02, atol=0.01)
    assert_only_as_printed(square, posterior.covariance + K @ YY @ K.T, K @ YY @ K.T, rtol=0.01, atol=0.01)


def test_text_7_3_em_descends_to_a_stationary_point():
    result = em.fit(fa, fa.start(Y, 1, np.random.default_rng(75)), Y, tolerance=1e-13, max_iterations=20_000)
    assert (np.diff(result.losses) <= 1e-10).all()

    def loss(flat):
        covariance = np.outer(flat[:4], flat[:4]) + np.diag(np.exp(flat[4:8]))
        return -multivariate_normal(flat[8:], covariance).logpdf(Y).mean()

    start = np.concatenate([np.ones(4), np.zeros(4), Y.mean(0)])
    assert_only_as_printed(result.losses[-1], minimize(loss, start, tol=1e-10).fun, result.losses[0], rtol=1e-7)


def test_text_7_3_1_infinite_precision():
    """The posterior mean goes to the pseudo-inverse's, its covariance to zero (as epsilon does)."""
    left = [
        INV(C.T @ (np.eye(4) / epsilon) @ C + np.eye(2)) @ C.T @ (np.eye(4) / epsilon) @ (Y - OFFSET).T
        for epsilon in (0.5, 1e-6)
    ]
    middle = INV(C.T @ C + 0.5 * np.eye(2)) @ C.T @ (Y - OFFSET).T
    assert_only_as_printed(left[0], middle, np.linalg.pinv(C) @ (Y - OFFSET).T)
    limit = INV(C.T @ C) @ C.T @ (Y - OFFSET).T
    assert_only_as_printed(left[1], limit, middle, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.linalg.pinv(C) @ (Y - OFFSET).T, limit, rtol=1e-9)
    np.testing.assert_allclose(pca.posterior(pca.Parameters(C, OFFSET), Y).means, limit.T, rtol=1e-9)
    covariances = [ppca.posterior(ppca.Parameters(C, OFFSET, e), Y).covariance for e in (1e-2, 1e-4)]
    np.testing.assert_allclose(covariances[1] / 1e-4, INV(C.T @ C), rtol=1e-3)
    assert not np.allclose(covariances[1], covariances[0])


def test_text_7_3_1_transposes_of_the_chain(evidence):
    """A slip: the chain starts with the mean of X^T, a row, and goes on with columns."""
    for epsilon in (0.5, 1e-6):
        # Left: E[X | y] by conditioning the dense joint. Right: the chain's first formula, at one datum.
        block = C @ C.T + epsilon * np.eye(4)
        mean = (C.T @ INV(block) @ (Y[0] - OFFSET))[:, None]
        right = INV(C.T @ C / epsilon + np.eye(2)) @ C.T / epsilon @ (Y[0] - OFFSET)[:, None]
        assert_only_as_printed(mean, right, right[::-1], rtol=1e-6)
        row = mean.T                                      # E[X^T | y], as printed
        assert row.shape != right.shape
    evidence("Text 7.3.1-a", row=row.shape, column=right.shape)


def test_text_7_3_1_smallest_reconstruction_error():
    limit = pca.posterior(pca.Parameters(C, OFFSET), Y).means
    found = [minimize(lambda x, y=y: ((y - OFFSET - C @ x) ** 2).sum(), np.zeros(2), tol=1e-12).x for y in Y]
    assert_only_as_printed(found, limit, (Y - OFFSET) @ C, rtol=1e-4, atol=1e-5)


def test_box_iterative_pca():
    """Two lines, each a least-squares solution; together they arrive at the leading eigenvectors."""
    centered = Y - Y.mean(0)
    start = RNG.normal(size=(4, 2))
    x = (INV(start.T @ start) @ start.T @ centered.T).T    # the box's E step
    matrix = (centered.T @ x / 40) @ INV(x.T @ x / 40)     # and its M step
    params = pca.Parameters(start, Y.mean(0))
    statistics = pca.expected_statistics(params, Y)
    assert_only_as_printed(pca.posterior(params, Y).means, x, centered @ start)
    assert_only_as_printed(pca.maximize(statistics).loadings, matrix, centered.T @ x / 40)
    # Each line by a general optimizer.
    best = minimize(lambda m: ((centered - x @ m.reshape(4, 2).T) ** 2).sum(), start.ravel(), tol=1e-12).x
    assert_only_as_printed(best.reshape(4, 2), matrix, start, rtol=1e-4, atol=1e-5)
    for _ in range(500):
        x = np.linalg.lstsq(matrix, centered.T, rcond=None)[0].T
        matrix = (centered.T @ x / 40) @ INV(x.T @ x / 40)
    eigenvectors = np.linalg.eigh(centered.T @ centered)[1]
    projector = lambda m: m @ np.linalg.pinv(m)
    assert_only_as_printed(projector(eigenvectors[:, -2:]), projector(matrix), projector(start),
                           projector(eigenvectors[:, :2]), rtol=1e-7, atol=1e-8)
    fitted = em.fit(pca, params, Y, tolerance=1e-15, max_iterations=5000).params
    np.testing.assert_allclose(projector(fitted.loadings), projector(matrix), atol=1e-5)


def test_text_7_3_factors_are_identified_up_to_rotation():
    turn = np.linalg.qr(RNG.normal(size=(2, 2)))[0]
    left = fa.log_marginal(PARAMS, Y)
    assert_only_as_printed(left, fa.log_marginal(PARAMS._replace(loadings=C @ turn), Y),
                           fa.log_marginal(PARAMS._replace(loadings=C * [1.0, 1.2]), Y))
    assert left.mean() == pytest.approx(multivariate_normal(OFFSET, C @ C.T + LAMBDA).logpdf(Y).mean())
