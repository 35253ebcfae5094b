"""The compiled passes of the mixtures are equal to their references."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from pedagogy_lib.distributions.emissions import Gaussians, _passes
from pedagogy_lib.models.static import gmm, kmeans

pytest.importorskip("numba")


def problem(N, K, D, seed=0):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(K, D, D))
    covariances = roots @ np.swapaxes(roots, 1, 2) + 0.2 * np.eye(D)
    params = gmm.Parameters(rng.dirichlet(np.ones(K)), 2 * rng.normal(size=(K, D)), covariances)
    return params, gmm.sample(params, N, rng).observations


SIZES = [(1, 1, 1), (127, 3, 2), (128, 2, 4), (300, 5, 3)]


@pytest.mark.parametrize("size", SIZES)
def test_infer(size):
    params, y = problem(*size)
    fast, slow = gmm.posterior(params, y, "numba"), gmm.posterior(params, y, "numpy")
    np.testing.assert_allclose(fast[0], slow[0], rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(fast[1], slow[1], rtol=1e-12)
    np.testing.assert_allclose(gmm.posterior(params, y)[0], fast[0], rtol=1e-10, atol=1e-13)
    assert not np.allclose(gmm.posterior(params._replace(means=params.means + 0.1), y, "numba")[1], slow[1], rtol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_scatter(size):
    params, y = problem(*size)
    r, _ = gmm.posterior(params, y)
    fast, slow = (_passes.scatter(r, y, params.means, backend) for backend in ("numba", "numpy"))
    np.testing.assert_allclose(fast, slow, rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(fast, np.swapaxes(fast, 1, 2))


@pytest.mark.parametrize("size", SIZES)
def test_log_densities(size):
    params, y = problem(*size)
    emission = Gaussians(params.means, params.covariances)
    peer = np.stack([multivariate_normal(m, c).logpdf(y) for m, c in zip(params.means, params.covariances)], -1)
    for backend in ("numba", "numpy"):
        found = emission.log_densities(y, backend)
        np.testing.assert_allclose(found, peer.reshape(found.shape), rtol=1e-10)
        assert not np.allclose(emission._replace(covariances=4 * params.covariances).log_densities(y, backend), found, rtol=1e-3)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_extremes(backend):
    params, y = problem(50, 3, 2)
    none = params._replace(weights=np.array([0.4, 0.0, 0.6]))
    assert (gmm.posterior(none, y, backend)[0][:, 1] == 0).all()
    far = np.array([[1e5, -1e5]])
    posterior, loss = gmm.posterior(params, far, backend)
    np.testing.assert_allclose(posterior.sum(), 1.0)
    assert np.isfinite(loss).all()
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(ValueError, match="got one of probability zero"):
        gmm.posterior(params, np.full((1, 2), 1e200), backend)


@pytest.mark.parametrize("size", SIZES)
def test_assign(size):
    params, y = problem(*size)
    fast, slow = (kmeans.expected_statistics(kmeans.Parameters(params.means), y, backend) for backend in ("numba", "numpy"))
    np.testing.assert_array_equal(fast[0], slow[0])
    np.testing.assert_allclose(fast[1], slow[1], rtol=1e-11, atol=1e-12)
    assert fast[2] == pytest.approx(slow[2], rel=1e-12)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_of_equally_near_means_the_first_is_taken(backend):
    means = kmeans.Parameters(np.array([[1.0], [-1.0], [1.0]]))
    shares, _, loss = kmeans.expected_statistics(means, np.array([[0.0], [1.0]]), backend)
    assert shares.tolist() == [1, 0, 0]
    assert loss == 0.5


def test_the_backend_must_be_one_of_three():
    params, y = problem(5, 2, 2)
    for call in (lambda: gmm.posterior(params, y, "fortran"), lambda: kmeans.expected_statistics(kmeans.Parameters(params.means), y, "fortran")):
        with pytest.raises(ValueError, match="backend: expected one of 'auto', 'numba', 'numpy', got 'fortran'"):
            call()


def test_any_layout_is_welcome():
    params, y = problem(200, 3, 2)
    turned = np.asfortranarray(y)
    for left, right in zip(gmm.expected_statistics(params, turned), gmm.expected_statistics(params, y)):
        np.testing.assert_allclose(left, right, rtol=1e-12)
    means = kmeans.Parameters(params.means)
    left, right = kmeans.expected_statistics(means, turned), kmeans.expected_statistics(means, y)
    np.testing.assert_allclose(left.sums, right.sums, rtol=1e-12)


def test_no_shape_reaches_a_kernel_unchecked():
    """Each of these once read or wrote outside of its arrays."""
    params, y = problem(50, 3, 2)
    means, wide = kmeans.Parameters(params.means), np.zeros((50, 5))
    for call in (
        lambda: kmeans.expected_statistics(means, wide),
        lambda: kmeans.expected_statistics(kmeans.Parameters(np.zeros((0, 2))), y),
        lambda: kmeans.posterior(kmeans.Parameters(np.zeros((0, 2))), y),
        lambda: gmm.posterior(params, wide),
        lambda: gmm.posterior(gmm.Parameters(np.zeros(0), np.zeros((0, 2)), np.zeros((0, 2, 2))), y),
        lambda: Gaussians(params.means, params.covariances).observed_statistics(np.ones((40, 3)), y),
        lambda: Gaussians(params.means, params.covariances).observed_statistics(np.ones((50, 4)), y),
        lambda: Gaussians(params.means, params.covariances).log_densities(wide),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()
