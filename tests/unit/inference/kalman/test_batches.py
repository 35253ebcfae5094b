"""Many sequences at once: the same numbers as one by one."""

import numpy as np
import pytest
from chain_models import model
from numpy.testing import assert_allclose

from pedagogy_lib.inference import kalman

METHODS = kalman.METHODS
BACKENDS = ("numpy", "numba")


def run(arguments, steady_state=False, **options):
    """Filter and smoother of the same arguments."""
    filtered = kalman.filter(*arguments, steady_state=steady_state, **options)
    return filtered, kalman.smooth(*arguments, **options)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", [False, True])
def test_a_batch_is_its_sequences(method, backend, missing):
    rng = np.random.default_rng(10)
    parameters, inputs = model(rng), rng.standard_normal((5, 3))
    y = rng.standard_normal((4, 6, 2))
    if missing:
        y[1, 2], y[3, 4, 0] = np.nan, np.nan
    for pushes in (None, inputs, rng.standard_normal((4, 5, 3))):
        together = run((*parameters, y, pushes), method=method, backend=backend)
        for b in range(4):
            push = pushes if pushes is None or pushes.ndim == 2 else pushes[b]
            alone = run((*parameters, y[b], push), method=method, backend=backend)
            for whole, one in zip(together, alone):
                for name in type(one)._fields:
                    if getattr(one, name) is not None:
                        assert_allclose(getattr(whole, name)[b], getattr(one, name), atol=1e-13)
        assert together[0].log_likelihood.shape == (4,)


def test_a_batch_computes_covariances_once():
    parameters = model(np.random.default_rng(0))
    filtered, smoothed = run((*parameters, np.zeros((100, 3, 2))))
    for shared in (filtered.covariances, filtered.predicted_covariances, smoothed.gains):
        assert shared.shape[0] == 100
        assert shared.strides[0] == 0       # one array, seen a hundred times
        assert not shared.flags.writeable


def test_given_filter_results_are_used():
    rng = np.random.default_rng(14)
    arguments = (*model(rng), rng.standard_normal((3, 6, 2)))
    for method in METHODS:
        filtered = kalman.filter(*arguments, method=method)
        for backend in BACKENDS:
            again = kalman.smooth(*arguments, method=method, filtered=filtered, backend=backend)
            fresh = kalman.smooth(*arguments, method=method, backend=backend)
            for a, b in zip(again, fresh):
                assert_allclose(a, b, atol=1e-12)


def lanes_problem(B, rng, varying=False, inputs=False, gaps=False):
    """Arguments of the filter for B sequences of 7 steps."""
    y = rng.normal(size=(B, 7, 2))
    if gaps:
        y[:, 2, 0] = y[:, 4] = np.nan
    parameters = model(rng, T=7 if varying else None)
    return *parameters, y, rng.normal(size=(B, 6, 3)) if inputs else None


@pytest.mark.parametrize("B", [1, 7, 8, 9, 24])
@pytest.mark.parametrize("options", [{}, {"varying": True}, {"inputs": True}, {"gaps": True}, {"varying": True, "gaps": True}])
def test_lanes_and_reference_are_equal(B, options):
    arguments = lanes_problem(B, np.random.default_rng(B), **options)
    fast = kalman.filter(*arguments, backend="numba")
    slow = kalman.filter(*arguments, backend="numpy")
    for left, right in zip(fast[:5], slow[:5]):
        np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-12)
    alone = kalman.filter(*arguments[:3], arguments[3][-1], None if arguments[4] is None else arguments[4][-1])
    np.testing.assert_allclose(fast.means[-1], alone.means, rtol=1e-10, atol=1e-12)


def test_gaps_that_differ_are_still_grouped():
    arguments = lanes_problem(20, np.random.default_rng(0))
    arguments[3][::2, 3] = np.nan
    fast = kalman.filter(*arguments, backend="numba")
    slow = kalman.filter(*arguments, backend="numpy")
    np.testing.assert_allclose(fast.means, slow.means, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(fast.covariances, slow.covariances, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("row", [0, 13])
def test_trouble_in_any_lane_is_reported(row):
    arguments = lanes_problem(16, np.random.default_rng(1))
    arguments[3][row, 4, 1] = 1e300
    with np.errstate(over="ignore"), pytest.raises(np.linalg.LinAlgError, match=r"at time step t=4 .*its own rounding counts"):
        kalman.filter(*arguments, backend="numba")


def test_covariances_that_are_not_definite_are_reported():
    initial, move, look, y, _ = lanes_problem(16, np.random.default_rng(2))
    twin = look._replace(matrix=np.ones((2, 3)), covariance=np.zeros((2, 2)))
    with pytest.raises(np.linalg.LinAlgError, match="at time step t=0"):
        kalman.filter(initial, move, twin, y, backend="numba")
