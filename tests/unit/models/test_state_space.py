"""The models against quadrature on a grid, and the compiled filter against the one in NumPy."""

import os

import numpy as np
import pytest
from scipy import integrate, stats

from pedagogy_lib import kernels
from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import kalman, particles
from pedagogy_lib.models.dynamical import state_space

VOLATILITY, GROWTH = state_space.stochastic_volatility(-0.5, 0.9, 0.4), state_space.growth()
BEARINGS = state_space.bearings([[0.0, 0], [4, 0]], 0.05, 0.1, mean=(2, 2, 0, 0.1), spread=(0.5, 0.5, 0.1, 0.1))

# As many particles as there is time for, and how much wider the tolerances are with few.
COMPILED = kernels.load("particles") is not None and not os.environ.get("NUMBA_DISABLE_JIT")
MANY, WIDER = (40_000, 1) if COMPILED else (3_000, 4)


def on_a_grid(grid, initial, move, log_emission, y):
    """The filter's means and the log-likelihood, by summing over a fine grid."""
    h, belief, means, total = grid[1] - grid[0], initial, [], 0.0
    for t, datum in enumerate(y[:, 0]):
        belief = belief if t == 0 else h * move(grid[:, None], grid[None], t - 1) @ belief
        belief = belief * np.exp(log_emission(grid, datum))
        evidence = h * belief.sum()
        belief, total = belief / evidence, total + np.log(evidence)
        means.append(h * grid @ belief)
    return np.array(means), total


def test_stochastic_volatility_against_quadrature():
    _, y = particles.sample(VOLATILITY, 30, np.random.default_rng(0))
    grid = np.linspace(-7, 6, 801)
    answers = [
        on_a_grid(
            grid, stats.norm.pdf(grid, -0.5, 0.4 / np.sqrt(1 - 0.9**2)),
            lambda after, before, t, phi=phi: stats.norm.pdf(after, -0.5 + phi * (before + 0.5), 0.4),
            lambda x, y: stats.norm.logpdf(y, 0, np.exp(x / 2)), y,
        )
        for phi in (0.9, 0.2)
    ]
    found = particles.moments(VOLATILITY, y, MANY, np.random.default_rng(1))
    np.testing.assert_allclose(found.means[:, 0], answers[0][0], atol=0.03 * WIDER)
    assert abs(found.log_likelihood - answers[0][1]) < 0.05 * WIDER
    # Another model's answer is further away.
    assert np.abs(found.means[:, 0] - answers[1][0]).max() > 0.3 and abs(found.log_likelihood - answers[1][1]) > 0.1


def test_growth_against_quadrature():
    _, y = particles.sample(GROWTH, 30, np.random.default_rng(2))
    grid = np.linspace(-45, 45, 1801)

    def drift(x, t):
        return x / 2 + 25 * x / (1 + x**2) + 8 * np.cos(1.2 * (t + 1))

    for shift in (0, 1):                                  # the drive of another moment is wrong
        means, total = on_a_grid(
            grid, stats.norm.pdf(grid, 0, np.sqrt(5)),
            lambda after, before, t, shift=shift: stats.norm.pdf(after, drift(before, t + shift), np.sqrt(10)),
            lambda x, y: stats.norm.logpdf(y, x**2 / 20, 1), y,
        )
        found = particles.moments(GROWTH, y, MANY, np.random.default_rng(3))
        near = np.abs(found.means[:, 0] - means).max() < 0.3 * WIDER and abs(found.log_likelihood - total) < 0.3 * WIDER
        assert near == (shift == 0)


@pytest.mark.parametrize("model", [VOLATILITY, GROWTH])
def test_densities_of_moves_integrate_to_one_and_have_the_moments_of_the_draws(model):
    before, rng = np.array([[1.3]]), np.random.default_rng(4)
    drawn = model.move(np.full((20_000, 1), 1.3), 3, rng)[:, 0]
    density = lambda z: np.exp(model.log_transition(np.array([[z]]), before, 3))[0]
    mass = integrate.quad(density, -60, 60, points=[drawn.mean()])[0]
    mean = integrate.quad(lambda z: z * density(z), -60, 60, points=[drawn.mean()])[0]
    assert abs(mass - 1) < 1e-7 and abs(mean - drawn.mean()) < 5 * drawn.std() / np.sqrt(20_000)
    later = np.exp(model.log_transition(np.array([[drawn.mean()]]), before + 1, 3))[0]
    assert abs(later / density(drawn.mean()) - 1) > 0.01


def test_broadcast_transitions_are_those_of_pairs():
    after, before = np.random.default_rng(5).standard_normal((2, 5, 1))
    table = GROWTH.log_transition(after[:3, None], before, 2)
    assert table.shape == (3, 5)
    np.testing.assert_allclose(table[2, 4], GROWTH.log_transition(after[2:3], before[4:], 2)[0], rtol=1e-14)
    assert table[2, 4] != table[2, 3]


def test_bearings():
    x = np.array([[1.0, -1e-3, 0, 0], [-3, 1, 0, 0]])
    found = BEARINGS.log_emission(x, np.array([0.02, np.pi - 0.01]), 0)
    gaps = np.array([[0.021, -0.01 - 0.001 / 3], [0.02 - np.arctan2(1, -3), np.pi - 0.01 - np.arctan2(1, -7)]])
    np.testing.assert_allclose(found, stats.norm.logpdf(gaps, 0, 0.05).sum(1), atol=1e-4)
    alone = state_space.bearings([[0.0, 0]], 0.05)
    np.testing.assert_allclose(alone.log_emission(x, [0.02], 0), stats.norm.logpdf(gaps[:, 0], 0, 0.05), atol=1e-4)
    assert alone.log_transition is None
    states, y = particles.sample(BEARINGS, 15, np.random.default_rng(6))
    assert y.shape == (15, 2) and np.abs(y).max() <= np.pi
    found = particles.moments(BEARINGS, y, MANY, np.random.default_rng(7))
    # By the least squares of crossing lines, which knows nothing of how the vehicle moves.
    crossing = np.array([
        np.linalg.lstsq(np.c_[np.sin(angles), -np.cos(angles)], np.sin(angles) * [0, 4], rcond=None)[0] for angles in y
    ])
    miss = lambda where: np.sqrt(((where - states[:, :2]) ** 2).sum(1).mean())
    assert miss(found.means[:, :2]) < miss(crossing) < 1 < miss(found.means[:, 1::-1])


# -------------------------------------------------------------- compiled, and as it was given

def test_a_bearing_that_was_not_taken_weighs_nothing():
    x, y = np.array([[2.0, 2, 0, 0.1], [1.0, 3, 0, 0]]), np.array([0.7, 2.0])
    alone = [state_space.bearings([place], 0.05) for place in ([0.0, 0], [4.0, 0])]
    for kept, one in enumerate(alone):
        torn = np.where(np.arange(2) == kept, y, np.nan)
        np.testing.assert_allclose(BEARINGS.log_emission(x, torn, 0), one.log_emission(x, y[[kept]], 0), rtol=1e-12)
        assert not np.allclose(BEARINGS.log_emission(x, np.nan_to_num(torn), 0), one.log_emission(x, y[[kept]], 0))
    # In a whole run: the filter with the second observer silent is the filter of the first, draw for draw.
    seen = np.random.default_rng(0).normal(0.7, 0.05, size=(6, 2))
    seen[:, 1] = np.nan
    first = state_space.bearings([[0.0, 0]], 0.05, 0.1, mean=(2, 2, 0, 0.1), spread=(0.5, 0.5, 0.1, 0.1))
    for backend in ("numpy", "auto"):
        both = particles.filter(BEARINGS, seen, 200, np.random.default_rng(1), backend=backend)
        one = particles.filter(first, seen[:, :1], 200, np.random.default_rng(1), backend=backend)
        np.testing.assert_allclose(both.means, one.means, rtol=1e-9)
        np.testing.assert_allclose(both.log_likelihoods, one.log_likelihoods, rtol=1e-9)


SEEN = {"volatility": VOLATILITY, "growth": GROWTH, "bearings": BEARINGS}


@pytest.mark.parametrize("name", SEEN)
@pytest.mark.parametrize("resampling", ["systematic", "stratified"])
@pytest.mark.parametrize("threshold", [1.0, 0.6])
def test_compiled_and_reference_agree(name, resampling, threshold):
    pytest.importorskip("numba")
    model = SEEN[name]
    _, y = particles.sample(model, 15, np.random.default_rng(8))
    y[4] = np.nan
    run = [
        particles.filter(model, y, 200, np.random.default_rng(9), resampling, threshold, backend=backend)
        for backend in ("numba", "numpy")
    ]
    for one, other in zip(*run):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(run[0].ancestors, run[1].ancestors)
    kept = [
        particles.moments(model, y, 200, np.random.default_rng(9), resampling, threshold, backend=backend)
        for backend in ("numba", "numpy")
    ]
    for one, other in zip(*kept):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(kept[0].means, run[0].means, rtol=1e-9, atol=1e-12)
    assert abs(kept[0].log_likelihood - run[0].log_likelihood) < 1e-9
    other = particles.filter(model, y, 200, np.random.default_rng(10), resampling, threshold)
    assert np.abs(other.means - run[0].means).max() > 1e-6


@pytest.mark.parametrize("name", SEEN)
def test_without_numba_everything_is_the_same(name, monkeypatch):
    model = SEEN[name]
    _, y = particles.sample(model, 6, np.random.default_rng(11))
    compiled = particles.filter(model, y, 50, np.random.default_rng(12))
    ways = compiled.particles[2], compiled.particles[1]
    density = None if model.log_transition is None else model.log_transition(ways[0][:, None], ways[1], 1)
    monkeypatch.setattr(kernels, "load", lambda name, required=False: None)
    given = particles.filter(model, y, 50, np.random.default_rng(12))
    for one, other in zip(compiled, given):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    if density is not None:
        np.testing.assert_allclose(model.log_transition(ways[0][:, None], ways[1], 1), density, rtol=1e-9)


@pytest.mark.parametrize("threshold", [1.0, 0.435])
def test_particles_that_are_ruled_out_are_forgotten(threshold):
    fence = particles.each(
        lambda rng: rng.standard_normal(), lambda x, t, rng: x + rng.standard_normal(),
        lambda x, y, t: 0.0 if x > y else -np.inf,
    )
    y = np.array([[-1.0], [0], [0], [-1], [np.nan], [0], [1]])
    runs = [
        particles.filter(fence, y, 100, np.random.default_rng(0), threshold=threshold, backend=backend)
        for backend in ("auto", "numpy")
    ]
    for one, other in zip(*runs):
        np.testing.assert_allclose(one, other, atol=1e-12)
    assert (runs[0].weights == 0).any() and (runs[0].particles[-1][runs[0].weights[-1] > 0] > 1).all()


def walk(step=1.0):
    return particles.each(
        lambda rng: rng.standard_normal(),
        lambda x, t, rng: x + step * rng.standard_normal(),
        lambda x, y, t: -0.5 * (y - x) ** 2 - 0.5 * np.log(2 * np.pi),
    )


def test_a_straight_model_comes_near_the_kalman_filter():
    y = np.cumsum(np.random.default_rng(13).standard_normal((20, 1)), 0)
    line = AffineGaussian(np.eye(1), np.zeros(1), np.eye(1))
    exact = kalman.filter(Gaussian(np.zeros(1), np.eye(1)), line, line, y)
    found = particles.moments(walk(), y, MANY, np.random.default_rng(14))
    np.testing.assert_allclose(found.means, exact.means, atol=0.05 * WIDER)
    np.testing.assert_allclose(found.variances[:, 0], exact.covariances[:, 0, 0], rtol=0.05 * WIDER)
    assert abs(found.log_likelihood - exact.log_likelihood) < 0.05 * WIDER
    other = particles.moments(walk(0.3), y, MANY, np.random.default_rng(14))
    assert np.abs(other.means - exact.means).max() > 0.3


def test_outer_values_are_read_at_every_run():
    """Numba would freeze them."""
    scale = [1.0]
    y = np.ones((5, 1))

    def make(value):
        return walk(value)

    found = [particles.moments(make(s), y, 500, np.random.default_rng(15)).means for s in (1.0, 0.1, 1.0)]
    np.testing.assert_array_equal(found[0], found[2])
    assert np.abs(found[0] - found[1]).max() > 0.05 and scale == [1.0]
    global SPEED
    model = particles.each(lambda rng: 0.0, lambda x, t, rng: x + SPEED, lambda x, y, t: 0.0 * x)
    for SPEED in (1.0, 2.0):
        np.testing.assert_allclose(particles.moments(model, y, 10, np.random.default_rng(0)).means[-1], 4 * SPEED)


SPEED = 1.0
BOOK = {"up": 1.0}


def test_what_numba_cannot_compile_runs_as_given():
    model = particles.each(lambda rng: 0.0, lambda x, t, rng: x + BOOK["up"], lambda x, y, t: -(y - x) ** 2)
    y = np.ones((3, 1))
    for _ in range(2):
        found = particles.moments(model, y, 4, np.random.default_rng(0))
        np.testing.assert_allclose(found.means[:, 0], [0, 1, 2])
    if kernels.load("particles") is None or not hasattr(kernels.load("particles").run, "signatures"):
        return
    from numba.core.errors import NumbaError

    with pytest.raises(NumbaError):
        particles.moments(model, y, 4, np.random.default_rng(0), backend="numba")


def test_errors():
    y, rng = np.ones((3, 1)), np.random.default_rng(0)
    with pytest.raises(ValueError, match="needs a model made by particles.each"):
        particles.filter(walk()._replace(one=None), y, 5, rng, backend="numba")
    with pytest.raises(ValueError, match="needs no guide"):
        particles.moments(walk(), y, 5, rng, guide=particles.Guide(None, None), backend="numba")
    with pytest.raises(ValueError, match='got "residual"'):
        particles.moments(walk(), y, 5, rng, "residual", backend="numba")
    with pytest.raises(ValueError, match="backend: expected one of"):
        particles.moments(walk(), y, 5, rng, backend="c")
    with pytest.raises(ValueError, match="y: expected at least one time step"):
        particles.moments(walk(), np.ones((0, 1)), 5, rng)
    with pytest.raises(ValueError, match="model.emit: expected a function, got None"):
        particles.sample(walk(), 3, rng)
    with pytest.raises(ValueError, match="initial: expected a number or a tuple"):
        particles.filter(particles.each(lambda rng: "x", max, max), y, 5, rng)
    with pytest.raises(TypeError, match="log_emission: expected a function, got None"):
        particles.each(lambda rng: 0.0, max, None)
    for backend in ("auto", "numpy"):
        for change, message in (
            ({"log_emission": lambda x, y, t: -np.inf if t else 0.0}, "none at time step t=1"),
            ({"log_emission": lambda x, y, t: np.nan if t else 0.0}, "log_emission: expected 5 numbers below infinity at t=1"),
            ({"move": lambda x, t, rng: np.nan}, "rows of finite numbers for the states at t=1"),
            ({"move": lambda x, t, rng: (1.0, 2.0)}, "expected 1 numbers for a state"),
        ):
            broken = particles.each(*walk().one._replace(**change))
            with pytest.raises(ValueError, match=message):
                particles.moments(broken, y, 5, rng, backend=backend)
    for name, wrong in (("phi", {"phi": 1.0}), ("sigma", {"sigma": 0.0}), ("mu", {"mu": np.nan})):
        with pytest.raises(ValueError, match=f"{name}: expected"):
            state_space.stochastic_volatility(**wrong)
    with pytest.raises(ValueError, match="transition_variance: expected"):
        state_space.growth(-1.0)
    with pytest.raises(ValueError, match="observers: expected"):
        state_space.bearings([0.0, 1.0])


def test_exponential():
    compiled = pytest.importorskip("pedagogy_lib.kernels.particles")
    x = np.concatenate([np.linspace(-707, 709, 20_001), np.linspace(-1, 1, 20_001)])
    with np.errstate(all="ignore"):
        assert np.abs(compiled.exp(x) / np.exp(x) - 1).max() < 5e-16
        np.testing.assert_array_equal(compiled.exp(np.array([-np.inf, -720, 710, np.inf, 0])), [0, 0, np.inf, np.inf, 1])
        assert np.isnan(compiled.exp(np.nan))
