"""Principal components, probabilistic and not: closed forms, EM, and scikit-learn."""

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA

from pedagogy_lib.learning import em
from pedagogy_lib.models.static import factor_analysis, pca, ppca

RNG = np.random.default_rng(0)
Y = RNG.normal(size=(300, 7)) * [4.0, 3.0, 1.5, 1.0, 0.8, 0.6, 0.5] @ np.linalg.qr(RNG.normal(size=(7, 7)))[0] + 2.0
PEER = PCA(2).fit(Y)


def test_principal_components_agree_with_scikit_learn():
    found = pca.principal_components(Y, 2)
    assert np.abs(np.diag(PEER.components_ @ found.directions)) == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(found.variances, PEER.explained_variance_ * 299 / 300, rtol=1e-12)
    np.testing.assert_allclose(found.directions.T @ found.directions, np.eye(2), atol=1e-14)
    assert (found.directions[np.abs(found.directions).argmax(0), [0, 1]] > 0).all()
    uncentered = np.linalg.svd(Y, full_matrices=False)[2][:2]
    assert np.abs(uncentered[0] @ found.directions[:, 0]) < 0.999


def test_iterative_pca_finds_the_principal_plane():
    result = em.fit(pca, pca.start(Y, 2, np.random.default_rng(1)), Y, tolerance=1e-15)
    assert result.converged
    assert subspace_angles(result.params.loadings, PEER.components_.T).max() < 1e-6
    # Its loss is the variance outside the plane.
    total = np.linalg.eigvalsh(np.cov(Y.T, bias=True))
    assert result.losses[-1] == pytest.approx(total[:-2].sum(), rel=1e-10)
    assert (np.diff(result.losses) <= 1e-12).all()
    other = PCA(3).fit(Y).components_.T[:, [0, 2]]
    assert subspace_angles(result.params.loadings, other).max() > 1.0


def test_iterative_pca_narrows_the_angle_by_the_ratio_of_eigenvalues():
    eigenvalues = np.linalg.eigvalsh(np.cov(Y.T, bias=True))[::-1]
    angles = []
    for event in em.iterate(pca, pca.start(Y, 2, np.random.default_rng(2)), Y):
        if isinstance(event, em.Maximization):
            angles.append(np.tan(subspace_angles(event.params.loadings, PEER.components_.T).max()))
            if event.iteration == 12:
                break
    ratios = np.divide(angles[1:], angles[:-1])
    assert ratios[-1] == pytest.approx(eigenvalues[2] / eigenvalues[1], rel=0.02)
    assert abs(ratios[-1] - eigenvalues[3] / eigenvalues[1]) > 0.05


def test_iterative_pca_also_moves_the_offset():
    start = pca.Parameters(np.random.default_rng(3).normal(size=(7, 2)), np.zeros(7))
    params = em.fit(pca, start, Y, tolerance=1e-15).params
    assert subspace_angles(params.loadings, PEER.components_.T).max() < 1e-5
    distance = params.offset - Y.mean(0)                  # any point of the plane will do
    np.testing.assert_allclose(distance - PEER.components_.T @ (PEER.components_ @ distance), 0, atol=1e-4)


def test_projection_and_reconstruction_are_least_squares():
    params = pca.Parameters(RNG.normal(size=(7, 3)), RNG.normal(size=7))
    x = pca.posterior(params, Y).means
    np.testing.assert_allclose(x, (np.linalg.pinv(params.loadings) @ (Y - params.offset).T).T, rtol=1e-9)
    residual = Y - pca.reconstruct(params, x)
    np.testing.assert_allclose(residual @ params.loadings, 0, atol=1e-11)
    assert pca.expected_statistics(params, Y).loss == pytest.approx((residual**2).sum(1).mean())
    assert np.abs((Y - pca.reconstruct(params, 1.01 * x)) @ params.loadings).max() > 1e-3


def test_pca_is_the_limit_of_ppca():
    params = pca.Parameters(RNG.normal(size=(7, 3)), RNG.normal(size=7))
    gaps = []
    for noise in (1.0, 1e-3, 1e-6):
        found = ppca.posterior(ppca.Parameters(*params, noise), Y)
        gaps.append(np.abs(found.means - pca.posterior(params, Y).means).max())
        assert np.abs(found.covariance).max() < 10 * noise
    assert gaps[0] > 0.05 > 1e-4 > gaps[2]


def test_maximum_likelihood_agrees_with_scikit_learn_and_em():
    closed = ppca.maximum_likelihood(Y, 2)
    eigenvalues = np.linalg.eigvalsh(np.cov(Y.T, bias=True))
    assert closed.noise_variance == pytest.approx(eigenvalues[:-2].mean(), rel=1e-11)
    start = ppca.start(Y, 2, np.random.default_rng(4))
    fitted = em.fit(ppca, start, Y, tolerance=1e-14, max_iterations=5000)
    assert fitted.losses[-1] == pytest.approx(-ppca.log_marginal(closed, Y).mean(), rel=1e-10)
    np.testing.assert_allclose(
        fitted.params.loadings @ fitted.params.loadings.T, closed.loadings @ closed.loadings.T, rtol=1e-4, atol=1e-5
    )
    assert fitted.params.noise_variance == pytest.approx(closed.noise_variance, rel=1e-6)
    # scikit-learn divides by N - 1: with that scaling undone, its density is ours.
    covariance = PEER.get_covariance() * 299 / 300
    np.testing.assert_allclose(ppca.log_marginal(closed, Y), multivariate_normal(Y.mean(0), covariance).logpdf(Y))
    assert -ppca.log_marginal(closed._replace(noise_variance=0.9 * closed.noise_variance), Y).mean() > fitted.losses[-1]


def test_ppca_is_a_factor_analyzer_with_equal_noise():
    params = ppca.maximum_likelihood(Y, 3)
    same = ppca.factor_analyzer(params)
    np.testing.assert_array_equal(ppca.posterior(params, Y).means, factor_analysis.posterior(same, Y).means)
    draw = ppca.sample(params, 100_000, np.random.default_rng(5)).observations
    expected = params.loadings @ params.loadings.T + params.noise_variance * np.eye(7)
    np.testing.assert_allclose(np.cov(draw.T), expected, atol=0.2)
    # Freed from equality, the factor analyzer fits better.
    free = em.fit(factor_analysis, same, Y, max_iterations=3000, tolerance=1e-7)
    assert free.losses[-1] < -ppca.log_marginal(params, Y).mean() - 1e-3
    observed = ppca.maximize(ppca.observed_statistics(draw[:, :1], draw))
    assert observed.noise_variance > 0


def test_isotropic_data_leave_no_negative_variance():
    y = np.concatenate([np.eye(4), -np.eye(4)])
    found = ppca.maximum_likelihood(y, 2)
    np.testing.assert_allclose(found.loadings, 0, atol=1e-7)


def test_arguments_are_not_changed():
    y = Y.copy()
    start = pca.start(Y, 2, np.random.default_rng(6))
    loadings = start.loadings.copy()
    pca.maximize(pca.expected_statistics(start, Y))
    np.testing.assert_array_equal(loadings, start.loadings)
    np.testing.assert_array_equal(y, Y)


LINE = np.outer(np.arange(5.0), [1.0, 2.0])
GOOD = pca.Parameters(np.ones((7, 1)), np.zeros(7))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pca.principal_components(Y, 8), "k: expected at most 7"),
        (lambda: pca.principal_components(Y * np.nan, 1), "y: expected finite numbers, got nan"),
        (lambda: pca.start(Y, 8, np.random.default_rng(0)), "k: expected at most the number of columns"),
        (lambda: pca.posterior(GOOD._replace(loadings=np.ones((7, 2))), Y), "expected 2 independent columns"),
        (lambda: pca.posterior(GOOD._replace(offset=np.zeros(3)), Y), r"params.offset: expected shape \(7,\)"),
        (lambda: pca.posterior(GOOD, Y.T), "samples are rows: transpose it"),
        (lambda: pca.expected_statistics(GOOD, np.full((1, 7), np.nan)), "y: expected finite numbers"),
        (lambda: pca.reconstruct(GOOD, np.ones((3, 2))), r"coordinates: expected shape \(N, 1\)"),
        (lambda: pca.maximize(pca.expected_statistics(GOOD, np.ones((4, 7)))), "expected factors that vary in 1 directions"),
        (lambda: ppca.maximum_likelihood(Y, 7), "k: expected less than the 7 columns of y, got 7"),
        (lambda: ppca.maximum_likelihood(LINE, 1), "no variance left for the noise"),
        (lambda: ppca.maximize(ppca.observed_statistics(LINE[:, :1], LINE)), "no variance left for the noise"),
        (lambda: ppca.posterior(ppca.Parameters(np.ones((7, 1)), np.zeros(7), 0.0), Y), "params.noise_variance: expected a number above 0"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_ppca_marginalizes_missing_entries():
    """Against conditioning the joint covariance of components and seen entries; zeros in the gaps are another answer."""
    rng = np.random.default_rng(5)
    params = ppca.Parameters(rng.normal(size=(5, 2)), rng.normal(size=5), 0.3)
    y = ppca.sample(params, 30, rng).observations
    torn = np.where(rng.random(y.shape) < 0.4, np.nan, y)
    found, costs = ppca.posterior(params, torn), ppca.log_marginal(params, torn)
    zeros = ppca.posterior(params, np.nan_to_num(torn))
    off = 0
    for n, row in enumerate(torn):
        seen = np.flatnonzero(~np.isnan(row))
        S = params.loadings[seen] @ params.loadings[seen].T + params.noise_variance * np.eye(len(seen))
        gain = np.linalg.solve(S, params.loadings[seen]).T
        departure = row[seen] - params.offset[seen]
        np.testing.assert_allclose(found.means[n], gain @ departure, atol=1e-11)
        _, log_det = np.linalg.slogdet(2 * np.pi * S)
        assert np.isclose(costs[n], -0.5 * (departure @ np.linalg.solve(S, departure) + log_det), rtol=1e-11)
        off += np.abs(zeros.means[n] - gain @ departure).max() > 0.01
    assert off > 20
