"""Harmoniums in time against tables moment by moment, differences, and averages of draws."""

import pickle
from itertools import product

import numpy as np
import pytest

from pedagogy_lib.distributions.exponential_family import layers
from pedagogy_lib.distributions.exponential_family.layers import Bernoulli
from pedagogy_lib.learning import parameters
from pedagogy_lib.models.undirected import harmonium, recurrent
from pedagogy_lib.models.undirected.recurrent import Parameters

SIGMOID = lambda a: 1 / (1 + np.exp(-a))


def model(rng, L=3, D=2, visible=Bernoulli):
    return Parameters(
        rng.normal(size=(L, D)), rng.normal(size=(L, L)), Bernoulli(rng.normal(size=L)),
        visible(rng.normal(size=D)), rng.random(L), Bernoulli(rng.normal(size=L)),
    )


def states(n):
    return [np.array(s, float) for s in product((0, 1), repeat=n)]


@pytest.fixture
def params():
    return model(np.random.default_rng(0))


@pytest.fixture
def y():
    return np.random.default_rng(1).integers(2, size=(4, 5, 2)).astype(float)


def flat(params):
    return parameters.flatten(params).vector


def by_hand(params, sequence):
    """log p of one sequence, and the filtered means, one moment and one configuration at a time."""
    W, F, hidden, visible, known, _ = params
    total, means = 0.0, []
    for y in sequence:
        b = hidden.biases + F @ known
        energy = lambda x, v, b=b: b @ x + visible.biases @ v + x @ W @ v
        Z = sum(np.exp(energy(x, v)) for x in states(3) for v in states(2))
        total += np.log(sum(np.exp(energy(x, y)) for x in states(3)) / Z)
        known = np.array([1 / (1 + np.exp(-(b[i] + W[i] @ y))) for i in range(3)])
        means.append(known)
    return total, np.array(means)


def test_the_probability_of_a_sequence_is_a_product_of_harmoniums(params, y):
    found = recurrent.log_marginal(params, y)
    known = recurrent.filter(params, y)
    for n, sequence in enumerate(y):
        log_p, means = by_hand(params, sequence)
        assert found[n] == pytest.approx(log_p, rel=1e-12)
        np.testing.assert_allclose(known.means[n], means, rtol=1e-12)
    assert recurrent.loss(params, y) == pytest.approx(-found.mean() / 5, rel=1e-13)
    assert not np.allclose(recurrent.log_marginal(params._replace(feedback=params.feedback.T), y), found, rtol=1e-3)


def test_all_sequences_have_probability_one(params):
    every = np.array(list(product(states(2), repeat=3)))
    assert np.exp(recurrent.log_marginal(params, every)).sum() == pytest.approx(1, rel=1e-12)


def test_all_counts_of_a_moment_have_probability_one(params):
    counts = np.array(list(product(range(40), repeat=2)), float)
    poisson = params._replace(weights=params.weights / 3, visible=layers.Poisson(np.array([0.2, -0.4])))
    p = np.exp(recurrent.log_marginal(poisson, counts[:, None]))
    assert p.sum() == pytest.approx(1, rel=1e-10)
    np.testing.assert_allclose(p @ counts, recurrent.predict(poisson, counts[:1, None])[0, 0], rtol=1e-9)


def test_at_the_start_each_unit_has_the_mean_of_the_data():
    y = np.random.default_rng(0).poisson([0.5, 3.0], size=(30, 10, 2)).astype(float)
    found = recurrent.start(y, 5, layers.Poisson, np.random.default_rng(1))
    np.testing.assert_allclose(np.exp(found.visible.biases), y.mean((0, 1)), rtol=0.01)
    np.testing.assert_array_equal(found.initial, np.full(5, 0.5))
    np.testing.assert_array_equal(found.hidden.biases, np.zeros(5))


def test_without_feedback_it_is_a_harmonium_at_each_moment(params, y):
    still = params._replace(feedback=np.zeros((3, 3)))
    alone = harmonium.Parameters(params.weights, params.hidden, params.visible)
    np.testing.assert_allclose(
        recurrent.log_marginal(still, y), harmonium.log_marginal(alone, y.reshape(-1, 2)).reshape(4, 5).sum(1), rtol=1e-12
    )


@pytest.mark.parametrize("visible", [Bernoulli, layers.Poisson, layers.Gaussian])
def test_the_gradient_is_that_of_the_loss_in_every_direction(visible):
    rng = np.random.default_rng(2)
    params = model(rng, visible=visible)
    params = params._replace(weights=params.weights / 3, visible=visible(params.visible.biases / 3))
    y = rng.poisson(1.0, size=(3, 4, 2)).astype(float)
    y = np.minimum(y, 1) if visible is Bernoulli else y
    value, gradient = recurrent.value_and_gradient(params, y)
    assert value == pytest.approx(recurrent.loss(params, y), rel=1e-13)
    vector = flat(params)
    at = lambda v: recurrent.loss(parameters.view(v, params), y)
    expected = np.array([(at(vector + e) - at(vector - e)) / 2e-5 for e in 1e-5 * np.eye(vector.size)])
    np.testing.assert_allclose(flat(gradient), expected, rtol=2e-6, atol=1e-9)
    assert np.abs(flat(gradient.feedback)).max() > 1e-4


def test_the_mean_prediction_is_a_table_of_what_comes_next(params, y):
    found = recurrent.predict(params, y)
    W, F, hidden, visible, known, _ = params
    for t in range(5):
        b = hidden.biases + F @ known
        weights = np.array([[np.exp(b @ x + visible.biases @ v + x @ W @ v) for v in states(2)] for x in states(3)])
        p = weights.sum(0) / weights.sum()
        np.testing.assert_allclose(found[0, t], p @ np.array(states(2)), rtol=1e-12)
        known = SIGMOID(b + W @ y[0, t])


def test_draws_have_the_probabilities_of_the_table(params):
    """Of three moments, so that feedback reaches the last one through the mean of the second."""
    params = params._replace(feedback=3 * params.feedback)
    found = recurrent.sample(params, 40_000, np.random.default_rng(3), length=3)
    codes = (found.observations.reshape(-1, 6) @ [32, 16, 8, 4, 2, 1]).astype(int)
    shares = np.bincount(codes, minlength=64) / 40_000
    every = np.array(list(product(states(2), repeat=3)))
    error = lambda p: ((shares - p) ** 2 / (p * (1 - p) / 40_000)).mean()
    assert error(np.exp(recurrent.log_marginal(params, every))) < 1.6
    assert error(np.exp(recurrent.log_marginal(params._replace(feedback=params.feedback.T), every))) > 3
    assert found.latents.shape == (40_000, 3, 3)


def test_draws_by_gibbs_sampling_agree_in_time(params):
    params = params._replace(weights=2.5 * params.weights)
    exact = recurrent.sample(params, 30_000, np.random.default_rng(3), length=3).observations
    swept = recurrent.sample(params, 30_000, np.random.default_rng(4), length=3, sweeps=60).observations
    hasty = recurrent.sample(params, 30_000, np.random.default_rng(4), length=3, sweeps=1).observations
    mean = lambda y: np.einsum("ntd,nte->tde", y, y) / len(y)
    assert np.abs(mean(swept) - mean(exact)).max() < 0.014
    assert np.abs(mean(hasty) - mean(exact)).max() > 0.02


@pytest.mark.parametrize("rule", [recurrent.divergence, recurrent.refh_divergence])
def test_learning_lowers_the_exact_loss(rule):
    """Sequences that alternate: what comes next is known from what was."""
    y = np.tile([[1.0, 0.0], [0.0, 1.0]], (10, 4, 1))
    y[::2] = y[::2, ::-1]
    params = recurrent.start(y, 4, Bernoulli, np.random.default_rng(0))
    for update in recurrent.iterate(params, y, np.random.default_rng(1), 0.1, rule, batch=5):
        if update.iteration == 600:
            break
    before, after = recurrent.loss(params, y), recurrent.loss(update.params, y)
    assert before == pytest.approx(2 * np.log(2), rel=0.01)
    # By its past it may do better than log 2, what a still harmonium that knows the two pictures pays.
    assert after < (0.45 if rule is recurrent.divergence else 0.7)


def test_a_step_takes_the_rate_of_its_iteration_and_a_batch_of_sequences(params, y):
    """With a rule that counts sequences for a gradient, steps are known: 3 of them in a batch, no momentum."""
    seen = []

    def rule(params, rows, rng):
        seen.append(rows)
        return parameters.view(np.full(flat(params).size, float(len(rows))), params)

    stream = recurrent.iterate(
        params, y, np.random.default_rng(0), lambda i: 1 / (i + 1), rule, batch=3, momentum=0
    )
    steps = np.array([flat(params)] + [flat(next(stream).params) for _ in range(3)])
    np.testing.assert_allclose(np.diff(steps, axis=0), np.tile([[-3], [-1.5], [-1]], flat(params).size), rtol=1e-12)
    assert all((row == y).all((1, 2)).any() for rows in seen for row in rows)
    assert not np.array_equal(seen[0], seen[1])


def test_momentum_that_never_fades_is_refused(params, y):
    with pytest.raises(ValueError, match="momentum: expected a number below 1, got 1"):
        next(recurrent.iterate(params, y, np.random.default_rng(0), 0.1, momentum=1.0))


def averaged(draws):
    found = np.array([flat(one) for one in draws])
    return found.mean(0), found.std(0, ddof=1) / np.sqrt(len(found))


def test_many_steps_of_the_chain_give_the_exact_gradient_on_average(params, y):
    many = np.tile(y, (300, 1, 1))
    exact = flat(recurrent.value_and_gradient(params, y)[1])
    mean, error = averaged(recurrent.divergence(params, many, np.random.default_rng(s), steps=30) for s in range(12))
    moving = error > 1e-12
    assert np.sqrt((((mean - exact) / np.where(moving, error, 1))[moving] ** 2).mean()) < 2
    np.testing.assert_allclose(mean[~moving], exact[~moving], atol=1e-12)
    short, _ = averaged(recurrent.divergence(params, many, np.random.default_rng(s), steps=1) for s in range(12))
    assert np.abs(short - exact).max() > 5 * np.abs(mean - exact).max()


def test_the_temporal_machine_stops_at_its_draws(params, y):
    rng = lambda: np.random.default_rng(4)
    known = recurrent.filter(params, y, rng(), feedback="draws")
    assert set(np.unique(known.past[:, 1:])) == {0.0, 1.0}
    found = recurrent.divergence(params, y, rng(), feedback="draws")
    assert (found.initial == 0).all()
    assert not np.allclose(flat(found), flat(recurrent.divergence(params, y, rng())))


def test_the_recurrent_harmonium_sees_draws_or_means(params, y):
    """The chain makes a past of zeros, so that minus the direction is the average of what was seen."""
    still = params._replace(weights=np.zeros((3, 2)), feedback=np.zeros((3, 3)), past=Bernoulli(np.full(3, -50.0)))
    direction = lambda how: recurrent.refh_divergence(still, y, np.random.default_rng(4), feedback=how).past.biases
    for how in ("draws", "means"):
        past = recurrent.filter(still, y, np.random.default_rng(4), feedback=how).past
        np.testing.assert_allclose(direction(how), -past.mean((0, 1)), atol=1e-12)
    assert np.abs(direction("draws") - direction("means")).max() > 0.01


@pytest.mark.parametrize("past", states(3)[1::3], ids=str)
def test_the_recurrent_harmonium_is_a_harmonium_that_sees_its_past(params, y, past):
    """Of one moment: contrastive divergence of a harmonium of coins over (y_t, x_{t-1}), on average."""
    from pedagogy_lib.learning.objectives import contrastive

    known, rows = params._replace(initial=np.array(past, float)), np.tile(y[:, 0], (20_000, 1))
    joint = harmonium.Parameters(
        np.hstack([known.weights, known.feedback]), known.hidden,
        Bernoulli(np.concatenate([known.visible.biases, known.past.biases])),
    )
    seen = np.hstack([rows, np.tile(known.initial, (len(rows), 1))])
    first = contrastive.divergence(harmonium, joint, seen, np.random.default_rng(6)).gradient
    found = recurrent.refh_divergence(known, rows[:, None], np.random.default_rng(7))
    np.testing.assert_allclose(np.hstack([found.weights, found.feedback]), first.weights, atol=0.02)
    np.testing.assert_allclose(found.hidden.biases, first.hidden.biases, atol=0.02)
    np.testing.assert_allclose(
        np.concatenate([found.visible.biases, found.past.biases]), first.visible.biases, atol=0.02
    )
    assert np.abs(first.weights).max() > 0.1


def test_the_recurrent_harmonium_goes_as_many_steps_as_it_is_told(params, y):
    """After thirty steps the chain has the biases' exact averages, by a table; after one it has not."""
    rows = np.tile(y[:1, :1], (20_000, 1, 1))           # one moment, and a past of coins
    known = params._replace(initial=np.array([0.0, 1.0, 1.0]))
    hidden = np.array(states(3))
    up = known.hidden.biases[:, None, None]
    raw = np.exp(
        np.einsum("xl,lyp->xyp", hidden, up + (known.weights @ np.array(states(2)).T)[:, :, None]
                  + (known.feedback @ hidden.T)[:, None])
        + (np.array(states(2)) @ known.visible.biases)[:, None] + hidden @ known.past.biases
    )
    expected = raw.sum((0, 1)) / raw.sum() @ hidden - known.initial
    found = [recurrent.refh_divergence(known, rows, np.random.default_rng(7), steps).past.biases for steps in (30, 1)]
    assert np.abs(found[0] - expected).max() < 0.02 < np.abs(found[1] - expected).max()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda p: p._replace(feedback=np.ones((3, 2))), ValueError, "params.feedback"),
        (lambda p: p._replace(weights=np.ones((2, 3))), ValueError, "params.weights"),
        (lambda p: p._replace(initial=np.ones(2)), ValueError, "params.initial"),
        (lambda p: p._replace(past=Bernoulli(np.ones(2))), ValueError, "params.past: expected 3"),
        (lambda p: p._replace(hidden=layers.Gaussian(np.ones(3))), TypeError, "params.hidden"),
        (lambda p: p._replace(visible=layers.Normal(np.ones((2, 2)))), TypeError, "params.visible"),
    ],
)
def test_wrong_parameters_are_refused(params, y, change, error, message):
    with pytest.raises(error, match=message):
        recurrent.loss(change(params), y)


def test_wrong_data_and_options_are_refused(params, y):
    with pytest.raises(ValueError, match="y: expected zeros and ones"):
        recurrent.loss(params, 2 * y)
    with pytest.raises(ValueError, match="y: expected shape"):
        recurrent.loss(params, y[0])
    with pytest.raises(ValueError, match="feedback: expected"):
        recurrent.divergence(params, y, np.random.default_rng(0), feedback="both")
    with pytest.raises(TypeError, match="visible: expected a class"):
        recurrent.start(y, 3, layers.Normal, np.random.default_rng(0))
    for rate in (-0.1, "fast", lambda i: float("nan")):
        with pytest.raises(ValueError, match="rate: expected"):
            next(recurrent.iterate(params, y, np.random.default_rng(0), rate))
    with pytest.raises(ValueError, match="y: expected at least one sequence of one moment"):
        recurrent.loss(params, y[:0])
    large = recurrent.start(y, 13, Bernoulli, np.random.default_rng(0))
    with pytest.raises(ValueError, match="at most 4096 hidden states"):
        recurrent.loss(large, y)
    assert recurrent.divergence(large, y, np.random.default_rng(0)).weights.shape == (13, 2)


def test_records_are_kept(params, y):
    assert recurrent.loss(pickle.loads(pickle.dumps(params)), y) == recurrent.loss(params, y)
