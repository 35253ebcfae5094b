"""Parallel tempering against the table of a machine of two modes."""

from itertools import islice, product
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.learning import parameters
from pedagogy_lib.learning.objectives import contrastive, tempering
from pedagogy_lib.models.undirected import harmonium

YS = np.array(list(product((0.0, 1.0), repeat=4)))
LEVELS = np.linspace(0, 1, 8)


def machine(strength=9.0):
    """All zeros or all ones, hardly anything between."""
    W = strength * np.array([[1.0, 1.2, 0.9, 1.1]])
    return harmonium.Parameters(W, layers.Bernoulli(0.4 - W.sum(1) / 2), layers.Bernoulli(-W.sum(0) / 2))


def table(params):
    """p(y), from the exponents of every pair."""
    xs = np.array([[0.0], [1.0]])
    p = np.exp(
        [[x @ params.hidden.biases + y @ params.visible.biases + x @ params.weights @ y for x in xs] for y in YS]
    ).sum(1)
    return p / p.sum()


def shares(y):
    return np.bincount((y @ [8, 4, 2, 1]).astype(int), minlength=16) / len(y)


def exact_ladder(params, n, rng):
    """Exact draws at every level."""
    rungs = [harmonium.heated(params, level) for level in LEVELS]
    return np.stack([YS[rng.choice(16, n, p=table(rung))] for rung in rungs]), rungs


def test_every_level_keeps_its_own_distribution():
    params, rng = machine(4.0), np.random.default_rng(0)
    ladder, rungs = exact_ladder(params, 30_000, rng)
    one, two = islice(tempering.walk(harmonium, params, ladder, LEVELS, rng), 2)
    assert (one.iteration, two.iteration) == (0, 1) and 0.2 < two.exchanged.mean() < 1
    for level, rung in enumerate(rungs):
        assert_allclose(shares(two.ladder[level]), table(rung), atol=0.012)
    assert np.abs(table(rungs[0]) - table(rungs[-1])).max() > 0.1


def test_the_ratio_is_not_the_other_way_round():
    """Energies of the opposite sign in the ratio give every level another distribution."""
    params, rng = machine(4.0), np.random.default_rng(0)
    ladder, rungs = exact_ladder(params, 30_000, rng)
    wrong = SimpleNamespace(
        sweep=harmonium.sweep, heated=harmonium.heated, marginal_energy=lambda p, y: -harmonium.marginal_energy(p, y)
    )
    found = next(tempering.walk(wrong, params, ladder, LEVELS, rng)).ladder
    assert max(np.abs(shares(found[i]) - table(rung)).max() for i, rung in enumerate(rungs)) > 0.05


def test_it_crosses_where_a_plain_chain_does_not():
    params, rng = machine(), np.random.default_rng(1)
    truth = table(params)
    ladder = np.zeros((len(LEVELS), 400, 4))
    *_, last = islice(tempering.walk(harmonium, params, ladder, LEVELS, rng), 150)
    plain = np.zeros((400, 4))
    for _ in range(150):
        plain = harmonium.sweep(params, plain, rng)
    assert truth[0] < 0.6 < 0.9 < shares(plain)[0]
    assert shares(last.ladder[-1])[0] == pytest.approx(truth[0], abs=0.08)


def test_the_estimate_is_the_gradient_where_the_ladder_is_exact():
    params, rng = machine(4.0), np.random.default_rng(2)
    y = YS[[0, 3, 5, 15, 15]]
    ladder, _ = exact_ladder(params, 30_000, rng)
    found = tempering.tempered(harmonium, params, y, ladder, LEVELS, rng, 2)
    exact = parameters.flatten(harmonium.value_and_gradient(params, y)[1]).vector
    assert_allclose(parameters.flatten(found.gradient).vector, exact, atol=0.015)
    assert found.chains.shape == ladder.shape
    cd = contrastive.divergence(harmonium, params, np.tile(y, (4000, 1)), rng).gradient
    assert np.abs(parameters.flatten(cd).vector - exact).max() > 0.03


@pytest.mark.parametrize("levels", [[1.0], [1.0, 0.5], [0.0, 0.9], [0.5, 0.5, 1.0]])
def test_levels_must_rise_to_one(levels):
    with pytest.raises(ValueError, match="levels: expected at least two, rising to 1"):
        next(tempering.walk(harmonium, machine(), np.zeros((len(levels), 3, 4)), levels, np.random.default_rng(0)))
