"""Curvature learnt from slopes, against the matrix that made them."""

from itertools import islice, pairwise

import numpy as np
import pytest

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


class Valley:
    """A curved valley (Rosenbrock's), whose only minimum is (1, 1)."""

    @staticmethod
    def value_and_gradient(params, y, rng=None):
        a, b = params
        if a > 3:
            return np.inf, params                            # a place where nothing can be said
        return (1 - a) ** 2 + y * (b - a * a) ** 2, np.array([-2 * (1 - a) - 4 * y * a * (b - a * a), 2 * y * (b - a * a)])


def test_a_curved_valley_is_walked_to_its_end_and_gradient_descent_is_not_there_yet():
    places = list(islice(quasi_newton.iterate(Valley, np.array([-1.2, 1.0]), 100.0), 60))
    assert [place.iteration for place in places] == list(range(len(places)))
    assert all(later.loss < earlier.loss for earlier, later in pairwise(places))
    assert places[0].params == pytest.approx([-1.2, 1.0])
    assert places[-1].params == pytest.approx([1.0, 1.0], abs=1e-5)
    found = quasi_newton.fit(Valley, np.array([-1.2, 1.0]), 100.0, tolerance=1e-5)
    assert found.gradient_norm <= 1e-5 and found.iteration < 60
    assert quasi_newton.fit(Valley, np.array([-1.2, 1.0]), 100.0, iterations=5).iteration == 5
    assert quasi_newton.fit(Valley, np.array([1.0, 1.0]), 100.0).iteration == 0
    plain = np.array([-1.2, 1.0])
    for _ in range(60):
        plain = plain - 1e-3 * Valley.value_and_gradient(plain, 100.0)[1]
    assert np.abs(plain - 1).max() > 0.5


def test_a_start_where_the_loss_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="params: expected a start with a finite loss"):
        next(quasi_newton.iterate(Valley, np.array([4.0, 1.0]), 100.0))
