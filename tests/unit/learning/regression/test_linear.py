"""Least squares by every route, against NumPy's, dense formulas, a conditioned Gaussian and statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm

from pedagogy_lib.learning.regression import linear

ROUTES = ("normal equations", "qr", "svd", "newton", "moments")
RNG = np.random.default_rng(511)
N, M, K = 40, 3, 2
Y = RNG.normal(size=(N, M)) * [1, 10, 0.1] + [5, -3, 1]
X = Y @ RNG.normal(size=(M, K)) + RNG.normal(size=(N, K)) + [7, -20]
ONES = np.column_stack([Y, np.ones(N)])


def root(size, rng=RNG):
    A = rng.normal(size=(size, size))
    return A @ A.T + 0.3 * np.eye(size)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("intercept", linear.INTERCEPTS)
def test_every_route_is_least_squares(route, intercept):
    fit = linear.least_squares(Y, X, route, intercept)
    through_zero = np.linalg.lstsq(Y, X, rcond=None)[0]
    affine = np.linalg.lstsq(ONES, X, rcond=None)[0]
    right, wrong = (through_zero, affine[:M]) if intercept == "none" else (affine[:M], through_zero)
    offset = np.zeros(K) if intercept == "none" else affine[M]
    np.testing.assert_allclose(fit.weights, right.T, rtol=1e-9)
    np.testing.assert_allclose(fit.offset, offset, rtol=1e-9)
    assert not np.allclose(fit.weights, wrong.T, rtol=1e-3)
    assert not np.allclose(fit.weights, (right * (N - 1) / N).T, rtol=1e-3)
    np.testing.assert_allclose(linear.predict(fit, Y), Y @ right + offset, rtol=1e-9)
    assert fit.rank == M + (intercept == "column")


def test_the_loss_cannot_be_lowered():
    """Finite differences of the sum of squares vanish at the fit, and not beside it."""
    fit = linear.least_squares(Y, X)

    def slope(D, direction, h=1e-4):
        loss = [((X - fit.offset - Y @ (D + sign * h * direction).T) ** 2).sum() for sign in (1, -1)]
        return (loss[0] - loss[1]) / (2 * h)

    for direction in RNG.normal(size=(5, K, M)):
        assert abs(slope(fit.weights, direction)) < 1e-5
        assert abs(slope(fit.weights + 0.01, direction)) > 1e-3


def test_minimum_norm():
    """With fewer samples than inputs: exact on the data, and no solution is shorter."""
    fit = linear.least_squares(Y[:2], X[:2], "svd", "none")
    np.testing.assert_allclose(fit.weights, X[:2].T @ np.linalg.pinv(Y[:2].T), rtol=1e-9)
    np.testing.assert_allclose(linear.predict(fit, Y[:2]), X[:2], rtol=1e-9)
    assert fit.rank == 2
    silent = np.linalg.svd(Y[:2])[2][2]
    for step in (-0.1, 0.1):
        other = fit.weights + step * silent
        np.testing.assert_allclose(Y[:2] @ other.T, X[:2], rtol=1e-9)
        assert np.linalg.norm(other) > np.linalg.norm(fit.weights)


@pytest.mark.parametrize("route", ROUTES)
def test_dependent_inputs_are_named(route):
    doubled = np.column_stack([Y, Y[:, 0] + 2 * Y[:, 1]])
    for y, x, rank in [(doubled, X, 3), (np.column_stack([Y, np.ones(N)]), X, 3), (Y[:2], X[:2], 1)]:
        if route == "svd":
            assert linear.least_squares(y, x, route).rank == rank
        else:
            with pytest.raises(ValueError, match=f"y: expected .*rank.* {rank}"):
                linear.least_squares(y, x, route)


def test_how_many_digits_each_route_keeps():
    """Two inputs that differ by 1e-6: QR and SVD lose 6 digits, the normal equations 12."""
    y = np.column_stack([Y[:, 0], Y[:, 0] + 1e-6 * Y[:, 1]])
    truth = np.array([[1.0, 2.0]])
    x = y @ truth.T
    lost = {r: np.abs(linear.least_squares(y, x, r, "none").weights - truth).max() for r in ("normal equations", "qr", "svd")}
    assert max(lost["qr"], lost["svd"]) < 1e-8 < 1e-6 < lost["normal equations"]
    y = np.column_stack([Y[:, 0], Y[:, 0] + 1e-9 * Y[:, 1]])
    with pytest.raises(ValueError, match="y: .*lost to rounding in the normal equations"):
        linear.least_squares(y, x, "normal equations")
    np.testing.assert_allclose(linear.least_squares(y, y @ truth.T, "qr").weights, truth, atol=1e-4)


@pytest.mark.parametrize("route", [route for route in ROUTES if route != "svd"])
def test_a_dependent_column_is_refused_wherever_it_stands(route):
    """Rounding may leave z'z a Cholesky root, whose last pivot alone then shows that the last column says nothing."""
    rng = np.random.default_rng(2)
    for i in range(60):
        y = rng.normal(size=(30, 3))
        y[:, i % 3] = y @ np.where(np.arange(3) == i % 3, 0.0, rng.normal(size=3))
        with pytest.raises(ValueError, match="rank"):
            linear.least_squares(y, y[:, :1], route)


@pytest.mark.parametrize("kind", ["variances", "full"])
@pytest.mark.parametrize("intercept", [True, False])
def test_weighted(kind, intercept):
    """Eq. 5.10 as a dense formula, statsmodels, and not the fit that ignores or inverts the covariance."""
    full = root(N) if kind == "full" else np.diag(RNG.uniform(0.1, 10, N))
    fit = linear.weighted(Y, X, full if kind == "full" else np.diag(full), intercept)
    inputs = ONES if intercept else Y
    P = np.linalg.inv(full)
    dense = np.linalg.solve(inputs.T @ P @ inputs, inputs.T @ P @ X)
    np.testing.assert_allclose(fit.weights, dense[:M].T, rtol=1e-7)
    np.testing.assert_allclose(fit.weights[0], sm.GLS(X[:, 0], inputs, sigma=full).fit().params[:M], rtol=1e-7)
    wrong = np.linalg.solve(inputs.T @ full @ inputs, inputs.T @ full @ X)
    plain = np.linalg.lstsq(inputs, X, rcond=None)[0]
    for other in (wrong, plain):
        assert not np.allclose(fit.weights, other[:M].T, rtol=1e-3)
    if intercept:
        np.testing.assert_allclose(fit.offset, dense[M], rtol=1e-7)
        centered = Y - Y.mean(0)
        wrong = np.linalg.solve(centered.T @ P @ centered, centered.T @ P @ (X - X.mean(0)))
        assert not np.allclose(fit.weights, wrong.T, rtol=1e-3)
    else:
        np.testing.assert_array_equal(fit.offset, np.zeros(X.shape[1]))
    np.testing.assert_allclose(fit.weights, linear.weighted(Y, X, 7 * full, intercept).weights, rtol=1e-8)


def posterior_mean(y, x, prior, noise, copies=1.0):
    """E[D | data] by conditioning one Gaussian vector of all weights; shares no code, and no formula."""
    A = np.kron(np.eye(K), y)                                   # vec over outputs, then samples
    Sd, Sx = np.kron(np.eye(K), prior), np.kron(noise, np.eye(len(y)))
    gain = Sd @ A.T @ np.linalg.inv(A @ Sd @ A.T + Sx / copies)
    return (gain @ x.T.reshape(-1)).reshape(K, -1)


@pytest.mark.parametrize("samples", [40, 2])
def test_ridge_is_the_posterior_mean(samples):
    y, x = Y[:samples], X[:samples]
    prior, noise = root(M), root(K)
    fit = linear.ridge(y, x, prior, noise, intercept=False)
    np.testing.assert_allclose(fit.weights, posterior_mean(y, x, prior, noise), rtol=1e-7)
    wrong = [
        posterior_mean(y, x, prior / samples, noise),           # the prior counted once a sample
        posterior_mean(y, x, prior, np.diag(np.diag(noise))),   # correlations of the outputs forgotten
        posterior_mean(y, x, np.linalg.inv(prior), noise),
    ]
    for other in wrong:
        assert not np.allclose(fit.weights, other, rtol=1e-4)
    zero = x.T @ y - fit.weights @ (y.T @ y) - noise @ fit.weights @ np.linalg.inv(prior)
    np.testing.assert_allclose(zero, 0, atol=1e-7)


def test_ridge_offset_and_limits():
    fit = linear.ridge(Y, X, 2.0, 0.5)
    y, x = Y - Y.mean(0), X - X.mean(0)
    dense = np.linalg.solve(y.T @ y + 0.5 / 2.0 * np.eye(M), y.T @ x).T
    np.testing.assert_allclose(fit.weights, dense, rtol=1e-9)
    np.testing.assert_allclose(fit.offset, X.mean(0) - dense @ Y.mean(0), rtol=1e-9)
    np.testing.assert_allclose(linear.ridge(Y, X, 1e12).weights, linear.least_squares(Y, X).weights, rtol=1e-8)
    np.testing.assert_allclose(linear.ridge(Y, X, 1e-12).weights, 0, atol=1e-6)
    small = linear.ridge(Y[:2], X[:2], 1e12, intercept=False)   # the pseudo-inverse is a limit of it
    np.testing.assert_allclose(small.weights, X[:2].T @ np.linalg.pinv(Y[:2].T), rtol=1e-6)


def test_diagnosis():
    for intercept, inputs in ((True, ONES), (False, Y)):
        fit = linear.least_squares(Y, X, intercept="center" if intercept else "none")
        found = linear.diagnose(fit, Y, X, intercept)
        for k in range(K):
            peer = sm.OLS(X[:, k], inputs).fit()
            np.testing.assert_allclose(found.standard_errors[k], peer.bse[:M], rtol=1e-8)
            np.testing.assert_allclose(found.residuals[:, k], peer.resid, atol=1e-8)
            np.testing.assert_allclose(found.noise_covariance[k, k], peer.scale, rtol=1e-8)
            np.testing.assert_allclose(found.offset_errors[k], peer.bse[M] if intercept else 0, rtol=1e-8)
            assert not np.allclose(found.noise_covariance[k, k], (peer.resid**2).mean(), rtol=1e-3)
        hat = inputs @ np.linalg.pinv(inputs)
        np.testing.assert_allclose(found.leverages, np.diag(hat), rtol=1e-8)
    with pytest.raises(ValueError, match="y: expected more samples than coefficients, got 4 and 4"):
        linear.diagnose(fit, Y[:4], X[:4])


def test_inputs_are_left_alone_and_arguments_named():
    y, x = Y.copy(), X.copy()
    for route in ROUTES:
        linear.least_squares(y, x, route)
    linear.ridge(y, x, 1.0), linear.weighted(y, x, np.ones(N))
    assert (y == Y).all() and (x == X).all()
    for wrong, message in [
        (lambda: linear.least_squares(Y, X[:, 0]), r"x: expected shape \(40, K\).*reshape it to \(40, 1\)"),
        (lambda: linear.least_squares(Y.T, X), "x: .*samples are rows"),
        (lambda: linear.least_squares(Y, X, "magic"), "route: expected one of"),
        (lambda: linear.least_squares(Y, X, intercept="yes"), "intercept: expected one of"),
        (lambda: linear.least_squares(Y[:0], X[:0]), "y: expected at least one sample"),
        (lambda: linear.ridge(Y, X, -1.0), "prior_covariance: expected a number above 0"),
        (lambda: linear.ridge(Y, X, np.eye(2)), "prior_covariance: expected shape"),
        (lambda: linear.ridge(Y, X, 1.0, np.eye(3)), "noise_covariance: expected shape"),
        (lambda: linear.weighted(Y, X, -np.ones(N)), "covariance: expected variances above 0"),
        (lambda: linear.weighted(Y, X, np.eye(3)), "covariance: expected shape"),
        (lambda: linear.predict(linear.least_squares(Y, X), Y[:, :2]), "y: expected shape"),
    ]:
        with pytest.raises(ValueError, match=message):
            wrong()
