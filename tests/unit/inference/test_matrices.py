"""Roots of covariances that may be singular, against their definition and against 60 digits."""

import mpmath
import numpy as np
import pytest

from pedagogy_lib.inference._matrices import covariance_root


def singular(rng, K, rank):
    """A covariance of this rank, and the units of its variables, from 1e-6 to 1e6."""
    root = rng.standard_normal((K, rank)) * 10.0 ** rng.uniform(-6, 6, (K, 1))
    return root @ root.T, np.sqrt((root**2).sum(1))


@pytest.mark.parametrize(("K", "rank"), [(1, 1), (2, 1), (3, 3), (5, 2), (8, 7), (8, 1)])
def test_a_root_is_one_and_has_the_rank(K, rank):
    rng = np.random.default_rng(K + rank)
    for _ in range(50):
        covariance, units = singular(rng, K, rank)
        root = covariance_root(covariance)
        assert np.abs((root @ root.T - covariance) / np.outer(units, units)).max() < 1e-14
        assert (np.abs(root).max(0) > 0).sum() == rank
    assert (covariance_root(np.zeros((K, K))) == 0).all()


def test_a_stack_is_its_matrices():
    rng = np.random.default_rng(0)
    stack = np.array([singular(rng, 4, rank)[0] for rank in (4, 2, 1)])
    np.testing.assert_array_equal(covariance_root(stack), [covariance_root(each) for each in stack])


def test_what_is_only_rounding_is_left_out():
    """Across a line of states there is no variance; eigenvalues of rounding would give 1e-8 of it."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        v = rng.standard_normal(3)
        root = covariance_root(np.outer(v, v))
        with mpmath.workdps(60):
            across = mpmath.matrix([[v[1], -v[0], 0.0], [0.0, v[2], -v[1]]])
            left = across * mpmath.matrix(root.tolist())
            assert max(abs(value) for value in left) < 1e-14 * (v @ v)
