"""The deep Markov model: its gradient by differences, its bound by grids, Kalman's filter, and cases where it is exact."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pedagogy_lib.distributions.gaussian import AffineGaussian, Gaussian
from pedagogy_lib.inference import discrete
from pedagogy_lib.learning import optimization, parameters
from pedagogy_lib.learning.networks import Tanh
from pedagogy_lib.learning.networks.layers import Linear
from pedagogy_lib.learning.networks.recurrent import Recurrent
from pedagogy_lib.models.dynamical import deep_markov, lgssm


def problem(K=2, D=3, B=3, T=6, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(B, T, D))
    flat = parameters.flatten(deep_markov.start(y, K, (4,), 3, 1.0, rng))
    params = parameters.view(flat.vector + 0.3 * rng.normal(size=flat.vector.size), deep_markov.start(y, K, (4,), 3, 1.0, rng))
    return params, y


@pytest.mark.parametrize("weight", [1.0, 0.4])
def test_the_gradient_is_that_of_differences_at_fixed_draws(weight):
    params, y = problem()
    flat = parameters.flatten(params).vector

    def at(vector):
        return deep_markov.value_and_gradient(parameters.view(vector, params), y, np.random.default_rng(1), weight)

    found = parameters.flatten(at(flat)[1]).vector
    numerical = np.array([(at(flat + h)[0] - at(flat - h)[0]) / 2e-6 for h in 1e-6 * np.eye(flat.size)])
    assert_allclose(found, numerical, rtol=1e-5, atol=1e-7)
    # A wrong one: other draws. And every kind of weight has a slope to be wrong in.
    other = parameters.flatten(deep_markov.value_and_gradient(params, y, np.random.default_rng(2), weight)[1]).vector
    assert not np.allclose(other, numerical, rtol=0.05)
    for name, part in zip(params._fields, deep_markov.value_and_gradient(params, y, np.random.default_rng(1), weight)[1]):
        assert any(np.abs(leaf).max() > 1e-8 for _, leaf in parameters.leaves(part, name)), name


def memoryless(D=3):
    """Every state is drawn anew, so that each posterior is of one reading; and the recognition that is then exact."""
    rng = np.random.default_rng(3)
    W, b, c = rng.normal(size=D), rng.normal(size=D), 0.4
    q, r = 0.7, 0.5
    precision = 1 / q + W @ W / r
    gain = W / r / precision
    # The message is gain . y, read through a linear unit that forgets; the combiner takes x_{t-1} off again.
    messages = Recurrent(Linear(np.zeros((1, 1)), np.zeros(1)), gain[None], np.zeros(1))
    offset = (c / q - W @ b / r) / precision
    combiner = (Linear(np.array([[-1.0, 1.0], [0.0, 0.0]]), np.array([offset, -0.5 * np.log(precision)])),)
    params = deep_markov.Parameters(
        np.array([c]), np.log([q]), (Linear(-np.eye(1), np.array([c])),), np.log([q]), (Linear(W[:, None], b),),
        np.full(D, np.log(r)), messages, combiner,
    )  # fmt: skip
    exact = lgssm.Parameters(Gaussian(np.array([c]), q * np.eye(1)), AffineGaussian(np.zeros((1, 1)), np.array([c]), q * np.eye(1)),
                             AffineGaussian(W[:, None], b, r * np.eye(D)))  # fmt: skip
    return params, exact, rng.normal(size=(4, 7, D))


def test_where_its_networks_are_linear_and_the_recognition_exact_it_is_kalmans_model():
    params, exact, y = memoryless()
    truth = np.array([lgssm.log_marginal(exact, record) for record in y])
    for samples in (1, 5):
        assert_allclose(deep_markov.log_marginal(params, y, np.random.default_rng(samples), samples), truth, rtol=1e-9)
    smoothed = lgssm.posterior(exact, y[0])
    draw = deep_markov.recognize(params, y[:1], np.random.default_rng(0))
    assert_allclose(draw.means[0], smoothed.means, atol=1e-9)
    assert_allclose(draw.deviations[0, :, 0] ** 2, smoothed.covariances[:, 0, 0], rtol=1e-9)
    bound = -np.mean([deep_markov.loss(params, y, np.random.default_rng(k)) for k in range(2000)])
    assert bound == pytest.approx(truth.mean() / y.shape[1], abs=0.01)
    # Another recognition: every draw has a weight of its own, and the bound is looser.
    other = params._replace(combiner=(params.combiner[0]._replace(biases=params.combiner[0].biases + 0.5),))
    assert np.abs(deep_markov.log_marginal(other, y, np.random.default_rng(0), 1) - truth).max() > 0.01
    assert -np.mean([deep_markov.loss(other, y, np.random.default_rng(k)) for k in range(500)]) < bound - 0.05


def test_on_records_that_say_nothing_the_recognition_may_be_the_prior():
    """Errors without bound: the posterior is the chain's own law, which need not be straight."""
    rng = np.random.default_rng(5)
    law = (Tanh(rng.normal(size=(4, 1)), rng.normal(size=4)), Linear(rng.normal(size=(1, 4)), rng.normal(size=1)))
    q, big = 0.3, 30.0
    messages = Recurrent(Tanh(np.zeros((2, 2)), np.zeros(2)), np.zeros((2, 1)), np.zeros(2))
    first = np.hstack([law[0].weights, np.zeros((4, 2))])
    last = Linear(np.vstack([law[1].weights, np.zeros(4)]), np.array([law[1].biases[0], 0.5 * np.log(q)]))
    start = law[1].weights @ np.tanh(law[0].biases) + law[1].biases             # where the combiner's x_0 = 0 goes
    params = deep_markov.Parameters(start, np.log([q]), law, np.log([q]), (Linear(np.eye(1), np.zeros(1)),), np.array([big]),
                                    messages, (Tanh(first, law[0].biases), last))  # fmt: skip
    y = rng.normal(size=(3, 8, 1))
    truth = -0.5 * 8 * (big + np.log(2 * np.pi))
    assert_allclose(deep_markov.log_marginal(params, y, rng, 3), truth, rtol=1e-9)
    assert deep_markov.loss(params, y, rng) == pytest.approx(-truth / 8, rel=1e-9)
    straight = params._replace(transition=(Linear(np.zeros((1, 1)), np.zeros(1)),))
    assert deep_markov.loss(straight, y, rng) > -truth / 8 + 0.01


def by_grid(params, y, points=401):
    """Log-likelihood of each record, with the one state on a fine grid."""
    grid = np.linspace(-6, 6, points)
    moved = deep_markov.advance(params, grid[:, None])[:, 0]
    A = np.exp(-0.5 * (grid[:, None] - moved) ** 2 / np.exp(params.log_transition[0]))
    first = np.exp(-0.5 * (grid - params.initial_mean[0]) ** 2 / np.exp(params.log_initial[0]))
    (emission,), r = params.emission, np.exp(params.log_noise)
    seen = grid[:, None] * emission.weights[:, 0] + emission.biases
    logs = [-0.5 * ((record[:, None] - seen) ** 2 / r + np.log(2 * np.pi * r)).sum(-1) for record in y]
    return np.array([discrete.filter(first / first.sum(), A / A.sum(0), log).log_likelihoods.sum() for log in logs])


def test_the_bound_is_below_the_grid_and_importance_sampling_comes_up_to_it():
    rng = np.random.default_rng(6)
    x = [rng.choice([-1.0, 1.0], 40)]
    for _ in range(19):
        x.append(x[-1] + 0.5 * (x[-1] - x[-1] ** 3) + 0.3 * rng.standard_normal(40))
    y = (np.array(x).T + 0.3 * rng.standard_normal((40, 20)))[..., None]
    params = deep_markov.start(y, 1, (8,), 4, 2.0, rng)
    run = optimization.run(deep_markov, params, y, rng, iterations=300, method=optimization.Adam(0.02))
    exact = by_grid(run.params, y).mean() / 20
    bound = -np.mean([deep_markov.loss(run.params, y, np.random.default_rng(k)) for k in range(30)])
    sampled = deep_markov.log_marginal(run.params, y, np.random.default_rng(0), 300).mean() / 20
    assert bound < sampled < exact + 0.002
    assert exact - sampled < 0.03
    # A recognition that hears nothing is far below.
    deaf = run.params._replace(messages=run.params.messages._replace(input=0 * run.params.messages.input))
    assert -deep_markov.loss(deaf, y, np.random.default_rng(0)) < bound - 0.05


def test_samples_follow_the_law():
    params, _ = problem()
    first = np.array([0.3, -0.2])
    drawn = [deep_markov.sample(params, 2, np.random.default_rng(k), first) for k in range(4000)]
    second, seen = (np.array([getattr(d, part)[1] for d in drawn]) for part in ("latents", "observations"))
    deviation = np.exp(0.5 * params.log_transition)
    assert_allclose(second.mean(0), deep_markov.advance(params, first[None])[0], atol=4 * deviation.max() / 60)
    assert_allclose(second.std(0), deviation, rtol=0.05)
    emission = params.emission[0]
    assert_allclose((seen - second @ emission.weights.T - emission.biases).std(0), np.exp(0.5 * params.log_noise), rtol=0.05)


@pytest.mark.parametrize("change, words", [
    (dict(log_noise=np.zeros(2)), r"params\.emission"),
    (dict(initial_mean=np.zeros(3)), r"params\.initial_mean"),
    (dict(combiner=(Linear(np.ones((4, 4)), np.zeros(4)),)), r"params\.combiner: expected layers from 5 to 4"),
])  # fmt: skip
def test_parameters_that_do_not_fit_are_named(change, words):
    params, y = problem()
    with pytest.raises(ValueError, match=words):
        deep_markov.loss(params._replace(**change), y, np.random.default_rng(0))


def test_a_record_of_one_reading_is_refused():
    params, y = problem()
    with pytest.raises(ValueError, match="y: expected at least two times"):
        deep_markov.loss(params, y[:, :1], np.random.default_rng(0))
