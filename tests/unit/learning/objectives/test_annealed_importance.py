"""Annealed importance sampling against normalizers that are integrals in closed form, or sums over a table."""

from functools import partial
from itertools import product

import numpy as np
import pytest

from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.learning.objectives import annealed_importance as ais
from pedagogy_lib.models.undirected import harmonium


def coins(strength=1.0):
    """A machine of coins, its log Z from a table of every pair, and what annealing asks for."""
    rng = np.random.default_rng(0)
    W = strength * 1.5 * rng.normal(size=(4, 5))
    b, c = rng.normal(size=4), rng.normal(size=5)
    params = harmonium.Parameters(W, layers.Bernoulli(b), layers.Bernoulli(c))
    xs, ys = (np.array(list(product((0, 1), repeat=n))) for n in (4, 5))
    Z = sum(np.exp(b @ x + c @ y + x @ W @ y) for x in xs for y in ys)
    return params, np.log(Z)


def log_weight(params, y, level):
    return -harmonium.marginal_energy(harmonium.loosened(params, level), y)


def transition(params, y, level, rng):
    return harmonium.sweep(harmonium.loosened(params, level), y, rng)


def estimates(params, levels, walkers, seed, step=transition):
    rng = np.random.default_rng(seed)
    first, last = harmonium.draw_independent(params, walkers, rng), harmonium.sample(params, walkers, rng).observations
    known = harmonium.independent_log_partition(params)
    how = partial(log_weight, params), partial(step, params)
    return ais.forward(*how, first, known, levels, rng), ais.reverse(*how, last, known, levels, rng)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_directions_find_the_sum_over_the_table(seed):
    params, log_Z = coins()
    for found in estimates(params, np.linspace(0, 1, 41), 500, seed):
        assert abs(found.log_ratio - log_Z) < 4 * found.error < 0.2
        assert 1 <= found.effective <= 500
    assert abs(harmonium.independent_log_partition(params) - log_Z) > 1


def test_a_step_for_another_level_is_found_out():
    """If every step is one of the target's, the weights are unbiased no more."""
    params, log_Z = coins()
    wrong = lambda params, y, level, rng: transition(params, y, 1.0, rng)
    forward, _ = estimates(params, np.linspace(0, 1, 41), 2000, 1, wrong)
    assert abs(forward.log_ratio - log_Z) > 6 * forward.error


@pytest.mark.parametrize("kind", [layers.Gaussian, layers.Poisson])
def test_other_visible_layers(kind):
    rng = np.random.default_rng(3)
    params = harmonium.Parameters(0.7 * rng.normal(size=(3, 4)), layers.Bernoulli(rng.normal(size=3)), kind(0.3 * rng.normal(size=4)))
    for found in estimates(params, np.linspace(0, 1, 41), 500, 4):
        assert abs(found.log_ratio - harmonium.log_partition(params)) < 4 * found.error < 0.5


def test_the_average_weight_is_unbiased_however_coarse_the_levels():
    params, log_Z = coins(0.6)
    forward, reverse = estimates(params, np.array([0.0, 0.5, 1.0]), 40_000, 5)
    assert abs(np.exp(forward.log_ratio - log_Z) - 1) < 4 * forward.error
    assert abs(np.exp(log_Z - reverse.log_ratio) - 1) < 4 * reverse.error


def test_forward_is_too_low_on_average_and_reverse_too_high():
    params, log_Z = coins()
    pairs = [estimates(params, np.array([0.0, 1.0]), 4, seed) for seed in range(400)]
    low, high = (np.array([pair[i].log_ratio for pair in pairs]) for i in (0, 1))
    assert low.mean() + 3 * low.std() / 400**0.5 < log_Z < high.mean() - 3 * high.std() / 400**0.5


def test_the_error_is_the_spread_over_repetitions_and_finer_levels_shrink_it():
    params, _ = coins()
    coarse, fine = (
        [estimates(params, np.linspace(0, 1, L), 200, seed)[0] for seed in range(40)] for L in (6, 41)
    )
    spread = np.std([one.log_ratio for one in fine])
    assert np.mean([one.error for one in fine]) == pytest.approx(spread, rel=0.35)
    assert spread < 0.7 * np.std([one.log_ratio for one in coarse])
    assert np.mean([one.effective for one in fine]) > np.mean([one.effective for one in coarse])


def test_gaussians_of_known_width_without_any_machine():
    """From exp(-x^2 / 2) to exp(-2 x^2): the ratio of the normalizers is 1/2, with steps that draw exactly."""
    how = (
        lambda x, level: -(x[:, 0] ** 2) * (1 + 3 * level) / 2,
        lambda x, level, rng: rng.standard_normal(x.shape) / np.sqrt(1 + 3 * level),
    )
    rng = np.random.default_rng(6)
    found = ais.ratio(*how, rng.standard_normal((4000, 1)), np.linspace(0, 1, 21), rng)
    assert abs(found.log_ratio - np.log(0.5)) < 4 * found.error < 0.05
    rungs = list(ais.anneal(*how, rng.standard_normal((10, 1)), [0, 0.5, 1], rng))
    assert [rung.level for rung in rungs] == [0.5, 1.0]
    assert (rungs[0].log_weights <= 0).all() and rungs[1].states.shape == (10, 1)


def page(seed=10, D=64):
    """As section 10.2b: a machine of one switch, whose two modes are pictures far apart; and one of several units."""
    rng = np.random.default_rng(seed)
    low, high = 4 * (2 * rng.integers(2, size=(2, D)) - 1.0)
    bias = 13 + np.logaddexp(0, low).sum() - np.logaddexp(0, high).sum()
    double = harmonium.Parameters((high - low)[None], layers.Bernoulli(np.array([bias])), layers.Bernoulli(low))
    return double, coins()[0]


@pytest.mark.parametrize("kind", ["double", "coins", "Gaussian", "Poisson", "Normal"])
def test_one_product_a_level_is_the_same_walk(kind):
    """`harmonium.annealing` against the loosened harmonium asked anew each time: every weight, every state."""
    rng = np.random.default_rng(3)
    if kind in ("double", "coins"):
        params = page()[kind == "coins"]
    else:
        visible = getattr(layers, kind).at_rest(4)
        W = 0.3 * rng.normal(size=(3, visible.size))
        params = harmonium.Parameters(W * (np.arange(visible.size) % 2 == 0 if kind == "Normal" else 1), layers.Bernoulli(rng.normal(size=3)), visible)
    first, last = harmonium.draw_independent(params, 50, np.random.default_rng(4)), harmonium.sample(params, 50, np.random.default_rng(5)).observations
    plain, levels = (partial(log_weight, params), partial(transition, params)), np.linspace(0, 1, 60)
    for states, path in ((first, levels), (last, levels[::-1])):
        walks = [ais.anneal(*how, states, path, np.random.default_rng(6)) for how in (plain, harmonium.annealing(params))]
        for one, other in zip(*walks):
            np.testing.assert_allclose(one.states, other.states, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(one.log_weights, other.log_weights, rtol=1e-12, atol=1e-10)
    known = harmonium.independent_log_partition(params)
    ends = [ais.forward(*how, first, known, levels, np.random.default_rng(7)).log_ratio for how in (plain, harmonium.annealing(params))]
    assert ends[0] == pytest.approx(ends[1], rel=1e-12)
    stuck = (lambda y, level: harmonium.annealing(params).log_weight(first, level), plain[1])      # the product of the states before
    assert ais.forward(*stuck, first, known, levels, np.random.default_rng(7)).log_ratio != pytest.approx(ends[0], rel=1e-6)


def test_the_states_meet_the_weights_once_a_level():
    met = []

    class Counted(layers.Bernoulli):
        """Coins that count how often their statistics are asked for: each time for one product."""

        __slots__ = ()

        def statistics(self, x):
            met.append(len(x))
            return x

    params, levels = coins()[0], np.linspace(0, 1, 11)
    params = params._replace(visible=Counted(params.visible.biases))
    first = harmonium.draw_independent(params, 20, np.random.default_rng(0))
    for how, times in ((harmonium.annealing(params), 1), ((partial(log_weight, params), partial(transition, params)), 3)):
        met.clear()
        ais.ratio(*how, first, levels, np.random.default_rng(1))
        assert len(met) == 10 * times


def test_levels_beyond_the_model_are_refused():
    how, y = harmonium.annealing(coins()[0]), np.zeros((2, 5))
    for level in (-0.1, 1.1):
        with pytest.raises(ValueError, match="level: expected a number"):
            how.log_weight(y, level)
        with pytest.raises(ValueError, match="level: expected a number"):
            how.transition(y, level, np.random.default_rng(0))
    with pytest.raises(ValueError, match="y: expected zeros and ones"):
        how.log_weight(y + 0.5, 0.5)


def test_arguments_are_checked():
    rng, x = np.random.default_rng(0), np.zeros((3, 1))
    how = (lambda x, level: np.full(len(x), -np.inf if level > 0.5 else 0.0), lambda x, level, rng: x)
    with pytest.raises(ValueError, match="levels: expected at least two, got 1"):
        ais.ratio(*how, x, [0.0], rng)
    with pytest.raises(ValueError, match="states: expected at least two walkers, got 1"):
        ais.ratio(*how, x[:1], [0.0, 1.0], rng)
    with pytest.raises(ValueError, match="log_weight: expected finite numbers .* between the levels 0.2 and 0.8"):
        ais.ratio(*how, x, [0.0, 0.2, 0.8, 1.0], rng)
    with pytest.raises(ValueError, match="log_weight: expected finite numbers"):
        list(ais.anneal(*how, x, [0.0, 1.0], rng))
