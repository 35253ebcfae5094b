"""Section 5.1 and 5.1.1 with A.1: linear regression, and leaving samples out in one step.

The textbook's matrices have a sample in each *column*: Y is (M, N), X is (K, N), D is (K, M).
"""

import numpy as np
import pytest
from compare import assert_only_as_printed
from scipy import stats
from scipy.optimize import minimize

from pedagogy_lib.learning.regression import crossvalidation, linear

RNG = np.random.default_rng(51)
N, M, K = 30, 3, 2


def spread(size):
    root = RNG.normal(size=(size, size))
    return root @ root.T + 0.5 * np.eye(size)


Y = RNG.normal(size=(M, N))
X = RNG.normal(size=(K, M)) @ Y + RNG.normal(size=(K, N))
X, Y = X - X.mean(1, keepdims=True), Y - Y.mean(1, keepdims=True)
SIGMA, PRIOR = spread(K), spread(M)


def average(a, b):
    """<A B'>, sample by sample."""
    return np.mean([np.outer(a[:, n], b[:, n]) for n in range(a.shape[1])], axis=0)


def surprisal(D, covariance=SIGMA, x=X, y=Y):
    """The average of -log p(x|y), by SciPy's density."""
    return -np.mean([stats.multivariate_normal(D @ y[:, n], covariance).logpdf(x[:, n]) for n in range(x.shape[1])])


def slope(f, D, h=1e-5):
    """df/dD by central differences."""
    found = np.empty_like(D)
    for index in np.ndindex(D.shape):
        step = np.zeros_like(D)
        step[index] = h
        found[index] = (f(D + step) - f(D - step)) / (2 * h)
    return found


def lowest(f, start):
    """Where a cost is lowest, by a general search."""
    found = minimize(lambda v: f(v.reshape(start.shape)), start.ravel(), tol=1e-12)
    return found.x.reshape(start.shape)


def test_eq_5_1():
    """Relative entropy and cross entropy of the conditionals differ by a number without phi: one minimizer."""
    joint = RNG.dirichlet(np.ones(12)).reshape(4, 3)            # p(x, y)
    p_y = joint.sum(0)
    given = joint / p_y

    def model(phi):
        z = np.exp(np.outer(np.arange(4), phi * np.arange(3)))
        return z / z.sum(0)

    phis = np.linspace(-1, 1, 2001)
    divergence = np.array([sum(p_y[j] * stats.entropy(given[:, j], model(f)[:, j]) for j in range(3)) for f in phis])
    cross = np.array([-(joint * np.log(model(f))).sum() for f in phis])
    marginal_forgotten = np.array([-(given * np.log(model(f))).sum() for f in phis])
    assert_only_as_printed(phis[divergence.argmin()], phis[cross.argmin()], phis[marginal_forgotten.argmin()])
    assert np.ptp(divergence - cross) < 1e-12


def test_eq_5_2():
    """The gradient as printed, and where it vanishes."""
    D = RNG.normal(size=(K, M))
    left = slope(surprisal, D)
    right = -np.linalg.inv(SIGMA) @ average(X - D @ Y, Y)
    assert_only_as_printed(left, right, -right, -SIGMA @ average(X - D @ Y, Y), rtol=1e-5, atol=1e-6)
    root = average(X, Y) @ np.linalg.inv(average(Y, Y))
    oracle = np.linalg.lstsq(Y.T, X.T, rcond=None)[0].T
    assert_only_as_printed(oracle, root, average(X, Y) @ average(Y, Y), SIGMA @ root)
    np.testing.assert_allclose(slope(surprisal, root), 0, atol=1e-6)
    for route in ("normal equations", "newton", "moments", "qr", "svd"):
        np.testing.assert_allclose(linear.least_squares(Y.T, X.T, route, "none").weights, root, rtol=1e-8)


def energies(D, prior=PRIOR):
    return sum(0.5 * d @ np.linalg.solve(prior, d) for d in D)


def test_eq_5_3():
    """Independent rows: the joint density is the product, and the exponential of minus the summed energies."""
    D, E = RNG.normal(size=(2, K, M))
    row = stats.multivariate_normal(np.zeros(M), PRIOR)
    whole = stats.multivariate_normal(np.zeros(K * M), np.kron(np.eye(K), PRIOR))       # all rows, one vector
    assert_only_as_printed(whole.pdf(D.ravel()), np.prod(row.pdf(D)), np.sum(row.pdf(D)))
    left = whole.logpdf(D.ravel()) - whole.logpdf(E.ravel())                            # Z_d cancels
    right = -energies(D) + energies(E)
    assert_only_as_printed(left, right, -right, right / K)


def test_eq_5_4():
    d = RNG.normal(size=M)
    left = slope(lambda v: -stats.multivariate_normal(np.zeros(M), PRIOR).logpdf(v), d)
    assert_only_as_printed(left, d @ np.linalg.inv(PRIOR), d @ PRIOR, 2 * d @ np.linalg.inv(PRIOR), rtol=1e-6)
    difference = energies(d[None]) - energies(0 * d[None])
    logs = stats.multivariate_normal(np.zeros(M), PRIOR).logpdf([0 * d, d])
    assert_only_as_printed(logs[0] - logs[1], difference, 2 * difference)


def test_eq_5_5():
    """Isotropic: every direction of the output varies alike."""
    noise = 0.7 * np.eye(K) @ RNG.normal(size=(K, 400_000))
    directions = np.array([[1, 0], [0, 1], [0.6, 0.8]])
    left = (directions @ noise).var(1)
    covariances = np.array([0.49 * np.eye(K), np.diag([0.49, 0.6])])
    right, unequal = np.einsum("ij,cjk,ik->ci", directions, covariances, directions)
    assert_only_as_printed(left, right, unequal, rtol=0.02)


def posterior_mode(samples, variance):
    """The most probable D given some samples, by searching the log joint of all of them and one prior."""
    x, y = X[:, :samples], Y[:, :samples]

    def cost(D):
        return samples * surprisal(D, variance * np.eye(K), x, y) + energies(D)

    return lowest(cost, np.zeros((K, M)))


@pytest.mark.parametrize("samples", [30, 2])
def test_eq_5_6(samples):
    """With the prior divided by N it is the posterior's mode; as printed it is not, though its algebra holds."""
    x, y, variance = X[:, :samples], Y[:, :samples], 0.8
    printed = average(x, y) @ np.linalg.inv(average(y, y) + variance * np.linalg.inv(PRIOR))
    corrected = average(x, y) @ np.linalg.inv(average(y, y) + variance * np.linalg.inv(PRIOR) / samples)
    inverted = average(x, y) @ np.linalg.inv(average(y, y) + variance * PRIOR / samples)
    assert_only_as_printed(posterior_mode(samples, variance), corrected, printed, inverted, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(linear.ridge(y.T, x.T, PRIOR, variance, intercept=False).weights, corrected, rtol=1e-8)
    # The printed line is the root of the printed gradient: of one average sample and one prior.
    zero = -average(x - printed @ y, y) / variance + printed @ np.linalg.inv(PRIOR)
    np.testing.assert_allclose(zero, 0, atol=1e-10)


def test_eq_5_6_the_posterior_of_a_single_weight(evidence):
    """One weight, 100 samples: the posterior on a grid peaks at 0.990; as printed it would be 0.5."""
    y = np.tile([1.0, -1.0], 50)
    grid = np.linspace(-1, 2, 30_001)
    log_joint = stats.norm.logpdf(grid) + sum(stats.norm.logpdf(v, loc=grid * v) for v in y)     # x = y, unit noise
    peak = grid[log_joint.argmax()]
    assert_only_as_printed(peak, 1 / (1 + 1 / 100), 1 / (1 + 1), rtol=1e-4)
    evidence("5.6", peak=peak, printed=1 / (1 + 1))


def test_eq_5_7():
    """Newton's step: exact for a quadratic, and ever nearer the root of a gradient."""
    hessian, target = spread(4), RNG.normal(size=4)
    theta = RNG.normal(size=4)
    gradient = (theta - target) @ hessian
    right = theta - gradient @ np.linalg.inv(hessian)
    assert_only_as_printed(target, right, theta + gradient @ np.linalg.inv(hessian), theta - gradient)

    at = np.array([0.3, -0.2])
    errors = []
    for _ in range(5):                                          # f = sum(exp(t) - 2 t), lowest at log 2
        at = at - (np.exp(at) - 2) @ np.linalg.inv(np.diag(np.exp(at)))
        errors.append(np.abs(at - np.log(2)).max())
    assert errors[-1] < 1e-6 and all(after < 2 * before**2 for before, after in zip(errors, errors[1:]))


def test_text_5_1_1_newton_can_run_away(evidence):
    """f = sqrt(1 + t^2) is convex, with its minimum at 0; the step is t - f'/f'' = -t^3."""
    for start, arrives in ((0.9, True), (1.1, False)):
        t = start
        for _ in range(4):
            first, second = t / np.sqrt(1 + t**2), (1 + t**2) ** -1.5
            t = t - first / second
        assert (abs(t) < 0.01) == arrives
    assert abs(t) > 1000
    evidence("Text 5.1.1-a", reached=abs(t))


def test_eq_5_8():
    """Noise that is not Gaussian: its moments give the same D; noise that depends on the input does not."""
    D = RNG.normal(size=(K, M))
    y = RNG.normal(size=(M, 1_000_000)) ** 3
    z = RNG.exponential(size=(K, 1_000_000)) - 1
    x = D @ y + z
    right = (x @ y.T) @ np.linalg.inv(y @ y.T)
    dependent = ((x + y[:K]) @ y.T) @ np.linalg.inv(y @ y.T)
    assert_only_as_printed(D, right, dependent, rtol=0, atol=0.01)
    np.testing.assert_allclose(np.cov(x), D @ np.cov(y) @ D.T + np.eye(K), rtol=0.05, atol=0.05)


def test_eq_5_9():
    """Square and of full rank: D = X Y^-1 solves it, and the normal equations give the same."""
    x, y = X[:, :M], Y[:, :M]
    D = x @ np.linalg.inv(y)
    assert_only_as_printed(x, D @ y, x @ np.linalg.inv(y).T @ y)
    assert_only_as_printed(D, x @ y.T @ np.linalg.inv(y @ y.T), x @ y.T, rtol=1e-6)


def test_text_5_1_1_more_samples_than_inputs_may_have_one_solution(evidence):
    """Outputs on a line: 30 equations, three unknowns a row, one solution, although Y is not square."""
    D = RNG.normal(size=(K, M))
    found, _, rank, _ = np.linalg.lstsq(Y.T, (D @ Y).T, rcond=None)
    assert Y.shape == (3, 30) and rank == M
    np.testing.assert_allclose(found.T @ Y, D @ Y, atol=1e-12)
    np.testing.assert_allclose(found.T, D, rtol=1e-10)
    evidence("Text 5.1.1-b", rank=rank, samples=Y.shape[1])


def test_eq_5_10():
    """The most probable D when the samples' errors are correlated, by searching the joint density."""
    upsilon = spread(N)
    densities = stats.multivariate_normal(np.zeros(N), upsilon)

    def cost(D):
        return -sum(densities.logpdf(row) for row in X - D @ Y)

    left = lowest(cost, np.zeros((K, M)))
    P = np.linalg.inv(upsilon)
    right = X @ P @ Y.T @ np.linalg.inv(Y @ P @ Y.T)
    inverted = X @ upsilon @ Y.T @ np.linalg.inv(Y @ upsilon @ Y.T)
    assert_only_as_printed(left, right, inverted, X @ Y.T @ np.linalg.inv(Y @ Y.T), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(linear.weighted(Y.T, X.T, upsilon, intercept=False).weights, right, rtol=1e-8)


def test_result_noise_stays_under_a_prior():
    """S does not cancel: X Y' = D Y Y' + S D Sigma_d^-1, found again by searching the log joint."""
    left = lowest(lambda D: N * surprisal(D) + energies(D), np.zeros((K, M)))
    right = linear.ridge(Y.T, X.T, PRIOR, SIGMA, intercept=False).weights
    apart = linear.ridge(Y.T, X.T, PRIOR, np.diag(np.diag(SIGMA)), intercept=False).weights
    assert_only_as_printed(left, right, apart, rtol=1e-3, atol=2e-5)


# Appendix A.1, in its letters: columns of Z are samples, w the weights, v one output.

Z, V = Y, X[0]
GRAM = Z @ Z.T
H = Z.T @ np.linalg.inv(GRAM) @ Z
RESIDUAL = np.eye(N) - H


def without(rows):
    """Predictions of some samples, from a fit to the others."""
    kept = np.setdiff1d(np.arange(N), rows)
    return Z[:, rows].T @ np.linalg.lstsq(Z[:, kept].T, V[kept], rcond=None)[0]


def test_eq_A_1():
    left = np.linalg.lstsq(Z.T, V, rcond=None)[0]
    assert_only_as_printed(left, np.linalg.inv(GRAM) @ Z @ V, GRAM @ Z @ V)


def test_eq_A_2_and_A_3():
    """Predictions by the hat matrix, which projects on the span of the inputs (by SVD)."""
    left = Z.T @ np.linalg.lstsq(Z.T, V, rcond=None)[0]
    assert_only_as_printed(left, H @ V, RESIDUAL @ V)
    U = np.linalg.svd(Z.T, full_matrices=False)[0]
    assert_only_as_printed(U @ U.T, H, Z.T @ Z, atol=1e-12)


def test_eq_A_4_and_A_5():
    U = np.linalg.svd(Z.T)[0][:, M:]                            # what is at right angles to the inputs
    assert_only_as_printed(U @ U.T, np.eye(N) - H, np.eye(N) + H, atol=1e-12)
    left = V - Z.T @ np.linalg.lstsq(Z.T, V, rcond=None)[0]
    assert_only_as_printed(left, RESIDUAL @ V, H @ V)


def test_eq_A_6():
    left = np.array([without([n])[0] for n in range(N)])
    h = np.diag(np.diag(H))
    m = np.diag(np.diag(RESIDUAL))
    right = np.linalg.inv(m) @ (H @ V - h @ V)
    assert_only_as_printed(left, right, H @ V, np.linalg.inv(m) @ H @ V, np.linalg.inv(h) @ (H @ V - h @ V))


def test_eq_A_7():
    left = np.array([V[n] - without([n])[0] for n in range(N)])
    right = RESIDUAL @ V / np.diag(RESIDUAL)
    assert_only_as_printed(left, right, RESIDUAL @ V, RESIDUAL @ V * np.diag(RESIDUAL), RESIDUAL @ V / np.diag(H))
    found = crossvalidation.leave_one_out(Z.T, V[:, None], [0.0], intercept=False)
    np.testing.assert_allclose(found.residuals[0, :, 0], left, rtol=1e-9)


def test_eq_A_8():
    folds = np.arange(N) % 4
    left, right, single = np.empty(N), np.empty(N), RESIDUAL @ V / np.diag(RESIDUAL)
    for k in range(4):
        rows = np.flatnonzero(folds == k)
        left[rows] = V[rows] - without(rows)
        right[rows] = np.linalg.inv(RESIDUAL[np.ix_(rows, rows)]) @ (RESIDUAL @ V)[rows]
    assert_only_as_printed(left, right, single, RESIDUAL @ V)
    found = crossvalidation.leave_folds_out(Z.T, V[:, None], [0.0], folds, intercept=False)
    np.testing.assert_allclose(found.residuals[0, :, 0], left, rtol=1e-9)


def test_text_A_1_no_projection_has_the_eigenvalue_minus_one(evidence):
    """l = l^2 holds for 0 and 1, and not for -1; of the hat matrix's eigenvalues M are 1."""
    values = np.linalg.eigvalsh(H)
    np.testing.assert_allclose(values, [0] * (N - M) + [1] * M, atol=1e-12)
    assert -1 != (-1) ** 2
    evidence("Text A.1-a", ones=(values > 0.5).sum(), lowest=np.round(values.min(), 6))


def test_text_A_1_leaving_out_may_shrink_a_prediction(evidence):
    """Both steps of Eq. A.6 are said to shrink and to enlarge the prediction: the first may do either."""
    y_hat, corrected = H @ V, H @ V - np.diag(H) * V
    assert (np.abs(corrected) < np.abs(y_hat)).any() and (np.abs(corrected) > np.abs(y_hat)).any()
    evidence("Text A.1-b", grow=(np.abs(corrected) > np.abs(y_hat)).sum(), samples=N)


def test_text_A_1_a_large_fold_is_dearer_in_one_step(evidence):
    """Refitting inverts a matrix of all inputs, Eq. A.8 one of the fold's samples: few folds make that the larger."""
    rng, folds = np.random.default_rng(5), 5
    X, y = rng.normal(size=(10, 1000)), rng.normal(size=1000)                # columns are samples, as in the draft
    hat = X.T @ np.linalg.inv(X @ X.T) @ X
    for rows in np.split(np.arange(1000), folds):
        others = np.setdiff1d(np.arange(1000), rows)
        naive = X[:, others] @ X[:, others].T
        one_step = np.eye(len(rows)) - hat[np.ix_(rows, rows)]
        left = y[rows] - X[:, rows].T @ np.linalg.solve(naive, X[:, others] @ y[others])
        assert_only_as_printed(left, np.linalg.solve(one_step, (y - hat @ y)[rows]), (y - hat @ y)[rows], rtol=1e-8)
        assert len(one_step) > len(naive)
    evidence("Text A.1-c", samples=X.shape[1], inputs=len(naive), folds=folds, fold=len(one_step))
