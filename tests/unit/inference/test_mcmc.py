"""Markov-chain Monte Carlo: exactly on small chains, in the long run on densities, against ArviZ."""

from itertools import islice

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from pedagogy_lib.inference import mcmc

COV = np.array([[2.0, 1.2], [1.2, 1.0]])
PRECISION = np.linalg.inv(COV)
MEAN = np.array([1.0, -2.0])


def log_normal(x):
    return -0.5 * (x - MEAN) @ PRECISION @ (x - MEAN)


def slope_normal(x):
    return -PRECISION @ (x - MEAN)


def bimodal(x):
    """Two bumps of unequal weight: Gaussian algebra does not help."""
    return np.logaddexp(-0.5 * (x[0] + 2) ** 2 / 0.36 + np.log(0.3), -0.5 * (x[0] - 2) ** 2 / 0.64 + np.log(0.7))


def slope_bimodal(x):
    h = 1e-5
    return np.array([(bimodal(x + h) - bimodal(x - h)) / (2 * h)])


# ----------------------------------------------------------------- exactly, on a few states


@pytest.fixture
def finite():
    rng = np.random.default_rng(1)
    target = rng.dirichlet(np.ones(5))
    proposal = rng.dirichlet(np.ones(5), size=5).T         # not symmetric
    return proposal, target


def test_metropolis_matrix_balances_and_is_stationary(finite):
    proposal, target = finite
    P = mcmc.metropolis_matrix(proposal, target)
    np.testing.assert_allclose(P.sum(0), 1, rtol=1e-12)
    assert mcmc.imbalance(P, target) < 1e-15
    np.testing.assert_allclose(mcmc.stationary(P), target, rtol=1e-10)
    np.testing.assert_allclose(np.linalg.matrix_power(P, 2000)[:, 3], target, rtol=1e-8)


def test_without_the_correction_for_an_uneven_proposal_balance_is_lost(finite):
    proposal, target = finite
    accept = np.minimum(1, target[:, None] / target)       # Metropolis without Hastings
    P = proposal * accept
    np.fill_diagonal(P, 0)
    P += np.diag(1 - P.sum(0))
    assert mcmc.imbalance(P, target) > 1e-3
    assert np.abs(mcmc.stationary(P) - target).max() > 1e-2


def test_the_stream_moves_as_its_matrix_says(finite):
    """The same algorithm on states 0 ... 4, as a stream: its moves are counted."""
    proposal, target = finite

    def propose(state, rng):
        j = int(state[0])
        i = rng.choice(5, p=proposal[:, j])
        return np.array([float(i)]), np.log(proposal[j, i]) - np.log(proposal[i, j])

    events = mcmc.metropolis_hastings(lambda x: np.log(target[int(x[0])]), propose, [0.0], np.random.default_rng(2))
    path = np.array([0] + [int(e.state[0]) for e in islice(events, 40_000)])
    counts = np.zeros((5, 5))
    np.add.at(counts, (path[1:], path[:-1]), 1)
    P, n = mcmc.metropolis_matrix(proposal, target), counts.sum(0)
    z = (counts - n * P) / np.sqrt(n * P * (1 - P))
    assert np.abs(z).max() < 5
    wrong = mcmc.metropolis_matrix(proposal, np.roll(target, 1))
    assert np.abs((counts - n * wrong) / np.sqrt(n * wrong * (1 - wrong) + 1e-9)).max() > 20


def test_gibbs_sampling_balances_exactly():
    """One draw of a coordinate given the other, as a matrix on a 3 x 4 table."""
    table = np.random.default_rng(3).dirichlet(np.ones(12)).reshape(3, 4)
    P = np.zeros((12, 12))
    for i in range(3):
        for j in range(4):
            for k in range(3):                             # redraw the first coordinate
                P[np.ravel_multi_index((k, j), (3, 4)), np.ravel_multi_index((i, j), (3, 4))] = table[k, j] / table[:, j].sum()
    assert mcmc.imbalance(P, table.ravel()) < 1e-15
    with pytest.raises(ValueError, match="got several"):   # alone it never changes the other
        mcmc.stationary(P)


# ------------------------------------------------------------------ in the long run, in the plane


def gaussian_conditionals():
    def draw(i):
        j = 1 - i
        slope, spread = COV[i, j] / COV[j, j], np.sqrt(COV[i, i] - COV[i, j] ** 2 / COV[j, j])
        return lambda x, rng: MEAN[i] + slope * (x[j] - MEAN[j]) + spread * rng.standard_normal()

    return [(0, draw(0)), (1, draw(1))]


METHODS = {
    "random walk": lambda rng: mcmc.metropolis_hastings(log_normal, mcmc.random_walk(1.5 * np.linalg.cholesky(COV)), [0, 0], rng),
    "independent": lambda rng: mcmc.metropolis_hastings(
        log_normal, mcmc.independent(lambda r: 3 * r.standard_normal(2), lambda x: -0.5 * x @ x / 9), [0, 0], rng),
    "gibbs": lambda rng: mcmc.gibbs(gaussian_conditionals(), [0, 0], rng, log_normal),
    "langevin": lambda rng: mcmc.langevin(log_normal, slope_normal, [0, 0], 0.7, rng),
    "hamiltonian": lambda rng: mcmc.hamiltonian(log_normal, slope_normal, [0, 0], 0.35, 6, rng, masses=[0.5, 1.0]),
}


@pytest.mark.parametrize("method", METHODS)
def test_moments_of_a_gaussian(method):
    chain = mcmc.collect(METHODS[method](np.random.default_rng(4)), 12_000, burn_in=200)
    for f, expected in ((lambda x: x, MEAN), (lambda x: (x - MEAN) ** 2, np.diag(COV)), (lambda x: np.prod(x - MEAN, -1)[:, None], [COV[0, 1]])):
        values = f(chain.samples)
        for column, mean in zip(values.T, expected):
            z = (column.mean() - mean) / (column.std() / np.sqrt(mcmc.effective_sample_size(column)))
            assert abs(z) < 4.5
            assert abs(column.mean() - (mean + 0.5)) / (column.std() / np.sqrt(mcmc.effective_sample_size(column))) > 4.5
    assert 0.05 < chain.acceptance <= 1
    np.testing.assert_allclose(chain.log_densities, [log_normal(x) for x in chain.samples])


@pytest.mark.parametrize("name", ["walk", "langevin", "hamiltonian"])
def test_a_density_that_is_no_gaussian_is_sampled_as_quadrature_says(name):
    rng = np.random.default_rng(5)
    events = {
        "walk": lambda: mcmc.metropolis_hastings(bimodal, mcmc.random_walk(2.5), [0.0], rng),
        "langevin": lambda: mcmc.langevin(bimodal, slope_bimodal, [0.0], 1.3, rng),
        "hamiltonian": lambda: mcmc.hamiltonian(bimodal, slope_bimodal, [0.0], 0.6, 5, rng),
    }[name]()
    x = mcmc.collect(events, 15_000, burn_in=200).samples[:, 0]
    total = quad(lambda t: np.exp(bimodal([t])), -8, 8)[0]
    for edge in (-2.0, 0.0, 2.0):
        below = (x < edge).astype(float)
        p = quad(lambda t: np.exp(bimodal([t])), -8, edge)[0] / total
        error = np.sqrt(p * (1 - p) / mcmc.effective_sample_size(below))
        assert abs(below.mean() - p) < 4.5 * error
    assert abs((x < 0).mean() - 0.5) > 0.1                  # as if the two bumps weighed the same


def test_unadjusted_langevin_blurs_by_a_known_amount_and_the_adjustment_cures_it():
    """On N(0, 1) the unadjusted chain is autoregressive: its variance is 1 / (1 - h^2 / 4)."""
    h = 1.2
    standard, slope = (lambda x: -0.5 * x @ x), (lambda x: -x)
    for adjusted, variance in ((False, 1 / (1 - h**2 / 4)), (True, 1.0)):
        events = mcmc.langevin(standard, slope, [0.0], h, np.random.default_rng(6), adjusted)
        squares = mcmc.collect(events, 40_000, burn_in=100).samples[:, 0] ** 2
        error = squares.std() / np.sqrt(mcmc.effective_sample_size(squares))
        assert abs(squares.mean() - variance) < 4.5 * error
        assert abs(squares.mean() - (1 if not adjusted else 1 / (1 - h**2 / 4))) > 4.5 * error


# --------------------------------------------------------------------------- leapfrog


def test_leapfrog_can_be_retraced_keeps_volume_and_nearly_keeps_energy():
    x0, v0 = np.array([0.3, -1.0]), np.array([0.7, 0.2])
    *_, (x, v) = mcmc.leapfrog(slope_normal, x0, v0, 0.1, 30)
    *_, (back, turned) = mcmc.leapfrog(slope_normal, x, -v, 0.1, 30)
    np.testing.assert_allclose(back, x0, atol=1e-12)
    np.testing.assert_allclose(-turned, v0, atol=1e-12)
    h = 1e-6
    start = np.concatenate([x0, v0])

    def glide(z):
        *_, (a, b) = mcmc.leapfrog(slope_normal, z[:2], z[2:], 0.1, 30)
        return np.concatenate([a, b])

    jacobian = np.stack([(glide(start + h * e) - glide(start - h * e)) / (2 * h) for e in np.eye(4)], 1)
    assert np.linalg.det(jacobian) == pytest.approx(1, abs=1e-6)

    def drift(size):
        energies = [-log_normal(a) + 0.5 * b @ b for a, b in mcmc.leapfrog(slope_normal, x0, v0, size, int(3 / size))]
        return np.ptp(energies)

    assert drift(0.05) / drift(0.1) == pytest.approx(0.25, rel=0.1)   # an error of second order


def test_masses_change_the_glide_and_not_the_answer():
    rng = np.random.default_rng(7)
    narrow = np.array([0.01, 1.0])
    log_density, slope = (lambda x: -0.5 * (x**2 / narrow**2).sum()), (lambda x: -x / narrow**2)
    plain = mcmc.collect(mcmc.hamiltonian(log_density, slope, [0, 0], 0.2, 8, rng), 300)
    fitted = mcmc.collect(mcmc.hamiltonian(log_density, slope, [0, 0], 0.2, 8, rng, masses=1 / narrow**2), 4000)
    assert plain.acceptance < 0.05                          # the narrow direction is overshot
    assert fitted.acceptance > 0.9
    np.testing.assert_allclose(fitted.samples.std(0), narrow, rtol=0.1)


# -------------------------------------------------------------------------- diagnostics


def autoregressive(phi, M, N, rng, shift=0.0):
    x = np.zeros((M, N))
    x[:, 0] = rng.standard_normal(M) / np.sqrt(1 - phi**2)
    for t in range(1, N):
        x[:, t] = phi * x[:, t - 1] + rng.standard_normal(M)
    return x + shift * np.arange(M)[:, None]


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.9, -0.4])
def test_effective_sample_size_of_an_autoregression(phi):
    """Its autocorrelation is phi^t, so the time is (1 + phi) / (1 - phi)."""
    x = autoregressive(phi, 40, 4000, np.random.default_rng(8))
    expected = x.size * (1 - phi) / (1 + phi)
    for ranked in (False, True):
        assert mcmc.effective_sample_size(x, ranked) == pytest.approx(expected, rel=0.1)
        assert mcmc.effective_sample_size(x, ranked) != pytest.approx(x.size / (1 + abs(phi) + 0.3), rel=0.1)
    np.testing.assert_allclose(mcmc.autocorrelation(x).mean(0)[:4], phi ** np.arange(4), atol=0.03)


def test_reduction_notices_chains_that_disagree_in_place_or_in_width():
    rng = np.random.default_rng(9)
    x = autoregressive(0.3, 4, 1000, rng)
    assert mcmc.potential_scale_reduction(x) == pytest.approx(1, abs=0.01)
    assert mcmc.potential_scale_reduction(x + np.array([[0], [0], [0], [2]])) > 1.1
    wide = x * np.array([[1], [1], [1], [4]])
    assert mcmc.potential_scale_reduction(wide) > 1.05       # folded ranks see it
    assert mcmc.potential_scale_reduction(wide, ranked=False) < 1.02
    trend = x + np.linspace(-3, 3, 1000)
    assert mcmc.potential_scale_reduction(trend) > 1.1       # a chain against its own other half


def test_a_chain_that_never_moves():
    x = np.ones((2, 100))
    assert mcmc.effective_sample_size(x) == 200              # nothing varies: nothing is uncertain
    assert np.isnan(mcmc.potential_scale_reduction(x, ranked=False))


@pytest.mark.parametrize("shift", [0.0, 0.5])
@pytest.mark.parametrize("size", [(4, 1000), (2, 501), (3, 64)])
@pytest.mark.parametrize("phi", [0.0, 0.9, -0.4])
def test_arviz_agrees(phi, size, shift):
    arviz = pytest.importorskip("arviz")
    x = autoregressive(phi, *size, np.random.default_rng(10), shift)
    assert mcmc.effective_sample_size(x) == pytest.approx(float(arviz.ess(x, method="mean")), rel=1e-9)
    assert mcmc.effective_sample_size(x, ranked=True) == pytest.approx(float(arviz.ess(x, method="bulk")), rel=1e-9)
    assert mcmc.potential_scale_reduction(x, ranked=False) == pytest.approx(float(arviz.rhat(x, method="split")), rel=1e-9)
    assert mcmc.potential_scale_reduction(x) == pytest.approx(float(arviz.rhat(x, method="rank")), rel=1e-9)


# ------------------------------------------------------------------------------- streams


def test_run_leaves_out_the_burn_in_and_thins():
    def events():
        return mcmc.metropolis_hastings(log_normal, mcmc.random_walk(1.0), [0, 0], np.random.default_rng(11))

    whole = mcmc.collect(events(), 100).samples
    np.testing.assert_array_equal(mcmc.collect(events(), 10, burn_in=50, every=5).samples, whole[54:100:5])
    steps = list(islice(events(), 100))
    np.testing.assert_array_equal(whole, [e.state for e in steps])
    assert mcmc.collect(events(), 100).acceptance == np.mean([e.accepted for e in steps])
    for before, step in zip(steps, steps[1:]):
        np.testing.assert_array_equal(step.state, step.proposal if step.accepted else before.state)


def test_what_has_no_density_is_never_visited():
    half = lambda x: -x[0] if x[0] > 0 else -np.inf
    chain = mcmc.collect(mcmc.metropolis_hastings(half, mcmc.random_walk(2.0), [1.0], np.random.default_rng(12)), 5000)
    assert chain.samples.min() > 0
    assert stats.kstest(chain.samples[::20, 0], "expon").pvalue > 1e-3


def test_a_glide_that_diverges_is_refused_not_followed():
    def events(size):
        return mcmc.hamiltonian(lambda x: -(x**4).sum(), lambda x: -4 * x**3, [3.0], size, 10, np.random.default_rng(0))

    with np.errstate(over="ignore", invalid="ignore"):
        assert not any(step.accepted for step in islice(events(2.0), 5))
    assert any(step.accepted for step in islice(events(0.05), 5))


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: next(mcmc.metropolis_hastings(log_normal, mcmc.random_walk(1.0), [0, 0], 3)), "rng: expected"),
        (lambda: next(mcmc.metropolis_hastings(log_normal, mcmc.random_walk(1.0), [[0, 0]], RNG)), "start: expected shape"),
        (lambda: next(mcmc.metropolis_hastings(lambda x: -np.inf, mcmc.random_walk(1.0), [0], RNG)), "start: expected a place of positive density"),
        (lambda: list(islice(mcmc.metropolis_hastings(lambda x: 0.0 if x[0] == 1 else np.nan, mcmc.random_walk(1.0), [1.0], RNG), 2)), "below infinity, got nan at iteration 0"),
        (lambda: mcmc.random_walk("wide"), "scale: expected real numbers"),
        (lambda: next(mcmc.gibbs([], [0], RNG)), "conditionals: expected at least one"),
        (lambda: next(mcmc.langevin(log_normal, slope_normal, [0, 0], 0.0, RNG)), "size: expected a number above 0"),
        (lambda: next(mcmc.langevin(log_normal, lambda x: x[:1], [0, 0], 0.1, RNG)), "gradient: expected 2 finite numbers, got shape"),
        (lambda: next(mcmc.langevin(log_normal, lambda x: x * np.nan, [0, 0], 0.1, RNG)), "gradient: expected 2 finite numbers, got others"),
        (lambda: next(mcmc.hamiltonian(log_normal, slope_normal, [0, 0], 0.1, 0, RNG)), "steps: expected a whole number"),
        (lambda: next(mcmc.hamiltonian(log_normal, slope_normal, [0, 0], 0.1, 2, RNG, masses=[1, -1])), "masses: expected numbers above 0"),
        (lambda: mcmc.collect(iter([]), 3), "events: expected 3 steps at least, got 0"),
        (lambda: mcmc.collect(iter([]), 0), "n: expected a whole number"),
        (lambda: mcmc.metropolis_matrix(np.eye(2), [1.0, 0.0]), "target: expected probabilities above 0"),
        (lambda: mcmc.metropolis_matrix([[0.5, 0.5], [0.1, 0.9]], [0.5, 0.5]), "every column to sum to 1"),
        (lambda: mcmc.imbalance(np.eye(3), [0.5, 0.5]), "transition: expected shape"),
        (lambda: mcmc.stationary(np.ones((1, 2))), r"transition: expected shape \(K, K\)"),
        (lambda: mcmc.effective_sample_size([1.0, 2.0]), "N of at least 4"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_gradient_or_a_draw_that_is_no_number_is_an_error():
    rng, nothing = np.random.default_rng(0), lambda x: x * np.nan
    density = lambda x: -0.5 * float(x @ x)
    with pytest.raises(ValueError, match="gradient: expected 2 finite numbers, got others at iteration 0"):
        next(mcmc.hamiltonian(density, nothing, np.zeros(2), 0.1, 3, rng))
    draws = mcmc.gibbs([(0, lambda x, rng: rng.normal()), (1, lambda x, rng: np.nan)], np.zeros(2), rng)
    next(draws)
    with pytest.raises(ValueError, match=r"conditionals\[1\]: expected finite draws, got others at iteration 1"):
        next(draws)


def test_a_glide_that_diverges_is_refused_and_no_error():
    steep = mcmc.hamiltonian(lambda x: -float((x**4).sum()), lambda x: -4 * x**3, np.ones(1), 5.0, 40, np.random.default_rng(0))
    with np.errstate(all="ignore"):
        assert not next(steep).accepted


@pytest.mark.parametrize(
    ("propose", "message"),
    [
        (lambda x, rng: (np.ones(3), 0.0), r"propose: expected a proposal of shape \(1,\), got shape \(3,\) at iteration 0"),
        (lambda x, rng: (x + 1, np.nan), "propose: .* got a correction that is no number"),
    ],
)
def test_a_proposal_of_another_shape_or_without_its_correction_is_refused(propose, message):
    """Both once passed in silence: one made three dimensions of one, and the other never moved."""
    with pytest.raises(ValueError, match=message):
        next(mcmc.metropolis_hastings(lambda x: -0.5 * float(x @ x), propose, [0.0], np.random.default_rng(0)))


@pytest.mark.parametrize("scale", [np.ones(3), np.eye(3), np.ones((1, 3))])
def test_a_scale_of_other_dimensions_is_refused(scale):
    with pytest.raises(ValueError, match=r"scale: expected a number, or shape \(1,\) or \(1, 1\), got"):
        mcmc.random_walk(scale)(np.zeros(1), np.random.default_rng(0))


def test_probabilities_of_chains_are_never_below_zero():
    """Where nothing is refused, or states are left for ever, rounding made some slightly negative."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        K = int(rng.integers(3, 9))
        w = rng.dirichlet(np.ones(K - 1))
        ring = np.stack([np.roll(np.r_[0.0, (w + w[::-1]) / 2], j) for j in range(K)], axis=1)
        assert (mcmc.metropolis_matrix(ring, np.full(K, 1 / K)) >= 0).all()        # symmetric: all is accepted
        drain = np.tril(rng.dirichlet(np.ones(K), K).T)
        turn = rng.permutation(K)
        found = mcmc.stationary((drain / drain.sum(0))[turn][:, turn])
        assert (found >= 0).all()
        np.testing.assert_allclose(found, np.eye(K)[-1][turn], atol=1e-11)


@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_diagnostics_have_no_unit(unit):
    chains = np.random.default_rng(0).normal(size=(2, 50))
    for diagnose in (mcmc.autocorrelation, mcmc.effective_sample_size, lambda x: mcmc.potential_scale_reduction(x, ranked=False)):
        np.testing.assert_allclose(diagnose(unit * chains), diagnose(chains), rtol=1e-10)
