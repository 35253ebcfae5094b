"""The turning sea: against sums over triads of waves, known solutions, conserved numbers, differences and inner products."""

import numpy as np
import pytest

from pedagogy_lib.dynamics import quasi_geostrophic as qg
from pedagogy_lib.dynamics import steppers

STATE = np.random.default_rng(0)


def places(N):
    line = 2 * np.pi * np.arange(N) / N
    return np.tile(line, N), np.repeat(line, N)                        # x to the east, y to the north


def swirl(sea, seed=0):
    root = qg.random_root(sea, np.exp(-0.4 * np.arange(qg.spectrum(sea, np.zeros(sea.size**2)).size)))
    return root @ np.random.default_rng(seed).standard_normal(root.shape[1])


def by_triads(q, N, beta, bend, drag, viscosity):
    """dq/dt on a square of side tau by the sum over all pairs of complex waves, each taken from the places by itself."""
    x, y = places(N)
    largest = (N - 1) // 3
    numbers = [(k, l) for k in range(-largest, largest + 1) for l in range(-largest, largest + 1) if (k, l) != (0, 0)]
    wave = {n: np.exp(1j * (n[0] * x + n[1] * y)) for n in numbers}
    hat = {n: (q * wave[n].conj()).mean() for n in numbers}
    psi = {n: -hat[n] / (n[0] ** 2 + n[1] ** 2 + bend) for n in numbers}
    rate = {n: -beta * 1j * n[0] * psi[n] - viscosity * (n[0] ** 2 + n[1] ** 2) * hat[n]
            + drag * (n[0] ** 2 + n[1] ** 2) * psi[n] for n in numbers}  # fmt: skip
    for a in numbers:
        for b in numbers:
            n = (a[0] + b[0], a[1] + b[1])
            if n in rate:                                              # J of two waves: psi_x q_y - psi_y q_x
                rate[n] += (a[0] * b[1] - a[1] * b[0]) * psi[a] * hat[b]
    return sum(rate[n] * wave[n] for n in numbers).real


@pytest.mark.parametrize("size", [8, 12])
def test_the_rate_is_a_sum_over_triads_of_waves(size):
    sea = qg.sea(size, beta=0.7, radius=0.8, drag=0.2, viscosity=0.03)
    q = swirl(sea)
    expected = by_triads(q, size, 0.7, 0.8**-2, 0.2, 0.03)
    np.testing.assert_allclose(qg.field(sea).velocity(q), expected, atol=1e-13)
    for wrong in (dict(beta=-0.7), dict(radius=0.9), dict(drag=0.0), dict(viscosity=0.0), dict(dealiased=False)):
        other = qg.sea(size, **{**dict(beta=0.7, radius=0.8, drag=0.2, viscosity=0.03), **wrong})
        full = q + (STATE.standard_normal(size**2) if "dealiased" in wrong else 0.0)
        assert np.abs(qg.field(other).velocity(full) - by_triads(full, size, 0.7, 0.8**-2, 0.2, 0.03)).max() > 1e-3


def test_a_longer_side_is_the_same_sea_in_other_units():
    small, large = qg.sea(16, beta=0.5, radius=0.7), qg.sea(16, 2 * np.pi * 10, beta=0.05, radius=7.0)
    q = swirl(small)
    np.testing.assert_allclose(qg.field(small).velocity(q), qg.field(large).velocity(q), atol=1e-13)
    np.testing.assert_allclose(qg.stream(large, q), 100 * qg.stream(small, q))


@pytest.mark.parametrize("radius", [0.5, np.inf])
@pytest.mark.parametrize("numbers", [(1, 0), (3, 2), (2, -4)])
def test_a_rossby_wave_runs_west_at_its_own_speed(numbers, radius):
    sea, (x, y), (k, l) = qg.sea(16, beta=0.9, radius=radius), places(16), numbers
    speed = -0.9 / (k**2 + l**2 + (0.0 if radius == np.inf else radius**-2))
    after = steppers.flow(qg.field(sea), np.cos(k * x + l * y), 0.01, 200)
    np.testing.assert_allclose(after, np.cos(k * (x - 2 * speed) + l * y), atol=1e-9)
    assert np.abs(after - np.cos(k * (x + 2 * speed) + l * y)).max() > 0.1         # eastward
    slow = -0.9 / (k**2 + l**2 + (1.0 if radius == np.inf else 0.0))               # with the radius left out, or put in
    assert np.abs(after - np.cos(k * (x - 2 * slow) + l * y)).max() > 0.005


def test_one_wave_alone_stands_still_without_beta():
    sea, (x, y) = qg.sea(16, radius=1.0), places(16)
    assert np.abs(qg.field(sea).velocity(np.sin(2 * x + 3 * y))).max() < 1e-14
    ring = np.cos(3 * x + 4 * y) + np.cos(5 * y)                       # one length of wave: psi and q keep step
    assert np.abs(qg.field(qg.sea(18)).velocity(np.cos(3 * places(18)[0] + 4 * places(18)[1]) + np.cos(5 * places(18)[1]))).max() < 1e-13
    assert np.abs(qg.field(sea).velocity(ring + np.cos(x))).max() > 0.1


def test_energy_and_enstrophy_leave_by_no_door():
    sea = qg.sea(24, beta=0.5, radius=0.7)
    q = swirl(sea)
    rate, size = qg.field(sea).velocity(q), np.abs(qg.stream(sea, q)).max()
    assert abs((qg.stream(sea, q) * rate).mean()) < 1e-15 * max(size, 1)
    assert abs((q * rate).mean()) < 1e-15
    assert abs((q**3 * rate).mean()) > 1e-4                            # what the truncation does not keep
    raw = qg.sea(24, beta=0.5, radius=0.7, dealiased=False)
    full = STATE.standard_normal(24**2)
    rate = qg.field(raw).velocity(full)
    assert abs((full * rate).mean()) > 1e-5                            # aliased


@pytest.mark.parametrize(("method", "order"), [("rk4", 4), ("ab3", 3), ("ab2", 2)])
def test_what_a_step_loses_of_enstrophy_is_of_its_order(method, order):
    """Over a fixed time the loss falls with the rule's order; with Euler's enstrophy comes from nowhere."""
    sea = qg.sea(16, radius=1.0)
    field, q = qg.field(sea), swirl(sea)
    drift = [abs(qg.enstrophy(sea, steppers.flow(field, q, 2.0 / n, n, method)) / qg.enstrophy(sea, q) - 1) for n in (40, 320)]
    assert drift[0] < 1e-3
    assert np.log2(drift[0] / drift[1]) > 3 * order - 2                # three halvings of the step
    euler = qg.enstrophy(sea, steppers.flow(field, q, 0.05, 40, "euler")) / qg.enstrophy(sea, q) - 1
    assert euler > 5 * drift[0]


def test_energy_and_enstrophy_are_means_of_squares():
    sea, (x, y) = qg.sea(16, radius=0.5), places(16)
    psi = 0.3 * np.cos(2 * x - y)
    q = qg.vorticity(sea, psi)
    np.testing.assert_allclose(q, -(5 + 4) * psi, atol=1e-13)
    np.testing.assert_allclose(qg.stream(sea, q), psi, atol=1e-14)
    assert qg.energy(sea, q) == pytest.approx(0.5 * (0.09 / 2) * 9)    # |grad psi|^2 and psi^2 / radius^2
    assert qg.enstrophy(sea, q) == pytest.approx(0.5 * (q**2).mean())
    np.testing.assert_allclose(qg.spectrum(sea, q)[1], (q**2).mean())  # the square root of 5 is nearest to 2
    rows = np.stack([q, 2 * q])
    np.testing.assert_allclose(qg.energy(sea, rows), qg.energy(sea, q) * np.array([1, 4]))
    np.testing.assert_allclose(qg.enstrophy(sea, rows), qg.enstrophy(sea, q) * np.array([1, 4]))


def test_tangent_and_adjoint_belong_together():
    sea, rng = qg.sea(16, beta=0.6, radius=0.9, drag=0.1, viscosity=0.02), np.random.default_rng(1)
    field = qg.field(sea)
    x, change, g = rng.standard_normal((3, 256))                       # waves that are not kept are in it, too
    J = field.jacobian(x)
    numerical = (field.velocity(x + 1e-5 * change) - field.velocity(x - 1e-5 * change)) / 2e-5
    np.testing.assert_allclose(J @ change, numerical, atol=1e-7)
    assert g @ (J @ change) == pytest.approx((J.T @ g) @ change, rel=1e-12)
    dense = J @ np.eye(256)
    np.testing.assert_allclose(J.T @ np.eye(256), dense.T, atol=1e-12)
    kept = sea._replace(kept=np.ones_like(sea.kept))                   # an adjoint that forgets to leave waves out
    assert abs(g @ (J @ change) - (qg.field(kept).jacobian(x).T @ g) @ change) > 1e-3
    other = sea._replace(linear=sea.linear.conj())                     # or that sends Rossby's waves the wrong way
    assert abs(g @ (J @ change) - (qg.field(other).jacobian(x).T @ g) @ change) > 1e-3


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_the_steppers_take_a_jacobian_that_is_no_array(method):
    sea, rng = qg.sea(8, beta=0.6), np.random.default_rng(2)
    field, x = qg.field(sea), swirl(sea)
    change, g = rng.standard_normal((2, 64))
    along, back = steppers.tangent(field, x, change, 0.1, method), steppers.adjoint(field, x, g, 0.1, method)
    assert g @ along == pytest.approx(back @ change, rel=1e-12)
    both = steppers.tangent(field, x, np.stack([change, g], 1), 0.1, method)
    np.testing.assert_allclose(both[:, 0], along)


def test_many_states_at_once_are_each_state_alone():
    sea = qg.sea(16, beta=0.6, radius=0.9)
    rows = np.stack([swirl(sea, seed) for seed in range(3)])
    velocity = qg.field(sea).velocity
    np.testing.assert_allclose(velocity(rows), [velocity(row) for row in rows], atol=1e-14)
    np.testing.assert_allclose(qg.stream(sea, rows), [qg.stream(sea, row) for row in rows])
    np.testing.assert_allclose(qg.spectrum(sea, rows), [qg.spectrum(sea, row) for row in rows])


def test_a_random_sea_has_the_spectrum_that_was_asked_for_and_no_preferred_place():
    sea = qg.sea(16)
    power = np.array([3.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05])
    root = qg.random_root(sea, power)
    assert root.shape == (256, 120)                                    # 11 x 11 waves but the mean
    B = root @ root.T
    np.testing.assert_allclose(np.diag(B), power.sum())
    np.testing.assert_allclose(B.reshape(16, 16, 16, 16)[3, 5], np.roll(B.reshape(16, 16, 16, 16)[0, 0], (3, 5), (0, 1)), atol=1e-12)
    draws = (root @ np.random.default_rng(0).standard_normal((120, 4000))).T
    np.testing.assert_allclose(qg.spectrum(sea, draws).mean(0), power, rtol=0.06)
    np.testing.assert_allclose(qg.spectrum(sea, draws).sum(1), (draws**2).mean(1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: qg.sea(6), "size: expected a whole number, at least 8"),
        (lambda: qg.sea(9), "size: expected an even number, got 9"),
        (lambda: qg.sea(8, 0.0), "length: expected a number above 0"),
        (lambda: qg.sea(8, beta=np.nan), "beta: expected"),
        (lambda: qg.sea(8, radius=-1.0), "radius: expected a number above 0"),
        (lambda: qg.sea(8, drag=-1.0), "drag: expected"),
        (lambda: qg.sea(8, viscosity=-1.0), "viscosity: expected"),
        (lambda: qg.field(qg.sea(8)).velocity(np.zeros(63)), r"x: expected shape \(..., 64\), got \(63,\)"),
        (lambda: qg.stream(qg.sea(8), np.zeros((64, 2))), r"q: expected shape \(..., 64\)"),
        (lambda: qg.energy(qg.sea(8), np.full(64, np.nan)), "q: expected finite"),
        (lambda: qg.spectrum(qg.sea(8), np.full(64, np.inf)), "x: expected finite"),
        (lambda: qg.vorticity(qg.sea(8), 3.0), r"psi: expected shape \(..., 64\)"),
        (lambda: qg.random_root(qg.sea(8), np.ones(2)), "power: expected shape"),
        (lambda: qg.random_root(qg.sea(8), -np.ones(3)), "power: expected numbers of at least 0"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
