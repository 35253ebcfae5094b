"""The results of section 2.4, which the textbook does not have: each from two sides, and with a wrong version."""

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.linalg import sqrtm

from pedagogy_lib import exercises
from pedagogy_lib.inference import ensemble

SERIAL_UPDATE = exercises.find("2.4-b")
K, L, N = 5, 3, 8


@pytest.fixture(scope="module")
def problem():
    """A covariance, a look, its noise, and an ensemble."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(K, K))
    C, noise = rng.normal(size=(L, K)), np.diag([0.5, 1.0, 2.0]) + 0.1
    return root @ root.T, C, noise, rng.normal(size=(N, K)) @ root.T, rng.normal(size=L)


def kalman(P, C, R):
    gain = P @ C.T @ np.linalg.inv(C @ P @ C.T + R)
    return gain, P - gain @ C @ P


def lowest(matrix):
    return np.linalg.eigvalsh((matrix + matrix.T) / 2)[0]


def test_without_noise_the_covariance_lacks_k_r_k(problem):
    P, C, R, *_ = problem
    gain, after = kalman(P, C, R)
    both = (np.eye(K) - gain @ C) @ P @ (np.eye(K) - gain @ C).T
    np.testing.assert_allclose(after - both, gain @ R @ gain.T, atol=1e-12)
    np.testing.assert_allclose((np.eye(K) - gain @ C) @ P @ C.T, gain @ R, atol=1e-12)
    other = 1.1 * gain                                           # it holds for Kalman's gain only
    both = (np.eye(K) - other @ C) @ P @ (np.eye(K) - other @ C).T
    assert np.abs((np.eye(K) - other @ C) @ P - both - other @ R @ other.T).max() > 0.01


def test_the_stochastic_update_is_right_on_average_over_its_noise(problem):
    _, C, R, members, y = problem
    rng = np.random.default_rng(1)
    gain, after = kalman(np.cov(members.T), C, R)
    draws = [ensemble.stochastic_update(members, members @ C.T, y, R, rng) for _ in range(20_000)]
    deviations = np.array(draws) - np.mean(draws, axis=1)[:, None]
    average = np.einsum("dni,dnj->ij", deviations, deviations) / len(draws) / (N - 1)
    np.testing.assert_allclose(average, after, atol=0.02 * np.abs(after).max())
    silent = members + (y - members @ C.T) @ gain.T
    assert np.abs(np.cov(silent.T) - after).max() > 0.1 * np.abs(after).max()


def test_the_weights_of_the_members_give_kalmans_update(problem):
    _, C, R, members, y = problem
    X, Y = members - members.mean(0), (members - members.mean(0)) @ C.T
    S = Y @ np.linalg.inv(R) @ Y.T / (N - 1)
    W = np.real(sqrtm(np.linalg.inv(np.eye(N) + S)))             # SciPy's own root
    w = np.linalg.solve(np.eye(N) + S, Y @ np.linalg.solve(R, y - C @ members.mean(0))) / (N - 1)
    gain, after = kalman(np.cov(members.T), C, R)
    np.testing.assert_allclose(X.T @ w, gain @ (y - C @ members.mean(0)), atol=1e-9)
    np.testing.assert_allclose((W @ X).T @ W @ X / (N - 1), after, atol=1e-9)
    np.testing.assert_allclose(W @ np.ones(N), np.ones(N), atol=1e-9)
    found = ensemble.sqrt_update(members, members @ C.T, y, R)
    np.testing.assert_allclose(found, members.mean(0) + w @ X + W @ X, atol=1e-9)
    lower = np.linalg.cholesky(np.linalg.inv(np.eye(N) + S)).T   # as good a root, but it moves the mean
    np.testing.assert_allclose((lower @ X).T @ lower @ X / (N - 1), after, atol=1e-9)
    assert np.abs((lower @ X).mean(0)).max() > 0.05


@pytest.mark.parametrize("method", ensemble.METHODS)
def test_new_members_are_mixtures_of_the_old(method):
    rng = np.random.default_rng(2)
    members, C, R, y = rng.normal(size=(4, 9)), rng.normal(size=(6, 9)), np.eye(6), rng.normal(size=6)
    args = (members, members @ C.T, y, R) + ((rng,) if method == "stochastic" else ())
    found = getattr(ensemble, f"{method}_update")(*args)
    X = members - members.mean(0)
    assert np.linalg.matrix_rank(np.vstack([X, found - members.mean(0)])) == 3
    assert np.linalg.matrix_rank(np.vstack([X, rng.normal(size=(1, 9))])) == 4


def test_what_is_claimed_is_concave_and_any_other_gain_is_worse(problem):
    P, C, R, *_ = problem
    rng = np.random.default_rng(3)
    for _ in range(20):
        root = rng.normal(size=(K, K))
        other, share = root @ root.T, rng.uniform(0.1, 0.9)
        between = kalman(share * P + (1 - share) * other, C, R)[1]
        chord = share * kalman(P, C, R)[1] + (1 - share) * kalman(other, C, R)[1]
        assert lowest(between - chord) > -1e-10
        assert lowest(chord - between) < -1e-4                    # and not the other way
        gain = kalman(other, C, R)[0]
        made = (np.eye(K) - gain @ C) @ P @ (np.eye(K) - gain @ C).T + gain @ R @ gain.T
        best, after = kalman(P, C, R)
        np.testing.assert_allclose(made - after, (gain - best) @ (C @ P @ C.T + R) @ (gain - best).T, atol=1e-8)


def test_a_finite_ensemble_claims_too_little_and_errs_too_much():
    rng, P = np.random.default_rng(4), np.eye(4)
    claimed, made = [], []
    for _ in range(400):
        gain, after = kalman(np.cov(rng.normal(size=(8, 4)).T), np.eye(4), np.eye(4))
        claimed.append(np.trace(after))
        made.append(np.trace((np.eye(4) - gain) @ P @ (np.eye(4) - gain).T + gain @ gain.T))
    assert np.mean(claimed) < 0.95 * 2 < 2 < 0.95 * np.mean(made)


@pytest.mark.parametrize("n", [4, 10, 25])
def test_a_chance_correlation_has_variance_one_over_n_minus_one(n):
    pairs = np.random.default_rng(5).normal(size=(40_000, 2, n))
    pairs -= pairs.mean(-1, keepdims=True)
    squared = np.prod(pairs, 1).sum(1) ** 2 / np.prod((pairs**2).sum(-1), 1)
    np.testing.assert_allclose(squared.mean(), 1 / (n - 1), rtol=0.03)
    assert abs(squared.mean() * n - 1) > 1 / (n + 1) - 0.02       # not 1 / n


def test_the_entrywise_product_of_covariances_is_one():
    rng = np.random.default_rng(6)
    for _ in range(20):
        a, b = rng.normal(size=(2, 6, 2))                         # of rank two
        assert lowest((a @ a.T) * (b @ b.T)) > -1e-12
    circle = ensemble.circular_distance(np.arange(40), np.arange(40), 40)
    sample = np.cov(rng.normal(size=(10, 40)).T)
    assert lowest(sample * ensemble.gaspari_cohn(circle, 4.0)) > -1e-12
    assert lowest(sample * (circle <= 8)) < -0.1                  # a plain cut-off spoils it
    assert lowest(ensemble.gaspari_cohn(circle, 10.0)) > 0
    assert lowest(ensemble.gaspari_cohn(circle, 20.0)) < -0.5     # its ends meet round the circle


@pytest.mark.parametrize("distance", [0.3, 0.9, 1.0, 1.4, 1.9])
def test_the_taper_is_a_cone_that_overlaps_with_itself_in_space(distance):
    def cone(r):
        return max(1.0 - r, 0.0)

    def overlap(d):                                               # cylinders about the axis of both centers
        value, _ = dblquad(lambda r, z: 2 * np.pi * r * cone(np.hypot(r, z)) * cone(np.hypot(r, z - d)), d - 1, 1, 0, 1,
                           epsabs=1e-7, epsrel=1e-6)
        return value

    ratio = overlap(distance) / (2 * np.pi / 15)                  # that of 4 pi r^2 (1 - r)^2, over r < 1
    assert ensemble.gaspari_cohn([distance], 1.0)[0] == pytest.approx(ratio, abs=1e-4)
    assert ensemble.gaspari_cohn([distance], 1.05)[0] != pytest.approx(ratio, abs=2e-4)


def test_error_and_spread_differ_by_one_plus_one_over_n():
    rng = np.random.default_rng(7)
    draws = rng.normal(size=(200_000, 6))
    truth, members = draws[:, 0], draws[:, 1:]
    ratio = ((truth - members.mean(1)) ** 2).mean() / members.var(1, ddof=1).mean()
    assert ratio == pytest.approx(1 + 1 / 5, rel=0.01)


def test_one_datum_at_a_time_is_kalmans_update(problem):
    _, C, _, members, y = problem
    variances, found = np.array([0.5, 1.0, 2.0]), members
    for row, value, r in zip(C, y, variances):
        found = SERIAL_UPDATE(found, found @ row, value, r)
    gain, after = kalman(np.cov(members.T), C, np.diag(variances))
    np.testing.assert_allclose(np.cov(found.T), after, atol=1e-9)
    np.testing.assert_allclose(found.mean(0), members.mean(0) + gain @ (y - C @ members.mean(0)), atol=1e-9)
    full = SERIAL_UPDATE.mistakes[0].answer(members, members @ C[0], y[0], variances[0])
    assert np.abs(np.cov(full.T) - kalman(np.cov(members.T), C[:1], variances[:1, None])[1]).max() > 0.01
