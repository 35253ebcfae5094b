"""Rules with a memory: order, cost, stability against roots, tangents by differences, adjoints by inner products."""

import numpy as np
import pytest

from pedagogy_lib.dynamics import fields, multistep, steppers
from pedagogy_lib.inference import assimilation

RULES = {"ab2": 2, "ab3": 3}


def by_hand(f, x, dt, steps, order):
    """The textbook's rule, written out, with a start that is as good as exact."""
    field = fields.Field(f, None)
    places = [x] + [steppers.flow(field, x, dt * n / 50, 50) for n in range(1, order)]
    while len(places) <= steps:
        a, b, c = places[-1], places[-2], places[-3] if order == 3 else None
        step = (3 * f(a) - f(b)) / 2 if order == 2 else (23 * f(a) - 16 * f(b) + 5 * f(c)) / 12
        places.append(places[-1] + dt * step)
    return np.array(places[: steps + 1])


@pytest.mark.parametrize(("method", "order"), RULES.items())
def test_steps_are_those_of_the_rule(method, order):
    field = fields.pendulum()
    found = steppers.trajectory(field, [1.0, 0.3], 0.05, 12, method)
    np.testing.assert_allclose(found, by_hand(field.velocity, np.array([1.0, 0.3]), 0.05, 12, order), atol=1e-7)
    assert np.abs(found - by_hand(field.velocity, np.array([1.0, 0.3]), 0.05, 12, 5 - order)).max() > 1e-6
    np.testing.assert_array_equal(steppers.flow(field, [1.0, 0.3], 0.05, 12, method), found[-1])


@pytest.mark.parametrize(("method", "order"), RULES.items())
def test_the_error_falls_with_the_order(method, order):
    field, x = fields.lorenz63(), np.array([1.0, -3.0, 20.0])
    exact = steppers.flow(field, x, 0.5, 1, "scipy")
    coarse, fine = (np.linalg.norm(steppers.flow(field, x, 0.5 / n, n, method) - exact) for n in (200, 400))
    assert np.log2(coarse / fine) == pytest.approx(order, abs=0.25)


@pytest.mark.parametrize(("method", "evaluations"), [("euler", 20), ("rk4", 80), ("ab2", 4 + 19), ("ab3", 8 + 18)])
def test_each_place_is_evaluated_once(method, evaluations):
    counted = []
    field = fields.Field(lambda x: counted.append(1) or -x, None)
    steppers.flow(field, np.ones(1), 0.01, 20, method)
    assert len(counted) == evaluations


@pytest.mark.parametrize(("method", "speed", "grows"), [("ab2", 0.3, True), ("ab3", 0.72, False), ("ab3", 0.73, True), ("rk4", 2.8, False), ("rk4", 2.85, True), ("euler", 0.1, True)])
def test_a_swing_grows_or_does_not(method, speed, grows):
    """Of a pendulum that swings little, at `speed` radians a step."""
    swing = fields.Field(lambda x: np.stack([x[..., 1], -x[..., 0]], -1), None)
    size = np.linalg.norm(steppers.trajectory(swing, [1.0, 0.0], speed, 4000, method), axis=1)
    assert (size[-1] > 1.1) == grows
    assert np.isfinite(size[-1])


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 9])
@pytest.mark.parametrize("method", RULES)
def test_tangent_and_adjoint_belong_to_the_run_and_to_each_other(method, steps):
    field, x, rng = fields.lorenz96(7), np.linspace(-3, 6, 7) ** 2 / 5, np.random.default_rng(0)
    change, g = rng.standard_normal((2, 7))
    rest, h = (0.02, steps, method), 1e-6
    along = multistep.tangent(field, x, change, *rest)
    moved = (steppers.flow(field, x + h * change, *rest) - steppers.flow(field, x - h * change, *rest)) / (2 * h)
    np.testing.assert_allclose(along, moved, rtol=1e-6, atol=1e-7)
    back = multistep.adjoint(field, x, g, *rest)
    assert g @ along == pytest.approx(back @ change, rel=1e-12)
    both = multistep.tangent(field, x, np.stack([change, g], 1), *rest)
    np.testing.assert_allclose(both[:, 0], along)


@pytest.mark.parametrize("method", RULES)
def test_an_adjoint_that_steps_back_by_the_rule_without_its_start_is_seen(method, monkeypatch):
    """The memory must not reach into the steps that had none."""
    field, x, rng = fields.lorenz96(7), np.linspace(-3, 6, 7) ** 2 / 5, np.random.default_rng(0)
    change, g = rng.standard_normal((2, 7))
    rest = (0.02, 6, method)
    along = g @ multistep.tangent(field, x, change, *rest)
    weights = steppers.MEMORY[method]
    path, after = steppers.trajectory(field, x, 0.02, 6, method), [g]
    for n in range(5, -1, -1):
        used = [b * after[j] for j, b in enumerate(weights) if n + j < 6]
        after = [after[0] + 0.02 * field.jacobian(path[n]).T @ sum(used), *after]
    assert abs(along - after[0] @ change) > 1e-5


@pytest.mark.parametrize("method", RULES)
def test_the_motion_of_an_assimilation_may_have_a_memory(method):
    field, x, rng = fields.lorenz96(7), np.linspace(-3, 6, 7) ** 2 / 5, np.random.default_rng(0)
    motion = assimilation.motion(field, 0.02, 5, method)
    change, g = rng.standard_normal((2, 7))
    np.testing.assert_array_equal(motion.move(x), steppers.flow(field, x, 0.02, 5, method))
    assert g @ motion.tangent(x, change) == pytest.approx(motion.adjoint(x, g) @ change, rel=1e-12)


def test_one_step_rules_are_refused_by_name():
    with pytest.raises(ValueError, match="method: expected one of"):
        multistep.tangent(fields.pendulum(), np.zeros(2), np.zeros(2), 0.1, 3, "rk4")
    with pytest.raises(ValueError, match="method: expected one of"):
        steppers.tangent(fields.pendulum(), np.zeros(2), np.zeros(2), 0.1, "ab3")
