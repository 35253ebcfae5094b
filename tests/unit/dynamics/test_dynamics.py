"""The test systems: Jacobians by differences, steps by SciPy, adjoints by inner products."""

import numpy as np
import pytest

from pedagogy_lib.dynamics import fields, steppers

FIELDS = {
    "lorenz63": (fields.lorenz63(), np.array([1.0, -3.0, 20.0])),
    "lorenz96": (fields.lorenz96(7), np.linspace(-3, 6, 7) ** 2 / 5),
    "two level": (fields.lorenz96_two_level(5, 3), np.sin(np.arange(20.0)) * np.repeat([3.0, 0.2], [5, 15])),
    "pendulum": (fields.pendulum(1.3, 0.1), np.array([2.0, -0.4])),
    "shallow water": (
        fields.shallow_water(6, 6.0, 2.0, 0.7, 0.1),
        np.concatenate([1.5 + 0.3 * np.sin(np.arange(6.0)), np.cos(np.arange(6.0)), np.sin(2 * np.arange(6.0))]),
    ),
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
    np.testing.assert_allclose(steppers.flow(field, rows, 0.01, 3)[1], steppers.flow(field, rows[1], 0.01, 3))


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk4", 4)])
@pytest.mark.parametrize("name", FIELDS)
def test_steps_have_the_order_they_are_known_for(name, method, order):
    field, x = FIELDS[name]
    span = {"two level": 0.05, "pendulum": 1.0}.get(name, 0.1)
    exact = steppers.flow(field, x, span, 1, "scipy")
    coarse, fine = (np.linalg.norm(steppers.flow(field, x, span / n, n, method) - exact) for n in (10, 20))
    assert np.log2(coarse / fine) == pytest.approx(order, abs=0.35)


def test_a_pendulum_without_damping_keeps_its_energy():
    x = steppers.trajectory(fields.pendulum(), [2.5, 0.0], 0.01, 2000)
    energy = 0.5 * x[:, 1] ** 2 - np.cos(x[:, 0])
    assert np.ptp(energy) < 1e-7
    euler = steppers.trajectory(fields.pendulum(), [2.5, 0.0], 0.01, 2000, "euler")
    assert np.ptp(0.5 * euler[:, 1] ** 2 - np.cos(euler[:, 0])) > 1e-2


def test_lorenz_is_chaotic():
    field = fields.lorenz96()
    x = steppers.flow(field, 8 + 0.01 * np.eye(40)[3], 0.05, 400)
    near = x + 1e-6 * np.eye(40)[0]
    early, late = (np.linalg.norm(steppers.flow(field, near, 0.05, n) - steppers.flow(field, x, 0.05, n)) for n in (1, 200))
    assert late > 1e4 * early


def wave(size=64, length=32.0, depth=2.0, height=1e-4, periods=2):
    """A small wave that runs along the circle: the state, and its wave number."""
    k = 2 * np.pi * periods / length
    swell = height * np.cos(k * length / size * np.arange(size))
    return np.concatenate([depth + swell, np.sqrt(9.8 / depth) * swell, np.zeros(size)]), k


def phase(h, periods=2):
    return np.angle(np.fft.rfft(h)[periods])


def test_a_small_wave_on_shallow_water_runs_at_the_root_of_gravity_times_depth():
    x, k = wave()
    after = steppers.flow(fields.shallow_water(64, 32.0, 9.8), x, 0.02, 20)
    speed = (phase(x[:64]) - phase(after[:64])) / (k * 0.4)
    assert speed == pytest.approx(np.sqrt(9.8 * 2.0), rel=0.01)
    assert speed != pytest.approx(np.sqrt(9.8 * 2.2), rel=0.03)    # ten per cent more depth would show
    lag = np.sin(k * 0.5) / (k * 0.5)                              # what central differences lose
    assert speed == pytest.approx(np.sqrt(9.8 * 2.0) * lag, rel=1e-4)
    assert np.abs(after[64:128] - np.sqrt(4.9) * (after[:64] - 2.0)).max() < 1e-6     # it runs one way
    assert np.abs(after[64:128] + np.sqrt(4.9) * (after[:64] - 2.0)).max() > 1e-4


@pytest.mark.parametrize("f", [0.0, 3.0])
def test_rotation_makes_long_waves_faster(f):
    x, k = wave()
    omega = np.sqrt(f**2 + 19.6 * (np.sin(k * 0.5) / 0.5) ** 2)    # Poincare's waves, on this grid
    still = np.concatenate([x[:64], np.zeros(128)])
    balance = f**2 / omega**2                                      # of the hill, what stays: geostrophic
    after = steppers.flow(fields.shallow_water(64, 32.0, 9.8, f), still, 0.02, 30)
    left = np.fft.rfft(after[:64])[2].real / np.fft.rfft(still[:64])[2].real
    assert left == pytest.approx(balance + (1 - balance) * np.cos(omega * 0.6), abs=1e-3)
    assert left != pytest.approx(np.cos(np.sqrt(19.6) * k * 0.6), abs=0.01) or f == 0


def test_water_neither_comes_nor_goes():
    field = fields.shallow_water(40, 40.0, 1.0, 0.2, 0.1)
    hill = np.exp(-0.5 * ((np.arange(40) - 20) / 3.0) ** 2)
    x = np.concatenate([1 + 0.3 * hill, 0.2 * np.roll(hill, 5), np.zeros(40)])
    path = steppers.trajectory(field, x, 0.4, 200)
    assert np.abs(path[:, :40].sum(1) - path[0, :40].sum()).max() < 1e-11
    assert np.ptp(path[:, 40:80].sum(1)) > 0.1                     # velocity has no such law
    assert path[:, :40].min() > 0.5


def test_a_flow_along_the_hills_is_in_balance():
    h = 1 + 0.2 * np.cos(2 * np.pi * np.arange(24) / 24)
    v = (np.roll(h, -1) - np.roll(h, 1)) / 2 / 0.5                 # f v = g h_x
    field = fields.shallow_water(24, 24.0, 1.0, 0.5)
    np.testing.assert_allclose(field.velocity(np.concatenate([h, 0 * h, v])), 0.0, atol=1e-15)
    assert np.abs(field.velocity(np.concatenate([h, 0 * h, -v]))).max() > 0.05


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("name", FIELDS)
def test_tangent_and_adjoint_belong_to_the_flow_and_to_each_other(name, method):
    field, x = FIELDS[name]
    rng = np.random.default_rng(0)
    dx, g = rng.standard_normal((2, len(x)))
    h, dt = 1e-6, 0.1 if name == "pendulum" else 0.02
    moved = (steppers.flow(field, x + h * dx, dt, 1, method) - steppers.flow(field, x - h * dx, dt, 1, method)) / (2 * h)
    along = steppers.tangent(field, x, dx, dt, method)
    np.testing.assert_allclose(along, moved, rtol=1e-5, atol=1e-6)
    back = steppers.adjoint(field, x, g, dt, method)
    assert g @ along == pytest.approx(back @ dx, rel=1e-12)
    after = steppers.adjoint(field, steppers.flow(field, x, dt, 1, method), g, dt, method)
    assert abs(g @ along - after @ dx) > 1e-5                     # at the wrong end of the step
    both = steppers.tangent(field, x, np.stack([dx, g], 1), dt, method)
    np.testing.assert_allclose(both[:, 0], along)


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("name", FIELDS)
def test_many_steps_are_one_after_the_other(name, method):
    field, x = FIELDS[name]
    dx, g = np.random.default_rng(0).standard_normal((2, len(x)))
    states = steppers.trajectory(field, x, 0.01, 4, method)
    along, back = dx, g
    for early, late in zip(states[:4], states[3::-1]):
        along = steppers.tangent(field, early, along, 0.01, method)
        back = steppers.adjoint(field, late, back, 0.01, method)
    np.testing.assert_allclose(steppers.tangent(field, x, dx, 0.01, method, steps=4), along, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(steppers.adjoint(field, x, g, 0.01, method, steps=4), back, rtol=1e-12, atol=1e-14)
    ahead, behind = (steppers.flow(field, x + h * dx, 0.01, 4, method) for h in (1e-6, -1e-6))
    np.testing.assert_allclose(along, (ahead - behind) / 2e-6, rtol=1e-5, atol=1e-6)
    assert g @ along == pytest.approx(back @ dx, rel=1e-11)
    three = steppers.adjoint(field, x, g, 0.01, method, steps=3)
    assert np.abs(three - back).max() > 1e-4 * np.abs(back).max()
    np.testing.assert_array_equal(steppers.adjoint(field, x, g, 0.01, method, steps=0), g)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fields.shallow_water(3), "size: expected a whole number, at least 4"),
        (lambda: fields.shallow_water(length=0.0), "length: expected a number above 0"),
        (lambda: fields.shallow_water(gravity=-1.0), "gravity: expected a number above 0"),
        (lambda: fields.shallow_water(rotation=np.nan), "rotation: expected"),
        (lambda: fields.shallow_water(diffusion=-0.1), "diffusion: expected"),
        (lambda: fields.lorenz96(3), "size: expected a whole number, at least 4"),
        (lambda: steppers.flow(fields.pendulum(), [0.0, 1.0], -0.1), "dt: expected a number above 0"),
        (lambda: steppers.flow(fields.pendulum(), [0.0, 1.0], 0.1, -1), "steps: expected a whole number"),
        (lambda: steppers.flow(fields.pendulum(), [0.0, np.nan], 0.1), "x: expected finite"),
        (lambda: steppers.flow(fields.pendulum(), [0.0, 1.0], 0.1, method="magic"), "method: expected one of"),
        (lambda: steppers.adjoint(fields.pendulum(), np.zeros(2), np.zeros(2), 0.1, "scipy"), "method: expected one of"),
        (lambda: steppers.adjoint(fields.pendulum(), np.zeros(2), np.zeros(2), 0.1, steps=-1), "steps: expected a whole"),
        (lambda: steppers.adjoint(fields.lorenz96(8), np.zeros(7), np.zeros(7), 0.1), "x: expected states such as"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_no_time_no_change():
    x = np.array([0.3, 0.1])
    for method in steppers.METHODS:
        np.testing.assert_array_equal(steppers.flow(fields.pendulum(), x, 0.1, 0, method), x)


def test_a_solution_that_ends_early_is_an_error():
    """dx/dt = x^2 from 1 reaches infinity at time 1."""
    burst = fields.Field(lambda x: x**2, lambda x: np.diag(2 * x))
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="field: expected a solution for 2 units of time, got none beyond 1"):
        steppers.flow(burst, np.ones(1), 0.1, 20, "scipy")
    np.testing.assert_allclose(steppers.flow(burst, np.ones(1), 0.05, 10, "scipy"), 2.0, rtol=1e-7)
