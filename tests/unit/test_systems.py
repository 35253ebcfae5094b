"""The test systems: Jacobians by differences, steps by SciPy, adjoints by inner products."""

import numpy as np
import pytest

from pedagogy_lib.models import systems

FIELDS = {
    "lorenz63": (systems.lorenz63(), np.array([1.0, -3.0, 20.0])),
    "lorenz96": (systems.lorenz96(7), np.linspace(-3, 6, 7) ** 2 / 5),
    "two level": (systems.lorenz96_two_level(5, 3), np.sin(np.arange(20.0)) * np.repeat([3.0, 0.2], [5, 15])),
    "pendulum": (systems.pendulum(1.3, 0.1), np.array([2.0, -0.4])),
}


@pytest.mark.parametrize("name", FIELDS)
def test_jacobians_agree_with_differences(name):
    field, x = FIELDS[name]
    h = 1e-6
    numerical = np.stack([(field.velocity(x + h * e) - field.velocity(x - h * e)) / (2 * h) for e in np.eye(len(x))], 1)
    np.testing.assert_allclose(field.jacobian(x), numerical, atol=1e-6)
    assert not np.allclose(field.jacobian(x).T, numerical, atol=1e-2)


@pytest.mark.parametrize("name", FIELDS)
def test_many_states_at_once_are_each_state_alone(name):
    field, x = FIELDS[name]
    rows = np.stack([x, 1.1 * x, -x])
    np.testing.assert_allclose(field.velocity(rows), [field.velocity(row) for row in rows])
    np.testing.assert_allclose(systems.flow(field, rows, 0.01, 3)[1], systems.flow(field, rows[1], 0.01, 3))


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk4", 4)])
@pytest.mark.parametrize("name", FIELDS)
def test_steps_have_the_order_they_are_known_for(name, method, order):
    field, x = FIELDS[name]
    span = {"two level": 0.05, "pendulum": 1.0}.get(name, 0.1)
    exact = systems.flow(field, x, span, 1, "scipy")
    coarse, fine = (np.linalg.norm(systems.flow(field, x, span / n, n, method) - exact) for n in (10, 20))
    assert np.log2(coarse / fine) == pytest.approx(order, abs=0.35)


def test_a_pendulum_without_damping_keeps_its_energy():
    x = systems.trajectory(systems.pendulum(), [2.5, 0.0], 0.01, 2000)
    energy = 0.5 * x[:, 1] ** 2 - np.cos(x[:, 0])
    assert np.ptp(energy) < 1e-7
    euler = systems.trajectory(systems.pendulum(), [2.5, 0.0], 0.01, 2000, "euler")
    assert np.ptp(0.5 * euler[:, 1] ** 2 - np.cos(euler[:, 0])) > 1e-2


def test_lorenz_is_chaotic():
    field = systems.lorenz96()
    x = systems.flow(field, 8 + 0.01 * np.eye(40)[3], 0.05, 400)
    near = x + 1e-6 * np.eye(40)[0]
    early, late = (np.linalg.norm(systems.flow(field, near, 0.05, n) - systems.flow(field, x, 0.05, n)) for n in (1, 200))
    assert late > 1e4 * early


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("name", FIELDS)
def test_tangent_and_adjoint_belong_to_the_flow_and_to_each_other(name, method):
    field, x = FIELDS[name]
    rng = np.random.default_rng(0)
    dx, g = rng.standard_normal((2, len(x)))
    h, dt = 1e-6, 0.1 if name == "pendulum" else 0.02
    moved = (systems.flow(field, x + h * dx, dt, 1, method) - systems.flow(field, x - h * dx, dt, 1, method)) / (2 * h)
    along = systems.tangent(field, x, dx, dt, method)
    np.testing.assert_allclose(along, moved, rtol=1e-5, atol=1e-6)
    back = systems.adjoint(field, x, g, dt, method)
    assert g @ along == pytest.approx(back @ dx, rel=1e-12)
    after = systems.adjoint(field, systems.flow(field, x, dt, 1, method), g, dt, method)
    assert abs(g @ along - after @ dx) > 1e-5                     # at the wrong end of the step
    both = systems.tangent(field, x, np.stack([dx, g], 1), dt, method)
    np.testing.assert_allclose(both[:, 0], along)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: systems.lorenz96(3), "size: expected a whole number, at least 4"),
        (lambda: systems.flow(systems.pendulum(), [0.0, 1.0], -0.1), "dt: expected a number above 0"),
        (lambda: systems.flow(systems.pendulum(), [0.0, 1.0], 0.1, -1), "steps: expected a whole number"),
        (lambda: systems.flow(systems.pendulum(), [0.0, np.nan], 0.1), "x: expected finite"),
        (lambda: systems.flow(systems.pendulum(), [0.0, 1.0], 0.1, method="magic"), "method: expected one of"),
        (lambda: systems.adjoint(systems.pendulum(), np.zeros(2), np.zeros(2), 0.1, "scipy"), "method: expected one of"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_no_time_no_change():
    x = np.array([0.3, 0.1])
    for method in systems.METHODS:
        np.testing.assert_array_equal(systems.flow(systems.pendulum(), x, 0.1, 0, method), x)
