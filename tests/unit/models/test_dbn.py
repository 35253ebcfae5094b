"""The deep belief network against tables of its whole joint distribution, differences, and draws."""

import pickle
from itertools import islice, product

import numpy as np
import pytest

from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.distributions.exponential_family.layers import Bernoulli
from pedagogy_lib.learning import parameters
from pedagogy_lib.models.undirected import _arrows, dbn, harmonium

SIGMOID = lambda a: 1 / (1 + np.exp(-a))


def coins(p, h):
    """The probability of coins, one factor at a time."""
    return np.prod([q if on else 1 - q for q, on in zip(p, h)])


def net(rng, sizes=(4, 3, 2), hidden=3):
    """A net of coins whose arrows up are not those of any harmonium."""
    arrow = lambda out, into: dbn.Arrow(rng.normal(size=(out, into)), Bernoulli(rng.normal(size=out)))
    pairs = list(zip(sizes[:-1], sizes[1:]))
    top = harmonium.Parameters(rng.normal(size=(hidden, sizes[-1])), *(Bernoulli(rng.normal(size=n)) for n in (hidden, sizes[-1])))
    return dbn.Parameters(tuple(arrow(b, a) for a, b in pairs), tuple(arrow(a, b) for a, b in pairs), top)


def states(n):
    return [np.array(s, float) for s in product((0, 1), repeat=n)]


def prior(params):
    """p(h_L) of each value, by a table over both layers of the top."""
    W, hidden, visible = params.top
    raw = [
        sum(np.exp(x @ W @ h + hidden.biases @ x + visible.biases @ h) for x in states(len(hidden.biases)))
        for h in states(len(visible.biases))
    ]
    return np.array(raw) / sum(raw)


def joint(params, y):
    """p(y, h1, h2) and q(h1, h2 | y), tables over h1 and h2, one factor at a time."""
    (u0, u1), (d0, d1), _ = params
    top = prior(params)
    p, q = [], []
    for h1 in states(len(u0.layer.biases)):
        for h2, weight in zip(states(len(u1.layer.biases)), top):
            p.append(
                coins(SIGMOID(d0.weights @ h1 + d0.layer.biases), y)
                * coins(SIGMOID(d1.weights @ h2 + d1.layer.biases), h1) * weight
            )
            q.append(
                coins(SIGMOID(u0.weights @ y + u0.layer.biases), h1) * coins(SIGMOID(u1.weights @ h1 + u1.layer.biases), h2)
            )
    return np.array(p), np.array(q)


@pytest.fixture
def params():
    return net(np.random.default_rng(0))


@pytest.fixture
def y():
    return np.random.default_rng(1).integers(2, size=(7, 4)).astype(float)


def test_the_marginal_and_the_free_energy_are_sums_over_all_layers(params, y):
    for datum, log_p, F in zip(y, dbn.log_marginal(params, y), dbn.free_energy(params, y)):
        p, q = joint(params, datum)
        assert q.sum() == pytest.approx(1, rel=1e-12)
        assert log_p == pytest.approx(np.log(p.sum()), rel=1e-12)
        assert pytest.approx(q @ np.log(q / p), rel=1e-12) == F
        assert pytest.approx(p @ np.log(q / p), rel=1e-3) != F


def test_the_probabilities_of_all_data_sum_to_one(params):
    assert np.exp(dbn.log_marginal(params, np.array(states(4)))).sum() == pytest.approx(1, rel=1e-12)


def test_terms_take_the_bound_apart(params, y):
    found = dbn.terms(params, y)
    slack = 0.0
    for datum in y:
        p, q = joint(params, datum)
        slack += q @ np.log(q / (p / p.sum())) / len(y)
    assert found.slack == pytest.approx(slack, rel=1e-11)
    assert found.bound == pytest.approx(found.cost + slack, rel=1e-12) == dbn.loss(params, y)
    assert found.slack > 0.1


def test_the_gradient_is_that_of_the_loss_in_every_direction(params, y):
    flat = parameters.flatten(params)
    value, gradient = dbn.value_and_gradient(params, y)
    assert value == dbn.loss(params, y)
    at = lambda v: dbn.loss(parameters.view(v, params), y)
    differences = [(at(flat.vector + e) - at(flat.vector - e)) / 2e-5 for e in 1e-5 * np.eye(flat.vector.size)]
    np.testing.assert_allclose(parameters.flatten(gradient).vector, differences, rtol=1e-6, atol=1e-9)


# ------------------------------------------------------------------------------ unrolling


@pytest.fixture
def shallow():
    rng = np.random.default_rng(3)
    return harmonium.Parameters(rng.normal(size=(3, 4)), Bernoulli(rng.normal(size=3)), Bernoulli(rng.normal(size=4)))


def test_unrolling_a_harmonium_changes_nothing(shallow, y):
    for deep in (dbn.unroll(shallow), dbn.deepen(dbn.unroll(shallow)), dbn.deepen(dbn.deepen(dbn.unroll(shallow)))):
        np.testing.assert_allclose(dbn.log_marginal(deep, y), harmonium.log_marginal(shallow, y), rtol=1e-12)
        assert dbn.terms(deep, y).slack == pytest.approx(0, abs=1e-12)
    tilted = dbn.unroll(shallow)._replace(top=dbn.invert(shallow._replace(weights=1.1 * shallow.weights)))
    assert dbn.terms(tilted, y).slack > 1e-4


def test_inverting_exchanges_the_layers(shallow):
    x, y = np.random.default_rng(4).integers(2, size=(2, 5, 4)).astype(float)
    x = x[:, :3]
    np.testing.assert_allclose(harmonium.energy(dbn.invert(shallow), y, x), harmonium.energy(shallow, x, y), rtol=1e-13)


def test_a_net_of_one_pair_of_arrows_keeps_other_visible_families():
    rng = np.random.default_rng(6)
    first = harmonium.Parameters(rng.normal(size=(2, 3)), Bernoulli(rng.normal(size=2)), layers.Gaussian(rng.normal(size=3)))
    y = rng.normal(size=(5, 3))
    deep = dbn.unroll(first)
    np.testing.assert_allclose(dbn.log_marginal(deep, y), harmonium.log_marginal(first, y), rtol=1e-12)
    deeper = dbn.replace_top(deep, harmonium.rbm(np.array(states(2)), 4, rng))
    assert dbn.terms(deeper, y).slack > 1e-3


def test_the_aggregate_is_the_average_recognition(params, y):
    found = dbn.aggregate(params, y)
    share = np.zeros(4)
    for datum in y:
        share += joint(params, datum)[1].reshape(8, 4).sum(0) / len(y)
    np.testing.assert_allclose(found, share, rtol=1e-12)


def test_the_top_moves_the_loss_by_its_own_loss_alone(params, y):
    rng = np.random.default_rng(7)
    other = dbn.replace_top(params, net(rng).top)
    before, after = dbn.top_loss(params, y)[0], dbn.top_loss(other, y)[0]
    assert dbn.loss(other, y) - dbn.loss(params, y) == pytest.approx(after - before, rel=1e-10)
    gradient = dbn.value_and_gradient(params, y)[1].top
    np.testing.assert_allclose(
        parameters.flatten(dbn.top_loss(params, y)[1]).vector, parameters.flatten(gradient).vector, rtol=1e-12
    )


def test_no_top_takes_more_off_the_bound_than_the_budget(params, y):
    """The best prior there is, the aggregate itself, takes off just the budget."""
    share, p = dbn.aggregate(params, y), prior(params)
    assert dbn.budget(params, y) == pytest.approx(share @ np.log(share / p), rel=1e-11)
    rng = np.random.default_rng(8)
    for _ in range(20):
        other = dbn.replace_top(params, net(rng).top)
        assert dbn.loss(params, y) - dbn.loss(other, y) <= dbn.budget(params, y) + 1e-12
    # Values that the arrows never reach have no share, and cost nothing.
    sure = params.upward[-1]
    sure = sure._replace(weights=0 * sure.weights, layer=Bernoulli(np.full(len(sure.layer.biases), 800.0)))
    certain = params._replace(upward=(*params.upward[:-1], sure))
    np.testing.assert_allclose(np.sort(dbn.aggregate(certain, y)), [0, 0, 0, 1], rtol=1e-12, atol=0)
    assert dbn.budget(certain, y) == pytest.approx(-np.log(p[-1]), rel=1e-9)


def test_a_better_top_lowers_bound_and_cost_of_an_unrolled_harmonium(shallow, y):
    params = dbn.unroll(shallow)
    start = dbn.terms(params, y)
    run = [update.params for update in islice(dbn.improve_top(params, y, 0.1), 30)]
    bounds = [dbn.terms(one, y).bound for one in run]
    assert (np.diff([start.bound, *bounds]) < 0).all()
    assert all(dbn.terms(one, y).cost <= bound < start.cost for one, bound in zip(run, bounds))
    first = parameters.flatten(params.top).vector - 0.1 * parameters.flatten(dbn.top_loss(params, y)[1]).vector
    np.testing.assert_allclose(parameters.flatten(run[0].top).vector, first, rtol=1e-14)


# ------------------------------------------------------------------------------ draws


def test_draws_have_the_probabilities_of_the_table(params):
    rng = np.random.default_rng(9)
    found = dbn.sample(params, 40_000, rng)
    codes = (found.observations @ [8, 4, 2, 1]).astype(int)
    shares = np.bincount(codes, minlength=16) / 40_000
    p = np.exp(dbn.log_marginal(params, np.array(states(4))))
    assert ((shares - p) ** 2 / (p * (1 - p) / 40_000)).mean() < 2.2
    assert [h.shape for h in found.latents] == [(40_000, 3), (40_000, 2)]


def test_draws_by_gibbs_sampling_agree_in_time(params):
    top = params.top._replace(weights=3 * params.top.weights)
    params = params._replace(top=top)
    far, near = (dbn.sample(params, 30_000, np.random.default_rng(10), sweeps=s).latents[-1].mean(0) for s in (1, 60))
    exact = prior(params) @ np.array(states(2))
    assert np.abs(near - exact).max() < 0.012
    assert np.abs(far - exact).max() > 0.02


def test_recognition_draws_have_the_probabilities_of_the_table(params, y):
    h1, h2 = dbn.recognize(params, np.tile(y[0], (40_000, 1)), np.random.default_rng(11))
    codes = (np.c_[h1, h2] @ [16, 8, 4, 2, 1]).astype(int)
    q = joint(params, y[0])[1]
    shares = np.bincount(codes, minlength=32) / 40_000
    assert ((shares - q) ** 2 / (q * (1 - q) / 40_000)).mean() < 2


def test_up_down_starts_along_the_gradients_that_it_names(params, y):
    """With a long chain, the mean step of the arrows down and of the top is the exact gradient of the loss."""
    flat = parameters.flatten(params).vector
    steps, many = [], np.tile(y, (3000, 1))
    for seed in range(8):
        after = next(dbn.up_down(params, many, np.random.default_rng(seed), rate=1e-3, sweeps=25)).params
        steps.append((flat - parameters.flatten(after).vector) / 1e-3)
    mean, error = np.mean(steps, 0), np.std(steps, 0, ddof=1) / np.sqrt(8)
    exact = parameters.flatten(dbn.value_and_gradient(params, y)[1]).vector
    up = sum(parameters.flatten(arrow).vector.size for arrow in params.upward)
    z = (mean - exact)[up:] / error[up:]
    assert np.sqrt((z**2).mean()) < 2
    assert np.abs((mean - exact)[:up]).max() > 0.05       # the arrows up descend another number
    drawn = dbn.sample(params, 100_000, np.random.default_rng(99))                 # dreams of the model, not of the data
    dreams = parameters.flatten(_arrows.fit_up(params, [drawn.observations, *drawn.latents])).vector
    assert np.abs(mean[:up] - dreams).max() < 0.01


def test_up_down_learns(y):
    rng = np.random.default_rng(13)
    data = np.tile(y, (20, 1))
    params = net(rng)
    *_, update = islice(dbn.up_down(params, data, rng, 0.2, batch=50), 400)
    assert update.iteration == 399
    assert dbn.terms(update.params, y).cost < dbn.terms(params, y).cost - 0.3


def test_up_down_sees_a_batch():
    """From fair coins one datum moves every bias by half a rate; all data, half zeros and half ones, by nothing."""
    fair = lambda out, into: dbn.Arrow(np.zeros((out, into)), Bernoulli(np.zeros(out)))
    still = dbn.Parameters((fair(2, 3),), (fair(3, 2),), harmonium.Parameters(np.zeros((2, 2)), Bernoulli(np.zeros(2)), Bernoulli(np.zeros(2))))
    y = np.repeat([[0.0], [1.0]], 3, axis=1)
    for batch, size in ((1, 0.1), (None, 0.0)):
        after = next(dbn.up_down(still, y, np.random.default_rng(0), 0.2, batch=batch)).params
        np.testing.assert_allclose(np.abs(after.downward[0].layer.biases), size, atol=1e-15)


def test_the_start_gives_the_data_their_mean():
    y = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0], [1.0, 0.0, 1.0]])
    at = dbn.start(y, 2, np.random.default_rng(0))
    assert at.downward[0].layer.biases[0] > 0.5 > -0.5 > at.downward[0].layer.biases[1]


# ------------------------------------------------------------------------------ the door


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p._replace(upward=p.upward[:1]), "as many arrows up as down"),
        (lambda p: p._replace(upward=(), downward=()), "at least one"),
        (lambda p: p._replace(top=dbn.invert(p.top)), r"params.top.visible: expected Bernoulli .*as upward\[-1\] has"),
        (lambda p: p._replace(upward=p.upward[::-1]), "params.upward"),
        (lambda p: p._replace(downward=(p.downward[0], dbn.Arrow(np.ones((3, 3)), p.downward[1].layer))), "downward.1..weights"),
        (lambda p: p._replace(upward=(dbn.Arrow(p.upward[0].weights, layers.Gaussian(np.zeros(3))), p.upward[1])), "finitely many"),
        (lambda p: p._replace(downward=(p.downward[0], dbn.Arrow(p.downward[1].weights, layers.Gaussian(np.zeros(3))))), "downward.1..layer: expected Bernoulli"),
        (lambda p: p._replace(top=p.top._replace(weights=np.full((3, 2), np.nan))), "params.top.weights: expected finite"),
    ],
)
def test_a_wrong_net_is_refused(params, y, change, message):
    with pytest.raises(ValueError, match=message):
        dbn.loss(change(params), y)


def test_a_layer_that_is_no_layer_is_refused(params, y):
    wrong = params._replace(upward=(dbn.Arrow(params.upward[0].weights, np.zeros(3)), params.upward[1]))
    with pytest.raises(TypeError, match="level 1"):
        dbn.loss(wrong, y)
    with pytest.raises(TypeError, match="expected an Arrow"):
        dbn.loss(params._replace(downward=(np.ones((4, 3)), params.downward[1])), y)
    with pytest.raises(TypeError, match="params.top: expected harmonium.Parameters"):
        dbn.replace_top(params, None)


def test_a_harmonium_that_is_none_is_not_unrolled(shallow):
    for turn in (dbn.unroll, dbn.invert):
        with pytest.raises(ValueError, match="params.weights: expected shape"):
            turn(shallow._replace(weights=np.ones((3, 5))))
        with pytest.raises(TypeError, match="expected harmonium.Parameters"):
            turn(None)


def test_layers_too_large_for_a_table_are_refused(y):
    rng = np.random.default_rng(0)
    large = dbn.start(y, 13, rng)
    with pytest.raises(ValueError, match="at most 4096 states"):
        dbn.loss(large, y)
    assert dbn.sample(large, 3, rng, sweeps=2).observations.shape == (3, 4)


def test_records_are_kept(params, y):
    again = pickle.loads(pickle.dumps(params))
    assert dbn.loss(again, y) == dbn.loss(params, y)
    with pytest.raises(ValueError, match=r"y: expected shape \(N, 4\)"):
        dbn.loss(params, y[:, :3])
