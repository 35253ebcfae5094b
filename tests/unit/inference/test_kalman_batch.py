"""Many sequences at once: in SIMD lanes, and still the same numbers."""

import numpy as np
import pytest

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman

pytest.importorskip("numba")
T, K, L = 7, 3, 2


def problem(B, rng, varying=False, inputs=False, gaps=False):
    """Arguments of the filter for B sequences."""
    steps = ((T - 1,), (T,)) if varying else ((), ())

    def spread(lead, size):
        root = rng.normal(size=(*lead, size, size))
        return root @ np.swapaxes(root, -1, -2) + 0.1 * np.eye(size)

    initial = Gaussian(rng.normal(size=K), spread((), K))
    move = AffineGaussian(0.5 * rng.normal(size=(*steps[0], K, K)), rng.normal(size=(*steps[0], K)), spread(steps[0], K))
    look = AffineGaussian(rng.normal(size=(*steps[1], L, K)), rng.normal(size=(*steps[1], L)), spread(steps[1], L))
    y = rng.normal(size=(B, T, L))
    if gaps:
        y[:, 2, 0] = y[:, 4] = np.nan
    return initial, move, look, y, rng.normal(size=(B, T - 1, K)) if inputs else None


@pytest.mark.parametrize("B", [1, 7, 8, 9, 24])
@pytest.mark.parametrize("options", [{}, {"varying": True}, {"inputs": True}, {"gaps": True}, {"varying": True, "gaps": True}])
def test_lanes_and_reference_are_equal(B, options):
    arguments = problem(B, np.random.default_rng(B), **options)
    fast = kalman.filter(*arguments, backend="numba")
    slow = kalman.filter(*arguments, backend="numpy")
    for left, right in zip(fast[:5], slow[:5]):
        np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-12)
    alone = kalman.filter(*arguments[:3], arguments[3][-1], None if arguments[4] is None else arguments[4][-1])
    np.testing.assert_allclose(fast.means[-1], alone.means, rtol=1e-10, atol=1e-12)


def test_gaps_that_differ_are_still_grouped():
    arguments = problem(20, np.random.default_rng(0))
    arguments[3][::2, 3] = np.nan
    fast = kalman.filter(*arguments, backend="numba")
    slow = kalman.filter(*arguments, backend="numpy")
    np.testing.assert_allclose(fast.means, slow.means, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(fast.covariances, slow.covariances, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("row", [0, 13])
def test_trouble_in_any_lane_is_reported(row):
    arguments = problem(16, np.random.default_rng(1))
    arguments[3][row, 4, 1] = 1e300
    with np.errstate(over="ignore"), pytest.raises(np.linalg.LinAlgError, match=r"at time step t=4 .*its own rounding counts"):
        kalman.filter(*arguments, backend="numba")


def test_covariances_that_are_not_definite_are_reported():
    initial, move, look, y, _ = problem(16, np.random.default_rng(2))
    twin = look._replace(matrix=np.ones((2, K)), covariance=np.zeros((2, 2)))
    with pytest.raises(np.linalg.LinAlgError, match="at time step t=0"):
        kalman.filter(initial, move, twin, y, backend="numba")
