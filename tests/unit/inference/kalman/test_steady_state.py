"""The short cut of the kernels: covariances that have converged are frozen."""

import numpy as np
import pytest
from chain_models import model
from numpy.testing import assert_allclose

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman

pytest.importorskip("numba")
METHODS = kalman.METHODS


@pytest.mark.parametrize("method", METHODS)
def test_steady_state_is_exact(method):
    rng = np.random.default_rng(16)
    for K, L in [(1, 1), (2, 1), (4, 2), (8, 3)]:
        arguments = (*model(rng, K, L), rng.standard_normal((400, L)))
        full = kalman.filter(*arguments, method=method)
        short = kalman.filter(*arguments, method=method, steady_state=True)
        for name, a, b in zip(full._fields[:5], full, short):
            scale = np.abs(a).max()
            assert_allclose(b, a, rtol=0, atol=1e-13 * scale, err_msg=name)
        assert (short.covariances[-1] == short.covariances[200]).all()      # frozen it is


def test_steady_state_waits_for_slow_modes():
    """A slow mode hides behind a fast one: the measured rate must be that of the slow one."""
    A, Q = np.diag([0.2, 0.9999]), np.diag([1.0, 1e-6])
    arguments = (
        Gaussian(np.zeros(2), np.diag([1.0, 0.0])),
        AffineGaussian(A, np.zeros(2), Q),
        AffineGaussian(np.array([[1.0, 1.0]]), np.zeros(1), np.eye(1)),
        np.random.default_rng(0).standard_normal((12_000, 1)),
    )
    full = kalman.filter(*arguments)
    short = kalman.filter(*arguments, steady_state=True)
    assert_allclose(short.covariances, full.covariances, rtol=1e-11, atol=0)
    assert_allclose(short.log_likelihoods, full.log_likelihoods, rtol=0, atol=1e-11)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("entry", [slice(None), 0])
def test_a_missing_row_leaves_the_steady_state(method, entry):
    rng = np.random.default_rng(17)
    y = rng.standard_normal((150, 2))
    y[70, entry] = np.nan
    arguments = (*model(rng), y)
    full = kalman.filter(*arguments, method=method)
    short = kalman.filter(*arguments, method=method, steady_state=True)
    assert np.abs(full.covariances[70] - full.covariances[69]).max() > 1e-3
    for a, b in zip(full[:5], short[:5]):
        assert_allclose(b, a, rtol=0, atol=1e-13 * np.abs(a).max())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("B", [2, 9])
def test_steady_state_of_a_batch_with_what_may_vary(method, B):
    rng = np.random.default_rng(23)
    T = 140
    initial, transition, emission = model(rng)
    transition = transition._replace(offset=rng.standard_normal((T - 1, 3)))
    emission = emission._replace(offset=rng.standard_normal((T, 2)))
    y, inputs = rng.standard_normal((B, T, 2)), rng.standard_normal((B, T - 1, 3))
    y[:, 90] = y[:, 91, 1] = np.nan
    arguments = (initial, transition, emission, y, inputs, method)
    full = kalman.filter(*arguments)
    short = kalman.filter(*arguments, steady_state=True)
    assert (short.covariances[0, 80] == short.covariances[0, 89]).all()
    for a, b in zip(full[:5], short[:5]):
        assert_allclose(b, a, rtol=0, atol=1e-13 * np.abs(a).max())


@pytest.mark.parametrize("missing", [[], [1050], [1500]])
def test_the_last_of_a_slow_approach_to_the_steady_state(missing):
    """At t=991 a step changes 2e-13 of the variance, and all that are left change 7e-12."""
    slow = AffineGaussian(np.array([[0.985]]), np.zeros(1), np.array([[1e-6]]))
    look = AffineGaussian(np.eye(1), np.zeros(1), np.eye(1))
    y = np.random.default_rng(0).standard_normal((3000, 1))
    y[missing] = np.nan
    arguments = (Gaussian(np.zeros(1), np.array([[3.4e-3]])), slow, look, y)
    full = kalman.filter(*arguments)
    short = kalman.filter(*arguments, steady_state=True)
    assert_allclose(short.covariances, full.covariances, rtol=1e-13, atol=0)
    for a, b in zip(full[:5], short[:5]):
        assert_allclose(b, a, rtol=0, atol=1e-13 * np.abs(a).max())
    assert (short.covariances[-1] == short.covariances[-500]).all()


def test_no_steady_state_where_nothing_shrinks():
    """A state that nobody sees, and whose variance grows by 1 part in 1e13 at every step."""
    growing = AffineGaussian(np.diag([0.5, 1 + 5e-14]), np.zeros(2), np.diag([1.0, 0.0]))
    look = AffineGaussian(np.array([[1.0, 0.0]]), np.zeros(1), np.eye(1))
    y = np.random.default_rng(0).standard_normal((4000, 1))
    arguments = (Gaussian(np.zeros(2), np.eye(2)), growing, look, y)
    full = kalman.filter(*arguments)
    short = kalman.filter(*arguments, steady_state=True)
    assert full.covariances[-1, 1, 1] > 1 + 3e-10
    assert_allclose(short.covariances, full.covariances, rtol=1e-13, atol=0)


def test_steady_state_needs_constant_parameters():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"steady_state: .*got transition.matrix of shape \(4, 3, 3\)"):
        kalman.filter(*model(rng, T=5), np.zeros((5, 2)), steady_state=True)


def test_the_reference_computes_every_step():
    arguments = (*model(np.random.default_rng(3)), np.zeros((60, 2)))
    full, permitted = (kalman.filter(*arguments, backend="numpy", steady_state=s) for s in (False, True))
    for a, b in zip(full[:5], permitted[:5]):
        np.testing.assert_array_equal(a, b)
