"""4DVar by gradients alone: against the search that keeps every matrix, differences, and a singular background."""

import numpy as np
import pytest

from pedagogy_lib.distributions.gaussian import Gaussian
from pedagogy_lib.dynamics import fields, steppers
from pedagogy_lib.inference import assimilation


def problem(seed=0, T=5):
    rng, field = np.random.default_rng(seed), fields.lorenz96(8)
    first = steppers.flow(field, 8 + rng.standard_normal(8), 0.05, 100)
    root = np.tril(0.5 * rng.standard_normal((8, 8))) + np.eye(8)
    move = assimilation.motion(field, 0.025, 2)
    y = np.full((T, 3), np.nan)
    state = first
    for t in range(T):
        y[t] = state[[0, 3, 5]] + 0.5 * rng.standard_normal(3)
        state = move.move(state)
    y[2, 1] = np.nan
    background = Gaussian(first + root @ rng.standard_normal(8), root @ root.T)
    return assimilation.Window(background, move, np.eye(8)[[0, 3, 5]], 0.25 * np.eye(3), y), root


@pytest.mark.parametrize("seed", range(3))
def test_both_searches_end_at_the_same_place(seed):
    window, root = problem(seed)
    dense = assimilation.follow(assimilation.strong(window), 1e-9, 60)
    ours = assimilation.follow(assimilation.preconditioned(window, root, np.linalg.solve(root, dense.states[0] - window.background.mean + 0.01)), 1e-9, 200)
    np.testing.assert_allclose(ours.states, dense.states, atol=1e-5)
    assert ours.cost == pytest.approx(assimilation.strong_cost(window, ours.states[0]), rel=1e-10)
    wrong = assimilation.follow(assimilation.preconditioned(window, 2 * root), 1e-9, 200)
    assert np.abs(wrong.states - dense.states).max() > 1e-2


def test_the_slope_agrees_with_differences():
    window, root = problem()
    rng = np.random.default_rng(1)
    v, along = rng.standard_normal((2, 8))
    here, h = assimilation.preconditioned_slope(window, root, v), 1e-5
    both = [assimilation.preconditioned_slope(window, root, v + sign * h * along).cost for sign in (1, -1)]
    assert here.gradient @ along == pytest.approx((both[0] - both[1]) / (2 * h), rel=1e-6)
    turned = root @ here.gradient                                      # the root on the wrong side
    assert turned @ along != pytest.approx((both[0] - both[1]) / (2 * h), rel=1e-2)


def test_the_cost_never_rises():
    window, root = problem()
    steps = assimilation.preconditioned(window, root, memory=3)
    costs = [next(steps).cost for _ in range(15)]
    assert np.all(np.diff(costs) <= 0)
    assert costs[-1] < costs[0] - 1


def test_a_flat_background_keeps_the_state_on_its_plane():
    window, root = problem()
    flat = root[:, :3]
    found = assimilation.follow(assimilation.preconditioned(window._replace(background=window.background._replace(covariance=None)), flat), 1e-8, 100)
    away = found.states[0] - window.background.mean
    np.testing.assert_allclose(flat @ np.linalg.lstsq(flat, away, rcond=None)[0], away, atol=1e-9)
    assert np.abs(away).max() > 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w, r: assimilation.preconditioned(w, r[:5]), "root: expected shape"),
        (lambda w, r: assimilation.preconditioned(w, r, np.zeros(3)), "start: expected shape"),
        (lambda w, r: assimilation.preconditioned(w, r, memory=0), "memory: expected"),
        (lambda w, r: assimilation.preconditioned_slope(w, r, np.full(8, np.nan)), "v: expected finite"),
        (lambda w, r: assimilation.preconditioned_slope(w._replace(noise=-w.noise), r, np.zeros(8)), "window.noise"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call(*problem())
