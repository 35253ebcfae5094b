"""Particle filters against the Kalman filter and the hidden Markov model, and against plain loops."""

import types
from itertools import islice

import numpy as np
import pytest

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import discrete, kalman, particles
from pedagogy_lib.inference.particles import Guide, Model, TimeUpdate

# ------------------------------------------------------- a line: the Kalman filter is exact

A, Q, R = 0.9, 0.5, 0.8
STRAIGHT = Model(
    lambda n, rng: rng.standard_normal((n, 1)),
    lambda x, t, rng: A * x + np.sqrt(Q) * rng.standard_normal(x.shape),
    lambda x, y, t: -0.5 * ((y - x)[:, 0] ** 2 / R + np.log(2 * np.pi * R)),
    lambda after, before, t: -0.5 * ((after - A * before)[..., 0] ** 2 / Q + np.log(2 * np.pi * Q)),
)
EXACT = Gaussian(np.zeros(1), np.eye(1)), AffineGaussian(A * np.eye(1), np.zeros(1), Q * np.eye(1)), AffineGaussian(np.eye(1), np.zeros(1), R * np.eye(1))


@pytest.fixture(scope="module")
def y():
    rng = np.random.default_rng(0)
    x, found = rng.standard_normal(), []
    for _ in range(25):
        found.append([x + np.sqrt(R) * rng.standard_normal()])
        x = A * x + np.sqrt(Q) * rng.standard_normal()
    found[7] = [np.nan]
    return np.array(found)


@pytest.mark.parametrize("method", particles.RESAMPLING)
@pytest.mark.parametrize("threshold", [1.0, 0.5])
def test_many_particles_come_near_the_kalman_filter(y, method, threshold):
    exact = kalman.filter(*EXACT, y)
    found = particles.filter(STRAIGHT, y, 20_000, np.random.default_rng(1), method, threshold)
    gap = np.abs(found.means - exact.means).max()
    assert gap < 6 * np.sqrt(exact.covariances.max() / 20_000)
    assert abs(found.log_likelihood - exact.log_likelihood) < 0.15
    # The datum of another step, and the gap is no chance.
    shifted = particles.filter(STRAIGHT, np.roll(y, 1, 0), 20_000, np.random.default_rng(1), method, threshold)
    assert np.abs(shifted.means - exact.means).max() > 20 * gap


def test_smoothers_come_near_the_exact_one(y):
    exact = kalman.smooth(*EXACT, y)
    found = particles.filter(STRAIGHT, y, 1500, np.random.default_rng(2))
    beta = particles.smooth(STRAIGHT, found)
    means = np.einsum("tn,tnk->tk", beta, found.particles)
    tolerance = 7 * np.sqrt(exact.covariances.max() / 1500)
    assert np.abs(means - exact.means).max() < tolerance
    assert np.abs(found.means - exact.means).max() > 2 * tolerance          # the filter is no smoother
    for method in ("exact", "mcmc"):
        paths = particles.sample_paths(STRAIGHT, found, 1200, np.random.default_rng(3), method, moves=15)
        assert np.abs(paths.mean(0) - exact.means).max() < tolerance
        pairs = ((paths[:, 1:, 0] - paths[:, 1:, 0].mean(0)) * (paths[:, :-1, 0] - paths[:, :-1, 0].mean(0))).mean(0)
        np.testing.assert_allclose(pairs, exact.cross_covariances[:, 0, 0], atol=0.12)


# --------------------------------------------------------------- a die: everything is exact

PI = np.array([0.5, 0.2, 0.3])
MOVES = np.array([[0.8, 0.1, 0.3], [0.1, 0.7, 0.3], [0.1, 0.2, 0.4]])
SHOWS = np.array([[0.7, 0.2, 0.4], [0.3, 0.8, 0.6]])


def inverse_cdf(p, u):
    return (u[:, None] > np.cumsum(p, -1)[..., :-1]).sum(-1)[:, None].astype(float)


with np.errstate(divide="ignore"):
    DIE = Model(
        lambda n, rng: inverse_cdf(np.tile(PI, (n, 1)), rng.random(n)),
        lambda x, t, rng: inverse_cdf(MOVES.T[x[:, 0].astype(int)], rng.random(len(x))),
        lambda x, y, t: np.log(SHOWS[int(y[0]), x[:, 0].astype(int)]),
        lambda after, before, t: np.log(MOVES[after[..., 0].astype(int), before[..., 0].astype(int)]),
    )
REPORTS = np.array([0, 1, 1, 0, 1, 0])[:, None].astype(float)


def test_the_likelihood_is_right_on_average_though_its_logarithm_is_not():
    logs = np.log(SHOWS[REPORTS[:, 0].astype(int)])
    exact = discrete.filter(PI, MOVES, logs).log_likelihood
    runs = np.array([particles.filter(DIE, REPORTS, 4, np.random.default_rng(i), "multinomial").log_likelihood for i in range(3000)])
    ratios = np.exp(runs - exact)
    assert abs(ratios.mean() - 1) < 4.5 * ratios.std() / np.sqrt(3000)
    assert runs.mean() - exact < -4.5 * runs.std() / np.sqrt(3000)           # Jensen


def test_smoothing_is_the_hidden_markov_models_on_particles():
    """Eqs. 2.60 and 2.61 by loops over pairs."""
    found = particles.filter(DIE, REPORTS, 6, np.random.default_rng(4))
    beta = particles.smooth(DIE, found)
    T, N = found.weights.shape
    expected = found.weights[-1]
    for t in range(T - 2, -1, -1):
        new = np.zeros(N)
        for k in range(N):
            move = [MOVES[int(found.particles[t + 1, k, 0]), int(found.particles[t, i, 0])] for i in range(N)]
            total = sum(found.weights[t, i] * move[i] for i in range(N))
            for j in range(N):
                new[j] += expected[k] * found.weights[t, j] * move[j] / total
        expected = new
        np.testing.assert_allclose(beta[t], expected, rtol=1e-10)
    assert np.abs(beta - found.weights).max() > 0.01


def test_many_particles_on_a_die_are_the_hidden_markov_model():
    logs = np.log(SHOWS[REPORTS[:, 0].astype(int)])
    exact, smoothed = discrete.filter_and_smooth(PI, MOVES, logs)
    found = particles.filter(DIE, REPORTS, 3000, np.random.default_rng(5))
    shares = np.array([[w[x[:, 0] == k].sum() for k in range(3)] for w, x in zip(found.weights, found.particles)])
    np.testing.assert_allclose(shares, exact.probabilities, atol=0.03)
    beta = particles.smooth(DIE, found)
    shares = np.array([[w[x[:, 0] == k].sum() for k in range(3)] for w, x in zip(beta, found.particles)])
    np.testing.assert_allclose(shares, smoothed.probabilities, atol=0.04)


def test_a_motion_is_asked_with_the_time_before_it():
    """A state that counts the times at which it was moved: after t moves, 0 + 1 + ... + t - 1."""
    asked = []
    counting = DIE._replace(move=lambda x, t, rng: (asked.append(t), x + t)[1], initial=lambda n, rng: np.zeros((n, 1)),
                            log_emission=lambda x, y, t: np.zeros(len(x)))
    found = particles.filter(counting, REPORTS, 3, np.random.default_rng(0))
    assert asked == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(found.means[:, 0], [0, 0, 1, 3, 6, 10])


def test_a_particle_that_nothing_leads_to_is_no_past():
    """State 1 of the second step cannot come from the only particle of the first: it says nothing of the first."""
    found = particles.filter(DIE, REPORTS[:2], 2, np.random.default_rng(0))
    stuck = lambda after, before, t: np.where(after[..., 0] == 0, 0.0, -np.inf) + 0 * before[..., 0]
    found = found._replace(particles=np.array([[[0.0], [0.0]], [[0.0], [1.0]]]), weights=np.array([[0.8, 0.2], [0.5, 0.5]]))
    beta = particles.smooth(DIE._replace(log_transition=stuck), found)
    np.testing.assert_allclose(beta, [[0.8, 0.2], [0.5, 0.5]])


# ------------------------------------------------------------------------------- resampling


@pytest.mark.parametrize("method", particles.RESAMPLING)
def test_every_method_draws_in_proportion(method):
    w = np.array([0.35, 0.0, 0.05, 0.4, 0.2])
    rng = np.random.default_rng(6)
    counts = np.array([np.bincount(particles.resample(w, 7, rng, method), minlength=5) for _ in range(4000)])
    assert (counts.sum(1) == 7).all() and (counts[:, 1] == 0).all()
    z = (counts.mean(0) - 7 * w) / (counts.std(0) / np.sqrt(4000) + 1e-12)
    assert np.abs(z[[0, 2, 3, 4]]).max() < 4.5
    assert np.abs(counts.mean(0) - 7 * np.roll(w, 1)).max() > 0.5
    if method == "systematic":
        assert (np.abs(counts - 7 * w) < 1).all()
    if method == "residual":
        assert (counts >= np.floor(7 * w)).all()


def test_the_methods_differ_in_noise():
    w = np.random.default_rng(7).dirichlet(np.ones(50))
    spread = {}
    for method in particles.RESAMPLING:
        rng = np.random.default_rng(8)
        counts = np.array([np.bincount(particles.resample(w, 50, rng, method), minlength=50) for _ in range(1500)])
        spread[method] = counts.var(0).sum()
    assert spread["systematic"] < spread["stratified"] < spread["multinomial"]
    assert spread["residual"] < 0.8 * spread["multinomial"]


def test_effective_size_runs_from_one_to_n():
    assert particles.effective_size(np.full(8, 1 / 8)) == pytest.approx(8)
    assert particles.effective_size(np.eye(8)[2]) == pytest.approx(1)
    np.testing.assert_allclose(particles.effective_size(np.array([[0.5, 0.5, 0], [1, 0, 0]])), [2, 1])


# ------------------------------------------------------------------------------ practice


def test_adaptive_resampling_resamples_less_and_never_if_told_so(y):
    rng = np.random.default_rng
    always = particles.filter(STRAIGHT, y, 200, rng(9), threshold=1.0)
    sometimes = particles.filter(STRAIGHT, y, 200, rng(9), threshold=0.5)
    never = particles.filter(STRAIGHT, y, 200, rng(9), threshold=0.0)
    assert always.resampled[1:].all() and not always.resampled[0]
    assert 0 < sometimes.resampled.sum() < len(y) - 1
    assert not never.resampled.any()
    assert never.effective_sizes[-1] < 0.2 * sometimes.effective_sizes.min()     # the weights have collapsed
    np.testing.assert_array_equal(never.ancestors, np.tile(np.arange(200), (len(y), 1)))


def test_a_guide_that_looks_ahead_wastes_fewer_particles_and_estimates_the_same(y):
    """The best proposal for this model, p(x' | x, y'), is Gaussian."""
    S = Q * R / (Q + R)
    S1 = R / (1 + R)

    def log_normal(d, v):
        return -0.5 * (d**2 / v + np.log(2 * np.pi * v))

    def first(datum, n, rng):
        m = datum / (1 + R)
        x = m + np.sqrt(S1) * rng.standard_normal((n, 1))
        return x, log_normal(x[:, 0], 1.0) - log_normal(x[:, 0] - m, S1)

    def move(x, datum, t, rng):
        m = S * (A * x / Q + datum / R)
        after = m + np.sqrt(S) * rng.standard_normal(x.shape)
        return after, (log_normal(after - A * x, Q) - log_normal(after - m, S))[:, 0]

    exact = kalman.filter(*EXACT, y)
    plain = [particles.filter(STRAIGHT, y, 300, np.random.default_rng(i)) for i in range(40)]
    guided = [particles.filter(STRAIGHT, y, 300, np.random.default_rng(i), guide=Guide(first, move)) for i in range(40)]
    assert np.mean([f.effective_sizes.mean() for f in guided]) > 1.2 * np.mean([f.effective_sizes.mean() for f in plain])
    for runs in (plain, guided):
        ratios = np.exp([f.log_likelihood - exact.log_likelihood for f in runs])
        assert abs(ratios.mean() - 1) < 4.5 * ratios.std() / np.sqrt(40)
    assert np.var([f.log_likelihood for f in guided]) < np.var([f.log_likelihood for f in plain])


def test_events_come_in_turn_and_arguments_are_left_alone(y):
    given = y.copy()
    events = list(islice(particles.steps(STRAIGHT, y, 10, np.random.default_rng(0)), 6))
    assert [type(e).__name__ for e in events] == ["TimeUpdate", "MeasurementUpdate"] * 3
    assert [e.t for e in events] == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(y, given)
    twice = [particles.filter(STRAIGHT, y, 10, np.random.default_rng(3)).particles for _ in range(2)]
    np.testing.assert_array_equal(*twice)


RNG = np.random.default_rng(0)
ONE = np.zeros((1, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: particles.filter(STRAIGHT, [1.0], 5, RNG), r"y: expected shape \(T, L\)"),
        (lambda: particles.filter(STRAIGHT, np.zeros((0, 1)), 5, RNG), "y: expected at least one time step"),
        (lambda: particles.filter(STRAIGHT, ONE, 0, RNG), "n: expected a whole number"),
        (lambda: particles.filter(STRAIGHT, ONE, 5, 1), "rng: expected"),
        (lambda: particles.filter(STRAIGHT, ONE, 5, RNG, "best"), "resampling: expected one of"),
        (lambda: particles.filter(STRAIGHT, ONE, 5, RNG, threshold=-1), "threshold: expected a number of at least 0"),
        (lambda: particles.filter(STRAIGHT._replace(initial=lambda n, rng: rng.random(n)), ONE, 5, RNG), "model: expected 5 rows of finite numbers for the states at t=0"),
        (lambda: particles.filter(STRAIGHT._replace(log_emission=lambda x, y, t: x), ONE, 5, RNG), "log_emission: expected 5 numbers"),
        (lambda: particles.filter(STRAIGHT._replace(log_emission=lambda x, y, t: x[:, 0] * np.nan), ONE, 5, RNG), "log_emission: .* at t=0, got others"),
        (lambda: particles.filter(STRAIGHT._replace(log_emission=lambda x, y, t: np.full(len(x), -np.inf)), ONE, 5, RNG), "got none at time step t=0"),
        (lambda: particles.resample([0.5, 0.6], 3, RNG), "weights: expected the entries to sum to 1"),
        (lambda: particles.resample([1.0], 3, RNG, "best"), "method: expected one of"),
        (lambda: particles.smooth(STRAIGHT._replace(log_transition=None), None), "log_transition: expected a function, got None"),
        (lambda: particles.sample_paths(STRAIGHT, None, 1, RNG, "best"), "method: expected one of"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_wrong_log_transition_is_refused(y):
    found = particles.filter(STRAIGHT, y, 5, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"log_transition: expected shape \(5, 5\) at t=23"):
        particles.smooth(STRAIGHT._replace(log_transition=lambda after, before, t: before[:, 0]), found)


def test_a_compiled_model_sees_when_an_attribute_of_a_module_changes():
    settings = types.ModuleType("settings")
    scope = {"settings": settings}
    exec("def emission(x, y, t):\n    return settings.height * 1.0", scope)
    model = particles.each(lambda rng: 0.0, lambda x, t, rng: x, scope["emission"])
    for height in (1.0, 5.0):
        settings.height = height
        for backend in ("auto", "numpy"):
            found = particles.filter(model, np.zeros((2, 1)), 5, np.random.default_rng(0), backend=backend)
            assert found.log_likelihood == pytest.approx(2 * height)


def test_rows_without_a_number_are_not_taken_for_missing_ones():
    model = Model(lambda n, rng: np.zeros((n, 1)), lambda x, t, rng: x, lambda x, y, t: np.zeros(len(x)))
    with pytest.raises(ValueError, match="y: expected one number at least in each row"):
        particles.filter(model, np.zeros((3, 0)), 5, np.random.default_rng(0))


def counted(seen, spread=0.0):
    """Four particles 0 ... 3 that stay where they are; each function notes the step that it is asked for."""

    def move(x, t, rng):
        seen.append(("move", t))
        return x

    def log_emission(x, y, t):
        seen.append(("look", t, *np.atleast_1d(y).tolist()))
        return spread * x[:, 0]

    def guided(x, y, t, rng):
        seen.append(("guided move", t, *y.tolist()))
        return x, np.zeros(len(x))

    stay = lambda n, rng: np.arange(float(n))[:, None]
    return Model(stay, move, log_emission), Guide(lambda y, n, rng: (stay(n, rng), np.zeros(n)), guided)


def test_moves_and_looks_are_told_their_steps():
    """A move at t leads from t to t + 1, with a guide and without, and where a datum is missing the model moves."""
    y = np.array([[1.0, 5.0], [np.nan, np.nan], [3.0, np.nan], [4.0, 8.0]])
    seen = []
    model, guide = counted(seen)
    list(particles.steps(model, y, 4, np.random.default_rng(0)))
    looks = [("look", 0, 1.0, 5.0), ("look", 2, 3.0, np.nan), ("look", 3, 4.0, 8.0)]
    assert repr(seen) == repr([looks[0], ("move", 0), ("move", 1), looks[1], ("move", 2), looks[2]])
    seen.clear()
    list(particles.steps(model, y, 4, np.random.default_rng(0), guide=guide))
    moves = [("move", 0), ("guided move", 1, 3.0, np.nan), ("guided move", 2, 4.0, 8.0)]
    assert repr(seen) == repr([looks[0], moves[0], moves[1], looks[1], moves[2], looks[2]])


def test_a_time_update_carries_the_weights_that_the_particles_have():
    """Without resampling those of the measurement before; after it, equal ones."""
    for threshold in (0.0, 1.0):
        before = np.full(4, 0.25)
        for event in particles.steps(counted([], 0.5)[0], np.zeros((3, 1)), 4, np.random.default_rng(0), threshold=threshold):
            if isinstance(event, TimeUpdate):
                np.testing.assert_allclose(event.weights, np.full(4, 0.25) if threshold else before, rtol=1e-12)
            before = event.weights
        assert not np.allclose(before, 0.25)


def test_the_threshold_at_its_edges():
    """At one always, although no weight differs; where half of the weights count, from a half up."""
    moves = lambda model, threshold: [
        event.resampled for event in particles.steps(model, np.zeros((3, 1)), 4, np.random.default_rng(0), threshold=threshold)
        if isinstance(event, TimeUpdate)
    ]  # fmt: skip
    equal = counted([])[0]
    assert moves(equal, 1.0) == moves(equal, 1.5) == [False, True, True]
    assert moves(equal, 0.999) == [False] * 3
    half = equal._replace(log_emission=lambda x, y, t: np.where(x[:, 0] < 2, 0.0, -np.inf))
    assert moves(half, 0.49) == [False] * 3
    assert moves(half, 0.51)[1]
