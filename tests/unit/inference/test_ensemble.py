"""Ensemble filters against the Kalman filter, and what inflation and localization are for."""

import numpy as np
import pytest

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.dynamics import fields, steppers
from pedagogy_lib.inference import ensemble, kalman

A = np.array([[0.9, 0.3], [-0.2, 0.8]])
C = np.array([[1.0, 0.5]])
Q, R = 0.3 * np.eye(2), np.array([[0.5]])
EXACT = Gaussian(np.zeros(2), np.eye(2)), AffineGaussian(A, np.zeros(2), Q), AffineGaussian(C, np.zeros(1), R)


def move(x, t, rng):
    return x @ A.T + np.sqrt(0.3) * rng.standard_normal(x.shape)


def look(x):
    return x @ C.T


@pytest.fixture(scope="module")
def y():
    rng = np.random.default_rng(0)
    x, found = rng.standard_normal(2), []
    for _ in range(20):
        found.append(C @ x + np.sqrt(0.5) * rng.standard_normal(1))
        x = A @ x + np.sqrt(0.3) * rng.standard_normal(2)
    found[5][:] = np.nan
    return np.array(found)


def run(y, N, seed, method, **options):
    rng = np.random.default_rng(seed)
    return ensemble.filter(rng.standard_normal((N, 2)), move, look, R, y, rng, method, **options)


@pytest.mark.parametrize("method", ensemble.METHODS)
def test_it_converges_to_the_kalman_filter_at_the_rate_of_sampling(y, method):
    exact = kalman.filter(*EXACT, y)
    error = {}
    for N in (25, 400):
        runs = [run(y, N, seed, method) for seed in range(12)]
        error[N] = np.sqrt(np.mean([(r.means - exact.means) ** 2 for r in runs]))
        spread = np.mean([r.spreads**2 for r in runs], 0)
        np.testing.assert_allclose(spread, np.einsum("tkk->tk", exact.covariances), rtol=8 / np.sqrt(12 * N))
    assert error[25] / error[400] == pytest.approx(4, rel=0.35)            # 1 / sqrt(N)
    assert np.mean([r.log_likelihoods.sum() for r in runs]) == pytest.approx(exact.log_likelihood, abs=0.2)


def test_the_root_update_has_exactly_kalmans_moments_of_its_own_ensemble():
    rng = np.random.default_rng(1)
    members = rng.standard_normal((9, 4)) @ rng.standard_normal((4, 4))
    H, noise, datum = rng.standard_normal((3, 4)), np.diag([0.5, 0.2, 0.8]) + 0.1, rng.standard_normal(3)
    found = ensemble.sqrt_update(members, members @ H.T, datum, noise)
    P, m = np.cov(members.T), members.mean(0)
    K = P @ H.T @ np.linalg.inv(H @ P @ H.T + noise)
    np.testing.assert_allclose(found.mean(0), m + K @ (datum - H @ m), rtol=1e-9)
    np.testing.assert_allclose(np.cov(found.T), P - K @ H @ P, atol=1e-9)
    assert not np.allclose(np.cov(found.T), (np.eye(4) - K @ H) @ P @ (np.eye(4) - K @ H).T, atol=1e-3)


def test_without_noise_on_the_data_the_stochastic_ensemble_is_too_narrow():
    rng = np.random.default_rng(2)
    members = rng.standard_normal((50_000, 1))
    noise, datum = np.array([[1.0]]), np.array([0.7])
    found = ensemble.stochastic_update(members, members, datum, noise, rng)
    assert found.var() == pytest.approx(0.5, rel=0.03)                       # 1 / (1 + 1)
    silent = members + 0.5 * (datum - members)
    assert silent.var() == pytest.approx(0.25, rel=0.03)


# --------------------------------------------------------------- a chaotic circle of forty


@pytest.fixture(scope="module")
def weather():
    field = fields.lorenz96(40)
    rng = np.random.default_rng(3)
    x = steppers.flow(field, 8 + rng.standard_normal(40), 0.05, 400)
    truth = steppers.trajectory(field, x, 0.05, 79)
    seen = np.arange(0, 40, 2)
    return field, truth, seen, truth[:, seen] + rng.standard_normal((80, 20))


def assimilate(weather, N, method, inflation, radius):
    field, truth, seen, y = weather
    rng = np.random.default_rng(4)
    places = np.arange(40)
    taper = None if radius is None else tuple(
        ensemble.gaspari_cohn(ensemble.circular_distance(p, seen, 40), radius) for p in (places, seen))
    found = ensemble.filter(
        truth[0] + 2 * rng.standard_normal((N, 40)), lambda x, t, rng: steppers.flow(field, x, 0.05), lambda x: x[:, seen],
        np.eye(20), y, rng, method, inflation, taper)
    return np.sqrt(((found.means - truth) ** 2).mean(1))[40:].mean(), found.spreads[40:].mean()


@pytest.mark.parametrize("method", ensemble.METHODS)
def test_a_small_ensemble_needs_localization_and_inflation(weather, method):
    cured, spread = assimilate(weather, 10, method, 1.08, 4.0)
    assert cured < 0.75                                        # better than a datum, though half is unseen
    assert 0.5 < spread / cured < 2                            # and it knows how good it is
    error, spread = assimilate(weather, 10, method, 1.0, None)
    assert error > 2.0 and spread < 0.3 * error                # lost, and sure of itself


# ------------------------------------------------------------------------------- the taper


def test_the_taper_is_a_bell_with_an_end():
    d = np.linspace(0, 5, 501)
    w = ensemble.gaspari_cohn(d, 2.0)
    assert w[0] == 1 and (w[d >= 4] == 0).all() and (np.diff(w) <= 1e-12).all()
    assert ensemble.gaspari_cohn([2.0], 2.0)[0] == pytest.approx(5 / 24)     # where the two pieces meet
    circle = ensemble.circular_distance(np.arange(30.0), np.arange(30.0), 30)
    assert circle.max() == 15 and (circle == circle.T).all()
    assert np.linalg.eigvalsh(ensemble.gaspari_cohn(circle, 4.0))[0] > -1e-10
    square = np.where(circle < 8, 1.0, 0.0)                     # a plain cut-off is no correlation
    assert np.linalg.eigvalsh(square)[0] < -1


def test_a_taper_of_ones_changes_nothing(y):
    ones = (np.ones((2, 1)), np.ones((1, 1)))
    for method in ensemble.METHODS:
        np.testing.assert_allclose(run(y, 30, 5, method, taper=ones).means, run(y, 30, 5, method).means, atol=1e-9)


def test_inflation_widens_the_prediction_and_a_missing_row_leaves_it(y):
    plain, wide = (next(ensemble.steps(np.random.default_rng(6).standard_normal((30, 2)), move, look, R, y, np.random.default_rng(0), inflation=i)) for i in (1.0, 1.5))
    np.testing.assert_allclose(wide.members.std(0), 1.5 * plain.members.std(0))
    found = run(y, 30, 7, "sqrt")
    np.testing.assert_array_equal(found.members[5], found.predicted[5])
    assert found.log_likelihoods[5] == 0


RNG = np.random.default_rng(0)
TWO = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ensemble.filter(TWO[:1], move, look, R, [[0.0]], RNG), "members: expected two at least"),
        (lambda: ensemble.filter(TWO, move, look, np.eye(2), [[0.0]], RNG), "noise: expected"),
        (lambda: ensemble.filter(TWO, move, look, R, [0.0], RNG), r"y: expected shape \(T, L\)"),
        (lambda: ensemble.filter(TWO, move, look, R, [[0.0]], 0), "rng: expected"),
        (lambda: ensemble.filter(TWO, move, look, R, [[0.0]], RNG, "best"), "method: expected one of"),
        (lambda: ensemble.filter(TWO, move, look, R, [[0.0]], RNG, inflation=0), "inflation: expected a number above 0"),
        (lambda: ensemble.filter(TWO, move, look, R, [[0.0]], RNG, taper=(np.ones((2, 1)),)), "taper: expected a pair"),
        (lambda: ensemble.filter(TWO, move, look, R, [[0.0]], RNG, taper=(np.ones((1, 2)), R)), r"taper\[0\]: expected shape"),
        (lambda: ensemble.filter(TWO, move, look, R, [[0.0]], RNG, taper=(2 * np.ones((2, 1)), R)), r"taper\[0\]: expected numbers from 0 to 1"),
        (lambda: ensemble.filter(TWO, move, lambda x: x, R, [[0.0]], RNG), r"look: expected finite numbers of shape \(3, 1\) at time step t=0"),
        (lambda: ensemble.filter(TWO, lambda x, t, rng: x * np.inf, look, R, [[0.0], [0.0]], RNG), "move: .* at time step t=1, got others"),
        (lambda: ensemble.sqrt_update(TWO, TWO, np.zeros(2), np.eye(2) + 0.5, (np.ones((2, 2)), np.ones((2, 2)))), "noise: expected a diagonal"),
        (lambda: ensemble.gaspari_cohn([-1.0], 1.0), "distances: expected numbers of at least 0"),
    ],
)
def test_errors_name_the_argument(call, message):
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("method", ["sqrt", "stochastic"])
@pytest.mark.parametrize("tapered", [False, True])
def test_a_datum_that_is_missing_in_part_says_what_is_left(method, tapered):
    """As if the missing entry had never been looked for; without its noise there is no datum in its place."""
    source = np.random.default_rng(0)
    members, y = source.normal(size=(30, 2)), np.array([[0.3, np.nan, -0.2]])
    R = np.diag([0.5, 1.0, 2.0])
    C = source.normal(size=(3, 2))
    taper = (source.uniform(0.2, 1, (2, 3)), np.ones((3, 3))) if tapered else None
    rest = (taper[0][:, [0, 2]], np.ones((2, 2))) if tapered else None
    run = lambda C, R, y, taper: ensemble.filter(
        members, None, lambda x: x @ C.T, R, y, np.random.default_rng(1), method, taper=taper)
    found = run(C, R, y, taper)
    left = run(C[[0, 2]], R[::2, ::2], y[:, [0, 2]], rest)
    np.testing.assert_allclose(found.members, left.members, rtol=1e-12)
    np.testing.assert_allclose(found.log_likelihoods, left.log_likelihoods, rtol=1e-12)


def test_small_correlated_noise_is_not_taken_for_diagonal():
    members, images = np.random.default_rng(0).normal(size=(2, 10, 2))
    small = 1e-9 * np.array([[1.0, 0.9], [0.9, 1.0]])
    taper = np.ones((2, 2)), np.ones((2, 2))
    with pytest.raises(ValueError, match="noise: expected a diagonal matrix"):
        ensemble.sqrt_update(members, images, np.zeros(2), small, taper)
    ensemble.sqrt_update(members, images, np.zeros(2), np.diag(np.diag(small)), taper)


def test_a_class_is_no_generator():
    with pytest.raises(ValueError, match="rng: expected a numpy.random.Generator"):
        ensemble.stochastic_update(np.zeros((3, 1)), np.zeros((3, 1)), np.zeros(1), np.eye(1), np.random.Generator)
