"""Curvature learnt from slopes, against the matrix that made them."""

import numpy as np

from pedagogy_lib.learning import quasi_newton

RNG = np.random.default_rng(0)
ROOT = RNG.normal(size=(4, 4))
H = ROOT @ ROOT.T + np.eye(4)


def test_the_latest_step_is_explained_and_the_matrix_stays_definite():
    inverse = np.eye(4)
    for _ in range(20):
        step = RNG.normal(size=4)
        inverse = quasi_newton.bfgs(inverse, step, H @ step)
        np.testing.assert_allclose(inverse @ (H @ step), step, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(inverse, inverse.T, rtol=1e-12)
        assert np.linalg.eigvalsh(inverse)[0] > 0


def test_conjugate_steps_of_a_quadratic_reveal_all_of_it():
    """As many steps as dimensions, each conjugate to those before it: then the inverse is exact."""
    inverse, place = np.eye(4), np.ones(4)
    for _ in range(4):
        slope = H @ place
        direction = -inverse @ slope
        step = -(slope @ direction) / (direction @ H @ direction) * direction      # to the lowest point along it
        inverse, place = quasi_newton.bfgs(inverse, step, H @ step), place + step
    np.testing.assert_allclose(inverse, np.linalg.inv(H), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(place, 0.0, atol=1e-9)


def test_where_the_cost_is_not_convex_nothing_is_learned():
    np.testing.assert_array_equal(quasi_newton.bfgs(np.eye(2), np.ones(2), -np.ones(2)), np.eye(2))
