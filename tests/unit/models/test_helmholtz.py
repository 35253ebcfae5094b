"""The Helmholtz machine against tables of its whole joint distribution, differences, and averages of draws."""

import pickle
from itertools import islice, product

import numpy as np
import pytest
from scipy.stats import binom

from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.distributions.exponential_family.layers import Bernoulli
from pedagogy_lib.learning import parameters
from pedagogy_lib.models.undirected import dbn, harmonium, helmholtz
from pedagogy_lib.models.undirected.helmholtz import Arrow, Parameters

SIGMOID = lambda a: 1 / (1 + np.exp(-a))


def machine(rng, sizes=(4, 3, 2), scale=1.0):
    arrow = lambda out, into: Arrow(scale * rng.normal(size=(out, into)), Bernoulli(scale * rng.normal(size=out)))
    pairs = list(zip(sizes[:-1], sizes[1:]))
    return Parameters(
        tuple(arrow(b, a) for a, b in pairs), tuple(arrow(a, b) for a, b in pairs), Bernoulli(rng.normal(size=sizes[-1]))
    )


def states(n):
    return [np.array(s, float) for s in product((0, 1), repeat=n)]


def coins(p, h):
    return np.prod([q if on else 1 - q for q, on in zip(p, h)])


def tables(params, y):
    """p(y, h1, h2) and q(h1, h2 | y), one factor at a time."""
    (u0, u1), (d0, d1), top = params
    pairs = list(product(states(len(u0.layer.biases)), states(len(u1.layer.biases))))
    down = lambda arrow, h: SIGMOID(arrow.weights @ h + arrow.layer.biases)
    p = [coins(down(d0, h1), y) * coins(down(d1, h2), h1) * coins(SIGMOID(top.biases), h2) for h1, h2 in pairs]
    q = [coins(down(u0, y), h1) * coins(down(u1, h1), h2) for h1, h2 in pairs]
    return np.array(p), np.array(q)


@pytest.fixture
def params():
    return machine(np.random.default_rng(0))


@pytest.fixture
def y():
    return np.random.default_rng(1).integers(2, size=(6, 4)).astype(float)


def flat(params):
    return parameters.flatten(params).vector


def differences(function, params):
    vector = flat(params)
    at = lambda v: function(parameters.view(v, params))
    return np.array([(at(vector + e) - at(vector - e)) / 2e-5 for e in 1e-5 * np.eye(vector.size)])


def test_the_marginal_and_the_free_energy_are_sums_over_all_layers(params, y):
    for datum, log_p, F in zip(y, helmholtz.log_marginal(params, y), helmholtz.free_energy(params, y)):
        p, q = tables(params, datum)
        assert log_p == pytest.approx(np.log(p.sum()), rel=1e-12)
        assert pytest.approx(q @ np.log(q / p), rel=1e-12) == F
    found = helmholtz.terms(params, y)
    assert found.bound == pytest.approx(found.cost + found.slack, rel=1e-13)
    slack = np.mean([q @ np.log(q / (p / p.sum())) for p, q in (tables(params, datum) for datum in y)])
    assert found.slack == pytest.approx(slack, rel=1e-11)


def test_the_gradient_is_that_of_the_loss_in_every_direction(params, y):
    value, gradient = helmholtz.value_and_gradient(params, y)
    assert value == helmholtz.loss(params, y)
    expected = differences(lambda p: helmholtz.loss(p, y), params)
    np.testing.assert_allclose(flat(gradient), expected, rtol=1e-6, atol=1e-9)


def averaged(draws):
    """Mean and standard error of vectors that are drawn."""
    found = np.array([flat(one) for one in draws])
    return found.mean(0), found.std(0, ddof=1) / np.sqrt(len(found))


def test_the_wake_phase_is_the_gradient_for_the_generative_model_on_average(params, y):
    many = np.tile(y, (2000, 1))
    mean, error = averaged(helmholtz.wake(params, many, np.random.default_rng(s)) for s in range(20))
    exact = helmholtz.value_and_gradient(params, y)[1]
    up = flat(exact.upward).size
    assert (mean[:up] == 0).all()
    z = (mean - flat(exact))[up:] / error[up:]
    assert 0.5 < np.sqrt((z**2).mean()) < 1.6


def dream_loss(params):
    """E_p[-log q(h|y)], all data and layers tried."""
    total = 0.0
    for datum in states(4):
        p, q = tables(params, datum)
        total -= p @ np.log(q)
    return total


def test_the_sleep_phase_is_the_gradient_over_dreams_on_average(params, y):
    mean, error = averaged(helmholtz.sleep(params, 12_000, np.random.default_rng(s)) for s in range(20))
    up = flat(params.upward).size
    assert (mean[up:] == 0).all()
    # Only q is differentiated: p is held.
    held = lambda p: dream_loss_of(params, p)
    exact = differences(held, params)[:up]
    z = (mean[:up] - exact) / error[:up]
    assert 0.5 < np.sqrt((z**2).mean()) < 1.6
    free = flat(helmholtz.value_and_gradient(params, y)[1].upward)
    assert np.abs(mean[:up] - free).max() > 0.05           # another number is descended


def dream_loss_of(generative, params):
    """The same with the dreams of one machine and the recognition model of another."""
    return dream_loss(Parameters(params.upward, generative.downward, generative.prior))


def test_the_two_phases_agree_where_recognition_is_the_posterior():
    """A harmonium written as a machine of one layer, with data drawn from it: both gradients of the arrows up vanish."""
    rng = np.random.default_rng(4)
    weights, b, c = np.zeros((2, 3)), rng.normal(size=2), rng.normal(size=3)
    still = Parameters((Arrow(weights, Bernoulli(b)),), (Arrow(weights.T, Bernoulli(c)),), Bernoulli(b))
    every = np.array(states(3))
    free = helmholtz.value_and_gradient(still, every)[1].upward
    assert np.abs(flat(free)).max() < 1e-14
    assert helmholtz.terms(still, every).slack == pytest.approx(0, abs=1e-14)


def test_wake_sleep_learns(y):
    rng = np.random.default_rng(5)
    data = np.tile(y, (20, 1))
    params = machine(rng, scale=0.3)
    before = helmholtz.terms(params, y).bound
    *_, last = islice(helmholtz.wake_sleep(params, data, rng, 0.3, batch=60), 1500)
    assert last.iteration == 1499
    assert helmholtz.terms(last.params, y).bound < before - 0.5


def test_draws_have_the_probabilities_of_the_table(params, y):
    rng = np.random.default_rng(9)
    found = helmholtz.sample(params, 40_000, rng)
    shares = np.bincount((found.observations @ [8, 4, 2, 1]).astype(int), minlength=16) / 40_000
    p = np.exp(helmholtz.log_marginal(params, np.array(states(4))))
    assert p.sum() == pytest.approx(1, rel=1e-12)
    assert ((shares - p) ** 2 / (p * (1 - p) / 40_000)).mean() < 2.2
    h1, h2 = helmholtz.recognize(params, np.tile(y[0], (40_000, 1)), rng)
    q = tables(params, y[0])[1]
    shares = np.bincount((np.c_[h1, h2] @ [16, 8, 4, 2, 1]).astype(int), minlength=32) / 40_000
    assert ((shares - q) ** 2 / (q * (1 - q) / 40_000)).mean() < 2


def test_with_a_harmonium_at_the_top_it_is_a_deep_belief_network(params, y):
    """The prior of independent coins is the visible layer of a harmonium without weights."""
    top = harmonium.Parameters(np.zeros((2, 2)), Bernoulli(np.zeros(2)), params.prior)
    deep = dbn.Parameters(params.upward, params.downward, top)
    np.testing.assert_allclose(dbn.free_energy(deep, y), helmholtz.free_energy(params, y), rtol=1e-12)
    np.testing.assert_allclose(dbn.log_marginal(deep, y), helmholtz.log_marginal(params, y), rtol=1e-12)


def test_dice_may_stand_in_the_hidden_layer(y):
    rng = np.random.default_rng(11)
    dice = layers.Categorical(rng.normal(size=(1, 3)))
    params = Parameters((Arrow(rng.normal(size=(3, 4)), dice),), (Arrow(rng.normal(size=(4, 3)), Bernoulli(rng.normal(size=4))),), dice)
    source = np.exp(dice.biases[0]) / np.exp(dice.biases[0]).sum()
    for datum, found in zip(y, helmholtz.log_marginal(params, y)):
        p = sum(w * coins(SIGMOID(params.downward[0].weights[:, k] + params.downward[0].layer.biases), datum) for k, w in enumerate(source))
        assert found == pytest.approx(np.log(p), rel=1e-12)
    expected = differences(lambda p: helmholtz.loss(p, y), params)
    np.testing.assert_allclose(flat(helmholtz.value_and_gradient(params, y)[1]), expected, rtol=1e-6, atol=1e-9)


def test_numbers_of_heads_may_stand_in_the_hidden_layer():
    """Their prior has a binomial coefficient for each value."""
    rng = np.random.default_rng(13)
    heads = layers.binomial(3)(np.array([0.4, -1.0]))
    params = Parameters((Arrow(rng.normal(size=(2, 4)), heads),), (Arrow(rng.normal(size=(4, 2)), Bernoulli(rng.normal(size=4))),), heads)
    every = np.array(states(4))
    found = np.exp(helmholtz.log_marginal(params, every))
    chances = [[binom.pmf(k, 3, SIGMOID(b)) for k in range(4)] for b in heads.biases]
    for datum, p in zip(every, found):
        pairs = [(a * b, np.array([j, k])) for j, a in enumerate(chances[0]) for k, b in enumerate(chances[1])]
        q = sum(w * coins(SIGMOID(params.downward[0].weights @ h + params.downward[0].layer.biases), datum) for w, h in pairs)
        assert p == pytest.approx(q, rel=1e-12)
    expected = differences(lambda p: helmholtz.loss(p, every), params)
    np.testing.assert_allclose(flat(helmholtz.value_and_gradient(params, every)[1]), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("family", [layers.Gaussian, layers.Normal])
def test_real_data_may_be_seen(family):
    """With one statistic a pixel, or two, which the arrows up then see."""
    rng = np.random.default_rng(12)
    y = rng.normal(size=(8, 2))
    params = helmholtz.start(y, (3,), family, rng)
    assert params.upward[0].weights.shape == (3, params.downward[0].layer.size)
    expected = differences(lambda p: helmholtz.loss(p, y), params)
    np.testing.assert_allclose(flat(helmholtz.value_and_gradient(params, y)[1]), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p, y: helmholtz.loss(p._replace(prior=Bernoulli(np.zeros(3))), y), r"params.prior: expected Bernoulli .*as upward\[-1\] has"),
        (lambda p, y: helmholtz.loss(p._replace(prior=layers.Gaussian(np.zeros(2))), y), "params.prior: expected Bernoulli"),
        (lambda p, y: helmholtz.loss(p._replace(prior=layers.Categorical(np.zeros((1, 2)))), y), "params.prior: expected Bernoulli"),
        (lambda p, y: helmholtz.loss(p._replace(downward=p.downward[:1]), y), "as many arrows up as down"),
        (lambda p, y: helmholtz.start(y, 3, Bernoulli, np.random.default_rng(0)), "units: expected a sequence"),
        (lambda p, y: helmholtz.loss(p, 2 * y), "y: expected zeros and ones"),
        (lambda p, y: helmholtz.start(y, (), Bernoulli, np.random.default_rng(0)), "units: expected .* at least one"),
        (lambda p, y: next(helmholtz.wake_sleep(p, y, np.random.default_rng(0), -1.0)), "rate"),
        (lambda p, y: helmholtz.sleep(p, 0, np.random.default_rng(0)), "dreams"),
    ],
)
def test_what_does_not_fit_is_refused(params, y, call, message):
    with pytest.raises(ValueError, match=message):
        call(params, y)


def test_a_class_is_asked_for(y):
    with pytest.raises(TypeError, match="visible: expected a class of layers"):
        helmholtz.start(y, (2,), Bernoulli(np.zeros(4)), np.random.default_rng(0))
    with pytest.raises(TypeError, match="visible: expected a class of layers"):
        helmholtz.start(y, (2,), layers.Layer, np.random.default_rng(0))


def test_a_prior_that_is_no_layer_is_refused(params, y):
    with pytest.raises(TypeError, match="params.prior: expected a layer"):
        helmholtz.loss(params._replace(prior=np.zeros(2)), y)


def test_records_are_kept(params, y):
    assert helmholtz.loss(pickle.loads(pickle.dumps(params)), y) == helmholtz.loss(params, y)
