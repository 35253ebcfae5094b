"""The layers of harmoniums: what is drawn, where the statistics lie, and what is refused."""

import pickle
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from pedagogy_lib.distributions.exponential_family import layers

#: The natural parameters of two units, and the same two distributions as SciPy has them.
KNOWN = {
    layers.Bernoulli: ([-1.0, 0.5], [stats.bernoulli(1 / (1 + np.exp(1))), stats.bernoulli(1 / (1 + np.exp(-0.5)))]),
    layers.binomial(4): ([-1.0, 0.5], [stats.binom(4, 1 / (1 + np.exp(1))), stats.binom(4, 1 / (1 + np.exp(-0.5)))]),
    layers.Poisson: ([-1.0, 1.5], [stats.poisson(np.exp(-1)), stats.poisson(np.exp(1.5))]),
    layers.Gaussian: ([-1.0, 2.0], [stats.norm(-1), stats.norm(2)]),
    layers.Exponential: ([-0.5, -3.0], [stats.expon(scale=2), stats.expon(scale=1 / 3)]),
    layers.Normal: ([[0.5, -0.25], [-2.0, -1.0]], [stats.norm(1, 2**0.5), stats.norm(-1, 0.5**0.5)]),
    layers.Gamma: ([[1.5, -0.5], [-0.5, -2.0]], [stats.gamma(2.5, scale=2), stats.gamma(0.5, scale=0.5)]),
    layers.Beta: ([[1.5, -0.5], [0.0, 2.0]], [stats.beta(2.5, 0.5), stats.beta(1, 3)]),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_draws_and_densities_are_those_of_scipy(kind):
    biases, known = KNOWN[kind]
    layer = kind(np.array(biases)).checked("layer")
    eta = np.tile(layer.biases.ravel(), (20_000, 1))
    x = layer.values("x", layer.draw(eta, np.random.default_rng(0)))
    assert x.dtype == float and x.shape == (20_000, 2)
    for d, law in enumerate(known):
        assert abs(x[:, d].mean() - law.mean()) < 4.5 * law.std() / 20_000**0.5
        assert x[:, d].var() == pytest.approx(law.var(), rel=0.1)
    found = layer.log_base(x[:50]) + layer.statistics(x[:50]) @ layer.biases.ravel() - layer.log_partition(eta[:50])
    logs = [law.logpmf if hasattr(law.dist, "pmf") else law.logpdf for law in known]
    assert_allclose(found, logs[0](x[:50, 0]) + logs[1](x[:50, 1]), rtol=1e-10, atol=1e-12)
    swapped = logs[1](x[:50, 0]) + logs[0](x[:50, 1])       # the units are not interchangeable
    assert np.abs(found - swapped).max() > 0.1
    # Many data give back the distribution that they were drawn from, as closely as they can know it.
    assert_allclose(kind.matched(x).biases, layer.biases, atol=0.08)


def test_dice_fall_as_often_as_their_logits_say():
    logits = np.array([[0.0, 1.0, -1.0], [2.0, 0.0, 0.0]])
    layer = layers.Categorical(logits).checked("layer")
    x = layer.draw(np.tile(logits.ravel(), (20_000, 1)), np.random.default_rng(1))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert_allclose(layer.values("x", x).mean(0), shares.ravel(), atol=0.015)
    assert_allclose(x.reshape(-1, 2, 3).sum(2), 1)
    joint = (x[:, :3, None] * x[:, None, 3:]).mean(0)
    assert_allclose(joint, np.outer(*shares), atol=0.015)  # the two dice do not know each other
    assert len(layer.every()) == layer.states == 9
    assert len(np.unique(layer.every(), axis=0)) == 9


@pytest.mark.parametrize("layer", [layers.Bernoulli(np.zeros(3)), layers.binomial(3)(np.zeros(2)), layers.Categorical(np.zeros((2, 3)))])
def test_the_reach_is_attained_by_some_state_and_exceeded_by_none(layer):
    weights = np.random.default_rng(2).normal(size=(5, layer.size))
    lowest, highest = layer.reach(weights)
    over = layer.statistics(layer.every()) @ weights.T
    assert_allclose(lowest, over.min(0), rtol=1e-13)
    assert_allclose(highest, over.max(0), rtol=1e-13)


@pytest.mark.parametrize("kind, low, high", [(layers.Poisson, -np.inf, np.inf), (layers.Gaussian, -np.inf, np.inf)])
def test_the_reach_of_an_endless_layer(kind, low, high):
    layer = kind(np.zeros(2))
    found = layer.reach(np.array([[1.0, -1.0], [0.0, 0.0], [-1.0, 0.0]]))
    assert_allclose(found[0], [low, 0, low])
    assert_allclose(found[1], [high, 0, 0 if kind is layers.Poisson else high])


def test_what_cannot_be_drawn_is_refused():
    wrong = {layers.Bernoulli: 0.5, layers.Poisson: 1.5, layers.Exponential: 0.0, layers.Gamma: -1.0, layers.Beta: 1.0, layers.binomial(2): 3.0}
    for kind, value in wrong.items():
        layer = kind.at_rest(2)
        with pytest.raises(ValueError, match=r"x: expected .*, got .* at index \(0, 1\)"):
            layer.values("x", np.array([[0.5 if kind is layers.Beta else 1.0, value]]))
        with pytest.raises(ValueError, match=r"x: expected shape \(N, 2\)"):
            layer.values("x", np.ones((3, 1)))
    dice = layers.Categorical.at_rest((1, 3))
    for row in product((0.0, 1.0), repeat=3):
        if sum(row) == 1:
            assert dice.values("x", [row]).shape == (1, 3)
        else:
            with pytest.raises(ValueError, match="x: expected one-hot dice side by side, 3 sides each"):
                dice.values("x", [row])
    with pytest.raises(ValueError, match=r"units: expected \(dice, sides\), got 3"):
        layers.Categorical.at_rest(3)
    with pytest.raises(ValueError, match="Categorical cannot know K"):
        layers.Categorical.matched(np.eye(3))
    with pytest.raises(ValueError, match=r"layer.biases: expected shape \(D,\), got \(2, 2\)"):
        layers.Poisson(np.zeros((2, 2))).checked("layer")
    with pytest.raises(ValueError, match=r"layer.biases: expected shape \(D, 2\), got \(2,\)"):
        layers.Normal(np.zeros(2)).checked("layer")


def test_every_layer_goes_through_a_pickle_and_keeps_its_class():
    for kind, (biases, _) in KNOWN.items():
        layer = kind(np.array(biases))
        again = pickle.loads(pickle.dumps(layer))
        assert type(again) is kind
        assert_allclose(again.biases, layer.biases)
    assert layers.binomial(4) is layers.binomial(4) is not layers.binomial(5)
